"""The path of one offboarding: which steps are done, which comes next, and how it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from gdcc.model import Estate, Tenant, Tombstone
from gdcc.model.offboarding import FOLDER
from gdcc.model.tombstone import APPROVERS, Stage
from gdcc.network import namespace_name


@dataclass(frozen=True)
class Live:
    """What the cluster holds of an offboarding.

    Attributes:
        namespaces: those of its namespaces that are there.
        pods: how many pods are in them.
        released: those that are no longer protected.
    """

    namespaces: tuple[str, ...]
    pods: int
    released: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One step of the path.

    Attributes:
        name: in a word, English and Thai.
        done: when, or how far; empty while it is to be done.
        how: what to do, in English, a line per command or edit.
    """

    name: str
    thai: str
    done: str
    how: tuple[str, ...]


@dataclass(frozen=True)
class Offboarding:
    """One tenant, or some of its environments, on the way out.

    Attributes:
        tenant: its id.
        agency: its request's name.
        namespaces: what is to go; empty when the request is no longer there to say.
        source: the request's file; empty when it is gone.
        tombstone: None while there is only the intention.
    """

    tenant: str
    agency: str
    namespaces: tuple[str, ...]
    source: str
    frozen: str
    tombstone: Tombstone | None
    today: date

    @property
    def stage(self) -> Stage | None:
        """How far it is; None before the freeze."""
        if self.tombstone is None:
            return Stage.FROZEN if self.frozen else None
        return self.tombstone.stage(self.today)

    @property
    def next(self) -> Step | None:
        """The first step that is not done; None at the end."""
        return next((step for step in self.steps(None) if not step.done), None)

    def steps(self, live: Live | None) -> Iterator[Step]:
        """All steps in their order.

        Args:
            live: what the cluster holds; None when it was not asked.
        """
        file = f"{FOLDER}/{self.tenant}.yaml"
        terms = self.tombstone.terms if self.tombstone else None
        part = bool(terms and terms.environments)
        stage = self.stage
        frozen = "not needed: only some environments go" if part else self.frozen
        if not self.source:
            frozen = "before its request was removed"
        yield Step("frozen", "ระงับ", frozen, (f"put `frozen` (reason, by, until) into {self.source}, then `gdcc up`",))
        pods = f"; {live.pods} pods are still there" if live and live.pods else ""
        drained = f"{terms.drained}" if terms and terms.drained and not pods else ""
        quiet = tuple(
            f"kubectl -n {name} scale deployments,statefulsets --all --replicas=0" for name in self.namespaces
        )
        yield Step(
            "drained",
            "หยุดงาน",
            drained,
            (*quiet, f"write the day as `drained` in {file} (with agency, reason, author){pods}"),
        )
        backup = terms.backup if terms else None
        kept = f"{backup.reference}, restored on trial on {backup.restored}" if backup else ""
        yield Step("backed up", "สำรองข้อมูล", kept, (f"take a backup, try a restore, write both as `backup` in {file}",))
        until = terms.retain_until if terms else None
        left = (until - self.today).days + 1 if until else 0
        over = f"until {until}" if until and (left <= 0 or stage is Stage.DELETED) else ""
        wait = f"wait {left} days, until after {until}" if left > 0 else f"write `retain_until` and `expires` in {file}"
        signed = len(terms.approvals) if terms else 0
        agreed = f"by {' and '.join(one.email for one in terms.approvals)}" if terms and signed >= APPROVERS else ""
        if stage is Stage.EXPIRED:
            agreed = ""
        yield Step(
            "approved",
            "อนุมัติ",
            agreed if until else "",
            (
                f"gdcc offboard hash {file}",
                f"{APPROVERS} people other than the author write it under `approvals` ({signed} have)",
            ),
        )
        yield Step("retained", "เก็บรักษา", over, (wait,))
        gone = f"{terms.deleted}" if terms and terms.deleted else ""
        yield Step("deleted", "ลบ", gone, tuple(self._removal(file, live, part=part)))

    def _removal(self, file: str, live: Live | None, *, part: bool) -> Iterator[str]:
        if self.source:
            yield "gdcc up    # lifts the protection of " + ", ".join(self.namespaces)
            yield f"remove {'the environments from ' if part else ''}{self.source}"
        if live is None or live.namespaces:
            yield "gdcc up    # removes them with all they hold; by an administrator, the deployer may not"
        yield f"write the day as `deleted` in {file}"


def offboardings(estate: Estate) -> list[Offboarding]:
    """Every tenant that has a tombstone, those that have gone last."""
    tenants = {tenant.id: tenant for tenant in estate.tenants}
    found = [_offboarding(one.tenant, tenants.get(one.tenant), one, estate.today) for one in estate.tombstones]
    return sorted(found, key=lambda one: (one.stage is Stage.DELETED, one.agency))


def offboarding_of(estate: Estate, wanted: str) -> Offboarding | None:
    """The path of one tenant, also when nothing of it is done yet.

    Args:
        wanted: an agency or a tenant's id.
    """
    for one in offboardings(estate):
        if wanted in (one.agency, one.tenant):
            return one
    tenant = next((one for one in estate.tenants if wanted in (one.agency, one.id)), None)
    return _offboarding(tenant.id, tenant, None, estate.today) if tenant else None


def _offboarding(id_: str, tenant: Tenant | None, tombstone: Tombstone | None, today: date) -> Offboarding:
    covered = [one for one in (tenant.quota if tenant else ()) if tombstone is None or tombstone.covers(id_, one)]
    if tenant is None or not covered:
        environments = tombstone.terms.environments if tombstone else ()
        names = tuple(f"{id_}-{environment.value}" for environment in environments)
        return Offboarding(id_, tombstone.terms.agency if tombstone else "", names, "", "", tombstone, today)
    namespaces = tuple(namespace_name(tenant, environment) for environment in covered)
    frozen = f"until {tenant.frozen.until}, by {tenant.frozen.by}" if tenant.frozen else ""
    return Offboarding(id_, tenant.agency, namespaces, tenant.source, frozen, tombstone, today)
