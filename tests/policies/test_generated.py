"""Generated workloads: the predicate and the API server give the same verdict on each."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from policies.places import places
from policies.rules import RULES, findings
from tests.policies.conftest import Ground
from tests.policies.examples import container, estate, parameters, pod_spec, where, workload

pytestmark = pytest.mark.cluster

RULES_OF_WORKLOADS = [rule for rule in RULES if "Deployment" in rule.kinds and not rule.only_stored]
DENYING = [rule for rule in RULES_OF_WORKLOADS if rule.denies(parameters())]
_ABSENT = "absent"


def _maybe(*values: Any) -> st.SearchStrategy[Any]:
    """Absent most of the time, so that some are good."""
    return st.one_of(*[st.just(_ABSENT)] * 12, st.sampled_from(values))


def _kept(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not _ABSENT and value != _ABSENT}


_DIGEST = f"@sha256:{'b' * 64}"
_REGISTRY = "registry.gdcc.go.th.example"
IMAGES = st.sampled_from(
    [
        f"{_REGISTRY}/ddc/web:1",
        f"{_REGISTRY}/ddc/web{_DIGEST}",
        f"{_REGISTRY}/ddc/a/b/c:v1{_DIGEST}",
        f"{_REGISTRY}/shared/web:1",
        f"{_REGISTRY}/ddc:1",
        f"{_REGISTRY}/ddc-evil/web:1",
        f"{_REGISTRY}/dms/web:1",
        f"{_REGISTRY}.evil.example/ddc/web:1",
        f"{_REGISTRY}/ddc/../dms/web:1",
        "nginx",
        "",
    ]
)
CONTEXTS = st.builds(
    lambda **fields: _kept(fields),
    allowPrivilegeEscalation=st.sampled_from([False, False, False, True, None, _ABSENT]),
    runAsNonRoot=_maybe(True, False, None),
    runAsUser=_maybe(0, 1000, None),
    privileged=_maybe(False, None),
    procMount=_maybe("Default"),
    readOnlyRootFilesystem=st.sampled_from([True, True, False, None, _ABSENT]),
    capabilities=st.sampled_from(
        [{"drop": ["ALL"]}] * 4
        + [
            {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            {"drop": ["NET_RAW"]},
            {"add": ["SYS_ADMIN"]},
            {},
            None,
            _ABSENT,
        ]
    ),
    seccompProfile=_maybe({"type": "RuntimeDefault"}, {"type": "Unconfined"}, None),
    seLinuxOptions=_maybe({"type": "container_t"}, {"type": "spc_t"}, {"role": "r"}, {}),
    appArmorProfile=_maybe({"type": "RuntimeDefault"}, {"type": "Unconfined"}),
)
CONTAINERS = st.builds(
    lambda name, **fields: {**container(name), **_kept(fields)},
    name=st.just("app"),
    image=st.one_of(*[st.just(_ABSENT)] * 4, IMAGES),
    securityContext=st.one_of(*[st.just(_ABSENT)] * 4, CONTEXTS, CONTEXTS, st.none()),
    ports=_maybe([], [{"containerPort": 80}], [{"containerPort": 80, "hostPort": 80}], None),
    livenessProbe=_maybe({"tcpSocket": {"port": 80}}, {"tcpSocket": {"port": 80, "host": "192.0.2.1"}}),
)
VOLUMES = st.lists(
    st.sampled_from(
        [
            {"emptyDir": {}},
            {},
            {"hostPath": {"path": "/"}},
            {"nfs": {"server": "192.0.2.1", "path": "/"}},
            {"csi": {"driver": "inline.example"}},
            {"image": {"reference": "nginx"}},
            {"persistentVolumeClaim": {"claimName": "claim"}},
        ]
    ),
    max_size=1,
)
PODS = st.builds(
    lambda containers, inits, volumes, context, **fields: {
        **pod_spec(),
        **_kept(fields),
        **_kept({"securityContext": context}),
        "containers": containers,
        "initContainers": [{**one, "name": f"init{index}"} for index, one in enumerate(inits)],
        "volumes": [{"name": f"v{index}", **one} for index, one in enumerate(volumes)],
    },
    containers=st.lists(CONTAINERS, min_size=1, max_size=1),
    inits=st.lists(CONTAINERS, max_size=1),
    volumes=VOLUMES,
    context=st.one_of(
        st.just(_ABSENT),
        st.just(_ABSENT),
        CONTEXTS.map(
            lambda one: {
                key: value for key, value in one.items() if key in ("runAsNonRoot", "runAsUser", "seccompProfile")
            }
        ),
        st.none(),
    ),
    hostNetwork=_maybe(True, False, None),
    hostPID=_maybe(True, False),
    hostUsers=_maybe(True),
    nodeSelector=_maybe({"gdcc.go.th/pool": "government"}, {"gdcc.go.th/pool": "restricted"}, {"a": "b"}),
    priorityClassName=_maybe("tenant-batch", "system-node-critical", ""),
    schedulerName=_maybe("default-scheduler", "mine"),
    tolerations=_maybe([{"operator": "Exists"}], [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}], []),
)


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(spec=PODS, kind=st.sampled_from(["Deployment", "StatefulSet"]), environment=st.sampled_from(["dev", "prod"]))
def test_predicate_and_api_server_agree_on_whatever_is_asked(
    ground: Ground, spec: dict[str, Any], kind: str, environment: str
) -> None:
    manifest = workload(kind, spec, where(environment))
    place = places(estate())[where(environment)]
    found = findings(manifest, parameters(), place, rules=DENYING)
    told = ground.try_out(manifest)
    if told.stored is None and "denied request" not in told.message:
        event("no object of Kubernetes")
        return
    event("refused" if told.stored is None else "passed")
    assert bool(found) == (told.stored is None), f"{[str(one) for one in found]} and {told.message!r}"
    if told.stored is None:
        return
    advised = findings(manifest, parameters(), place, rules=[one for one in RULES_OF_WORKLOADS if one not in DENYING])
    assert bool(advised) == ("gdcc-read-only-root" in told.warnings)
    # Defaults that the API server fills in change no verdict.
    kept = findings(told.stored, parameters(), place, stored=True, rules=DENYING)
    assert kept == []
