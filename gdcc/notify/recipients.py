"""Whom a message is for, as applications ask for it."""

from __future__ import annotations

from collections.abc import Callable

from gdcc.model import recipient
from gdcc.notify.refusal import invalid


def _asked(field: str, form: Callable[[str], str]) -> tuple[str, Callable[[str], str]]:
    def formed(written: str) -> str:
        try:
            return form(written)
        except ValueError as error:
            raise invalid(f"{field} {error}") from None

    return field, formed


FIELDS = {
    "email": _asked("email_address", recipient.email),
    "sms": _asked("phone_number", recipient.phone),
    "line": _asked("line_id", recipient.line),
}
"""Per channel the field of the request and its check, which raises a `Refusal`."""

_SIMULATED = {
    "temp-fail@simulator.notify": "temporary-failure",
    "perm-fail@simulator.notify": "permanent-failure",
    "+447700900003": "temporary-failure",
    "+447700900002": "permanent-failure",
    "U" + "0" * 31 + "3": "temporary-failure",
    "U" + "0" * 31 + "2": "permanent-failure",
}


def simulated(recipient: str) -> str:
    """The status that a test key's message ends with; the contract names who fails, the LINE ids are ours."""
    return _SIMULATED.get(recipient, "delivered")
