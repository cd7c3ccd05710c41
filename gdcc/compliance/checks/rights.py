"""Checks of live rights: tenants write nothing that bounds them, and the platform's roles share no write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from gdcc.compliance.check import Check, Observation, Scene
from gdcc.compliance.checks.see import Live, cluster, few, on_cluster, space, verdict
from gdcc.network import Namespace, namespaces

RBAC = "rbac.authorization.k8s.io/v1"
READ = frozenset({"get", "list", "watch"})
ROLES = ("viewer", "developer", "tenant-admin")
PLATFORM = ("deployer", "approver", "auditor")
_PARTS = ("apiGroups", "resources", "verbs")
EVERYBODY = ("system:authenticated", "system:unauthenticated", "system:serviceaccounts")

BOUNDING = (
    *(
        "namespaces",
        "namespaces/status",
        "namespaces/finalize",
        "resourcequotas",
        "resourcequotas/status",
        "limitranges",
    ),
    *("networkpolicies.networking.k8s.io", "ciliumnetworkpolicies.cilium.io"),
    *("roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io"),
    *("clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io"),
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
    "mutatingadmissionpolicies.admissionregistration.k8s.io",
    "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
)
"""What bounds a tenant, as ``kubectl`` names it."""


@dataclass(frozen=True)
class Grant:
    """Rules that somebody has, and the binding that gives them."""

    binding: str
    rules: tuple[Mapping[str, Any], ...]


class Rights:
    """Who has which rules where, from all roles and bindings of a cluster."""

    def __init__(self, live: Live) -> None:
        self._rules = {
            (role["kind"], role["metadata"].get("namespace", ""), role["metadata"]["name"]): tuple(
                role.get("rules") or ()
            )
            for kind in ("ClusterRole", "Role")
            for role in live.every(RBAC, kind)
        }
        self.by_subject: dict[tuple[str, str, str], list[Grant]] = defaultdict(list)
        """By namespace ("" for everywhere), kind of subject and name."""
        for kind in ("ClusterRoleBinding", "RoleBinding"):
            for binding in live.every(RBAC, kind):
                self._add(binding)

    def _add(self, binding: Mapping[str, Any]) -> None:
        place = binding["metadata"].get("namespace", "")
        reference = binding["roleRef"]
        rules = self._rules.get(
            (reference["kind"], place if reference["kind"] == "Role" else "", reference["name"]), ()
        )
        for subject in binding.get("subjects") or ():
            name = subject["name"]
            if subject["kind"] == "ServiceAccount":
                name = f"system:serviceaccount:{subject.get('namespace', place)}:{name}"
            grant = Grant(f"{binding['kind']} {binding['metadata']['name']}", rules)
            self.by_subject[place, "User" if subject["kind"] == "ServiceAccount" else subject["kind"], name].append(
                grant
            )

    def of(self, kind: str, name: str, namespace: str) -> Iterator[Grant]:
        """What somebody may do in a namespace: by bindings there, and by those for the whole cluster."""
        yield from self.by_subject.get((namespace, kind, name), ())
        yield from self.by_subject.get(("", kind, name), ())


def writes(rule: Mapping[str, Any], resource: str) -> bool:
    """Whether a rule lets somebody change a resource."""
    name, _, group = resource.partition(".")
    groups, resources = rule.get("apiGroups") or (), set(rule.get("resources") or ())
    subresource = f"*/{name.partition('/')[2]}" if "/" in name else name
    there = ("*" in groups or group in groups) and bool(resources & {"*", name, subresource})
    return there and bool(set(rule["verbs"]) - READ)


@on_cluster(
    "no tenant may write what bounds it", "kubectl auth can-i --list --as-group GROUP --as anybody -n NAMESPACE"
)
def tenant_writes(scene: Scene, live: Live) -> Iterator[Observation]:
    """What an agency's groups, its service accounts and everybody may do, in each of its namespaces."""
    rights = Rights(live)
    for namespace in namespaces(scene.estate):
        said = sorted(set(_widening(rights, namespace)))
        yield verdict(
            not said,
            space(namespace),
            "no write on namespaces, quotas, limits, network policies, roles, bindings or admission objects",
            few(said) or f"nothing of {len(BOUNDING)} resources may be written by {len(_subjects(namespace))} groups",
            f"kubectl auth can-i --list -n {namespace.name} --as anybody "
            f"--as-group gdcc:{namespace.tenant.agency}:tenant-admin",
        )


