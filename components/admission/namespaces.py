"""Namespaces: who may write them, and what one of a tenant looks like.

Whoever may change a namespace's labels, owner or finalizers can leave its walls: Capsule CVE-2022-46167,
CVE-2024-39690, CVE-2025-55205, and CVE-2026-30963 by way of the subresources `status` and `finalize`.
"""

from __future__ import annotations

from components.admission.wall import CHANGES, DOING, TENANT, Check, Matched, Scope, Wall, cel, is_one_of
from components.labels import DOMAIN, POD_SECURITY
from gdcc.model import Admission
from gdcc.model.admission import any_of

RESOURCES = ("namespaces", "namespaces/status", "namespaces/finalize")
_ENFORCE = "pod-security.kubernetes.io/enforce"
_VERSION = "pod-security.kubernetes.io/enforce-version"


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
                "loosened",
                f"!variables.bound ? [] : ({label(cel(_ENFORCE))} == {cel(POD_SECURITY)} ? [] : [{cel(_ENFORCE)}])"
                f" + ({label(cel(_VERSION))} in ['', 'latest'] ? [] : [{cel(_VERSION)}])"
                f" + (object.metadata.name == {tenant} + '-' + {environment} ? [] : [{cel(TENANT)}])",
                "labels that a tenant's namespace must keep",
                f"keep {_ENFORCE}={POD_SECURITY} without an older version, and the tenant that it is named by",
                "ป้ายของเนมสเปซผู้เช่าห้ามผ่อนปรน",
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
