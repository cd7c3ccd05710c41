"""A common service of the marketplace: ``stacks/platform/services/<id>.yaml``; its name is the service's id."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from gdcc.model.admission import HostName
from gdcc.model.record import Named, Record, wrong
from gdcc.model.traffic import distinct
from gdcc.model.types import (
    Classified,
    Contact,
    DataClass,
    DnsLabel,
    Email,
    Environment,
    FrozenMap,
    LocalizedName,
    SetOf,
    Text,
)

LARGEST_LIMIT = 1_000_000_000
"""Of requests or of what is counted; more is a slip of the finger."""


class PlanName(StrEnum):
    """What a binding may do: try the service with nobody's data, or use it."""

    TRIAL = "trial"
    LIVE = "live"


def plan_for(environment: Environment) -> PlanName:
    """The plan of an environment: live credentials are for production, and production has no others."""
    return PlanName.LIVE if environment is Environment.PROD else PlanName.TRIAL


Credential = Literal["none", "client", "key-pair"]
"""What a bound tenant is given: nothing of its own, a client of the identity provider, or a key pair."""


class Limits(Record):
    """ขีดจำกัดของแผน / What one binding may do."""

    requests_per_minute: Annotated[int, Field(ge=1, le=LARGEST_LIMIT)]
    """คำขอต่อนาที / Requests in a minute; more are answered with 429."""
    per_month: Annotated[int, Field(ge=1, le=LARGEST_LIMIT)]
    """จำนวนต่อเดือน ตามหน่วยที่บริการนับ / In a calendar month, of what the service ``counts``."""


class Price(Record):
    """ราคา / What a plan costs the agency."""

    thb: Annotated[float, Field(ge=0, le=LARGEST_LIMIT)]
    """บาท / Baht, tax not included; 0 is free."""
    per: LocalizedName
    """ต่ออะไร / What that is the price of."""


class Plan(Record):
    """แผนการใช้ / A plan: its limits and its price."""

    limits: Limits
    price: Price


class Endpoint(Record):
    """จุดเชื่อมต่อ / Where a bound tenant finds the service; the gateway answers there."""

    name: DnsLabel
    """ชื่อ / What it is for, in a word."""
    host: HostName
    """ชื่อโฮสต์ / Host name, as in the gateway's certificate."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 443
    """พอร์ต / Port that clients connect to."""
    path: Text = "/"
    """พาธ / Beginning of the paths that are served."""

    @field_validator("path")
    @classmethod
    def _from_the_root(cls, path: str) -> str:
        if not path.startswith("/"):
            raise wrong(f"`{path}` does not begin with `/`", f"`/{path}`")
        return path

    @property
    def url(self) -> str:
        """As a client writes it."""
        port = "" if self.port == 443 else f":{self.port}"
        return f"https://{self.host}{port}{self.path}"


class Objective(Record):
    """ระดับบริการ (SLO) / What the service's owner promises."""

    availability: Annotated[float, Field(ge=90, lt=100)]
    """ความพร้อมใช้ (ร้อยละต่อเดือน) / Percent of the requests of a month that are answered without a fault of ours."""
    latency_ms: Annotated[int, Field(ge=1, le=60_000)]
    """เวลาตอบ (มิลลิวินาที) ของคำขอร้อยละ 95 / Milliseconds in which 95 of 100 requests are answered."""
    support: LocalizedName
    """เวลาช่วยเหลือ / When somebody answers for it."""


class Contacts(Record):
    """ผู้ติดต่อ / Who is asked about the service."""

    owner: Contact
    """เจ้าของบริการ / Who answers for it."""
    support: Contact
    """ผู้ช่วยเหลือผู้ใช้ / Who helps those who use it."""
    security: Contact
    """ผู้รับแจ้งเหตุ / Who is told of incidents."""


class Approver(Record):
    """ผู้อนุมัติ / Who must approve that an agency goes from trial to live."""

    role: DnsLabel
    """บทบาท / ``service-owner``, ``security``, ..."""
    title: LocalizedName
    """ชื่อบทบาท / The role, for people."""
    email: Email
    """อีเมลของผู้อนุมัติ / Who holds the role; the approval carries this address."""


def _distinct_approvers(approvers: tuple[Approver, ...]) -> tuple[Approver, ...]:
    for field in ("role", "email"):
        seen: set[str] = set()
        for index, one in enumerate(approvers):
            value = getattr(one, field).casefold()
            if value in seen:
                what = f"a second approver has the {'role' if field == 'role' else 'address'} `{value}`"
                raise wrong(what, "another one: each role is another person's", at=(index, field))
            seen.add(value)
    return approvers


