"""The account of the cloud's capacity: what there is, may be promised, is asked, is granted, and is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gdcc.model import Estate, Tenant
from gdcc.model.solvency import Amounts, asked_of

GOAL_VCPU = 100_000
"""vCPU that the Digital Government Development Plan (แผนพัฒนารัฐบาลดิจิทัล) sets for the government cloud, at least."""
UNITS = {"cpu": ("vCPU", 1000), "memory": ("TiB", 2**40), "storage": ("TiB", 2**40)}
"""Per resource the unit that people read, and how many of ours it is."""
RESOURCES = tuple(UNITS)


def figure(resource: str, amount: int) -> str:
    """An amount in the unit of its resource, without the unit."""
    return f"{amount / UNITS[resource][1]:,.{0 if resource == 'cpu' else 1}f}"


@dataclass(frozen=True)
class Account:
    """One pool, or one zone in it; `cpu` in thousandths of a core, `memory` and `storage` in bytes.

    Attributes:
        there_is: physical capacity; nothing for a zone, which shares its pool.
        promised: the most that may be promised, with overcommit; nothing for a zone.
        asked: the sum of the quotas in tenants' files.
        granted: the sum of the quotas live in a cluster; None when no cluster was looked at.
        tenants: how many tenants ask.
    """

    name: str
    there_is: Amounts
    promised: Amounts
    asked: Amounts
    granted: Amounts | None
    tenants: int

    @property
    def free(self) -> Amounts:
        """What may still be promised."""
        return {name: self.promised[name] - self.asked[name] for name in self.promised}


@dataclass(frozen=True)
class Ledger:
    """All accounts: pools in the order of their file, each with the zones that it carries."""

    pools: tuple[Account, ...]
    zones: Mapping[str, tuple[Account, ...]]

    @property
    def vcpu(self) -> float:
        """Physical vCPU of all pools, to hold against `GOAL_VCPU`."""
        return sum(pool.there_is["cpu"] for pool in self.pools) / 1000


def ledger_of(estate: Estate, granted: Mapping[str, Amounts] | None = None) -> Ledger:
    """Add up an estate; linear in its tenants.

    Args:
        granted: live quotas, summed by tenant id.
    """
    pools: list[Account] = []
    zones: dict[str, tuple[Account, ...]] = {}
    by_pool: dict[str, list[Tenant]] = {name: [] for name in estate.pools}
    for tenant in estate.tenants:
        by_pool[tenant.pool.name].append(tenant)
    for name, pool in estate.pools.items():
        here = by_pool[name]
        there_is = {"cpu": pool.vcpu.value, "memory": pool.memory.value, "storage": pool.storage.value}

        pools.append(_account(name, here, granted, there_is, pool.promised()))
        by_zone = {zone: [tenant for tenant in here if tenant.zone.name == zone] for zone in pool.zones}
        zones[name] = tuple(_account(zone, tenants, granted, {}, {}) for zone, tenants in by_zone.items())
    return Ledger(tuple(pools), zones)


def _account(
    name: str,
    tenants: Sequence[Tenant],
    granted: Mapping[str, Amounts] | None,
    there_is: Amounts,
    promised: Amounts,
) -> Account:
    asked = asked_of(quota for tenant in tenants for quota in tenant.quota.values())
    live = None
    if granted is not None:
        mine = [granted[tenant.id] for tenant in tenants if tenant.id in granted]
        live = {resource: sum(amounts[resource] for amounts in mine) for resource in RESOURCES}
    return Account(name, there_is, promised, asked, live, len(tenants))
