"""On which machines pods run, and which classes they choose among."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gdcc.compliance.catalogue import Severity
from gdcc.model import Admission
from policies.rules.rule import Hit, Refusal, Rule, Subject, Test, Title, always
from policies.rules.view import View
from policies.rules.workload import WORKLOADS, itself, pod

PINNED = Refusal(
    "the scheduler chooses the node",
    "remove it and say what the pod needs with resources or topologySpreadConstraints",
    "ตัวจัดตารางเป็นผู้เลือกเครื่อง ให้ลบออก",
)
OTHER_POOLS = Refusal(
    "node labels that choose another pool",
    "remove them; pods come to your agency's own pool by themselves",
    "พ็อดอยู่ในกลุ่มเครื่องของหน่วยงานเท่านั้น",
)
CONTROL_PLANE = "node-role.kubernetes.io/"
SCHEDULER = "default-scheduler"


def tolerated(admission: Admission) -> Refusal:
    """Names the taints that any pod may tolerate."""
    return Refusal(
        "tolerations of taints that keep tenants apart",
        f"remove them; allowed are {', '.join(admission.placement.tolerations)}",
        "ห้ามใช้ toleration นี้ ให้ลบออก",
    )


def classed(kind: str) -> Callable[[Admission], Refusal]:
    """For `priorityClassName` and `runtimeClassName`."""
    return lambda admission: Refusal(
        f"{kind} is not for tenants",
        f"leave it out or use one of: {', '.join(CLASSES[kind](admission)) or 'none'}",
        "เลือกได้เฉพาะคลาสของผู้เช่า หรือไม่ต้องระบุ",
    )


CLASSES: dict[str, Callable[[Admission], tuple[str, ...]]] = {
    "priorityClassName": lambda admission: admission.classes.priority,
    "runtimeClassName": lambda admission: admission.classes.runtime,
}
"""Per field of a pod, the classes for tenants."""


def _pinned(spec: View, subject: Subject) -> Iterator[Hit]:
    node, scheduler = spec.at("nodeName"), spec.at("schedulerName")
    # A pod that runs has its node from the scheduler.
    if node.or_("") and not subject.stored:
        yield Hit(node, f"nodeName {node.value}")
    if scheduler.or_(SCHEDULER) != SCHEDULER:
        yield Hit(scheduler, f"schedulerName {scheduler.value}")


def _selected(spec: View, subject: Subject) -> Iterator[Hit]:
    own = subject.admission.placement.pool_key
    for key, wanted in spec.at("nodeSelector").entries():
        if _reserved(key, subject) and not (key == own and wanted.value == subject.place.label("pool")):
            yield Hit(wanted, key)


def _terms(subject: Subject) -> Iterator[View]:
    affinity = pod(subject).at("affinity", "nodeAffinity")
    yield from affinity.at("requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms").items()
    for one in affinity.at("preferredDuringSchedulingIgnoredDuringExecution").items():
        yield one.at("preference")


def _attracted(term: View, subject: Subject) -> Iterator[Hit]:
    for one in term.at("matchExpressions").items():
        if _reserved(str(one.at("key").or_("")), subject):
            yield Hit(one.at("key"), "nodeAffinity")
            return


def _reserved(key: str, subject: Subject) -> bool:
    return key == subject.admission.placement.pool_key or key.startswith(CONTROL_PLANE)


def _tolerations(subject: Subject) -> Iterator[View]:
    yield from pod(subject).at("tolerations").items()


def _tolerated(one: View, subject: Subject) -> Iterator[Hit]:
    place, key, value = subject.admission.placement, one.at("key").or_(""), one.at("value").or_("")
    own = key == place.pool_key and one.at("operator").or_("Equal") == "Equal" and value == subject.place.label("pool")
    if key not in place.tolerations and not own:
        yield Hit(one, f"{one.at('key').or_('every taint')}={one.at('value').or_('*')}")


def _class(kind: str) -> Callable[[View, Subject], Iterator[Hit]]:
    def judge(spec: View, subject: Subject) -> Iterator[Hit]:
        named = spec.at(kind)
        if named.or_("") not in ("", *CLASSES[kind](subject.admission)):
            yield Hit(named, str(named.value))

    return judge


RULES = (
    Rule(
        "placement",
        Title("Pods run on their tenant's pool, where the scheduler puts them", "พ็อดทำงานในกลุ่มเครื่องของผู้เช่า"),
        ("GC-05",),
        Severity.HIGH,
        WORKLOADS,
        (
            Test("pinned", always(PINNED), itself, _pinned),
            Test("other_pools", always(OTHER_POOLS), itself, _selected),
            Test("other_pools", always(OTHER_POOLS), _terms, _attracted),
            Test("tolerated", tolerated, _tolerations, _tolerated),
        ),
        Title(
            "Remove nodeName, schedulers, node labels and tolerations that choose machines.",
            "ลบ nodeName, scheduler, ป้ายเครื่อง และ toleration ที่เลือกเครื่อง",
        ),
        walls=("placement",),
    ),
    Rule(
        "classes",
        Title("Pods take only the priority and runtime classes for tenants", "พ็อดใช้เฉพาะคลาสสำหรับผู้เช่า"),
        ("GC-18",),
        Severity.MEDIUM,
        WORKLOADS,
        tuple(Test(kind.lower(), classed(kind), itself, _class(kind)) for kind in CLASSES),
        Title("Leave the class out, or choose one for tenants.", "ไม่ต้องระบุคลาส หรือเลือกคลาสสำหรับผู้เช่า"),
        walls=("classes",),
    ),
)
