"""What a container leaves alone and what bounds it: its image's files, its share of the machine, its token."""

from __future__ import annotations

from collections.abc import Iterator

from gdcc.compliance.catalogue import Severity
from policies.rules.rule import Hit, Refusal, Rule, Subject, Test, Title, always
from policies.rules.view import View
from policies.rules.workload import WORKLOADS, containers, name, pod

WRITABLE = Refusal(
    "containers that may write to their image's files",
    "set securityContext.readOnlyRootFilesystem: true, and mount an emptyDir where it writes",
    "ให้ตั้ง readOnlyRootFilesystem: true และใช้ emptyDir สำหรับไฟล์ที่เขียน",
)
UNBOUNDED = Refusal(
    "containers without a limit",
    "set resources.limits.cpu and resources.limits.memory",
    "ให้ตั้ง resources.limits ทั้ง cpu และ memory",
)
MOUNTED = Refusal(
    "service accounts whose token goes into every pod",
    "set automountServiceAccountToken: false here, and true in the one pod that calls the API",
    "ให้ตั้ง automountServiceAccountToken: false และเปิดเฉพาะพ็อดที่ใช้",
)
_BOUNDED = ("cpu", "memory")


def _writable(container: View, _: Subject) -> Iterator[Hit]:
    flag = container.at("securityContext", "readOnlyRootFilesystem")
    if not flag.or_(False):
        yield Hit(flag, name(container))


def _sized(subject: Subject) -> Iterator[View]:
    """Containers that have resources of their own; the API gives none to ephemeral ones."""
    for sort in ("containers", "initContainers"):
        yield from pod(subject).at(sort).items()


def _unbounded(container: View, _: Subject) -> Iterator[Hit]:
    limits = container.at("resources", "limits")
    for resource in _BOUNDED:
        if limits.at(resource).value is None:
            yield Hit(limits.at(resource), f"{name(container)} {resource}")


def _account(subject: Subject) -> Iterator[View]:
    yield subject.manifest.at("automountServiceAccountToken")


def _mounted(flag: View, subject: Subject) -> Iterator[Hit]:
    if flag.or_(True):
        yield Hit(flag, str(subject.manifest.at("metadata", "name").or_("")))


RULES = (
    Rule(
        "read-only-root",
        Title("Containers do not write to their image's files", "คอนเทนเนอร์ไม่เขียนไฟล์ของอิมเมจ"),
        ("GC-17", "GC-20"),
        Severity.MEDIUM,
        WORKLOADS,
        (Test("writable", always(WRITABLE), containers, _writable),),
        Title(
            "Set readOnlyRootFilesystem: true; mount an emptyDir for temporary files.",
            "ตั้ง readOnlyRootFilesystem: true และใช้ emptyDir สำหรับไฟล์ชั่วคราว",
        ),
        walls=("read-only-root",),
    ),
    Rule(
        "limits",
        Title("Containers have limits of CPU and memory", "คอนเทนเนอร์มีขีดจำกัด CPU และหน่วยความจำ"),
        ("GC-18",),
        Severity.MEDIUM,
        # The namespace's LimitRange fills limits in when a pod is made: only there can they be missing.
        frozenset({"Pod"}),
        (Test("unbounded", always(UNBOUNDED), _sized, _unbounded),),
        Title(
            "State resources.limits, or restore the namespace's LimitRange.", "ระบุ resources.limits หรือคืนค่า LimitRange"
        ),
        walls=("limits",),
        only_stored=True,
    ),
    Rule(
        "tokens",
        Title("Tokens of service accounts are mounted only where a pod declares it", "ติดตั้งโทเค็นเฉพาะพ็อดที่ประกาศ"),
        ("GC-29",),
        Severity.MEDIUM,
        frozenset({"ServiceAccount"}),
        (Test("mounted", always(MOUNTED), _account, _mounted),),
        Title(
            "Set automountServiceAccountToken: false on the service account; a pod that needs a token sets it to true.",
            "ตั้ง automountServiceAccountToken: false ที่บัญชีบริการ พ็อดที่ต้องใช้ให้ตั้งเป็น true",
        ),
        walls=("tokens",),
    ),
)