def _subjects(namespace: Namespace) -> tuple[str, ...]:
    own = (f"gdcc:{namespace.tenant.agency}:{role}" for role in ROLES)
    return (*own, f"system:serviceaccounts:{namespace.name}", *EVERYBODY)


@on_cluster("no tenant has a wildcard", "kubectl auth can-i --list --as-group GROUP --as anybody -n NAMESPACE")
def tenant_wildcards(scene: Scene, live: Live) -> Iterator[Observation]:
    """Nobody of an agency holds a rule with a wildcard, `cluster-admin` among them, however it was bound."""
    rights = Rights(live)
    for namespace in namespaces(scene.estate):
        said = sorted(
            {
                f"{name} has a wildcard by {grant.binding}"
                for kind, name in _holders(rights, namespace)
                for grant in rights.of(kind, name, namespace.name)
                if any("*" in (rule.get(part) or ()) for rule in grant.rules for part in _PARTS)
            }
        )
        yield verdict(
            not said,
            space(namespace),
            "no rule with a wildcard, and not cluster-admin",
            few(said) or f"none for {len(_subjects(namespace))} groups",
            f"kubectl auth can-i --list -n {namespace.name} --as anybody "
            f"--as-group gdcc:{namespace.tenant.agency}:tenant-admin",
        )


def _holders(rights: Rights, namespace: Namespace) -> list[tuple[str, str]]:
    """The groups that hold an agency's people and workloads, and each service account that is bound by name."""
    accounts = [
        (kind, name)
        for place, kind, name in rights.by_subject
        if place in ("", namespace.name) and name.startswith(f"system:serviceaccount:{namespace.name}:")
    ]
    return [*(("Group", group) for group in _subjects(namespace)), *accounts]


def _widening(rights: Rights, namespace: Namespace) -> Iterator[str]:
    for kind, name in _holders(rights, namespace):
        for grant in rights.of(kind, name, namespace.name):
            for resource in BOUNDING:
                if any(writes(rule, resource) for rule in grant.rules):
                    yield f"{name} may write {resource} by {grant.binding}"


@on_cluster(
    "deployer, approver and auditor share no right to write and no member",
    "kubectl get clusterrole,clusterrolebinding -o yaml",
)
def platform_roles_disjoint(scene: Scene, live: Live) -> Iterator[Observation]:
    """Two of the platform's roles neither write the same resource nor are bound to the same subject."""
    names = {role: f"gdcc:platform:{role}" for role in PLATFORM}
    rules = {role["metadata"]["name"]: role.get("rules") or () for role in live.every(RBAC, "ClusterRole")}
    members: dict[str, set[str]] = defaultdict(set)
    bindings = [*live.every(RBAC, "ClusterRoleBinding"), *live.every(RBAC, "RoleBinding")]
    for binding in bindings:
        for subject in binding.get("subjects") or ():
            members[binding["roleRef"]["name"]].add(f"{subject['kind']} {subject['name']}")
    said = [f"there is no role {name}" for name in names.values() if name not in rules]
    written = {role: _written(rules.get(name, ())) for role, name in names.items()}
    for one, two in combinations(PLATFORM, 2):
        shared = sorted(written[one] & written[two])
        said += [f"{one} and {two} both write {few(shared)}"] if shared else []
        both = sorted(members[names[one]] & members[names[two]])
        said += [f"{few(both)} is {one} and {two}"] if both else []
    if written["auditor"]:
        said.append(f"the auditor writes {few(sorted(written['auditor']))}")
    yield verdict(
        not said,
        cluster(scene, "platform-roles"),
        "deployer, approver and auditor share no right to write and no member; the auditor writes nothing",
        few(said) or "; ".join(f"{role}: {few(sorted(members[name]))}" for role, name in names.items()),
        "kubectl get clusterrole,clusterrolebinding -l gdcc.go.th/role -o yaml",
    )


def _written(rules: Any) -> set[str]:
    found = set()
    for rule in rules:
        if set(rule["verbs"]) - READ:
            for group in rule.get("apiGroups") or ():
                found |= {f"{resource}.{group}".rstrip(".") for resource in rule.get("resources") or ()}
    return found


CHECKS = (
    Check("tenant-writes", tenant_writes),
    Check("tenant-wildcards", tenant_wildcards),
    Check("platform-roles-disjoint", platform_roles_disjoint),
)
