"""One agency's request for a tenant: ``stacks/agencies/<ministry>/<agency>.yaml``; its name is the agency's id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo, field_validator

from gdcc.model.admission import HostName
from gdcc.model.document import Way
from gdcc.model.platform import SANDBOX, Quota
from gdcc.model.record import Named, Record, context_of, wrong
from gdcc.model.service_request import ServiceName, ServiceRequests
from gdcc.model.traffic import Egress, Offer, distinct
from gdcc.model.types import (
    Classified,
    Contact,
    DataClass,
    Day,
    Environment,
    FrozenMap,
    Level,
    LocalizedName,
    SetOf,
    SomeOf,
    TenantId,
    Text,
)

LONGEST_AGENCY_ID = 40
"""Characters; leaves room in a DNS label for what is put around it."""

LONGEST_EGRESS = 366
"""Days that a way to the outside may be asked for at once."""

Kind = Literal[
    "office-of-permanent-secretary",
    "department",
    "public-organization",
    "state-enterprise",
    "independent-public-body",
    "constitutional-body",
    "local-government",
]


class Impact(Record):
    """ผลกระทบหากข้อมูลรั่วไหล ผิดเพี้ยน หรือใช้งานไม่ได้ / Impact of a loss; the highest of the three counts."""

    confidentiality: Level
    """ความลับ / Of disclosure."""
    integrity: Level
    """ความถูกต้อง / Of alteration."""
    availability: Level
    """ความพร้อมใช้ / Of interruption."""
    reviewed: Day
    """วันที่ทบทวนล่าสุด (ทุก 3 ปี) / Day of the last review, due every three years."""

    @property
    def highest(self) -> Level:
        """The level that counts."""
        return max(self.confidentiality, self.integrity, self.availability)

    @field_validator("reviewed")
    @classmethod
    def _has_happened(cls, reviewed: date, info: ValidationInfo[Any]) -> date:
        context = context_of(info)
        if context and reviewed > context.today:
            raise wrong(f"`{reviewed}` is in the future", "the day the review was held")
        return reviewed


class Freeze(Record):
    """การระงับ / Stops all writes by the tenant and leaves it running: an incident, or an order."""

    reason: LocalizedName
    """เหตุผล / Why; the tenant reads it with every refusal."""
    by: Text
    """ผู้สั่ง / Who ordered it, and under which reference."""
    until: Day
    """วันสุดท้าย / Last day; lifted at the next update after it, or by removing `frozen`."""

    def holds_on(self, today: date) -> bool:
        """Whether a day is not after the last one."""
        return today <= self.until


class AgencyRequest(Record):
    """คำขอใช้คลาวด์ของหน่วยงาน / What one agency asks of the cloud, and who answers for it."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"required": ["size"]}, {"required": ["quota"]}],
            "if": {"properties": {"size": {"const": SANDBOX}}, "required": ["size"]},
            "then": {"required": ["expires"]},
            "else": {"not": {"required": ["expires"]}},
        }
    )

    tenant: TenantId
    """รหัสผู้เช่าที่ไม่เปลี่ยนตลอดไป / Opaque id that never changes, whatever is renamed."""
    names: LocalizedName
    """ชื่อหน่วยงาน / Name of the agency."""
    ministry: Annotated[str, Named("ministry")]
    """กระทรวง ต้องตรงกับชื่อโฟลเดอร์ / Ministry; the same as the file's folder."""
    kind: Kind
    """ประเภทหน่วยงาน / Kind of body."""
    purpose: LocalizedName
    """วัตถุประสงค์ / What the systems are for."""
    legal_basis: SomeOf[Text]
    """ฐานกฎหมาย / Laws that give the agency this task."""
    owner: Contact
    """เจ้าของระบบ / Who answers for the systems and the money."""
    technical_lead: Contact
    """ผู้ดูแลด้านเทคนิค ต้องไม่ใช่เจ้าของระบบ / Who operates them; not the owner."""
    security_contact: Contact
    """ผู้รับแจ้งเหตุความมั่นคงปลอดภัย / Who is told of incidents."""
    impact: Impact
    personal_data: bool
    """มีข้อมูลส่วนบุคคลหรือไม่ / Whether personal data is held."""
    data_class: Classified
    """ชั้นข้อมูลสูงสุดที่เก็บ / Highest class of data held."""
    zone: Annotated[str, Named("tenant zone")]
    """โซนเครือข่าย / Network zone."""
    environments: SomeOf[Environment]
    """สภาพแวดล้อม / One namespace each."""
    size: Annotated[str, Named("size")] | None = None
    """ขนาดสำเร็จรูป / A named size; or else ``quota``."""
    quota: Annotated[FrozenMap[Environment, Quota] | None, Field(validate_default=True)] = None
    """โควตาที่กำหนดเอง ต่อสภาพแวดล้อม / Amounts of one's own, per environment; or else ``size``."""
    service_requests: Annotated[ServiceRequests, Field(validation_alias="services")] = ()
    """บริการกลางที่ขอใช้ ชื่อเดียวหรือพร้อมรายละเอียด / Common services asked for: a name, or a name with how it is wanted."""
    awaits: SetOf[ServiceName] = ()
    """บริการกลางที่รอใช้เมื่อเปิดบริการ / Planned services that the agency waits for; for planning, opens nothing."""
    offers: Annotated[tuple[Offer, ...], AfterValidator(distinct)] = ()
    """บริการข้อมูลที่เปิดให้หน่วยงานอื่นตามข้อตกลง / Services for other agencies; only an agreement opens one."""
    egress: tuple[Egress, ...] = ()
    """ปลายทางภายนอกที่ขอเข้าถึง / Hosts and ranges outside the cloud, each with a reason and a last day."""
    domains: SetOf[HostName] = ()
    """โดเมนของหน่วยงานเอง ใช้กับ prod / Domains the agency owns, served by its production beside the one it is given."""
    frozen: Freeze | None = None
    """การระงับ / Set by the platform team: no writes by the tenant until lifted."""
    expires: Annotated[Day | None, Field(validate_default=True)] = None
    """วันสิ้นสุดของ sandbox / Last day of a sandbox; for no other size."""

    @property
    def services(self) -> tuple[str, ...]:
        """The common services asked for, by name, each once."""
        return tuple(dict.fromkeys(one.name for one in self.service_requests))

    @field_validator("ministry")
    @classmethod
    def _is_the_folder(cls, ministry: str, info: ValidationInfo[Any]) -> str:
        context = context_of(info)
        if context and context.folder and ministry != context.folder:
            raise wrong(f"`{ministry}`, but the file is in the folder of `{context.folder}`", f"`{context.folder}`")
        return ministry

    @field_validator("technical_lead")
    @classmethod
    def _is_not_the_owner(cls, lead: Contact, info: ValidationInfo[Any]) -> Contact:
        owner = info.data.get("owner")
        if owner is not None and owner.email.casefold() == lead.email.casefold():
            raise wrong("the technical lead is the owner", "another person: one asks, another operates", at=("email",))
        return lead

    @field_validator("personal_data")
    @classmethod
    def _weighs_something(cls, personal_data: bool, info: ValidationInfo[Any]) -> bool:
        impact = info.data.get("impact")
        if personal_data and impact is not None and impact.highest < Level.MEDIUM:
            raise wrong("personal data means an impact of at least medium", "`medium` or `high` in `impact`")
        return personal_data

    @field_validator("data_class")
    @classmethod
    def _is_not_open(cls, data_class: DataClass, info: ValidationInfo[Any]) -> DataClass:
        if data_class is DataClass.OPEN and info.data.get("personal_data"):
            what = f"personal data cannot be {data_class.value}: that class is published to everybody"
            raise wrong(what, f"`{DataClass.INTERNAL.value}` or a higher class")
        return data_class

    @field_validator("quota")
    @classmethod
    def _or_size(cls, quota: Mapping[Environment, Quota] | None, info: ValidationInfo[Any]) -> Any:
        if "size" not in info.data or "environments" not in info.data:
            return quota
        size, environments = info.data["size"], info.data["environments"]
        if (size is None) == (quota is None):
            raise wrong("both a size and a quota" if quota else "neither a size nor a quota", "one of the two")
        if quota is not None and set(quota) != set(environments):
            names = ", ".join(environment.value for environment in environments)
            raise wrong("not the environments of `environments`", f"an entry for each of: {names}")
        return quota

    @field_validator("offers")
    @classmethod
    def _holds_what_it_offers(cls, offers: tuple[Offer, ...], info: ValidationInfo[Any]) -> tuple[Offer, ...]:
        held = info.data.get("data_class")
        for index, offer in enumerate(offers):
            if held is not None and offer.data_class > held:
                what = f"{offer.data_class.value} is offered, and the highest class held is {held.value}"
                raise wrong(what, f"`{held.value}` or a lower class", at=(index, "data_class"))
        return offers

    @field_validator("egress")
    @classmethod
    def _ends_within_a_year(cls, requests: tuple[Egress, ...], info: ValidationInfo[Any]) -> tuple[Egress, ...]:
        context = context_of(info)
        last = context.today + timedelta(days=LONGEST_EGRESS) if context else date.max
        for index, one in enumerate(requests):
            if one.expires > last:
                raise wrong("more than a year ahead", f"`{last}` at the latest", at=(index, "expires"))
        return requests

    @field_validator("expires")
    @classmethod
    def _only_sandboxes(cls, expires: date | None, info: ValidationInfo[Any]) -> date | None:
        if "size" in info.data and (info.data["size"] == SANDBOX) != (expires is not None):
            if expires is None:
                raise wrong("a sandbox needs its last day", "`expires: 2027-03-31` or another day")
            raise wrong(f"only the size `{SANDBOX}` expires", f"`size: {SANDBOX}`, or leave this field out")
        return expires


class Notice(NamedTuple):
    """Something to look at that stops nothing: time has passed."""

    way: Way
    message: str
    suggestion: str


def notices(request: AgencyRequest, today: date) -> Iterator[Notice]:
    """What has become due by a day; a warning, so that a date alone never stops a deployment.

    The impact review is due every three years: minimum cyber security standards, B.E. 2566.
    """
    if request.expires is not None and request.expires < today:
        message = f"the sandbox expired on {request.expires}"
        yield Notice(("expires",), message, "a later day if it is still needed, or remove the file")
    if today - request.impact.reviewed > timedelta(days=3 * 365 + 1):
        message = f"the impact was last reviewed on {request.impact.reviewed}, more than three years ago"
        yield Notice(("impact", "reviewed"), message, "the day of a new review")
    if request.frozen and not request.frozen.holds_on(today):
        message = f"ended on {request.frozen.until}: the tenant may write again"
        yield Notice(("frozen", "until"), message, "a later day to freeze it again, or remove `frozen`")
    for index, egress in enumerate(request.egress):
        if not egress.open_on(today):
            message = f"expired on {egress.expires}: the way to {egress.destination} is closed"
            yield Notice(
                ("egress", index, "expires"), message, "a later day if it is still needed, or remove the entry"
            )
