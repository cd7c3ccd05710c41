"""A data-sharing agreement between two agencies: ``stacks/agreements/<id>.yaml``.

Both network rules, egress at the consumer and ingress at the provider, follow from it and from nothing else. Both
owners sign the hash of its content, so what takes effect is what both have read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from gdcc.model import signing
from gdcc.model.document import Document
from gdcc.model.record import Record, wrong
from gdcc.model.signing import ContentHash, PastDay
from gdcc.model.traffic import Port
from gdcc.model.types import (
    Classified,
    Contact,
    Day,
    DnsLabel,
    Email,
    Environment,
    LocalizedName,
    SetOf,
    SomeOf,
    Text,
)

Party = Literal["provider", "consumer"]

LONGEST_YEARS = 3
"""An agreement is looked at afresh after that, as impacts are."""

_UNSIGNED = ("signatures", "withdrawn")
"""Fields outside the signed content: the signatures themselves, and what only ever closes."""


class State(StrEnum):
    """What an agreement is on a day; only an active one opens anything."""

    PENDING = "pending"
    NOT_YET = "not yet"
    ACTIVE = "active"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"

    @property
    def over(self) -> bool:
        """Whether only a new agreement opens it again."""
        return self in (State.EXPIRED, State.WITHDRAWN)


def content_hash(document: Document) -> str:
    """What the parties sign: everything but signatures and withdrawal; `gdcc.model.signing` says how."""
    return signing.content_hash(document, _UNSIGNED)


class Signature(Record):
    """ลายมือชื่ออนุมัติ / The recorded approval of a party's owner."""

    name: Text
    """ชื่อหรือตำแหน่งผู้อนุมัติ / Name or position of who approves."""
    email: Email
    """อีเมลของเจ้าของระบบ / E-mail address of the owner in the agency's request."""
    signed: PastDay
    """วันที่อนุมัติ / Day of the approval."""
    content: ContentHash
    """ค่าแฮชของเนื้อหาที่อนุมัติ / Hash of the content approved: ``gdcc agreements hash FILE``."""


class Signatures(Record):
    """ลายมือชื่อของทั้งสองฝ่าย / Of both parties; until both are there nothing is opened."""

    provider: Signature | None = None
    """ฝ่ายผู้ให้ข้อมูล / Of who gives the data."""
    consumer: Signature | None = None
    """ฝ่ายผู้ใช้ข้อมูล / Of who receives it."""

    @field_validator("consumer")
    @classmethod
    def _is_another(cls, consumer: Signature | None, info: ValidationInfo[Any]) -> Signature | None:
        provider = info.data.get("provider")
        if provider and consumer and provider.email.casefold() == consumer.email.casefold():
            raise wrong("the same person signs for both parties", "the owner of the consumer", at=("email",))
        return consumer


class Withdrawal(Record):
    """การถอนข้อตกลง / One party ends it before its last day; it only closes, so it needs no signature."""

    by: Party
    """ฝ่ายที่ถอน / Which party."""
    on: Day
    """วันแรกที่ไม่มีผล / First day without effect."""
    reason: LocalizedName
    """เหตุผล / Why."""


class Contacts(Record):
    """ผู้ประสานงานของทั้งสองฝ่าย / Who is asked about it, on each side."""

    provider: Contact
    """ฝ่ายผู้ให้ข้อมูล / Of who gives the data."""
    consumer: Contact
    """ฝ่ายผู้ใช้ข้อมูล / Of who receives it."""


class AgreementFile(Record):
    """ข้อตกลงแลกเปลี่ยนข้อมูลระหว่างสองหน่วยงาน / What two agencies agree on, and their signatures."""

    title: LocalizedName
    """ชื่อข้อตกลง / What is shared, in a few words."""
    provider: DnsLabel
    """หน่วยงานผู้ให้ข้อมูล / Agency that gives the data: the name of its request's file."""
    consumer: DnsLabel
    """หน่วยงานผู้ใช้ข้อมูล / Agency that receives it."""
    service: DnsLabel
    """บริการของผู้ให้ข้อมูล / One of the provider's ``offers``."""
    ports: SomeOf[Port]
    """พอร์ต / Of the service's ports, those that are opened."""
    environments: SetOf[Environment] = ()
    """สภาพแวดล้อม (เว้นว่าง คือทั้งหมดที่มีร่วมกัน) / Where it is opened; all that both have by default."""
    data_class: Classified
    """ชั้นข้อมูลที่แลกเปลี่ยน / Class of the data, as the provider offers it."""
    legal_basis: SomeOf[Text]
    """ฐานกฎหมาย / Laws that allow it."""
    purposes: SomeOf[LocalizedName]
    """วัตถุประสงค์การใช้ข้อมูล / What the consumer may use the data for, and for nothing else."""
    contacts: Contacts
    starts: Day
    """วันเริ่มต้น / First day."""
    expires: Day
    """วันสิ้นสุด / Last day; three years after the first at most."""
    signatures: Signatures = Signatures()
    """ลายมือชื่อ / Approvals of both owners."""
    withdrawn: Withdrawal | None = None
    """การถอน / If a party has ended it."""

    @field_validator("consumer")
    @classmethod
    def _is_another(cls, consumer: str, info: ValidationInfo[Any]) -> str:
        if consumer == info.data.get("provider"):
            raise wrong(f"`{consumer}` is the provider too", "another agency: its own namespaces need no agreement")
        return consumer

    @field_validator("expires")
    @classmethod
    def _ends(cls, expires: date, info: ValidationInfo[Any]) -> date:
        starts = info.data.get("starts")
        if starts is None:
            return expires
        if expires < starts:
            raise wrong(f"`{expires}` is before the first day, {starts}", "a later day")
        if expires > (last := years_after(starts, LONGEST_YEARS)):
            raise wrong(f"more than {LONGEST_YEARS} years after the first day", f"`{last}` at the latest")
        return expires

    def unsigned(self) -> Iterator[Party]:
        """The parties whose signature is missing."""
        if self.signatures.provider is None:
            yield "provider"
        if self.signatures.consumer is None:
            yield "consumer"

    def state(self, today: date) -> State:
        """What it is on a day."""
        if self.withdrawn and self.withdrawn.on <= today:
            return State.WITHDRAWN
        if self.expires < today:
            return State.EXPIRED
        if any(self.unsigned()):
            return State.PENDING
        return State.NOT_YET if today < self.starts else State.ACTIVE


def years_after(day: date, years: int) -> date:
    """The same day some years later; of 29 February, the 28th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
