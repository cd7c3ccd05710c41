"""Placeholders and what takes their place, as in the contract: case, spaces, hyphens and underscores do not matter."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gdcc.model.template import PLACEHOLDER, placeholders, plain
from gdcc.notify.refusal import bad_request

_YES = frozenset({"yes", "y", "true", "t", "1", "include", "show", "ใช่"})
LONGEST_SMS = 918
"""Characters; the contract's limit."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as it is sent."""

    subject: str | None
    body: str

    def html(self) -> str:
        """The body as a page would show it; nothing in it is markup."""
        paragraphs = html.escape(self.body).split("\n\n")
        return "".join(f"<p>{paragraph.replace(chr(10), '<br>')}</p>" for paragraph in paragraphs)


def render(subject: str | None, body: str, personalisation: Mapping[str, object], channel: str) -> Rendered:
    """Fills in a template.

    Raises:
        Refusal: names are missing, or the message is too long for its channel or empty.
    """
    given = {plain(name): value for name, value in personalisation.items() if value is not None}
    needed = placeholders(f"{subject or ''}\n{body}")
    if missing := [name for name in needed if plain(name) not in given]:
        raise bad_request(f"Missing personalisation: {', '.join(missing)}")

    def fill(match: re.Match[str]) -> str:
        value = given[plain(match[1])]
        if match[2] is not None:
            return match[2] if _words(value, channel).strip().lower() in _YES else ""
        return _words(value, channel)

    text = PLACEHOLDER.sub(fill, body)
    if not text.strip():
        raise bad_request("Your message is empty.")
    if channel == "sms" and len(text) > LONGEST_SMS:
        raise bad_request(f"Content for template has a character count greater than the limit of {LONGEST_SMS}")
    # A line end in a subject would begin a header of its own.
    title = None if subject is None else " ".join(PLACEHOLDER.sub(fill, subject).split())
    return Rendered(title, text)


def _words(value: object, channel: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set):
        return _list((str(item) for item in value), channel)
    return str(value)


def _list(items: Iterable[str], channel: str) -> str:
    words = [item for item in items if item]
    if channel == "email":
        return "\n\n" + "\n".join(f"* {word}" for word in words)
    return ", ".join(words)
