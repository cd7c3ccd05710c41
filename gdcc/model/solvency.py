"""Whether all that is asked fits into what there is, pool by pool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from gdcc.model.platform import Pool, Quota
from gdcc.model.quantity import Bytes, Cpu

Amounts = dict[str, int]
"""``cpu`` in thousandths of a core, ``memory`` and ``storage`` in bytes."""


class Insolvency(NamedTuple):
    """One resource of one pool of which more is asked than may be promised."""

    pool: str
    field: str
    """The line of ``capacity.yaml`` that says how much there is."""
    message: str
    suggestion: str


def asked_of(quotas: Iterable[Quota]) -> Amounts:
    """The sum of quotas."""
    total: Amounts = dict.fromkeys(("cpu", "memory", "storage"), 0)
    for quota in quotas:
        total["cpu"] += quota.cpu.value
        total["memory"] += quota.memory.value
        total["storage"] += quota.storage.value
    return total


def insolvencies(demand: Mapping[str, Iterable[Quota]], pools: Mapping[str, Pool]) -> Iterator[Insolvency]:
    """What is asked beyond capacity times overcommit.

    Args:
        demand: per pool, every quota asked of it.
        pools: by name.
    """
    for name, quotas in demand.items():
        pool = pools[name]
        promised = pool.promised()
        for resource, asked in asked_of(quotas).items():
            if asked > promised[resource]:
                factor = getattr(pool.overcommit, resource)
                what = f"the tenants of pool `{name}` ask for {show(resource, asked)} {resource}"
                most = f"{show(resource, promised[resource])} may be promised (overcommit {factor:g})"
                field = "vcpu" if resource == "cpu" else resource
                yield Insolvency(name, field, f"{what}, and {most}", "a larger pool here, or smaller sizes in requests")


def show(resource: str, amount: int) -> str:
    """An amount for people: whole cores, or GiB."""
    if resource == "cpu":
        return f"{Cpu.of(amount).cores:,.0f} vCPU"
    return f"{amount / Bytes.parse('1Gi').value:,.0f} GiB"