_RUNNING = ("owner", "contacts", "legal_basis", "data_classes", "zones", "endpoints", "slo", "counts", "plans")
"""What must be said of a service that agencies may bind."""


class Service(Record):
    """บริการกลาง / A common service: who runs it, for which data and zones, on which plans."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"status": {"const": "available"}}, "required": ["status"]},
            "then": {"required": [*_RUNNING, "credential"]},
        }
    )

    title: LocalizedName
    """ชื่อบริการ / Name of the service."""
    description: LocalizedName
    """คำอธิบาย / What it does, in a sentence."""
    status: Literal["planned", "available"]
    """สถานะ / Whether it can be bound; what is planned cannot."""
    example: bool = False
    """ข้อมูลตัวอย่าง / Whether contacts, limits, prices and addresses are invented; the catalogue says so."""
    owner: LocalizedName | None = None
    """หน่วยงานเจ้าของบริการ / Agency that owns the service."""
    contacts: Contacts | None = None
    legal_basis: SetOf[Text] = ()
    """ฐานกฎหมาย / Laws under which it is given."""
    data_classes: SetOf[Classified] = ()
    """ชั้นข้อมูลที่ส่งผ่านได้ / Classes of the data that may pass through it."""
    zones: SetOf[Annotated[str, Named("tenant zone")]] = ()
    """โซนที่เข้าถึงได้ / Zones whose tenants reach it."""
    endpoints: Annotated[tuple[Endpoint, ...], AfterValidator(distinct)] = ()
    """จุดเชื่อมต่อ / Where it answers, for bound tenants."""
    slo: Objective | None = None
    """ระดับบริการ / What its owner promises."""
    counts: LocalizedName | None = None
    """สิ่งที่นับ / What ``per_month`` counts: messages, logins, ..."""
    plans: FrozenMap[PlanName, Plan] = Field(default_factory=dict)
    """แผน / Limits and prices of ``trial`` (dev, uat) and ``live`` (prod)."""
    approvals: Annotated[tuple[Approver, ...], AfterValidator(_distinct_approvers)] = ()
    """ผู้อนุมัติก่อนใช้จริง / Approvals that ``live`` needs; nobody's by default."""
    credential: Credential = "none"
    """ข้อมูลรับรอง / What a bound tenant is given, in a Secret of its namespace."""
    browsers: SetOf[Annotated[str, Named("tenant zone")]] = ()
    """โซนที่เกตเวย์ขาเข้าส่งต่อเบราว์เซอร์ถึงบริการ / Zones whose ingress gateways lead browsers to it; nobody's by default."""
    depends_on: SetOf[DnsLabel] = ()
    """บริการที่ต้องมี / Common services without which this one stops."""

    @field_validator("plans")
    @classmethod
    def _grow(cls, plans: Mapping[PlanName, Plan]) -> Mapping[PlanName, Plan]:
        if not plans:
            return plans
        for name in PlanName:
            if name not in plans:
                raise wrong(f"no plan `{name.value}`", "both: `trial` for dev and uat, `live` for prod")
        for field in Limits.model_fields:
            trial, live = (getattr(plans[name].limits, field) for name in PlanName)
            if trial > live:
                what = f"a trial may do more than is allowed live, {live}"
                raise wrong(what, f"at most `{live}`", at=("trial", "limits", field))
        return plans

    @field_validator("credential")
    @classmethod
    def _of_what_runs(cls, credential: Credential, info: ValidationInfo[Any]) -> Credential:
        if credential != "none" and info.data.get("status") == "planned":
            raise wrong("a planned service gives nobody a credential", "`none`, or leave it out")
        return credential

    @field_validator("browsers")
    @classmethod
    def _of_people(cls, browsers: tuple[str, ...], info: ValidationInfo[Any]) -> tuple[str, ...]:
        """A browser brings no token, so only what asks people who they are may be shown to one."""
        if browsers and info.data.get("credential", "client") != "client":
            raise wrong("nobody logs in here: it gives out no client", "leave it out: bound applications reach it")
        for index, zone in enumerate(browsers):
            if "zones" in info.data and zone not in (zones := info.data["zones"]):
                raise wrong(f"`{zone}` is not among `zones`", f"one of {', '.join(zones)}", at=(index,))
        return browsers

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in _RUNNING if not getattr(self, name)]
        if self.status == "available" and missing:
            named = ", ".join(f"`{name}`" for name in missing)
            raise wrong(f"an available service needs {named}", "them, or `status: planned`", at=("status",))
        return self

    @property
    def highest(self) -> DataClass | None:
        """The highest class of data that may pass through it."""
        return max(self.data_classes, default=None, key=lambda one: one.rank)

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles whose approval ``live`` needs."""
        return tuple(one.role for one in self.approvals)
