"""``stacks/platform/identity.yaml``: the realm of the ID service, as far as people decide about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, GetJsonSchemaHandler, ValidationInfo, field_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from gdcc.model.agency import Notice
from gdcc.model.quantity import Quantity
from gdcc.model.record import Named, Record, wrong
from gdcc.model.service import Service
from gdcc.model.traffic import distinct
from gdcc.model.types import Classified, DnsLabel, Environment, LocalizedName, SetOf, SomeOf, TenantId, Text

SERVICE = "identity"
"""The ID service's own name in the marketplace."""
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST_ACCESS_TOKEN = 900
"""Seconds. A token is believed until it ends, whatever happened to its owner."""
SHORTEST_LOG = 90 * 86_400
"""Seconds. The Computer Crime Act B.E. 2550, section 26, asks for traffic data to be kept at least 90 days."""


class Duration(Quantity):
    """A time with its unit, ``"5m"``, ``"10h"``, ``"90d"``; ``value`` is in seconds."""

    pattern: ClassVar[str] = r"^[1-9][0-9]{0,5}[smhd]$"

    @classmethod
    def parse(cls, written: object) -> Self:
        """Reads a whole number with the unit s, m, h or d."""
        if isinstance(written, cls):
            return written
        if not isinstance(written, str) or not re.fullmatch(cls.pattern, written):
            raise wrong(f"`{written}` is no duration", '`"300s"`, `"5m"`, `"10h"` or `"90d"`')
        return cls(int(written[:-1]) * _SECONDS[written[-1]], written)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": cls.pattern}


