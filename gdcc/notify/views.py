"""Notifications and templates as the contract shows them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from gdcc.model.template import Template, Version
from gdcc.notify.keyring import Keyring
from gdcc.notify.refusal import invalid
from gdcc.notify.store import Stored

STATUSES = ("created", "sending", "delivered", "permanent-failure", "temporary-failure", "technical-failure")
CHANNELS = ("email", "sms", "line")
_FAILED = ("permanent-failure", "temporary-failure", "technical-failure")


class Views:
    """What needs the keys to be shown.

    Args:
        keyring: opens what was sealed.
        url: how callers reach the service.
    """

    def __init__(self, keyring: Keyring, url: str) -> None:
        self._keyring = keyring
        self._url = url

    def notification(self, one: Stored) -> dict[str, object]:
        """One notification; without recipient and words once they are erased."""
        content: dict[str, str] = {}
        if one.sealed is not None:
            with contextlib.suppress(ValueError):
                content = self._keyring.open(one.id, one.sealed)
        to = content.get("to")
        completed = one.completed_at
        return {
            "id": str(one.id),
            "reference": one.reference,
            "email_address": to if one.channel == "email" else None,
            "phone_number": to if one.channel == "sms" else None,
            "line_id": to if one.channel == "line" else None,
            **{f"line_{number}": None for number in range(1, 8)},
            "postage": None,
            "type": one.channel,
            "status": one.status,
            "template": {
                "id": str(one.template),
                "version": one.template_version,
                "uri": f"{self._url}/v2/template/{one.template}/version/{one.template_version}",
            },
            "body": content.get("body"),
            "subject": content.get("subject"),
            "created_at": one.created_at.isoformat(),
            "sent_at": one.sent_at.isoformat() if one.sent_at else None,
            "completed_at": completed.isoformat() if completed else None,
            "scheduled_for": None,
            "created_by_name": None,
            "one_click_unsubscribe_url": content.get("unsubscribe"),
        }


def template(one: Template, version: Version) -> dict[str, object]:
    """A template as the contract shows it; `texts` is ours and holds every language."""
    text = version.texts[version.language]
    return {
        "id": one.id,
        "name": one.name,
        "type": one.type,
        "created_at": one.versions[0].created.isoformat(),
        "updated_at": version.created.isoformat() if version.version > 1 else None,
        "created_by": None,
        "version": version.version,
        "subject": text.subject,
        "body": text.body,
        "personalisation": {name: {"required": True} for name in text.placeholders},
        "letter_contact_block": None,
        "postage": None,
        "texts": {language: words.model_dump() for language, words in version.texts.items()},
    }


def wanted(statuses: Sequence[str], channels: Sequence[str]) -> tuple[list[str], list[str]]:
    """What a list is to hold; `failed` stands for all three failures, as in the contract.

    Raises:
        Refusal: a status or a channel that there is not.
    """
    meant = [one for name in statuses for one in (_FAILED if name == "failed" else (name,))]
    wrong = [f"status {one[:50]} is not one of [{', '.join(STATUSES)}, failed]" for one in meant if one not in STATUSES]
    wrong += [
        f"template_type {one[:50]} is not one of [{', '.join(CHANNELS)}]" for one in channels if one not in CHANNELS
    ]
    if wrong:
        raise invalid(*wrong)
    return meant, list(channels)
