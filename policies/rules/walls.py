"""The walls themselves: bound, failing closed, denying. Admission cannot guard itself, so only these rules can."""

from __future__ import annotations

from collections.abc import Iterator

from gdcc.compliance.catalogue import Severity
from policies.rules.rule import Hit, Refusal, Rule, Subject, Test, Title, always
from policies.rules.view import View

PREFIX = "gdcc-"
"""Of the name of every wall and default."""
OPEN = Refusal("walls that let pass what they cannot judge", "set failurePolicy: Fail", "ให้ตั้ง failurePolicy: Fail")
EXEMPTING = Refusal(
    "walls with conditions that exempt",
    "remove matchConditions, paramKind and excludeResourceRules; exempt by name inside a check",
    "ห้ามยกเว้นด้วย matchConditions",
)
TOOTHLESS = Refusal(
    "walls that do not deny",
    "set validationActions: [Deny, Audit]; to audit first, give the wall a day under deny_from",
    "ให้ตั้ง validationActions เป็น Deny",
)
NARROWED = Refusal(
    "bindings that leave something out", "remove matchResources and paramRef", "ห้ามจำกัดขอบเขตของ binding"
)


def _own(subject: Subject) -> Iterator[View]:
    if str(subject.manifest.at("metadata", "name").or_("")).startswith(PREFIX):
        yield subject.manifest.at("spec")


def _open(spec: View, _: Subject) -> Iterator[Hit]:
    if spec.at("failurePolicy").or_("Fail") != "Fail":
        yield Hit(spec.at("failurePolicy"), str(spec.at("failurePolicy").value))


def _exempting(spec: View, _: Subject) -> Iterator[Hit]:
    for field in (
        spec.at("matchConditions"),
        spec.at("paramKind"),
        spec.at("matchConstraints", "excludeResourceRules"),
    ):
        if field.value:
            yield Hit(field, str(field.path[-1]))


def _toothless(spec: View, subject: Subject) -> Iterator[Hit]:
    if subject.kind != "ValidatingAdmissionPolicyBinding":
        return
    wall = str(spec.at("policyName").or_("")).removeprefix(PREFIX)
    actions = [one.value for one in spec.at("validationActions").items()]
    if "Deny" not in actions and subject.admission.denies(wall, subject.parameters.today):
        yield Hit(spec.at("validationActions"), wall)


def _narrowed(spec: View, _: Subject) -> Iterator[Hit]:
    matched = spec.at("matchResources")
    # The API server fills in what means everything.
    narrowing = any(
        one.value for key, one in matched.entries() if key not in ("matchPolicy", "namespaceSelector", "objectSelector")
    ) or any(matched.at(selector).value for selector in ("namespaceSelector", "objectSelector"))
    if narrowing:
        yield Hit(matched, "matchResources")
    if spec.at("paramRef").value:
        yield Hit(spec.at("paramRef"), "paramRef")


RULES = (
    Rule(
        "walls",
        Title("Admission policies fail closed, exempt nobody, and deny", "นโยบายรับเข้าปฏิเสธเมื่อตัดสินไม่ได้ และไม่มีข้อยกเว้น"),
        ("GC-23",),
        Severity.CRITICAL,
        frozenset({"ValidatingAdmissionPolicy", "MutatingAdmissionPolicy"}),
        (Test("open", always(OPEN), _own, _open), Test("exempting", always(EXEMPTING), _own, _exempting)),
        Title("Restore the wall with `gdcc up`.", "คืนค่ากำแพงด้วย `gdcc up`"),
        everywhere=True,
    ),
    Rule(
        "bound-walls",
        Title("Admission policies are bound without limits, and deny", "นโยบายรับเข้าถูกผูกไว้ทั้งหมดและปฏิเสธ"),
        ("GC-23",),
        Severity.CRITICAL,
        frozenset({"ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicyBinding"}),
        (Test("toothless", always(TOOTHLESS), _own, _toothless), Test("narrowed", always(NARROWED), _own, _narrowed)),
        Title("Restore the binding with `gdcc up`.", "คืนค่า binding ด้วย `gdcc up`"),
        everywhere=True,
    ),
)
