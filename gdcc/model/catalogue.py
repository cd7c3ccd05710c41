"""What the platform offers, read from ``stacks/platform/``: the names that requests refer to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gdcc.model.admission import Admission
from gdcc.model.document import Document
from gdcc.model.identity import SERVICE, Identity, astray
from gdcc.model.images import ImagesFile
from gdcc.model.platform import CapacityFile, MinistriesFile
from gdcc.model.problems import Problem, StackError, nearest
from gdcc.model.record import AnyRecord, Context, decode
from gdcc.model.relay import NotifyFile, barred
from gdcc.model.service import Service
from gdcc.model.source import read
from gdcc.model.tree import yaml_files
from gdcc.model.zone import ZonesFile


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The platform's files; one that has problems is None."""

    zones: ZonesFile | None
    capacity: CapacityFile | None
    ministries: MinistriesFile | None
    services: Mapping[str, Service] | None
    admission: Admission | None
    identity: Identity | None
    images: ImagesFile | None
    notify: NotifyFile | None
    documents: tuple[Document, ...]
    """Every file that could be read."""

    def names(self) -> dict[str, Collection[str]]:
        """Per kind, the names that exist; a kind whose file has problems is left out, so it raises no others."""
        names: dict[str, Collection[str]] = {}
        if self.zones:
            names["zone"] = tuple(zone.name for zone in self.zones.zones)
            names["tenant zone"] = tuple(zone.name for zone in self.zones.zones if zone.tenants)
        if self.capacity:
            names["size"] = tuple(self.capacity.sizes)
        if self.ministries:
            names["ministry"] = tuple(self.ministries.ministries)
        if self.services is not None:
            names["service"] = tuple(self.services)
        return names


def read_catalogue(root: Path, today: date, problems: list[Problem]) -> Catalogue:
    """Reads ``stacks/platform/``; adds what is wrong in it to problems."""
    platform = root / "stacks" / "platform"
    documents: list[Document] = []

    def one(path: Path, model: type[AnyRecord], names: Mapping[str, Collection[str]] | None = None) -> AnyRecord | None:
        try:
            document = read(path, root)
        except StackError as error:
            problems.extend(error.problems)
            return None
        documents.append(document)
        record = decode(model, document, Context(today, names or {}))
        if isinstance(record, list):
            problems.extend(record)
            return None
        return record

    zones = one(platform / "zones.yaml", ZonesFile)
    named = {"zone": tuple(zone.name for zone in zones.zones)} if zones else None
    capacity = one(platform / "capacity.yaml", CapacityFile, named)
    ministries = one(platform / "ministries.yaml", MinistriesFile)
    admission = one(platform / "admission.yaml", Admission)
    of_tenants = {"tenant zone": tuple(zone.name for zone in zones.zones if zone.tenants)} if zones else None
    files = yaml_files(platform / "services", root, problems)
    read_services = {path.stem: one(path, Service, of_tenants) for path in files}
    services = {name: service for name, service in read_services.items() if service}
    complete = len(services) == len(read_services)
    if complete:
        problems.extend(_leading_nowhere(services, documents))
    named_services = {"service": tuple(services)} if complete else None
    identity = one(platform / "identity.yaml", Identity, named_services)
    if identity and SERVICE in services:
        problems.extend(documents[-1].problem(*each) for each in astray(identity, services[SERVICE]))
    images = one(platform / "images.yaml", ImagesFile)
    notify = one(platform / "notify.yaml", NotifyFile)
    if zones and notify:
        problems.extend(documents[-1].problem(*each) for each in barred(notify, zones))
    offered = services if complete else None
    return Catalogue(zones, capacity, ministries, offered, admission, identity, images, notify, tuple(documents))


def _leading_nowhere(services: Mapping[str, Service], documents: Sequence[Document]) -> Iterator[Problem]:
    """Services that depend on one that does not exist, on themselves, or (running) on one that does not run."""
    found = {Path(one.file).stem: one for one in documents if "/services/" in one.file}
    for name, service in services.items():
        for index, other in enumerate(service.depends_on):
            way, others = ("depends_on", index), sorted(services.keys() - {name})
            if other not in others:
                told = "depends on itself" if other == name else f"no service is named `{other}`"
                yield found[name].problem(way, told, nearest(other, others))
            elif service.status == "available" and services[other].status == "planned":
                told = f"`{other}` is planned, and this service is available"
                yield found[name].problem(way, told, "a service that is available, or leave it out")
