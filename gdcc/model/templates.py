"""The templates of messages: ``stacks/notify/`` read, each file's agency found, everything wrong with them told."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from gdcc.model.document import Document
from gdcc.model.estate import Tenant
from gdcc.model.folder import records
from gdcc.model.problems import Problem, nearest
from gdcc.model.template import TemplatesFile
from gdcc.model.tree import AgencyFile

FOLDER = "stacks/notify"
MOST = 1_048_576
"""Bytes in one ConfigMap, by which the notify service gets them all (https://kubernetes.io/docs/concepts/configuration/configmap)."""
SERVICE = "notify"


def mounted(templates: Mapping[str, TemplatesFile]) -> dict[str, str]:
    """The files that the notify service reads, by name: JSON, which is YAML."""
    return {f"{agency}.yaml": one.model_dump_json(exclude_none=True) for agency, one in templates.items()}


@dataclass
class Mail:
    """Reads the templates and finds whose they are.

    Attributes:
        agencies: every request there is, so that an agency of another stack is not taken for a spelling mistake.
        tenants: those that are built.
        today: the day that dates are judged by.
        problems: what is wrong is added here.
        documents: the files that could be read.
    """

    agencies: Sequence[AgencyFile]
    tenants: Sequence[Tenant]
    today: date
    problems: list[Problem]
    documents: list[Document] = field(default_factory=list)

    def read(self, root: Path) -> dict[str, TemplatesFile]:
        """The templates of the tenants that are built, by agency; none of a file that has problems."""
        tenants = {tenant.agency: tenant for tenant in self.tenants}
        taken: dict[str, str] = {}
        found: dict[str, TemplatesFile] = {}
        known = {f"{file.ministry}/{file.agency}" for file in self.agencies}
        listed = records(root / FOLDER, root, TemplatesFile, self.today, self.problems, self.documents)
        for name, written, document in listed:
            wrong = [*_whose(name, written, document, known), *_claimed(written, document, taken)]
            self.problems.extend(wrong)
            if wrong or name not in tenants:
                continue
            if SERVICE not in {asked.name for asked in tenants[name].request.service_requests}:
                what = f"`{written.agency}` does not bind `{SERVICE}`: these are sent for nobody"
                remedy = f"`{SERVICE}` under `services` in {tenants[name].source}, or remove the file"
                self.problems.append(document.problem(("agency",), what, remedy, severity="warning"))
            found[name] = written
        self._weigh(found)
        return found

    def _weigh(self, found: Mapping[str, TemplatesFile]) -> None:
        sizes = {name: len(text.encode()) for name, text in mounted(found).items()}
        if (total := sum(sizes.values())) > MOST:
            largest = max(sizes, key=lambda name: sizes[name])
            what = f"all templates together are {_kib(total)}, and the ConfigMap that holds them takes {_kib(MOST)}"
            remedy = f"fewer or shorter versions; the largest is {FOLDER}/{largest} with {_kib(sizes[largest])}"
            self.problems.append(Problem(FOLDER, 0, 0, "", what, remedy))


def _whose(name: str, written: TemplatesFile, document: Document, known: Collection[str]) -> Iterator[Problem]:
    agency = written.agency.partition("/")[2]
    if written.agency not in known:
        what, own = f"no agency is named `{written.agency}`", [one for one in known if one.endswith(f"/{name}")]
        remedy = f"`{own[0]}`" if own else nearest(written.agency, known)
        yield document.problem(("agency",), what, remedy)
    elif agency != name:
        what = f"the templates of `{agency}` in the file of `{name}`"
        yield document.problem(("agency",), what, f"the file as `{agency}.yaml`, or its own agency here")


def _claimed(written: TemplatesFile, document: Document, taken: dict[str, str]) -> Iterator[Problem]:
    """Ids that another template has: applications name a template by its id alone."""
    for index, one in enumerate(written.templates):
        if one.id in taken:
            what = f"the id `{one.id}` is that of a template in {taken[one.id]} too"
            yield document.problem(("templates", index, "id"), what, "a new UUID, as `uuidgen` makes one")
        taken.setdefault(one.id, document.file)


def _kib(size: int) -> str:
    return f"{size / 1024:,.1f} KiB"
