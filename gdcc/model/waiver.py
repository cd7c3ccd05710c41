"""A waiver: leave to fall short of one control in one place for a while, ``stacks/waivers/<id>.yaml``.

It mends nothing: what it covers is shown as waived, never as pass. So it says what is done instead, is approved by
somebody of another agency, and ends.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from gdcc.model.record import Record, wrong
from gdcc.model.signing import PastDay
from gdcc.model.types import Day, Email, LocalizedName, Text, formed

LONGEST_TERM = 180
"""Days from `created` to `expires`; what lasts longer is a change of the control, not a waiver."""

_CONTROL = r"^GC-[0-9]{2}$"
_AGENCY = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?/[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
_NAMESPACE = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
_LITERAL = 3
"""Characters that a name must begin with before its first `*`."""

MatchKind = Literal["agency", "namespace", "object"]


def _agency(name: str) -> str:
    if re.fullmatch(_AGENCY, name):
        return name
    if "*" in name or "/" not in name:
        raise wrong(f"`{name}` is too wide: more than one agency", "one agency, `moph/ddc`")
    raise wrong(f"`{name}` is no agency", "ministry and agency, `moph/ddc`")


def _namespace(name: str) -> str:
    if re.fullmatch(_NAMESPACE, name):
        return name
    if "*" in name:
        raise wrong(f"`{name}` is too wide: more than one namespace", "one namespace, `t7k2m9qx-prod`")
    raise wrong(f"`{name}` is no namespace", "its name in the cluster, `t7k2m9qx-prod`")


def _object(name: str) -> str:
    stem, _, last = name.rpartition("/")
    literal = last.partition("*")[0]
    if re.search(r"[?\[\]]", name) or "*" in stem or ("*" in last and len(literal.rpartition(" ")[2]) < _LITERAL):
        what = f"a `*` may stand only after {_LITERAL} characters of the object's own name"
        raise wrong(f"`{name}` is too wide: {what}", "kind, namespace and name, `Pod t7k2m9qx-prod/web-*`")
    return name


class Match(Record):
    """สิ่งที่ยกเว้น / What it covers: one agency, one namespace, or an object; the narrower the better."""

    agency: Annotated[str, AfterValidator(_agency), Field(json_schema_extra={"pattern": _AGENCY})] | None = None
    """หน่วยงานเดียว / One agency, ``moph/ddc``: what is asked for in its file and all its namespaces."""
    namespace: Annotated[str, AfterValidator(_namespace), Field(json_schema_extra={"pattern": _NAMESPACE})] | None = (
        None
    )
    """เนมสเปซเดียว / One namespace, ``t7k2m9qx-prod``, and what is in it."""
    object: Annotated[Text, AfterValidator(_object)] | None = None
    """ออบเจ็กต์ / An object as evidence names its target, ``Pod t7k2m9qx-prod/web-*``; ``*`` at the end of its name."""

    @model_validator(mode="after")
    def _is_one(self) -> Match:
        named = [kind for kind in ("agency", "namespace", "object") if getattr(self, kind) is not None]
        if len(named) != 1:
            raise wrong("a waiver covers one thing", "one of `agency`, `namespace` or `object`")
        return self

    @property
    def kind(self) -> MatchKind:
        """Which of the three it is."""
        return "agency" if self.agency else "namespace" if self.namespace else "object"

    @property
    def name(self) -> str:
        """What the file wrote there."""
        return self.agency or self.namespace or self.object or ""


class Person(Record):
    """ผู้จัดทำหรือผู้อนุมัติ / Who writes or approves it."""

    name: Text
    """ชื่อหรือตำแหน่ง / Name or position."""
    email: Email
    """อีเมลของหน่วยงาน / E-mail address at their own agency; its domain says which agency that is."""

    @property
    def domain(self) -> str:
        """The part of the address after the `@`, in small letters."""
        return self.email.rpartition("@")[2].casefold()

    def same_agency(self, domain: str) -> bool:
        """Whether an address in a domain is of the same agency: the domain, or one below the other."""
        one, other = f".{self.domain}", f".{domain.casefold()}"
        return one.endswith(other) or other.endswith(one)


class WaiverFile(Record):
    """การยกเว้นมาตรการชั่วคราว / Leave to fall short of a control for a while; the file's name is its id."""

    control: Annotated[
        str,
        formed(_CONTROL, "is no control's id", "two letters and two digits: `GC-17`"),
        Field(json_schema_extra={"pattern": _CONTROL}),
    ]
    """รหัสมาตรการ / The control, ``GC-17``; one that must hold is never waived."""
    match: Match
    """สิ่งที่ยกเว้น / What it covers."""
    reason: LocalizedName
    """เหตุผล / Why it cannot hold for now."""
    compensating: LocalizedName
    """มาตรการทดแทน / What is done instead, so that the risk is bearable."""
    author: Person
    """ผู้จัดทำ / Who asks for it."""
    approver: Person
    """ผู้อนุมัติ (ต้องไม่ใช่ผู้จัดทำ และไม่ใช่หน่วยงานเดียวกัน) / Who accepts the risk: not the author, and of another agency."""
    created: PastDay
    """วันที่อนุมัติ / Day since which it holds."""
    expires: Day
    """วันสิ้นสุด (ไม่เกิน 180 วัน) / Last day; 180 days after the first at most."""

    @field_validator("approver")
    @classmethod
    def _is_of_another_agency(cls, approver: Person, info: ValidationInfo[Any]) -> Person:
        author = info.data.get("author")
        if author is None:
            return approver
        if approver.email.casefold() == author.email.casefold():
            raise wrong(f"`{approver.email}` wrote this waiver", "somebody else, of another agency", at=("email",))
        if approver.same_agency(author.domain):
            what = f"`{approver.email}` is of the author's own agency"
            raise wrong(what, "somebody of another agency, such as the one that supervises it", at=("email",))
        return approver

    @field_validator("expires")
    @classmethod
    def _ends(cls, expires: date, info: ValidationInfo[Any]) -> date:
        created = info.data.get("created")
        if created is None:
            return expires
        if expires < created:
            raise wrong(f"`{expires}` is before the waiver was created, {created}", "a later day")
        if expires > (last := created + timedelta(days=LONGEST_TERM)):
            raise wrong(f"more than {LONGEST_TERM} days after `created`", f"`{last}` at the latest")
        return expires

    def days_left(self, today: date) -> int:
        """Days until it ends, the last day included as 0; negative once it has expired."""
        return (self.expires - today).days
