"""The words of a stack file: names, people, days, and the closed sets of the law."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Hashable, Mapping
from datetime import date
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from gdcc.model.problems import nearest
from gdcc.model.record import Record, wrong

K = TypeVar("K")
V = TypeVar("V")
H = TypeVar("H", bound=Hashable)

_LABEL = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
_TENANT = r"^t[a-z0-9]{7}$"
_EMAIL = r"^[A-Za-z0-9._%+-]+@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}$"
_PHONE = r"^\+?[0-9]([0-9 -]{6,18})[0-9]$"
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_BUDDHIST_ERA = 543
"""Years by which the calendar of Thai offices is ahead."""


class Environment(StrEnum):
    """A stage of a system's life; each becomes one namespace."""

    DEV = "dev"
    UAT = "uat"
    PROD = "prod"


class Ordered(Enum):
    """A closed set whose members compare in the order they are declared, lowest first."""

    @property
    def rank(self) -> int:
        """0 for the lowest."""
        return list(type(self)).index(self)

    def __lt__(self, other: Self) -> bool:
        return self.rank < other.rank

    def __le__(self, other: Self) -> bool:
        return self.rank <= other.rank

    def __gt__(self, other: Self) -> bool:
        return self.rank > other.rank

    def __ge__(self, other: Self) -> bool:
        return self.rank >= other.rank


