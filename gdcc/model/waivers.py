"""The register of waivers: ``stacks/waivers/`` read, and judged by the requests and the catalogue of controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gdcc.model.agency import Notice
from gdcc.model.document import Document, Way
from gdcc.model.estate import Tenant
from gdcc.model.folder import records
from gdcc.model.problems import Problem, StackError, nearest
from gdcc.model.source import parse
from gdcc.model.tree import AgencyFile
from gdcc.model.waiver import WaiverFile

FOLDER = "stacks/waivers"
CONTROLS = "policies/catalogue/controls"

Waivable = Mapping[str, bool]
"""The controls there are, by id, and whether a waiver may cover each."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A waiver and where each of its fields stands."""

    id: str
    """The file's name."""
    terms: WaiverFile
    document: Document

    def problem(self, way: Way, message: str, suggestion: str = "") -> Problem:
        """An error at one of its fields."""
        return self.document.problem(way, message, suggestion)


class WaiverRegister:
    """Reads the waivers.

    Args:
        agencies: every request there is, of other stacks too.
        tenants: those that could be read.
        controls: those of the catalogue; None where there is no catalogue to judge by.
        today: the day that dates are judged by.
        problems: what is wrong is added here; that a waiver has expired is a warning, since a date alone must not
            stop who only wants to apply what they have written.
    """

    def __init__(
        self,
        agencies: Sequence[AgencyFile],
        tenants: Sequence[Tenant],
        controls: Waivable | None,
        today: date,
        problems: list[Problem],
    ) -> None:
        self.agencies = {f"{file.ministry}/{file.agency}" for file in agencies}
        self.tenants = {f"{tenant.ministry}/{tenant.agency}": tenant for tenant in tenants}
        self.by_namespace = {f"{one.id}-{environment.value}": one for one in tenants for environment in one.quota}
        self.controls = controls
        self.today = today
        self.problems = problems
        self.documents: list[Document] = []

    def read(self, root: Path) -> Iterator[Waiver]:
        """The waivers by id, expired ones too; none whose file has errors."""
        listed = records(root / FOLDER, root, WaiverFile, self.today, self.problems, self.documents)
        for name, written, document in listed:
            if (left := written.days_left(self.today)) < 0:
                message = f"expired {-left} days ago, on {written.expires}: it covers nothing"
                remedy = "a new waiver, approved anew, or remove the file"
                self.problems.append(document.problem(("expires",), message, remedy, severity="warning"))
            found = [*self._covers(written), *self._control(written), *self._approver(written)]
            self.problems.extend(document.problem(*each) for each in found)
            if not found:
                yield Waiver(name, written, document)

    def _control(self, written: WaiverFile) -> Iterator[Notice]:
        if self.controls is None:
            return
        if written.control not in self.controls:
            yield Notice(("control",), f"no control is `{written.control}`", nearest(written.control, self.controls))
        elif not self.controls[written.control]:
            message = f"`{written.control}` must hold, so it is never waived"
            yield Notice(("control",), message, "nothing: remove the waiver, and mend what falls short")

    def _covers(self, written: WaiverFile) -> Iterator[Notice]:
        agency = written.match.agency
        if agency is not None and agency not in self.agencies:
            yield Notice(("match", "agency"), f"no agency is `{agency}`", nearest(agency, self.agencies))

    def _approver(self, written: WaiverFile) -> Iterator[Notice]:
        """Nobody of the agency that falls short accepts its risk."""
        tenant = self._tenant(written)
        if tenant is None:
            return
        request, approver = tenant.request, written.approver
        people = (request.owner, request.technical_lead, request.security_contact)
        if any(approver.same_agency(one.email.rpartition("@")[2]) for one in people):
            message = f"`{approver.email}` is of `{tenant.agency}`, which this waiver is for"
            yield Notice(("approver", "email"), message, "somebody of another agency")

    def _tenant(self, written: WaiverFile) -> Tenant | None:
        match = written.match
        if match.agency is not None:
            return self.tenants.get(match.agency)
        if match.namespace is not None:
            return self.by_namespace.get(match.namespace)
        namespace = match.name.rpartition("/")[0].rpartition(" ")[2]
        return self.by_namespace.get(namespace)


def waivable(root: Path) -> Waivable | None:
    """The controls of the catalogue, as far as a waiver's file can be judged by them; None without a catalogue.

    Only two fields are looked at: whether the catalogue itself is right, its own reader says.
    """
    found: dict[str, bool] = {}
    for path in sorted((root / CONTROLS).glob("*.yaml")):
        try:
            data = parse(path.read_bytes(), f"{CONTROLS}/{path.name}").data
        except StackError:
            return None
        if isinstance(data, dict) and isinstance(data.get("id"), str):
            found[data["id"]] = data.get("obligation") != "must"
    return found or None
