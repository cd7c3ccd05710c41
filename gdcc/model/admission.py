"""What a tenant may use and who may write what bounds it: ``stacks/platform/admission.yaml``.

The walls in the API server, the tenants' quotas and the tenants' roles are all made from this one file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import combinations
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from gdcc.model.problems import nearest
from gdcc.model.record import Record, wrong
from gdcc.model.types import Day, Environment, FrozenMap, LocalizedName, SetOf, SomeOf, Text, formed

AGENCY = "{agency}"
"""Stands in the file for the agency whose namespace it is."""

_HOST = r"^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$"
_RESOURCE = r"^[a-z]+(/[a-z]+)?(\.[a-z][a-z0-9.-]*)?$"


def _host(name: str) -> str:
    if not re.fullmatch(_HOST, name) or len(name) > 253:
        raise wrong(f"`{name}` is no host name", "small letters, digits, `-` and dots: `www.ddc.moph.go.th`")
    return name


def _pattern(written: str) -> str:
    _host(written.replace(AGENCY, "agency"))
    if not written.startswith(f"{AGENCY}."):
        raise wrong(f"`{written}` is the same for every agency", f"`{AGENCY}.` before it")
    return written


def _expression(written: str) -> str:
    try:
        re.compile(written)
    except re.error as error:
        raise wrong(f"`{written}` is no regular expression: {error}", "RE2 syntax, such as `.*-snippet`") from error
    return written


HostName = Annotated[str, AfterValidator(_host), Field(json_schema_extra={"pattern": _HOST, "maxLength": 253})]
"""A fully qualified host name, without wildcards."""
DomainPattern = Annotated[str, AfterValidator(_pattern)]
Expression = Annotated[str, AfterValidator(_expression)]
ResourceName = Annotated[
    str,
    formed(_RESOURCE, "names no resource", "`networkpolicies.networking.k8s.io`, as `kubectl` names it"),
    Field(json_schema_extra={"pattern": _RESOURCE}),
]
"""A resource, perhaps a subresource, and its API group, as ``kubectl`` names them: ``deployments/scale.apps``."""


Postponed = Literal["limits", "read-only-root", "restricted", "tokens"]
"""Rules that came after tenants did: each may audit first and deny later."""


class Identities(Record):
    """Who: by exact names. A name that only begins alike is somebody else."""

    users: SetOf[Text] = ()
    """ชื่อผู้ใช้ / User names; service accounts as ``system:serviceaccount:<namespace>:<name>``."""
    groups: SetOf[Text] = ()
    """กลุ่ม / Groups, from the identity provider or a certificate."""


class Images(Record):
    """อิมเมจของคอนเทนเนอร์ / Where images come from, and where they are pinned."""

    repositories: SomeOf[Text]
    """Registry and path, without a slash at the end; ``{agency}`` stands for the agency."""
    digests: SetOf[Environment]
    """สภาพแวดล้อมที่ต้องระบุ digest / Environments in which an image is named by its digest."""


class Classes(Record):
    """คลาสที่เลือกได้ / Classes that tenants may name; what is not listed is refused."""

    storage: SomeOf[Text]
    storage_shares: FrozenMap[Text, Annotated[int, Field(ge=1, le=100)]] = Field(default_factory=dict)
    """สัดส่วนพื้นที่ต่อคลาส / Percent of a tenant's storage that may be of a class; all of it by default."""
    ingress: SomeOf[Text]
    priority: SetOf[Text]
    runtime: SetOf[Text]
    csi_drivers: SetOf[Text] = ()
    """Drivers that a pod may use inline, without a claim."""
    gateways: SetOf[Text] = ()
    """Gateways that routes may attach to: ``<namespace>/<name>``. Tenants make none of their own."""

    @field_validator("storage_shares")
    @classmethod
    def _of_classes_there_are(cls, shares: Mapping[str, int], info: ValidationInfo[Any]) -> Mapping[str, int]:
        for name in shares:
            if name not in (known := info.data.get("storage", (name,))):
                raise wrong(f"no storage class is named `{name}`", nearest(name, known), at=(name,))
        return shares

    def shares(self) -> Mapping[str, int]:
        """Percent of a tenant's storage that may be of each class."""
        return {name: self.storage_shares.get(name, 100) for name in self.storage}


class Hostnames(Record):
    """ชื่อโดเมน / Which host names a tenant may serve."""

    domains: FrozenMap[Environment, DomainPattern]
    """โดเมนที่ได้รับ / The domain that each environment of each agency gets."""
    forbidden_annotations: SetOf[Expression]
    """Annotations of ingresses, routes and services, as RE2 in small letters, that would serve other names or write
    into a shared gateway's configuration."""

    @field_validator("domains")
    @classmethod
    def _apart(cls, domains: Mapping[Environment, str]) -> Mapping[Environment, str]:
        missing = [environment for environment in Environment if environment not in domains]
        if missing:
            raise wrong(f"no domain for {missing[0].value}", "an entry for each environment")
        for (one, first), (two, second) in combinations(domains.items(), 2):
            if inside(first, second.removeprefix(f"{AGENCY}.")) or inside(second, first.removeprefix(f"{AGENCY}.")):
                what = f"the domains of {one.value} and {two.value} are not apart"
                raise wrong(what, "two domains of which none is in the other", at=(two.value,))
        return domains