class Level(Ordered):
    """ระดับผลกระทบ: ต่ำ (low) กลาง (medium) สูง (high) / Impact of a loss: minimum security standards, B.E. 2566."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class DataClass(Ordered):
    """ชั้นข้อมูลตาม มสพร. 8-2565 / Class of the data held, from open to top secret."""

    OPEN = "เปิดเผย"
    INTERNAL = "เผยแพร่ภายในองค์กร"
    CONFIDENTIAL = "ลับ"
    SECRET = "ลับมาก"  # noqa: S105 - a class of data
    TOP_SECRET = "ลับที่สุด"  # noqa: S105

    @property
    def label(self) -> str:
        """The class as the value of a Kubernetes label: ``open``, ``internal``, ... ``top-secret``."""
        return self.name.lower().replace("_", "-")


def read_data_class(written: object) -> DataClass:
    """Reads a data class by its Thai name.

    Raises:
        PydanticCustomError: it is none of the five; an English name is answered with the Thai one.
    """
    if isinstance(written, DataClass):
        return written
    for known in DataClass:
        if written == known.value:
            return known
        if str(written).lower().replace(" ", "-") in (known.label, known.name.lower()):
            raise wrong(f"`{written}` is no data class; the classes have Thai names", f"`{known.value}`")
    raise wrong(f"`{written}` is no data class", nearest(str(written), (known.value for known in DataClass)))


def _label(name: str) -> str:
    if re.fullmatch(_LABEL, name) and len(name) <= 63:
        return name
    remedy = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    what = "is not a DNS label (small letters, digits, `-` inside; at most 63)"
    raise wrong(f"`{name}` {what}", f"`{remedy[:40]}`" if remedy else "a short English name such as `ddc`")


def formed(pattern: str, what: str, remedy: str) -> AfterValidator:
    """Takes text that is wholly of one form.

    Args:
        pattern: the form.
        what: what is wrong with any other text, in words that follow it.
        remedy: what to write instead.
    """

    def check(written: str) -> str:
        if not re.fullmatch(pattern, written):
            raise wrong(f"`{written}` {what}", remedy)
        return written

    return AfterValidator(check)


def _text(text: str) -> str:
    if not text.strip():
        raise wrong("must not be empty", "what the field asks for")
    if len(text) > 2000:
        raise wrong(f"too long: {len(text)} characters", "at most 2000")
    return text.strip()


def _thai(text: str) -> str:
    if not re.search("[ก-๙]", text):
        raise wrong(f"`{text[:60]}` has no Thai letter", "the text in Thai")
    return text


def _english(text: str) -> str:
    if not re.search("[A-Za-z]", text) or re.search("[ก-๙]", text):
        raise wrong(f"`{text[:60]}` is not English", "the text in English")
    return text


def _day(written: object) -> date:
    if isinstance(written, date):
        return written
    if not isinstance(written, str) or not re.fullmatch(_DAY, written):
        raise wrong(f"`{written}` is no date", "year-month-day, for example `2027-03-31`")
    year, month, day = (int(part) for part in written.split("-"))
    if year > 2400:
        remedy = f"`{year - _BUDDHIST_ERA}{written[4:]}`"
        raise wrong(f"`{written}` has a year of the Buddhist era", f"the year of the common era: {remedy}")
    try:
        return date(year, month, day)
    except ValueError as error:
        known_month = year > 0 and 0 < month < 13
        remedy = f"`{written[:7]}-{monthrange(year, month)[1]}`" if known_month else "a day that exists"
        raise wrong(f"there is no day `{written}`", remedy) from error


def _some_unique(items: tuple[H, ...]) -> tuple[H, ...]:
    if not items:
        raise wrong("must not be empty", "at least one item")
    return _unique(items)


def _unique(items: tuple[H, ...]) -> tuple[H, ...]:
    seen: set[H] = set()
    for index, item in enumerate(items):
        if item in seen:
            shown = item.value if isinstance(item, Enum) else item
            raise wrong(f"`{shown}` is listed twice", "it once", at=(index,))
        seen.add(item)
    return items


FrozenMap = Annotated[Mapping[K, V], AfterValidator(MappingProxyType), PlainSerializer(dict)]
"""A mapping that nobody can change once it is read."""
SomeOf = Annotated[
    tuple[H, ...],
    AfterValidator(_some_unique),
    Field(json_schema_extra={"minItems": 1, "uniqueItems": True}),
]
"""At least one item, none twice."""
SetOf = Annotated[
    tuple[H, ...],
    AfterValidator(_unique),
    Field(json_schema_extra={"uniqueItems": True}),
]
"""Items, none twice; perhaps no item."""
Text = Annotated[str, AfterValidator(_text), Field(json_schema_extra={"minLength": 1, "maxLength": 2000})]
ThaiText = Annotated[Text, AfterValidator(_thai)]
EnglishText = Annotated[Text, AfterValidator(_english)]
DnsLabel = Annotated[str, AfterValidator(_label), Field(json_schema_extra={"pattern": _LABEL, "maxLength": 63})]
"""A label of RFC 1123: what a Kubernetes name or label may hold."""
TenantId = Annotated[
    str,
    formed(_TENANT, "is no tenant id", "`t` and seven small letters or digits, once and for all: `t7k2m9qx`"),
    Field(json_schema_extra={"pattern": _TENANT}),
]
"""The opaque name that namespaces carry; it outlives every renaming of the agency or its file."""
Email = Annotated[
    str, formed(_EMAIL, "is no e-mail address", "`name@domain`"), Field(json_schema_extra={"format": "email"})
]
Phone = Annotated[
    str,
    formed(_PHONE, "is no telephone number", '`"+66 2 000 0000"`'),
    Field(json_schema_extra={"pattern": _PHONE}),
]
Day = Annotated[
    date,
    PlainValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": _DAY}),
    PlainSerializer(str),
]
"""A day of the common era, ``2027-03-31``."""
Classified = Annotated[
    DataClass,
    PlainValidator(read_data_class),
    WithJsonSchema({"type": "string", "enum": [known.value for known in DataClass]}),
    PlainSerializer(lambda known: known.value),
]
"""A data class as files write it: by its Thai name."""


class LocalizedName(Record):
    """ชื่อภาษาไทยและภาษาอังกฤษ / A name or text in both languages."""

    th: ThaiText
    """ภาษาไทย / In Thai."""
    en: EnglishText
    """ภาษาอังกฤษ / In English."""


class Contact(Record):
    """ผู้ติดต่อ / A person or office that answers."""

    name: Text
    """ชื่อหรือตำแหน่ง / Name or position."""
    email: Email
    """อีเมล / E-mail address."""
    phone: Phone | None = None
    """โทรศัพท์ (ใส่เครื่องหมายคำพูด) / Telephone, in quotes."""
