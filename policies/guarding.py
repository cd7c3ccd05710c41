"""Checks of what guards tenants that no rule about one object tells: marks, walls' content, doors, who escalates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gdcc.compliance.check import Check, Look, Observation, Scene, Unreachable
from gdcc.compliance.evidence import State, Target
from gdcc.network import DOMAIN
from policies.objects import Ground, Objects, ground_of, shown
from policies.rules.rights import ESCALATING
from policies.rules.walls import PREFIX

_MARK = f"{DOMAIN}/"
_WORKLOAD_WALLS = ("host", "images", "pull", "read-only-root", "restricted")
_DOORS = ("pods", "pods/ephemeralcontainers", "pods/resize")
_OF_KUBERNETES = "system:"


_LiveLook = Callable[[Scene, Ground, Objects], Iterator[Observation]]


def on_cluster(expected: str, command: str) -> Callable[[_LiveLook], Look]:
    """Makes a look at what is live one that says when there is nothing to look at."""

    def decorate(look: _LiveLook) -> Look:
        def looks(scene: Scene) -> Iterator[Observation]:
            ground = ground_of(scene)
            if isinstance(ground.live, Unreachable):
                target = Target(kind="cluster", name=scene.stack)
                yield Observation(State.NOT_RUN, target, expected, ground.live.reason, command)
                return
            yield from look(scene, ground, ground.live)

        return looks

    return decorate


@on_cluster("namespaces carry the platform's labels as they were given", f"kubectl get namespaces -l {DOMAIN}/tenant")
def protected_labels(scene: Scene, ground: Ground, live: Objects) -> Iterator[Observation]:
    """The labels that walls and network policies select by are those of the stack's files; nobody has added one."""
    there = {each["metadata"]["name"]: each["metadata"].get("labels") or {} for each in live.every("Namespace")}
    filed = "labels under gdcc.go.th and pod-security.kubernetes.io as in the stack's files"
    given = "labels as the program gives them; no zone's gateway, no tenant, Pod Security restricted"
    asked = [
        *((name, owned.target, owned.place.labels, filed) for name, owned in ground.owned.items()),
        *((name, serving.target, serving.labels, given) for name, serving in ground.serving.items()),
    ]
    for name, target, labels, expected in asked:
        state, actual = _labels(labels, there[name]) if name in there else (State.FAIL, "the namespace is not there")
        yield Observation(state, target, expected, actual, f"kubectl get namespace {name} --show-labels")
    strays = sorted(name for name, labels in there.items() if f"{DOMAIN}/tenant" in labels and name not in ground.owned)
    if strays:
        target = Target(kind="cluster", name=scene.stack)
        actual = "labelled as a tenant's, and no file asks for it: " + ", ".join(strays)
        command = f"kubectl get namespaces -l {DOMAIN}/tenant"
        yield Observation(State.FAIL, target, "only tenants' namespaces are labelled as such", actual, command)


def _labels(asked: Mapping[str, str], there: Mapping[str, str]) -> tuple[State, str]:
    """Whether a namespace carries exactly those of the platform's labels that it should."""
    wanted, found = ({key: value for key, value in one.items() if _is_ours(key)} for one in (asked, there))
    wrong = [
        f"{key} is {found.get(key, 'absent')}, should be {wanted.get(key, 'absent')}"
        for key in sorted({*wanted, *found})
        if wanted.get(key) != found.get(key)
    ]
    return State.FAIL if wrong else State.PASS, "; ".join(wrong) or f"{len(found)} labels agree"


def _is_ours(key: str) -> bool:
    return key.startswith((_MARK, "pod-security.kubernetes.io/"))


@on_cluster("walls are as the program makes them", "gdcc refresh --target 'gdcc-*'")
def walls_as_made(scene: Scene, _: Ground, live: Objects) -> Iterator[Observation]:
    """Admission cannot guard itself: whoever stole a deployer's credentials could hollow a wall out."""
    for kind in (f"{sort}AdmissionPolicy{end}" for sort in ("Validating", "Mutating") for end in ("", "Binding")):
        there = {each["metadata"]["name"]: each for each in live.every(kind)}
        for asked in (each for each in scene.rendered if each.get("kind") == kind):
            name = asked["metadata"]["name"]
            target = Target(kind="object", name=shown(asked))
            expected = "it is there, as the program makes it"
            if name not in there:
                actual, good = "it is not there", False
            else:
                field = _differs(asked["spec"], there[name]["spec"])
                actual, good = (f"spec{field.rstrip()} differs", False) if field else ("it is", True)
            command = f"kubectl get {kind.lower()} {name} -o yaml"
            yield Observation(State.PASS if good else State.FAIL, target, expected, actual, command)


