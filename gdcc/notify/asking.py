"""Requests to send, checked: every malformed field is told at once, in the contract's words."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from gdcc.model.template import Channel, Language
from gdcc.notify.recipients import FIELDS
from gdcc.notify.refusal import Refusal, invalid

LARGEST_REQUEST = 256 * 1024
"""Bytes."""
LONGEST_REFERENCE = 1000
_COMMON = ("template_id", "personalisation", "reference", "language")
_ELSEWHERE = {
    "email_reply_to_id": "replies go to the agency's own address",
    "sms_sender_id": "the sender is the platform's",
    "sanitise_content_for": "messages are plain text, so that nothing in them is markup",
    "scheduled_for": "messages are sent at once",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """A well-formed request to send."""

    channel: Channel
    recipient: str
    template: uuid.UUID
    personalisation: Mapping[str, object]
    reference: str | None
    language: Language | None
    unsubscribe: str | None
    """An https address for one-click unsubscription (RFC 8058)."""


def as_object(content: bytes) -> dict[str, object]:
    """The JSON object of a request.

    Raises:
        Refusal: it is none.
    """
    try:
        data = json.loads(content)
        # Half of a pair of surrogates is JSON and no text: nothing could store or send it.
        json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "BadRequestError", "Invalid JSON supplied in POST data") from error
    if not isinstance(data, dict):
        raise Refusal(400, "BadRequestError", "Invalid JSON supplied in POST data: not an object")
    return cast("dict[str, object]", data)


def ask(channel: Channel, data: Mapping[str, object]) -> Ask:
    """Checks a request to send.

    Raises:
        Refusal: everything wrong with it.
    """
    field, check = FIELDS[channel]
    allowed = {*_COMMON, field, *(("one_click_unsubscribe_url",) if channel == "email" else ())}
    wrong: list[str] = [f"{name} is not available: {_ELSEWHERE[name]}" for name in sorted(data.keys() & _ELSEWHERE)]
    if unknown := sorted(name for name in data if name not in allowed and name not in _ELSEWHERE):
        verb = "was" if len(unknown) == 1 else "were"
        wrong.append(f"Additional properties are not allowed ({', '.join(unknown)[:200]} {verb} unexpected)")
    recipient = ""
    if field not in data:
        wrong.append(f"{field} is a required property")
    elif not isinstance(data[field], str):
        wrong.append(f"{field} is not of type string")
    else:
        try:
            recipient = check(str(data[field])[:400])
        except Refusal as refusal:
            wrong.extend(refusal.messages)
    template = _template(data, wrong)
    reference, language = data.get("reference"), data.get("language")
    if reference is not None and (not isinstance(reference, str) or not 0 < len(reference) <= LONGEST_REFERENCE):
        wrong.append(f"reference is not a text of 1 to {LONGEST_REFERENCE} characters")
    elif isinstance(reference, str) and "\x00" in reference:
        wrong.append("reference holds a character that is not text")
    if language not in (None, "th", "en"):
        wrong.append("language is not one of [th, en]")
    unsubscribe = data.get("one_click_unsubscribe_url")
    if unsubscribe is not None and not _https(unsubscribe):
        wrong.append("one_click_unsubscribe_url is not a valid https url")
    personalisation = filling(data, wrong)
    if wrong:
        raise invalid(*wrong)
    return Ask(
        channel,
        recipient,
        template,
        personalisation,
        cast("str | None", reference),
        cast("Language | None", language),
        cast("str | None", unsubscribe),
    )


def filling(data: Mapping[str, object], wrong: list[str]) -> Mapping[str, object]:
    """The personalisation: texts, numbers, truths and lists of these."""
    given = data.get("personalisation", {})
    if not isinstance(given, dict):
        wrong.append("personalisation is not of type object")
        return {}
    for name, value in given.items():
        if isinstance(value, dict):
            wrong.append(f"personalisation {str(name)[:100]}: sending files is not available")
        elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
            wrong.append(f"personalisation {str(name)[:100]}: a list holds texts only")
    return given


def identifier(written: str, name: str) -> uuid.UUID:
    """An id of the address or the query.

    Raises:
        Refusal: it is none.
    """
    try:
        return uuid.UUID(written)
    except ValueError as error:
        raise invalid(f"{name} is not a valid UUID") from error


def _template(data: Mapping[str, object], wrong: list[str]) -> uuid.UUID:
    if "template_id" not in data:
        wrong.append("template_id is a required property")
        return uuid.UUID(int=0)
    try:
        return identifier(str(data["template_id"]), "template_id")
    except Refusal as refusal:
        wrong.extend(refusal.messages)
        return uuid.UUID(int=0)


def _https(written: object) -> bool:
    if not isinstance(written, str) or len(written) > 2000 or not written.isascii() or not written.isprintable():
        return False
    parts = urlsplit(written)
    return parts.scheme == "https" and bool(parts.hostname) and " " not in written
