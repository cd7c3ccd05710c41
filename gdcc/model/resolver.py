"""From requests to tenants: every reference followed, every claim on an id and on capacity weighed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType

from gdcc.model.admission import collisions
from gdcc.model.agency import AgencyRequest, notices
from gdcc.model.bindable import findings
from gdcc.model.border import refusals
from gdcc.model.catalogue import Catalogue
from gdcc.model.document import Document, printable
from gdcc.model.estate import Agreement, Estate, Tenant, Tombstone
from gdcc.model.platform import Pool, Quota
from gdcc.model.problems import Problem, StackError, nearest
from gdcc.model.record import Context, decode
from gdcc.model.solvency import insolvencies
from gdcc.model.source import read
from gdcc.model.template import TemplatesFile
from gdcc.model.tree import AgencyFile
from gdcc.model.types import Environment

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


class Resolver:
    """Follows the references of requests, one after the other, and notes what leads nowhere."""

    def __init__(self, catalogue: Catalogue, today: date, problems: list[Problem]) -> None:
        self.problems = problems
        self.today = today
        self.names = catalogue.names()
        self.catalogue = catalogue
        self.zones = {zone.name: zone for zone in catalogue.zones.zones} if catalogue.zones else {}
        self.pools = {pool.name: pool for pool in catalogue.capacity.pools} if catalogue.capacity else {}
        self.carriers = {
            (zone, data_class): pool
            for pool in self.pools.values()
            for zone in pool.zones
            for data_class in pool.data_classes
        }
        self.claims: dict[str, str] = {}
        self.documents: list[Document] = []

    def tenant(self, file: AgencyFile, root: Path) -> Tenant | None:
        """Reads one request; None when it has problems, which are noted."""
        try:
            document = read(file.path, root)
        except StackError as error:
            self.problems.extend(error.problems)
            return None
        self.documents.append(document)
        self._claim(document)
        context = Context(self.today, self.names, file.ministry if self._is_ministry(file.ministry) else "")
        request = decode(AgencyRequest, document, context)
        if isinstance(request, list):
            self.problems.extend(request)
            return None
        for notice in notices(request, self.today):
            self.problems.append(document.problem(*notice, severity="warning"))
        if self.catalogue.zones:
            for refusal in refusals(request, self.catalogue.zones, self.today):
                self.problems.append(document.problem(*refusal))
        zone = self.zones.get(request.zone)
        pool = self._pool(request, document)
        quota = self._quota(request, document)
        domains = self._domains(request, file.agency)
        if zone is None or pool is None or quota is None or domains is None:
            return None
        frozen = request.frozen if request.frozen and request.frozen.holds_on(self.today) else None
        tenant = Tenant(
            request.tenant, file.agency, file.ministry, request, zone, pool, quota, domains, document.file, frozen
        )
        if self.catalogue.services is not None:
            for way, message, remedy, severity in findings(tenant, self.catalogue.services):
                self.problems.append(document.problem(way, message, remedy, severity=severity))
        return tenant

    def estate(
        self,
        tenants: Sequence[Tenant],
        agreements: Sequence[Agreement],
        tombstones: Sequence[Tombstone],
        templates: Mapping[str, TemplatesFile],
    ) -> Estate | None:
        """Puts the tenants together; None while the platform's own files have problems."""
        catalogue = self.catalogue
        if not (catalogue.capacity and catalogue.zones and catalogue.ministries and catalogue.services is not None):
            return None
        if catalogue.admission is None or catalogue.identity is None:
            return None
        if catalogue.images is None or catalogue.notify is None:
            return None
        self._weigh(tenants)
        self._part(tenants, catalogue.admission.reserved())
        return Estate(
            zones=MappingProxyType(self.zones),
            pools=MappingProxyType(self.pools),
            sizes=catalogue.capacity.sizes,
            container_defaults=catalogue.capacity.container_defaults,
            admission=catalogue.admission,
            services=MappingProxyType(dict(catalogue.services)),
            ministries=catalogue.ministries.ministries,
            identity=catalogue.identity,
            images=catalogue.images.images,
            tenants=tuple(tenants),
            agreements=tuple(agreements),
            relays=catalogue.notify.relays,
            templates=MappingProxyType(dict(templates)),
            protected=catalogue.zones.protected.ranges,
            control_plane=(*catalogue.zones.protected.nodes, *catalogue.zones.protected.services),
            network_engine=catalogue.zones.network_engine,
            tombstones=tuple(tombstones),
            today=self.today,
        )

    def folders(self, files: Iterable[AgencyFile]) -> None:
        """Notes each folder that is no ministry's, once for all the files in it."""
        for name in sorted({file.ministry for file in files}):
            if not self._is_ministry(name):
                where, remedy = f"stacks/agencies/{printable(name)}", nearest(name, self.names["ministry"])
                self.problems.append(Problem(where, 0, 0, "", f"no ministry is named `{printable(name)}`", remedy))

    def _is_ministry(self, folder: str) -> bool:
        return folder in self.names.get("ministry", (folder,))

    def _claim(self, document: Document) -> None:
        claimed = document.data.get("tenant") if isinstance(document.data, dict) else None
        if not isinstance(claimed, str):
            return
        if claimed in self.claims:
            message = f"the tenant id `{claimed}` is claimed by {self.claims[claimed]} too"
            remedy = f"an id of its own in the newer file, such as `{_fresh_id(document.file, self.claims)}`"
            self.problems.append(document.problem(("tenant",), message, remedy))
        self.claims.setdefault(claimed, document.file)

    def _pool(self, request: AgencyRequest, document: Document) -> Pool | None:
        pool = self.carriers.get((request.zone, request.data_class))
        if pool is None and self.zones and self.pools:
            carrying = sorted({zone for zone, data_class in self.carriers if data_class is request.data_class})
            open_zones = [zone for zone in carrying if self.zones[zone].tenants] if carrying else []
            message = f"no machines in zone `{request.zone}` may hold data of the class {request.data_class.value}"
            remedy = f"{nearest('', open_zones)} as the zone, or a lower class" if open_zones else "a lower class"
            self.problems.append(document.problem(("data_class",), message, remedy))
        return pool

    def _quota(self, request: AgencyRequest, document: Document) -> Mapping[Environment, Quota] | None:
        if self.catalogue.capacity is None:
            return None
        per_environment = request.quota
        if request.size is not None:
            per_environment = self.catalogue.capacity.sizes[request.size]
        assert per_environment is not None  # noqa: S101 - the model asks for a size or a quota
        missing = [index for index, one in enumerate(request.environments) if one not in per_environment]
        for index in missing:
            message = f"the size `{request.size}` has no environment `{request.environments[index].value}`"
            remedy = nearest("", (environment.value for environment in per_environment))
            self.problems.append(document.problem(("environments", index), message, remedy))
        if missing:
            return None
        return MappingProxyType({environment: per_environment[environment] for environment in request.environments})

    def _domains(self, request: AgencyRequest, agency: str) -> Mapping[Environment, tuple[str, ...]] | None:
        if self.catalogue.admission is None:
            return None
        of = self.catalogue.admission.domains
        return MappingProxyType({one: of(agency, one, request.domains) for one in request.environments})

    def _part(self, tenants: Iterable[Tenant], reserved: Sequence[str]) -> None:
        """Notes each domain that is not one tenant's alone."""
        documents = {document.file: document for document in self.documents}
        for owner, place, message in collisions({one.source: one.request.domains for one in tenants}, reserved):
            remedy = "a domain that is this agency's alone, or leave it out"
            self.problems.append(documents[owner].problem(("domains", place), message, remedy))

    def _weigh(self, tenants: Iterable[Tenant]) -> None:
        demand: dict[str, list[Quota]] = {}
        for tenant in tenants:
            demand.setdefault(tenant.pool.name, []).extend(tenant.quota.values())
        capacity = next(one for one in self.catalogue.documents if one.file.endswith("/capacity.yaml"))
        for want in insolvencies(demand, self.pools):
            way = ("pools", list(self.pools).index(want.pool), want.field)
            self.problems.append(capacity.problem(way, want.message, want.suggestion))


def _fresh_id(file: str, taken: Mapping[str, str]) -> str:
    """A tenant id that nobody has: the same for the same file, so that asking twice answers once."""
    for attempt in range(100):
        number = int.from_bytes(hashlib.sha256(f"{file}#{attempt}".encode()).digest())
        digits = "".join(_BASE36[number // 36**place % 36] for place in range(7))
        if f"t{digits}" not in taken:
            return f"t{digits}"
    raise AssertionError("a hundred ids of 78 billion are taken")
