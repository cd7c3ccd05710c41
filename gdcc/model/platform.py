"""What the platform team declares in ``stacks/platform/``, besides zones and services: capacity, sizes, ministries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from gdcc.model.quantity import Bytes, Cpu, Quantity
from gdcc.model.record import Named, Record, wrong
from gdcc.model.traffic import distinct
from gdcc.model.types import Classified, DataClass, DnsLabel, Environment, FrozenMap, LocalizedName, SomeOf

SANDBOX = "sandbox"
"""The size for trials; the only one that expires."""


class Quota(Record):
    """โควตาของหนึ่งสภาพแวดล้อม / What one environment of one tenant may use."""

    cpu: Cpu
    """vCPU: ``"500m"`` or ``"4"``."""
    memory: Bytes
    """หน่วยความจำ / Memory: ``8Gi``."""
    storage: Bytes
    """พื้นที่จัดเก็บ / Storage on volumes: ``1Ti``."""
    pods: Annotated[int, Field(ge=1, le=10_000)]
    """จำนวนพ็อด / Number of pods."""


class Overcommit(Record):
    """How much more may be promised than there is; 1.0 promises nothing twice."""

    cpu: Annotated[float, Field(ge=1, le=10)]
    memory: Annotated[float, Field(ge=1, le=4)]
    storage: Annotated[float, Field(ge=1, le=4)]


class Pool(Record):
    """กลุ่มเครื่อง / Machines that carry the tenants of some zones and data classes."""

    name: DnsLabel
    kind: Literal["public", "community", "sovereign"]
    """ประเภทคลาวด์ / Kind of cloud; ลับมาก and above only on community or sovereign (DGS 9-2:2568, draft)."""
    zones: SomeOf[Annotated[str, Named("zone")]]
    data_classes: SomeOf[Classified]
    vcpu: Cpu
    """จำนวน vCPU จริง / Processors there are, in whole cores."""
    memory: Bytes
    storage: Bytes
    overcommit: Overcommit

    @field_validator("data_classes")
    @classmethod
    def _secrets_stay_home(cls, classes: tuple[DataClass, ...], info: ValidationInfo[Any]) -> tuple[DataClass, ...]:
        for index, one in enumerate(classes):
            if info.data.get("kind") == "public" and one >= DataClass.SECRET:
                raise wrong(f"{one.value} may not be held on a public cloud", "it in another pool", at=(index,))
        return classes

    def promised(self) -> dict[str, int]:
        """What may be asked of the pool in all: cpu in thousandths of a core, memory and storage in bytes."""
        there_is: dict[str, Quantity] = {"cpu": self.vcpu, "memory": self.memory, "storage": self.storage}
        return {name: int(amount.value * getattr(self.overcommit, name)) for name, amount in there_is.items()}


class ContainerAmount(Record):
    """What one container gets."""

    cpu: Cpu
    memory: Bytes


class ContainerDefaults(Record):
    """ค่าตั้งต้นของคอนเทนเนอร์ / Requests and limits of a container that states none, and the most it may state."""

    requests: ContainerAmount
    limits: ContainerAmount
    max: ContainerAmount

    @field_validator("limits", "max")
    @classmethod
    def _grows(cls, amount: ContainerAmount, info: ValidationInfo[Any]) -> ContainerAmount:
        below = info.data.get("requests" if info.field_name == "limits" else "limits")
        for name in ("cpu", "memory"):
            least = getattr(below, name, None)
            if least is not None and getattr(amount, name) < least:
                raise wrong(f"less than the {name} of the step before", f"at least `{least}`", at=(name,))
        return amount


class CapacityFile(Record):
    """``stacks/platform/capacity.yaml``."""

    pools: Annotated[SomeOf[Pool], AfterValidator(distinct)]
    sizes: FrozenMap[DnsLabel, FrozenMap[Environment, Quota]]
    """ขนาดที่หน่วยงานเลือกได้ / Sizes that agencies choose from, per environment."""
    container_defaults: ContainerDefaults

    @field_validator("pools")
    @classmethod
    def _one_pool_each(cls, pools: tuple[Pool, ...]) -> tuple[Pool, ...]:
        served: dict[tuple[str, DataClass], str] = {}
        for index, pool in enumerate(pools):
            for place in ((zone, one) for zone in pool.zones for one in pool.data_classes):
                if place in served:
                    what = f"{place[1].value} in zone {place[0]} is carried by pool {served[place]} already"
                    raise wrong(what, "each zone and data class in one pool", at=(index, "data_classes"))
                served[place] = pool.name
        return pools


class MinistriesFile(Record):
    """``stacks/platform/ministries.yaml``."""

    ministries: FrozenMap[DnsLabel, LocalizedName]
    """กระทรวงและกลุ่มหน่วยงาน / Ministries and groups; each is a folder of ``stacks/agencies/``."""