class Placement(Record):
    """เครื่องที่ใช้ได้ / On which machines tenants' pods may run."""

    pool_key: Text
    """Label and taint of every node: the pool it belongs to."""
    tolerations: SetOf[Text]
    """Keys of taints that any pod may tolerate."""


class Guarded(Record):
    """สิ่งที่จำกัดผู้เช่า / What bounds a tenant; in its namespaces only the platform writes it."""

    why: LocalizedName
    """เหตุผลและวิธีที่ถูกต้อง / Why, and what to do instead; the tenant reads it when refused."""
    resources: SomeOf[ResourceName]
    writers: Identities = Identities()
    """Parts of Kubernetes that write it too."""
    readable: bool = True
    """ผู้เช่าอ่านได้หรือไม่ / Whether tenants may read it."""


class Admission(Record):
    """``stacks/platform/admission.yaml``."""

    administrators: Identities
    """ผู้ดูแลสูงสุด / Who may pass every wall, with every use audited; for installation and emergencies."""
    deployers: Identities
    """ผู้ติดตั้ง / Who applies the program; writes what bounds tenants, within the walls."""
    kubernetes: Identities
    """ส่วนของ Kubernetes / Parts of Kubernetes that end namespaces and what is in them, whoever owns it."""
    controllers: Identities
    """ส่วนของ Kubernetes ที่ให้งานทำงานต่อ / Parts of Kubernetes that keep a frozen tenant running."""
    volume_binders: Identities
    """ส่วนของ Kubernetes ที่ผูกวอลุม / Parts of Kubernetes that bind claims to volumes."""
    protected: SomeOf[HostName]
    """Labels and annotations under these domains say whose an object is; only the platform sets them."""
    guarded: SomeOf[Guarded]
    images: Images
    classes: Classes
    service_types: SomeOf[Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]]
    """ชนิดของ Service / Types of Services."""
    hostnames: Hostnames
    placement: Placement
    secret_types: SomeOf[Text]
    """ชนิดของ Secret / Types of Secrets that tenants may make."""
    objects: FrozenMap[Text, Annotated[int, Field(ge=0, le=100_000)]]
    """จำนวนวัตถุสูงสุดต่อเนมสเปซ / Most objects of a kind in one namespace, as a ResourceQuota counts them."""
    deny_from: FrozenMap[Postponed, Day] = Field(default_factory=dict)
    """วันเริ่มปฏิเสธ / Rules that only audit and warn until this day, and deny from it on; all others deny at once."""

    def denies(self, rule: str, today: date) -> bool:
        """Whether a rule denies on a day, or only audits and warns yet."""
        day = self.deny_from.get(rule)  # type: ignore[call-overload]
        return day is None or day <= today

    def domains(self, agency: str, environment: Environment, own: Iterable[str]) -> tuple[str, ...]:
        """The domains of one namespace: the one it gets, and in production those the agency owns."""
        given = self.hostnames.domains[environment].replace(AGENCY, agency)
        return (given, *own) if environment is Environment.PROD else (given,)

    def reserved(self) -> tuple[str, ...]:
        """Domains that the platform gives out, so that no agency owns them."""
        return tuple(pattern.removeprefix(f"{AGENCY}.") for pattern in self.hostnames.domains.values())


def inside(host: str, domain: str) -> bool:
    """Whether a host name is a domain or in it."""
    return host == domain or host.endswith(f".{domain}")


class Collision(NamedTuple):
    """A domain that cannot be one agency's alone."""

    owner: str
    place: int
    message: str


def collisions(owned: Mapping[str, tuple[str, ...]], reserved: Iterable[str]) -> Iterator[Collision]:
    """The domains that two agencies claim, that lie in another's, or that the platform gives out.

    Args:
        owned: per file, the domains its agency says it owns.
        reserved: domains of the platform.
    """
    platform = "the platform itself"
    owners = dict.fromkeys(reserved, platform)
    claims = [(owner, place, domain) for owner, domains in owned.items() for place, domain in enumerate(domains)]
    # A domain comes after those it lies in, so that looking upwards finds every overlap.
    for owner, place, domain in sorted(claims, key=lambda claim: claim[2].count(".")):
        labels = domain.split(".")
        above = next((up for cut in range(len(labels)) if (up := ".".join(labels[cut:])) in owners), None)
        below = next((one for one, who in owners.items() if who == platform and inside(one, domain)), None)
        overlap = above or below
        if overlap and owners[overlap] != owner:
            yield Collision(owner, place, f"`{domain}` is not apart from `{overlap}` of {owners[overlap]}")
        owners.setdefault(domain, owner)


def any_of(*identities: Identities) -> Identities:
    """All of them together."""
    users: dict[str, Any] = dict.fromkeys(user for each in identities for user in each.users)
    groups: dict[str, Any] = dict.fromkeys(group for each in identities for group in each.groups)
    return Identities(users=tuple(users), groups=tuple(groups))
