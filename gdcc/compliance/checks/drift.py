"""Checks that what is live is what the files say: drift, the record of what was made, and the network's rules."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gdcc.compliance.check import Check, Observation, Scene
from gdcc.compliance.checks.see import Live, agency, cluster, few, on_cluster, space, verdict
from gdcc.compliance.evidence import Target
from gdcc.compliance.scene import Rendering
from gdcc.engine.api import Key, key_of
from gdcc.engine.applyset import ApplySet
from gdcc.engine.commands import local_kubeconfig
from gdcc.engine.config import load_program
from gdcc.engine.diff import overlaid
from gdcc.engine.operations import Operation
from gdcc.engine.step import Op, Step
from gdcc.network import namespaces
from gdcc.reach import check as undeclared

KUBECONFIG = "kubeconfig"
"""The scene's option: the kubeconfig of the stack's cluster; the usual places by default."""


@on_cluster("no object differs from what the files say", "gdcc preview --expect-no-changes")
def no_drift(scene: Scene, _: Live) -> Iterator[Observation]:
    """The engine's plan has no change: for each agency, and for what is the whole cluster's."""
    program = load_program(scene.root, scene.stack)
    chosen = scene.options.get(KUBECONFIG)
    kubeconfig = Path(chosen) if chosen else local_kubeconfig(program.config.get("kubernetes:context", ""))
    # The run that the other checks share, where there is one: two programs at once would share the SDK's settings.
    operation = Operation(program, kubeconfig=kubeconfig)
    plan = operation.plan_of(scene.render.recording()) if isinstance(scene.render, Rendering) else operation.plan()
    owners = {namespace.name: namespace.tenant.id for namespace in namespaces(scene.estate)}
    seen: dict[str, list[Step]] = defaultdict(list)
    for step in plan.steps:
        seen[owners.get(step.key.namespace or step.key.name, "")].append(step)
    targets: list[tuple[str, Target]] = [(tenant.id, agency(tenant)) for tenant in scene.estate.tenants]
    for owner, target in [*targets, ("", cluster(scene))]:
        changing = [_told(step) for step in seen[owner] if step.op is not Op.SAME]
        yield verdict(
            not changing,
            target,
            "no object differs from what the files say",
            few(changing) if changing else f"{len(seen[owner])} objects as the files say",
            f"gdcc preview --expect-no-changes --stack {scene.stack}",
        )


def _told(step: Step) -> str:
    fields = f" ({few(sorted({change.field for change in step.changes}))})" if step.changes else ""
    return f"{step.op.value} {step.key}{fields}"


@on_cluster("every object that the stack asks for is live and recorded as its member", "gdcc preview --json")
def inventory_recorded(scene: Scene, live: Live) -> Iterator[Observation]:
    """The members that the cluster records are just those that the program asks for."""
    program = load_program(scene.root, scene.stack)
    applyset = ApplySet(program.project, program.stack)
    asked = {key_of(manifest): manifest for manifest in scene.rendered}
    kinds = {(manifest["apiVersion"], manifest["kind"]) for manifest in scene.rendered}
    found = {
        key_of(each)
        for api_version, kind in sorted(kinds)
        for each in live.every(api_version, kind, applyset.selector, metadata_only=True)
    }
    missing, surplus = asked.keys() - found, found - asked.keys()
    listed = "\n".join(sorted(map(str, found)))
    said = [
        *(f"{key} is not recorded" for key in sorted(missing)),
        *(f"{key} is not asked for" for key in sorted(surplus)),
    ]
    yield verdict(
        not said,
        cluster(scene),
        "every object that the stack asks for is live and recorded as its member",
        few(said) if said else f"{len(found)} members; SHA-256 of their sorted names {_sha(listed)}",
        f"kubectl get {','.join(sorted({kind.lower() for _, kind in kinds}))} -A -l {applyset.selector}",
    )


def reach_declared(scene: Scene) -> Iterator[Observation]:
    """What the rendered network policies open is declared by a zone, a request or an agreement."""
    findings = undeclared(scene.estate)
    yield verdict(
        not findings,
        Target(kind="platform", name="network"),
        "whatever is reachable between agencies is declared by a zone, a request or an agreement",
        few(findings) or f"nothing undeclared among {len(scene.estate.tenants)} agencies",
        "gdcc reach --check",
    )


@on_cluster("the network policies that the files mean, and no other", "kubectl get networkpolicy -A -o yaml")
def network_policies_live(scene: Scene, live: Live) -> Iterator[Observation]:
    """Policies only add: one more, or a changed one, may open what the proof of reach does not know of."""
    asked = _by_namespace(each for each in scene.rendered if each["kind"].endswith("NetworkPolicy"))
    kinds = {("networking.k8s.io/v1", "NetworkPolicy"), ("cilium.io/v2", "CiliumNetworkPolicy")}
    found = _by_namespace(each for kind in sorted(kinds) for each in live.every(*kind))
    for namespace in namespaces(scene.estate):
        wanted, there = asked.get(namespace.name, {}), found.get(namespace.name, {})
        said = [f"{key.name} is missing" for key in sorted(wanted.keys() - there.keys())]
        said += [f"{key.name} is not asked for" for key in sorted(there.keys() - wanted.keys())]
        said += [
            f"{key.name} differs" for key in sorted(wanted.keys() & there.keys()) if _differs(wanted[key], there[key])
        ]
        yield verdict(
            not said,
            space(namespace),
            f"the {len(wanted)} network policies that the files mean, and no other",
            few(said) or f"{len(there)} policies, as the files mean",
            f"kubectl get networkpolicy -n {namespace.name} -o yaml",
        )


def _differs(asked: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether the specification is another than asked for; what the server fills in apart."""
    return bool(_plain(overlaid(live["spec"], asked["spec"])) != _plain(live["spec"]))


def _plain(value: object) -> object:
    """Without what says nothing: an empty list, and the protocol that is meant when none is named."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if (key, each) != ("protocol", "TCP")}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _by_namespace(objects: Iterable[Mapping[str, Any]]) -> dict[str, dict[Key, Mapping[str, Any]]]:
    found: dict[str, dict[Key, Mapping[str, Any]]] = defaultdict(dict)
    for each in objects:
        found[each["metadata"].get("namespace", "")][key_of(each)] = each
    return found


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


CHECKS = (
    Check("no-drift", no_drift),
    Check("inventory-recorded", inventory_recorded),
    Check("reach-declared", reach_declared),
    Check("network-policies-live", network_policies_live),
)
