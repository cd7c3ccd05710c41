"""A freeze: a tenant under investigation changes nothing and goes on running."""

from __future__ import annotations

from components.admission.wall import CHANGES, DOING, Check, Matched, Scope, Wall, cel, is_one_of, namespace_label
from components.labels import DOMAIN
from gdcc.model import Admission
from gdcc.model.admission import any_of


def freeze(admission: Admission) -> Wall:
    """While a namespace is frozen, only the platform and what keeps it running write there; shells are writes too."""
    trusted = any_of(admission.administrators, admission.deployers, admission.kubernetes, admission.controllers)
    why = f"namespaceObject.metadata.?annotations[{cel(f'{DOMAIN}/frozen-why')}].orValue('')"
    return Wall(
        "freeze",
        "A frozen tenant changes nothing and goes on running",
        Scope.TENANTS,
        (Matched("*", ("*/*",), (*CHANGES, "CONNECT"), namespaced=True),),
        (
            Check(
                "frozen",
                f"{namespace_label('frozen')} != 'true' || {is_one_of(trusted)} ? [] : [{DOING} + ': ' + {why}]",
                "this tenant is frozen",
                "it goes on running; ask who ordered the freeze to lift it",
                "ผู้เช่านี้ถูกระงับการเปลี่ยนแปลง ระบบยังทำงานต่อ ให้ติดต่อผู้สั่งระงับ",
            ),
        ),
        {},
    )
