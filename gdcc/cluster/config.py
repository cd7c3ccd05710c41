"""What the members read at start: encryption at rest, audit policy, anonymous access, kubeconfigs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from gdcc.cluster import keys, pki, process
from gdcc.cluster.disk import write_if_changed
from gdcc.cluster.state import Layout

CONTEXT = "gdcc-local"
HEALTH_PATHS = ("/livez", "/readyz", "/healthz")

ENCRYPTION, AUDIT_POLICY, AUTHENTICATION = keys.ENCRYPTION, "audit-policy.json", "authentication.json"
ISSUER, AUDIENCE, DISCOVERY = "https://identity.gdcc.go.th.example", "gdcc", "/.well-known/openid-configuration"
"""The identity provider that people sign in with; fictitious, and played by `gdcc.cluster.issuer` while asked."""
PERSON = "oidc:"
"""How the user name of a person begins, who came through the identity provider."""
CLIENTS = ("controller-manager", "scheduler", "kwok")
"""The members that are clients of the API server; each has a certificate and a kubeconfig of that name."""


def write(layout: Layout, server: str) -> None:
    """Write every configuration file.

    Args:
        layout: where to.
        server: the URL of the API server.
    """
    keys.ensure(layout)
    write_if_changed(layout.config / AUDIT_POLICY, _json(audit_policy()))
    port = issuer_port(layout) or process.free_port(())
    write_if_changed(layout.config / AUTHENTICATION, _json(_authentication(layout.pki, port)))
    for client in CLIENTS:
        write_if_changed(kubeconfig_path(layout, client), _kubeconfig(layout.pki, client, server))
    write_if_changed(layout.kubeconfig, _kubeconfig(layout.pki, "admin", server))


def kubeconfig_path(layout: Layout, client: str) -> Path:
    """The kubeconfig of a member."""
    return layout.config / f"{client}.kubeconfig"


def issuer_port(layout: Layout) -> int | None:
    """The loopback port at which the API server looks for the issuer's keys; None before the first `up`."""
    try:
        authentication = json.loads((layout.config / AUTHENTICATION).read_bytes())
        return urlsplit(str(authentication["jwt"][0]["issuer"]["discoveryURL"])).port
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def _authentication(folder: Path, port: int) -> dict[str, Any]:
    """Nobody is anonymous, except to ask whether the server is well; people come with a second factor (RFC 8176).

    Source: Kubernetes structured authentication, `apiserver.config.k8s.io/v1`.
    """
    issuer = {
        "url": ISSUER,
        "discoveryURL": f"https://127.0.0.1:{port}{DISCOVERY}",
        "certificateAuthority": pki.certificate_path(folder, pki.CLUSTER_CA).read_text(),
        "audiences": [AUDIENCE],
    }
    people = {
        "issuer": issuer,
        "claimValidationRules": [
            {"expression": "has(claims.amr) && 'mfa' in claims.amr", "message": "no second factor: amr lacks mfa"}
        ],
        "claimMappings": {
            "username": {"claim": "sub", "prefix": PERSON},  # one person's, and never used again for another
            "groups": {"claim": "groups", "prefix": ""},
        },
        "userValidationRules": [
            {"expression": "user.groups.all(group, !group.startsWith('system:'))", "message": "a group of Kubernetes"}
        ],
    }
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "anonymous": {"enabled": True, "conditions": [{"path": path} for path in HEALTH_PATHS]},
        "jwt": [people],
    }


def audit_policy() -> dict[str, Any]:
    """Who did what, and for access rights also what exactly; never the value of a secret.

    The first rule that fits wins.

    Source: Kubernetes audit `audit.k8s.io/v1`; CIS Kubernetes Benchmark 3.2.1 and 3.2.2.
    """
    rules: list[dict[str, Any]] = [
        {"level": "None", "nonResourceURLs": [f"{path}*" for path in (*HEALTH_PATHS, "/version", "/openapi", "/api")]},
        # Renewals and progress notes: many, and about nobody.
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
        {"level": "None", "resources": [{"group": group, "resources": ["events"]} for group in ("", "events.k8s.io")]},
        {
            "level": "Metadata",  # with their contents, these would put credentials into the log
            "resources": [
                {"group": "", "resources": ["secrets", "configmaps", "serviceaccounts/token"]},
                {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
                {"group": "certificates.k8s.io", "resources": ["certificatesigningrequests"]},
            ],
        },
        {
            "level": "None",  # the members watch everything, all the time
            "users": [
                "system:apiserver",
                "system:kube-controller-manager",
                "system:kube-scheduler",
                pki.KWOK_USER,
            ],
            "verbs": ["get", "list", "watch"],
        },
        {
            "level": "RequestResponse",
            "verbs": ["create", "update", "patch", "delete", "deletecollection"],
            "resources": [{"group": "rbac.authorization.k8s.io"}],
        },
        {"level": "Metadata"},
    ]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "omitManagedFields": True,
        "rules": rules,
    }


def _kubeconfig(folder: Path, client: str, server: str) -> bytes:
    """Names the certificate's files and does not copy them: a renewed one is picked up, a key is in one place."""
    user = {
        "client-certificate": str(pki.certificate_path(folder, client)),
        "client-key": str(pki.key_path(folder, client)),
    }
    cluster = {"server": server, "certificate-authority": str(pki.certificate_path(folder, pki.CLUSTER_CA))}
    contents = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": client}}],
        "clusters": [{"name": CONTEXT, "cluster": cluster}],
        "users": [{"name": client, "user": user}],
    }
    return yaml.safe_dump(contents, sort_keys=False).encode()


def _json(contents: Mapping[str, Any]) -> bytes:
    return json.dumps(contents, indent=2).encode()
