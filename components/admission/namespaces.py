"""Namespaces: who may write them, and what one of a tenant looks like.

Whoever may change a namespace's labels, owner or finalizers can leave its walls: Capsule CVE-2022-46167,
CVE-2024-39690, CVE-2025-55205, and CVE-2026-30963 by way of the subresources `status` and `finalize`.
"""

from __future__ import annotations

from components.admission.wall import CHANGES, DOING, TENANT, Check, Matched, Scope, Wall, cel, is_one_of
from components.labels import DOMAIN, POD_SECURITY, TOMBSTONE
from gdcc.model import Admission
from gdcc.model.admission import any_of
from policies.rules.namespaces import CLASSES, DATA_CLASS, ENFORCE, LOOSENED, UNCLASSIFIED, VERSION

RESOURCES = ("namespaces", "namespaces/status", "namespaces/finalize")


def namespaces(admission: Admission) -> Wall:
    """Written by the platform and Kubernetes alone; even the platform cannot loosen a tenant's."""
    label = "variables.labels[?{}].orValue('')".format
    tenant, environment = label(cel(TENANT)), label(cel(f"{DOMAIN}/environment"))
    return Wall(
        "namespaces",
        "Namespaces are made and changed by the platform alone, and a tenant's keeps its limits",
        Scope.CLUSTER,
        (Matched("", RESOURCES, CHANGES),),
        (
            Check(
                "writers",
                f"{is_one_of(any_of(admission.administrators, admission.deployers, admission.kubernetes))}"
                f" ? [] : [{DOING} + ' by ' + request.userInfo.username]",
                "namespaces are not yours to change",
                "ask in your agency's file under stacks/agencies/",
                "เนมสเปซแก้ได้โดยแพลตฟอร์มเท่านั้น ให้แก้ไฟล์คำขอ",
            ),
            Check(
                "protected",  # for administrators too: who must, writes the annotation first, and both are audited
                f"request.operation != 'DELETE' || !({cel(TENANT)} in variables.before)"
                f" || {cel(TOMBSTONE)} in oldObject.metadata.?annotations.orValue({{}})"
                " ? [] : [oldObject.metadata.name]",
                "a tenant's namespace goes only under a tombstone",
                "write stacks/tombstones/ and apply it: `gdcc offboard` says how",
                "การลบผู้เช่าต้องมีใบอนุมัติใน stacks/tombstones/",
            ),
            Check(
                "loosened",
                f"!variables.bound ? [] : ({label(cel(ENFORCE))} == {cel(POD_SECURITY)} ? [] : [{cel(ENFORCE)}])"
                f" + ({label(cel(VERSION))} in ['', 'latest'] ? [] : [{cel(VERSION)}])"
                f" + (object.metadata.name == {tenant} + '-' + {environment} ? [] : [{cel(TENANT)}])",
                *LOOSENED,
            ),
            Check(
                "unclassified",
                f"!variables.bound || {label(cel(DATA_CLASS))} in {cel(list(CLASSES))} ? []"
                f" : [{label(cel(DATA_CLASS))} == '' ? 'not set' : {label(cel(DATA_CLASS))}]",
                *UNCLASSIFIED,
            ),
        ),
        {
            "labels": "object == null ? {} : object.metadata.?labels.orValue({})",
            "before": "oldObject == null ? {} : oldObject.metadata.?labels.orValue({})",
            # Administrators repair by hand, and Kubernetes ends namespaces; both are in the audit log.
            "bound": f"object != null && !{is_one_of(any_of(admission.administrators, admission.kubernetes))}"
            f" && ({cel(TENANT)} in variables.labels || {cel(TENANT)} in variables.before)",
        },
    )
