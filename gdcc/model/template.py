"""``stacks/notify/<agency>.yaml``: an agency's templates of messages, each with its versions, in Thai and English.

The notify service reads the same form from its mounted files; nothing here needs more than the models of `stacks/`.
"""

from __future__ import annotations

import re
from collections.abc import Sized
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from gdcc.model import recipient
from gdcc.model.record import Record, wrong

Channel = Literal["email", "sms", "line"]
Language = Literal["th", "en"]
Words = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Things = TypeVar("Things", bound=Sized)
PLACEHOLDER = re.compile(r"\(\(([^()?]+)(?:\?\?((?:[^()]|\([^()]*\))*))?\)\)")
"""``((name))``, or ``((name??words))``: words that are shown if it is yes."""


def plain(name: str) -> str:
    """A placeholder's name as it is compared: case, spaces, hyphens and underscores do not matter."""
    return re.sub(r"[\s_-]", "", name).lower()


def placeholders(text: str) -> tuple[str, ...]:
    """The names that a text needs, in the order of reading, each once."""
    found: dict[str, str] = {}
    for match in PLACEHOLDER.finditer(text):
        found.setdefault(plain(match[1]), match[1].strip())
    return tuple(found.values())


def _reachable(written: str) -> str:
    """As it is written, if it is one that the notify service can write to."""
    for form in recipient.FORMS:
        with suppress(ValueError):
            form(written)
            return written
    raise wrong(f"`{written}` is no recipient", "an e-mail address, a mobile number as `081-234-5678`, or a LINE id")


Recipient = Annotated[str, StringConstraints(min_length=3, max_length=320), AfterValidator(_reachable)]


def _zoned(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise wrong("a time without its zone", "`2026-11-01T09:00:00+07:00`")
    return moment


def _some(things: Things) -> Things:
    # Not `min_length`: of a list whose items have problems that tells a second one, which is none.
    if not things:
        raise wrong("must not be empty", "at least one item")
    return things


class Text(Record):
    """ข้อความในภาษาหนึ่ง / The words in one language; ``((name))`` is filled in, ``((name??words))`` shown if yes."""

    subject: Annotated[str, StringConstraints(min_length=1, max_length=998)] | None = None
    """หัวเรื่องอีเมล / For e-mail; RFC 5322 allows 998 characters to a line."""
    body: Words
    """เนื้อความ / The message."""

    @property
    def placeholders(self) -> tuple[str, ...]:
        """In the order of reading, each once."""
        return placeholders(f"{self.subject or ''}\n{self.body}")


class Version(Record):
    """รุ่นของแม่แบบ / A version never changes once it is in use; a change is a new one."""

    version: int = Field(ge=1)
    """ลำดับรุ่น / 1, 2, 3, ..."""
    created: Annotated[datetime, AfterValidator(_zoned)]
    """เวลาที่ทำ พร้อมเขตเวลา / When it was made, with its zone."""
    texts: Annotated[dict[Language, Text], AfterValidator(_some), Field(json_schema_extra={"minProperties": 1})]
    """ข้อความตามภาษา / By language, ``th`` and ``en``; Thai is sent unless the request asks for another."""

    @property
    def language(self) -> Language:
        """What is used unless the request asks for another: Thai if there is Thai."""
        return "th" if "th" in self.texts else "en"

    @model_validator(mode="after")
    def _same_placeholders(self) -> Self:
        used = {language: set(text.placeholders) for language, text in self.texts.items()}
        for language, names in used.items():
            if missing := sorted(set().union(*used.values()) - names):
                message = f"has no `(({missing[0]}))`, which the other language has"
                raise wrong(message, "the same placeholders in both", ("texts", language))
        return self


class Template(Record):
    """แม่แบบข้อความ / One template with all its versions."""

    id: str = Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    """รหัส UUID ที่แอปพลิเคชันใช้เรียก / The UUID by which applications name it; it never changes."""
    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    """ชื่อสำหรับคน / For people."""
    type: Channel
    """ช่องทาง / How it is sent."""
    versions: Annotated[tuple[Version, ...], AfterValidator(_some), Field(json_schema_extra={"minItems": 1})]
    """รุ่นทั้งหมด รุ่นสุดท้ายคือที่ส่งจริง / All of them; the last is sent."""

    @property
    def newest(self) -> Version:
        """The one that is sent."""
        return self.versions[-1]

    def version(self, number: int) -> Version | None:
        """The version of that number."""
        return next((one for one in self.versions if one.version == number), None)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if [one.version for one in self.versions] != list(range(1, len(self.versions) + 1)):
            raise wrong("versions are not 1, 2, 3, ...", "them in that order, none left out", ("versions",))
        for index, version in enumerate(self.versions):
            for language, text in version.texts.items():
                if (text.subject is None) == (self.type == "email"):
                    message = "an e-mail has a subject" if self.type == "email" else f"{self.type} has no subject"
                    raise wrong(message, at=("versions", index, "texts", language))
        return self


class TemplatesFile(Record):
    """``stacks/notify/<agency>.yaml``: the templates of one agency, the same in all its environments."""

    agency: str = Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")
    """กระทรวง/หน่วยงาน / Whose they are: ministry and agency, ``moph/ddc``."""
    templates: tuple[Template, ...]
    """แม่แบบ / The templates."""
    allowed: tuple[Recipient, ...] = ()
    """ผู้รับระหว่างทดลองใช้ / Whom the plan ``trial`` may write to: colleagues' e-mail, telephone or LINE."""
