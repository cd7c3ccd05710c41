"""What a request says of a common service: its name alone, or how it is wanted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from gdcc.model.record import NAMES_KEY, Named, Record, context_of, wrong
from gdcc.model.service import LARGEST_LIMIT, PlanName, plan_for
from gdcc.model.signing import ContentHash, PastDay
from gdcc.model.types import Classified, DnsLabel, Email, Environment, SetOf, Text

_KIND = "service"
ServiceName = Annotated[str, Named(_KIND)]
_NAME: TypeAdapter[str] = TypeAdapter(ServiceName)
_Limit = Annotated[int, Field(ge=1, le=LARGEST_LIMIT)]


def _redirect_uri(uri: str) -> str:
    """Exact and over TLS, as RFC 9700 (2.1, 2.6) asks: no wildcard, no fragment, nothing before the host."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if parts.scheme != "https" or not host:
        raise wrong(f"`{uri}` is no https address", "the whole address, such as `https://www.example.com/callback`")
    if "*" in uri:
        raise wrong(f"`{uri}` stands for addresses that nobody has listed", "each address by itself")
    if parts.fragment or uri.endswith("#") or "@" in parts.netloc or re.search(r"\s|\\", uri) or "/.." in parts.path:
        raise wrong(f"`{uri}` is more than a host and a path", "the address without `#`, `@`, `..` and spaces")
    if parts.netloc != parts.netloc.lower():
        raise wrong(f"`{uri}` has capital letters in its host", f"`{uri.replace(parts.netloc, parts.netloc.lower())}`")
    return uri


RedirectUri = Annotated[
    str, AfterValidator(_redirect_uri), Field(json_schema_extra={"pattern": r"^https://[^*#@\s]+$"})
]


class ServiceQuota(Record):
    """โควตาที่ขอ ไม่เกินแผน / Less than the plan allows, for a cost that is bounded."""

    requests_per_minute: _Limit | None = None
    """คำขอต่อนาที / Requests in a minute."""
    per_month: _Limit | None = None
    """จำนวนต่อเดือน / In a calendar month, of what the service counts."""


class ServiceApproval(Record):
    """การอนุมัติใช้จริง / One approval of the step from trial to live."""

    role: DnsLabel
    """บทบาทของผู้อนุมัติ / One of the roles that the service's file lists."""
    name: Text
    """ชื่อหรือตำแหน่งผู้อนุมัติ / Name or position of who approves."""
    email: Email
    """อีเมล ตามไฟล์ของบริการ / E-mail address of the role in the service's file."""
    approved: PastDay
    """วันที่อนุมัติ / Day of the approval."""
    content: ContentHash
    """ค่าแฮชของสิ่งที่อนุมัติ / Hash of what is approved: ``gdcc services hash AGENCY SERVICE``."""


class ServiceRequest(Record):
    """บริการกลางที่ขอใช้ / A common service asked for."""

    name: ServiceName
    """ชื่อบริการ / The service."""
    plan: PlanName | None = None
    """แผน / ``trial`` is for dev and uat, ``live`` for prod; both by default."""
    environments: SetOf[Environment] = ()
    """สภาพแวดล้อม (เว้นว่าง คือทั้งหมดของแผน) / Where it is bound; all that the plan is for by default."""
    quota: ServiceQuota | None = None
    """โควตาที่น้อยกว่าแผน / Less than the plan allows."""
    data_class: Classified | None = None
    """ชั้นข้อมูลสูงสุดที่ส่งผ่าน / Highest class of the data that passes; the highest that the agency holds by default."""
    redirect_uris: SetOf[RedirectUri] = ()
    """ที่อยู่ที่กลับมาหลังเข้าสู่ระบบ / Where browsers return to after a login; in the agency's own domains."""
    approvals: tuple[ServiceApproval, ...] = ()
    """การอนุมัติใช้จริง / Approvals for prod."""

    def covers(self, environment: Environment) -> bool:
        """Whether it asks for the service there: where it lists, else wherever its plan is for."""
        if self.environments:
            return environment in self.environments
        return self.plan is None or self.plan is plan_for(environment)


class _ByName:
    """Lets a service be written as its name alone."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_before_validator_function(_read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", NAMES_KEY: _KIND}, handler(schema)]}


def _read(written: object, info: ValidationInfo[Any]) -> object:
    context = context_of(info)
    if isinstance(written, str):
        return ServiceRequest(name=_NAME.validate_python(written, context=context))
    if isinstance(written, Mapping):
        # As JSON again: only so are lists tuples and words enums in strict mode.
        return ServiceRequest.model_validate_json(json.dumps(written, ensure_ascii=False), context=context)
    raise wrong("must be the name of a service", "`identity`, or a group of fields with `name: identity`")


def _once(asked: tuple[ServiceRequest, ...]) -> tuple[ServiceRequest, ...]:
    """No environment gets a service twice: one client, one key, one quota each."""
    for index, one in enumerate(asked):
        for earlier in asked[:index]:
            both = one.name == earlier.name
            if both and any(one.covers(each) and earlier.covers(each) for each in Environment):
                raise wrong(
                    f"`{one.name}` is listed twice", "it once, or each with `environments` of its own", (index,)
                )
    return asked


ServiceRequests = Annotated[
    tuple[Annotated[ServiceRequest, _ByName()], ...],
    AfterValidator(_once),
    Field(json_schema_extra={"uniqueItems": True}),
]
"""Common services asked for, each for an environment once."""