def _https(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme == "https" and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or url.endswith("/"):
        raise wrong(f"`{url}` is no address of a server", "`https://host` or `https://host/path`, without a last slash")
    return url


HttpsUrl = Annotated[str, AfterValidator(_https), Field(json_schema_extra={"format": "uri", "pattern": "^https://"})]


class Assurance(Record):
    """ระดับความเชื่อมั่น / A level that an application may ask for: how surely a person is who they say they are."""

    name: DnsLabel
    """ค่า acr ในโทเคน / The value of ``acr`` in tokens and in ``acr_values``."""
    ial: Annotated[int, Field(ge=1, le=3)]
    """ระดับการพิสูจน์ตัวตน / Identity assurance level: how the person was identified when the account was made."""
    aal: Annotated[int, Field(ge=1, le=2)]
    """ระดับการยืนยันตัวตน / Authenticator assurance level: 1 is a password, 2 also a one-time password."""
    again_after: Duration
    """ยืนยันซ้ำหลังเวลานี้ / How long it holds in a session before it is asked for again."""


class Sessions(Record):
    """อายุโทเคนและเซสชัน / How long tokens and sessions last."""

    access_token: Duration
    """อายุ access token / Of an access token."""
    code: Duration
    """อายุ authorization code / From the redirect until the application fetches its token."""
    idle: Duration
    """หมดเซสชันเมื่อไม่ใช้งาน / A session ends after so long without use."""
    longest: Duration
    """อายุสูงสุดของเซสชัน / A session ends after so long in any case."""

    @field_validator("access_token")
    @classmethod
    def _short(cls, duration: Duration) -> Duration:
        if duration.value > LONGEST_ACCESS_TOKEN:
            raise wrong(f"`{duration}` is too long: a token cannot be taken back", f"at most `{LONGEST_ACCESS_TOKEN}s`")
        return duration

    @field_validator("longest")
    @classmethod
    def _longer_than_idle(cls, longest: Duration, info: ValidationInfo[Any]) -> Duration:
        idle = info.data.get("idle")
        if idle is not None and longest < idle:
            raise wrong(f"`{longest}` is shorter than `idle`", f"at least `{idle}`")
        return longest


class Passwords(Record):
    """นโยบายรหัสผ่าน / What passwords must be, and how guessing is stopped."""

    length: Annotated[int, Field(ge=12, le=64)]
    """ความยาวขั้นต่ำ / Least number of characters."""
    history: Annotated[int, Field(ge=0, le=24)]
    """ห้ามใช้ซ้ำกี่ครั้งล่าสุด / How many former ones may not be used again."""
    failures: Annotated[int, Field(ge=3, le=30)]
    """ใส่ผิดได้กี่ครั้ง / Wrong ones in a row until the account is locked for a while."""
    wait: Duration
    """ล็อกนานเท่าใด / For how long at first; longer each time."""
    longest_wait: Duration
    """ล็อกนานสุดเท่าใด / And at most."""


class Events(Record):
    """บันทึกเหตุการณ์ / The log of logins and of administrators' acts, in the ID service's own database."""

    kept: Duration
    """เก็บนานเท่าใด / How long; the law asks for at least 90 days."""

    @field_validator("kept")
    @classmethod
    def _long_enough(cls, kept: Duration) -> Duration:
        if kept.value < SHORTEST_LOG:
            raise wrong(f"`{kept}` is shorter than the law asks", '`"90d"` or longer')
        return kept


class Keys(Record):
    """กุญแจของแอปพลิเคชัน / How the keys by which applications identify themselves are changed."""

    rotate_after: Duration
    """เปลี่ยนเมื่อใช้มานานเท่าใด / A key is due for rotation when it is so old."""
    grace: Duration
    """กุญแจเก่ายังใช้ได้อีกนานเท่าใด / The former key is accepted for so long afterwards."""

    @field_validator("grace")
    @classmethod
    def _ends_first(cls, grace: Duration, info: ValidationInfo[Any]) -> Duration:
        period = info.data.get("rotate_after")
        if period is not None and grace >= period:
            raise wrong(f"`{grace}`: the former key would outlive its successor", f"less than `{period}`")
        return grace


class HighValue(Record):
    """แอปพลิเคชันที่ต้องใช้ FAPI 2 / Which clients must keep to FAPI 2.0 (PAR, DPoP, private_key_jwt, exact redirects)."""

    services: SetOf[Annotated[str, Named("service")]]
    """ผูกบริการเหล่านี้ / Those bound to one of these services, in production."""
    data_classes: SetOf[Classified]
    """ชั้นข้อมูล / Those of tenants that hold data of these classes, in production."""
    acr: DnsLabel
    """ระดับขั้นต่ำ / The least level at which people log in there; a name of ``assurance``."""


class SharedSecret(Record):
    """ข้อยกเว้นให้ใช้รหัสลับร่วม / Lets one application identify itself by a shared secret instead of a key of its own."""

    tenant: TenantId
    environment: Environment
    method: Literal["client_secret_jwt", "client_secret_basic"]
    """วิธี / How (OpenID Connect Core 1.0, section 9); the first does not send the secret itself."""
    reason: LocalizedName
    """เหตุผล / Why it cannot use ``private_key_jwt``."""


class Upstream(Record):
    """ผู้ให้บริการยืนยันตัวตนต้นทาง / An identity provider whose people may log in here, by OpenID Connect."""

    name: DnsLabel
    """ชื่อย่อ เช่น thaid / Short name; part of the redirect address that is registered there."""
    title: LocalizedName
    issuer: HttpsUrl | None = None
    """ผู้ออกโทเคน ว่างไว้จนกว่าจะได้รับอนุญาต / Its issuer; without it the provider is listed and switched off."""
    authorization_url: HttpsUrl | None = None
    token_url: HttpsUrl | None = None
    jwks_url: HttpsUrl | None = None
    client_id: Text | None = None
    """รหัสลูกข่ายที่ได้รับจากต้นทาง / The client id that it gave us."""
    secret: DnsLabel | None = None
    """ชื่อไฟล์ความลับใน vault ของ Keycloak / Name in Keycloak's vault; the secret itself is in no file of ours."""
    scopes: SetOf[DnsLabel] = ("openid",)
    """scope ที่ขอ / What is asked for."""
    ial: Annotated[int, Field(ge=1, le=3)]
    """ระดับการพิสูจน์ตัวตนของผู้ที่มาจากต้นทางนี้ / Identity assurance level of whoever comes from there."""

    @property
    def configured(self) -> bool:
        """Whether all that it takes is there; else it stays switched off."""
        return None not in (self.issuer, self.authorization_url, self.token_url, self.jwks_url, self.client_id)

    @field_validator("secret")
    @classmethod
    def _all_or_nothing(cls, secret: str | None, info: ValidationInfo[Any]) -> str | None:
        needed = ("issuer", "authorization_url", "token_url", "jwks_url", "client_id")
        given = [name for name in needed if info.data.get(name)]
        missing = [name for name in needed if name in info.data and not info.data[name]]
        if given and missing:
            raise wrong(f"{given[0]} is set, but not {missing[0]}", f"all of {', '.join(needed)}, or none yet")
        return secret


class Identity(Record):
    """``stacks/platform/identity.yaml``."""

    realm: DnsLabel
    """ชื่อ realm / Name of the realm; part of the issuer's address, so it never changes."""
    title: LocalizedName
    url: HttpsUrl
    """ที่อยู่ของบริการ / Where applications and browsers reach it: the first endpoint of ``services/identity.yaml``."""
    assurance: Annotated[SomeOf[Assurance], AfterValidator(distinct)]
    """ระดับที่ขอได้ จากต่ำไปสูง / Levels, lowest first; each includes those before it."""
    official_role: DnsLabel
    """บทบาทของเจ้าหน้าที่ ต้องใช้สองปัจจัยเสมอ / Role of officials, who always need a second factor."""
    sessions: Sessions
    passwords: Passwords
    events: Events
    keys: Keys
    high_value: HighValue
    shared_secrets: tuple[SharedSecret, ...] = ()
    """แอปพลิเคชันที่ใช้ private_key_jwt ไม่ได้ / Applications that cannot use ``private_key_jwt``."""
    upstreams: Annotated[tuple[Upstream, ...], AfterValidator(distinct)] = ()

    @property
    def issuer(self) -> str:
        """``iss`` of every token."""
        return f"{self.url}/realms/{self.realm}"

    @field_validator("realm")
    @classmethod
    def _not_keycloaks(cls, realm: str) -> str:
        if realm == "master":
            raise wrong("`master` is Keycloak's own realm of administrators", "`gdcc`")
        return realm

    @field_validator("assurance")
    @classmethod
    def _ascend(cls, levels: tuple[Assurance, ...]) -> tuple[Assurance, ...]:
        if (levels[0].ial, levels[0].aal) != (1, 1):
            raise wrong(f"`{levels[0].name}` is the lowest level, and not IAL 1, AAL 1", "that level first", at=(0,))
        for index in range(1, len(levels)):
            before, level = levels[index - 1], levels[index]
            if level.ial < before.ial or level.aal < before.aal or (level.ial, level.aal) == (before.ial, before.aal):
                what = f"`{level.name}` does not include `{before.name}`, the level before it"
                raise wrong(what, "the levels from the lowest to the highest", at=(index,))
        return levels

    @field_validator("high_value")
    @classmethod
    def _is_a_level(cls, value: HighValue, info: ValidationInfo[Any]) -> HighValue:
        levels = info.data.get("assurance")
        if levels is not None and value.acr not in (names := [level.name for level in levels]):
            raise wrong(f"no level is named `{value.acr}`", f"one of {', '.join(names)}", at=("acr",))
        return value


def astray(identity: Identity, service: Service) -> Iterator[Notice]:
    """Where the realm's address is not the one that the marketplace tells: its tokens would be refused.

    Args:
        identity: the realm.
        service: the ID service as it is offered.
    """
    if not service.endpoints:
        return
    told, path = service.endpoints[0], f"/realms/{identity.realm}"
    where = f"the first endpoint of services/{SERVICE}.yaml"
    if told.path != path:
        yield Notice(("realm",), f"`{told.path}`, the path of {where}, is not this realm's", f"`{path}` there")
    expected = told.model_copy(update={"path": ""}).url
    if _place(identity.url) != _place(expected):
        yield Notice(("url",), f"`{identity.url}` is not the address of {where}", f"`{expected}`")


def _place(url: str) -> tuple[str | None, int, str]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or 443, parts.path
