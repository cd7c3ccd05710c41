"""What a run notes besides states, so that the next can tell what is new: who reaches whom, and who may do what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gdcc.compliance.check import Scene
from gdcc.model import Estate
from gdcc.reach.landscape import survey
from gdcc.reach.matrix import OUTSIDE, Part, Side

Manifest = Mapping[str, Any]


def facts(scene: Scene) -> dict[str, Any]:
    """All facts of a stack, as plain data."""
    return {"reach": reach_of(scene.estate), "privileges": privileges_of(scene.rendered)}


def reach_of(estate: Estate) -> list[dict[str, Any]]:
    """What the stack's network policies let through, sorted.

    Returns:
        Groups: every namespace in `from` reaches every one in `to` on `ports`; `from_pods` and `to_pods` are label
        selectors, empty for every pod. What is outside the cluster is written `outside <addresses>`.
    """
    landscape = survey(estate)
    everyone = frozenset((*landscape.parties, OUTSIDE))
    parts = landscape.matrix.parts(everyone, everyone)
    told = [_group(part) for part in parts if not landscape.tenants.isdisjoint(part.sources | part.targets)]
    return sorted(told, key=lambda group: (group["from"], group["to"], group["to_pods"], group["ports"]))


def _group(part: Part) -> dict[str, Any]:
    flow = part.flow
    return {
        "from": _ends(part.sources, flow.source),
        "to": _ends(part.targets, flow.target),
        "from_pods": str(flow.source.pods),
        "to_pods": str(flow.target.pods),
        "ports": sorted(f"{one.protocol} {one.numbers()}" for one in part.ports.ranges),
    }


def _ends(names: frozenset[str], side: Side) -> list[str]:
    return sorted(f"outside {side.addresses}" if name == OUTSIDE else name for name in names)


def privileges_of(manifests: Iterable[Manifest]) -> dict[str, Any]:
    """Who may do what, by the roles and bindings of a stack's program.

    Returns:
        `roles`: by `Kind namespace/name` the rules as `verb resource`, sorted; `bindings`: `[who, role, where]`, where
        `*` is the whole cluster.
    """
    roles: dict[str, list[str]] = {}
    bindings: set[tuple[str, str, str]] = set()
    for manifest in manifests:
        kind, metadata = manifest.get("kind"), manifest.get("metadata") or {}
        name, namespace = metadata.get("name", ""), metadata.get("namespace", "")
        if kind in ("Role", "ClusterRole"):
            role = f"{kind} {namespace}/{name}" if kind == "Role" else f"{kind} {name}"
            roles[role] = sorted({line for rule in manifest.get("rules") or () for line in _lines(rule)})
        elif kind in ("RoleBinding", "ClusterRoleBinding"):
            ref = manifest.get("roleRef") or {}
            held = ref.get("name", "")
            role = f"Role {namespace}/{held}" if ref.get("kind") == "Role" else f"ClusterRole {held}"
            where = namespace if kind == "RoleBinding" else "*"
            bindings |= {(_who(subject), role, where) for subject in manifest.get("subjects") or ()}
    return {"roles": dict(sorted(roles.items())), "bindings": [list(one) for one in sorted(bindings)]}


def _who(subject: Mapping[str, Any]) -> str:
    inside = f"{subject['namespace']}/" if subject.get("namespace") else ""
    return f"{subject.get('kind', '')} {inside}{subject.get('name', '')}"


def _lines(rule: Mapping[str, Any]) -> Iterator[str]:
    """A rule of RBAC, one line for each verb and thing."""
    only = f" named {', '.join(sorted(rule['resourceNames']))}" if rule.get("resourceNames") else ""
    for verb in rule.get("verbs") or ():
        for group in rule.get("apiGroups") or ("",) if rule.get("resources") else ():
            for resource in rule.get("resources") or ():
                yield f"{verb} {resource}.{group}{only}" if group else f"{verb} {resource}{only}"
        for url in rule.get("nonResourceURLs") or ():
            yield f"{verb} {url}"