def _differs(asked: Any, there: Any) -> str:
    """Where what is live is not what was asked for; what the API server adds is not told. "" when nowhere."""
    if isinstance(asked, Mapping):
        inside = there if isinstance(there, Mapping) else {}
        for key, value in asked.items():
            if value is not None and (field := _differs(value, inside.get(key))):
                return f".{key}{field}"
        return ""
    if isinstance(asked, list):
        others = there if isinstance(there, list) else []
        if len(asked) != len(others):
            return f" (has {len(others)} in place of {len(asked)})"
        inner = ((index, _differs(one, others[index])) for index, one in enumerate(asked))
        return next((f"[{index}]{field}" for index, field in inner if field), "")
    return "" if asked == there else " "


@on_cluster("walls about pods stand at every door of pods", "kubectl get validatingadmissionpolicies -o yaml")
def side_doors(scene: Scene, _: Ground, live: Objects) -> Iterator[Observation]:
    """Containers for debugging and new sizes come in by subresources (kyverno issues 10162 and 17060)."""
    there = {each["metadata"]["name"]: each for each in live.every("ValidatingAdmissionPolicy")}
    for wall in _WORKLOAD_WALLS:
        name = f"{PREFIX}{wall}"
        rules = (there.get(name, {}).get("spec") or {}).get("matchConstraints", {}).get("resourceRules") or ()
        matched = {resource for rule in rules for resource in rule["resources"]}
        missing = [door for door in _DOORS if door not in matched]
        actual = f"it leaves out {', '.join(missing)}" if missing else "it does"
        yield Observation(
            State.FAIL if missing else State.PASS,
            Target(kind="object", name=f"ValidatingAdmissionPolicy {name}"),
            f"it matches {', '.join(_DOORS)}",
            actual,
            f"kubectl get validatingadmissionpolicy {name} -o yaml",
        )


@on_cluster("namespaces fill in limits", "kubectl get limitranges -A -o yaml")
def limit_ranges(_: Scene, ground: Ground, live: Objects) -> Iterator[Observation]:
    """Each tenant's namespace gives containers limits that state none, and no container more than the most."""
    filled: dict[str, set[str]] = {}
    for each in live.every("LimitRange"):
        for item in each["spec"]["limits"]:
            if item["type"] == "Container":
                both = {*(item.get("default") or {})} & {*(item.get("max") or {})}
                filled.setdefault(each["metadata"]["namespace"], set()).update(both)
    for name, owned in ground.owned.items():
        missing = sorted({"cpu", "memory"} - filled.get(name, set()))
        yield Observation(
            State.FAIL if missing else State.PASS,
            owned.target,
            "a LimitRange with a default limit and a most for cpu and memory",
            f"without: {', '.join(missing)}" if missing else "there is",
            f"kubectl get limitranges -n {name} -o yaml",
        )


@on_cluster("bind, escalate and impersonate are the platform's alone", "kubectl get clusterroles,roles -A -o yaml")
def escalating_verbs(scene: Scene, ground: Ground, live: Objects) -> Iterator[Observation]:
    """Whoever is bound to a role with such a verb is the platform, or a part of Kubernetes."""
    admission = ground.parameters.admission
    trusted = {*admission.administrators.groups, *admission.deployers.groups}
    trusted_users = {*admission.administrators.users, *admission.deployers.users}
    roles = {
        (each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]): found
        for kind in ("ClusterRole", "Role")
        for each in live.every(kind)
        if (found := _escalating(each))
    }
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for each in live.every(kind):
            of = each["roleRef"]
            where = each["metadata"].get("namespace", "") if of["kind"] == "Role" else ""
            verbs = roles.get((of["kind"], where, of["name"]))
            if not verbs:
                continue
            strangers = [
                f"{subject['kind']} {subject['name']}"
                for subject in each.get("subjects") or ()
                if not _trusted(subject, trusted, trusted_users)
            ]
            yield Observation(
                State.FAIL if strangers else State.PASS,
                Target(kind="object", name=shown(each)),
                f"{', '.join(verbs)} of {of['kind']} {of['name']} for the platform alone",
                f"given to {', '.join(strangers)}" if strangers else "it is",
                f"kubectl get {kind.lower()} {each['metadata']['name']} -o yaml",
            )


def _escalating(role: Mapping[str, Any]) -> list[str]:
    verbs = {verb for rule in role.get("rules") or () for verb in rule["verbs"]}
    return [verb for verb in (*ESCALATING, "*") if verb in verbs]


def _trusted(subject: Mapping[str, Any], groups: set[str], users: set[str]) -> bool:
    name = str(subject["name"])
    if subject["kind"] == "ServiceAccount":
        return subject.get("namespace") == "kube-system"
    everybody = name in ("system:authenticated", "system:unauthenticated", "system:anonymous", "system:serviceaccounts")
    named = groups if subject["kind"] == "Group" else users
    return name in named or (name.startswith(_OF_KUBERNETES) and not everybody)


CHECKS = (Check("protected-labels", protected_labels), Check("escalating-verbs", escalating_verbs))
BESIDES: Mapping[str, Look] = {
    "admission-walls": walls_as_made,
    "ephemeral-containers": side_doors,
    "resource-limits": limit_ranges,
}
"""What checks of `policies.live` look at besides their rules, by id."""
