"""Settings to break by hand, one at a time: what is done, which controls must turn red, and how it is mended."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gdcc.cluster import keys
from gdcc.cluster.members import APISERVER, ETCD, SCHEDULER
from tests.compliance.site import JSON_PATCH, Site

NAMESPACE = "t9sx3obp-prod"
TENANT = "gdcc:ddc:developer"
_API = "/api/v1/namespaces"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_NETWORK = f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/networkpolicies"


@dataclass(frozen=True)
class Break:
    """One setting.

    Attributes:
        red: the controls that must fail, and no other.
        mend: repairs it; `gdcc up` for what the stack has made.
    """

    name: str
    do: Callable[[Site], object]
    red: frozenset[str]
    mend: Callable[[Site], object] = Site.applied
    settles: bool = False
    """Whether the API server needs a moment until a wall holds, or holds no more."""


def live() -> Iterator[Break]:
    """Objects in the cluster that somebody changes by hand, and files."""
    yield Break("a namespace without Pod Security", _label("pod-security.kubernetes.io/enforce", None), _red(9, 13, 21))
    yield Break("a namespace of an unknown data class", _label("gdcc.go.th/data-class", "nothing"), _red(4, 9, 21))
    yield Break("a namespace without its contact", _annotation("gdcc.go.th/security-contact", None), _red(9))
    yield Break(
        "a wall without its binding",
        lambda site: site.write("DELETE", f"{_ADMISSION}/validatingadmissionpolicybindings/gdcc-namespaces"),
        _red(9, 10, 23),
        settles=True,
    )
    yield Break(
        "a wall that fails open",
        lambda site: site.write(
            "PATCH", f"{_ADMISSION}/validatingadmissionpolicies/gdcc-images", {"spec": {"failurePolicy": "Ignore"}}
        ),
        _red(9, 23),
    )
    yield Break(
        "a wall that only audits",
        lambda site: site.write(
            "PATCH",
            f"{_ADMISSION}/validatingadmissionpolicybindings/gdcc-host",
            {"spec": {"validationActions": ["Audit"]}},
        ),
        _red(9, 14, 23),
        settles=True,
    )
    yield Break(
        "a quota that was raised",
        lambda site: site.write(
            "PATCH", f"{_API}/{NAMESPACE}/resourcequotas/quota", {"spec": {"hard": {"pods": "9999"}}}
        ),
        _red(9),
    )
    yield Break(
        "a namespace without default deny",
        lambda site: site.write("DELETE", f"{_NETWORK}/default-deny"),
        _red(9, 10, 24, 25),
    )
    opened = {"spec": {"podSelector": {}, "ingress": [{}], "policyTypes": ["Ingress"]}}
    yield Break(
        "a network policy that nobody asked for",
        lambda site: site.write("POST", _NETWORK, {"metadata": {"name": "open"}, **opened}, "application/json"),
        _red(25),
        lambda site: site.write("DELETE", f"{_NETWORK}/open"),
    )
    yield Break(
        "a network policy that was widened",
        lambda site: site.write("PATCH", f"{_NETWORK}/allow-same-namespace", {"spec": {"ingress": [{}]}}),
        _red(9, 25),
    )
    yield from _rights()
    region = "topology.kubernetes.io/region"
    yield Break("a node abroad", _node({region: "sg-1"}), _red(7), _node({region: "th-bangkok-1"}))
    yield Break(
        "a token that never ends",
        lambda site: site.write(
            "POST",
            f"{_API}/kube-system/secrets",
            {
                "metadata": {"name": "lasting", "annotations": {"kubernetes.io/service-account.name": "default"}},
                "type": "kubernetes.io/service-account-token",
            },
            "application/json",
        ),
        _red(29),
        lambda site: site.write("DELETE", f"{_API}/kube-system/secrets/lasting"),
    )
    yield Break(
        "a password in an agency's file",
        _edit("moph/ddc", lambda text: text + "# password: correct-horse-battery\n"),
        _red(11),
        _edit("moph/ddc", lambda text: text.replace("# password: correct-horse-battery\n", "")),
    )
    yield Break(
        "an impact that was reviewed long ago",
        _edit("mof/rd", lambda text: re.sub(r"reviewed: (\S+)", r"reviewed: 2019-01-01 # \1", text)),
        _red(2),
        _edit("mof/rd", lambda text: re.sub(r"reviewed: 2019-01-01 # (\S+)", r"reviewed: \1", text)),
    )


def _rights() -> Iterator[Break]:
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group"}

    def bind(role: str, name: str) -> Callable[[Site], object]:
        return lambda site: site.write(
            "POST",
            f"{_RBAC}/clusterrolebindings",
            {
                "metadata": {"name": "extra"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{**group, "name": name}],
            },
            "application/json",
        )

    def unbind(site: Site) -> None:
        site.write("DELETE", f"{_RBAC}/clusterrolebindings/extra")

    yield Break("a tenant who is cluster-admin", bind("cluster-admin", TENANT), _red(22, 26, 28), unbind)
    yield Break("a deployer who approves", bind("gdcc:platform:approver", "gdcc:platform:deployer"), _red(27), unbind)
    write = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["update"]}
    yield Break(
        "an auditor who writes",
        lambda site: site.write(
            "PATCH",
            f"{_RBAC}/clusterroles/gdcc:platform:auditor",
            [{"op": "add", "path": "/rules/-", "value": write}],
            JSON_PATCH,
        ),
        _red(9, 27),
    )
    rule = {"apiGroups": [""], "resources": ["resourcequotas"], "verbs": ["update"]}
    yield Break(
        "a tenant's role that writes quotas",
        lambda site: site.write(
            "PATCH",
            f"{_RBAC}/clusterroles/gdcc:tenant-admin",
            [{"op": "add", "path": "/rules/-", "value": rule}],
            JSON_PATCH,
        ),
        _red(9, 22, 26),
    )


def control_plane() -> Iterator[Break]:
    """Arguments and files of the control plane; those that need no restart come first."""

    def flags(name: str, controls: frozenset[str], member: str = APISERVER, **changed: str | None) -> Break:
        return Break(name, lambda site: site.with_flags(member, **changed), controls, Site.restored)

    yield Break("an old key", _key_of("2020-01-01T00:00:00+00:00"), _red(34), _key_of("2026-01-01T00:00:00+00:00"))
    yield Break("an audit log for everybody", _mode(0o644), _red(39), _mode(0o600))
    yield Break("identity as the first provider", Site.with_identity_first, _red(33), Site.restored)
    yield flags("logs kept for 30 days", _red(37), audit_log_maxage="30")
    yield flags("logs kept for over a year", _red(38), audit_log_maxage="400")
    yield Break("an audit policy without its last rule", _rules(lambda rules: rules.pop()), _red(36), Site.restored)
    everything = {"level": "RequestResponse"}
    yield Break(
        "an audit policy that logs secrets", _rules(lambda rules: rules.insert(0, everything)), _red(36), Site.restored
    )
    yield Break(
        "anybody may ask anything",
        lambda site: site.with_authentication(lambda made: made.update(anonymous={"enabled": True})),
        _red(31),
        Site.restored,
    )
    yield Break(
        "people without a second factor",
        lambda site: site.with_authentication(lambda made: made["jwt"][0].pop("claimValidationRules")),
        _red(30),
        Site.restored,
    )
    yield flags("profiling", _red(32), profiling="true")
    yield flags("no Node authorizer", _red(32), authorization_mode="RBAC")
    yield flags("no NodeRestriction", _red(32), enable_admission_plugins="OwnerReferencesPermissionEnforcement")
    yield flags("tokens without a longest life", _red(29), service_account_max_token_expiration=None)
    old = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"
    yield flags("TLS 1.0", _red(35), SCHEDULER, tls_min_version="VersionTLS10", tls_cipher_suites=old)
    yield flags("etcd without client certificates", _red(35), ETCD, client_cert_auth="false", trusted_ca_file=None)


def _red(*numbers: int) -> frozenset[str]:
    return frozenset(f"GC-{number:02}" for number in numbers)


def _label(name: str, value: str | None) -> Callable[[Site], object]:
    body = {"metadata": {"labels": {name: value}}}
    return lambda site: site.write("PATCH", f"{_API}/{NAMESPACE}", body)


def _annotation(name: str, value: str | None) -> Callable[[Site], object]:
    body = {"metadata": {"annotations": {name: value}}}
    return lambda site: site.write("PATCH", f"{_API}/{NAMESPACE}", body)


def _node(labels: dict[str, str]) -> Callable[[Site], object]:
    return lambda site: site.write("PATCH", "/api/v1/nodes/gdcc-node-2", {"metadata": {"labels": labels}})


def _edit(agency: str, change: Callable[[str], str]) -> Callable[[Site], object]:
    def edit(site: Site) -> None:
        path = site.stack.root / "stacks/agencies" / f"{agency}.yaml"
        before = path.read_text()
        assert change(before) != before
        path.write_text(change(before))

    return edit


def _rules(change: Callable[[list[dict[str, Any]]], object]) -> Callable[[Site], object]:
    return lambda site: site.with_audit_policy(change)


def _key_of(time: str) -> Callable[[Site], object]:
    return lambda site: (site.layout.config / keys.MADE).write_text(
        json.dumps({key["name"]: time for key in keys.read(site.layout)})
    )


def _mode(mode: int) -> Callable[[Site], object]:
    return lambda site: site.layout.audit_log.chmod(mode)
