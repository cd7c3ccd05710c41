"""The catalogue of controls: models of ``policies/catalogue/``; each control is written once, as data.

``policies/catalogue/controls/GC-01.yaml`` (one file per control) and ``policies/catalogue/sources.yaml`` (the laws and
their clauses, those that no control answers included).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from gdcc.errors import GdccError
from gdcc.model.document import Document
from gdcc.model.problems import Problem, StackError, nearest
from gdcc.model.record import AnyRecord, Context, Record, decode
from gdcc.model.source import parse
from gdcc.model.types import LocalizedName, SetOf, SomeOf, Text

ControlId = Annotated[str, Field(pattern=r"^GC-[0-9]{2}$")]
CheckId = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
ClauseKey = Annotated[str, Field(pattern=r"^[A-Z]{2} \S.*$")]
"""Source and number, `CL 5.2.7`, `CP 22.2.2ก`; the source alone where no number is known to us: `DC *`."""

Layer = Literal["stack", "preview", "admission", "cluster", "node", "service"]
Framework = Literal["cis-kubernetes", "cis-debian", "nsa-cisa", "nist-800-53", "iso-27001"]


class Severity(StrEnum):
    """How bad a finding is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Enforcement(StrEnum):
    """What a finding does before anything is applied."""

    ADVISORY = "advisory"
    MANDATORY = "mandatory"
    AUDIT = "audit"
    """Advisory until `deny_from`, mandatory from that day on."""


class Source(Record):
    """A law or standard that clauses are of."""

    title: LocalizedName
    framework: Text
    """What `gdcc comply --framework` calls it: `ncsa-cloud`, `ncsa-code`, `ncsa-minimum`, `pdpa`, `cca`, ..."""
    caution: LocalizedName
    """How far our reading of it can be relied on."""


class Clause(Record):
    """One clause, in our words unless it is quoted."""

    summary: LocalizedName
    provisional: bool
    """Until a lawyer has confirmed that the clause says this."""
    uncovered: LocalizedName | None = None
    """Why no control answers it; only then may there be none."""


class Control(Record):
    """One thing that must hold, whoever checks it and wherever."""

    id: ControlId
    title: LocalizedName
    statement: LocalizedName
    layers: SomeOf[Layer]
    severity: Severity
    obligation: Literal["must", "should"]
    """A `must` is never waived."""
    enforcement: Enforcement
    deny_from: str = ""
    """The day, when `enforcement` is `audit`."""
    owner: Literal["agency", "platform", "node-operator", "service-owner", "security"]
    """Who mends a finding."""
    clauses: SetOf[ClauseKey] = ()
    mappings: Mapping[Framework, tuple[Text, ...]] = Field(default_factory=dict)
    remediation: LocalizedName
    checks: SetOf[CheckId] = ()
    manual: LocalizedName | None = None
    """Why a person has to look, where no check answers it."""

    @property
    def waivable(self) -> bool:
        """Whether a waiver may cover it."""
        return self.obligation != "must"


class Catalogue(Record):
    """All controls, by id, and the clauses that they answer."""

    sources: Mapping[str, Source]
    """By two letters: `CL`, `CP`, ..."""
    clauses: Mapping[str, Clause]
    """By key: `CL 5.2.7`."""
    controls: tuple[Control, ...]


class Laws(Record):
    """``policies/catalogue/sources.yaml``: what the controls are derived from."""

    sources: Mapping[str, Source]
    clauses: Mapping[ClauseKey, Clause]


FOLDER = "policies/catalogue"


def load_catalogue(root: Path) -> Catalogue:
    """Reads the catalogue, controls in the order of their ids.

    Raises:
        StackError: with everything that is wrong in it.
        GdccError: there is no catalogue.
    """
    problems: list[Problem] = []
    documents: dict[str, Document] = {}
    controls: list[Control] = []
    laws = _read(root / FOLDER / "sources.yaml", root, Laws, documents, problems)
    for path in sorted((root / FOLDER / "controls").glob("*.yaml")):
        control = _read(path, root, Control, documents, problems)
        if control is None:
            continue
        controls.append(control)
        if control.id != path.stem:
            document = documents[control.id]
            problems.append(document.problem(("id",), f"the file is named `{path.stem}`", f"`{path.stem}`"))
    if laws and not problems:
        problems += _crossed(laws, controls, documents)
    if problems or laws is None:
        raise StackError(problems)
    return Catalogue(sources=laws.sources, clauses=laws.clauses, controls=tuple(controls))


def _read(
    path: Path, root: Path, model: type[AnyRecord], documents: dict[str, Document], problems: list[Problem]
) -> AnyRecord | None:
    """One file; its document is kept by the control's id, or by `sources`."""
    file = path.relative_to(root).as_posix()
    try:
        document = parse(path.read_bytes(), file)
    except StackError as error:
        problems.extend(error.problems)
        return None
    except FileNotFoundError as error:
        raise GdccError(f"there is no {file}", "run gdcc inside a checkout of the project") from error
    record = decode(model, document, Context(date.max))
    if isinstance(record, list):
        problems.extend(record)
        return None
    documents[record.id if isinstance(record, Control) else "sources"] = document
    return record


def _crossed(laws: Laws, controls: Sequence[Control], documents: Mapping[str, Document]) -> Iterator[Problem]:
    """What only all files together can tell."""
    here = documents["sources"]
    answered = {clause for control in controls for clause in control.clauses}
    for key, clause in laws.clauses.items():
        source = key.split(" ")[0]
        if source not in laws.sources:
            yield here.problem(("clauses", key), f"no source is `{source}`", nearest(source, laws.sources))
        if (key in answered) == (clause.uncovered is not None):
            if key in answered:
                yield here.problem(("clauses", key, "uncovered"), "a control answers this clause", "it without this")
            else:
                message = "no control answers this clause"
                yield here.problem(
                    ("clauses", key), message, "`uncovered:` with the reason, or the clause in a control"
                )
    seen: dict[str, str] = {}
    for control in controls:
        document = documents[control.id]
        if control.id in seen:
            yield document.problem(("id",), f"`{control.id}` is the id of {seen[control.id]} too", "another id")
        seen.setdefault(control.id, document.file)
        for index, key in enumerate(control.clauses):
            if key not in laws.clauses:
                yield document.problem(("clauses", index), f"no clause is `{key}`", nearest(key, laws.clauses))
        if bool(control.checks) == (control.manual is not None):
            what = (
                "checks that answer it and a reason why none does" if control.checks else "neither checks nor a reason"
            )
            yield document.problem(("manual",), what, "`checks`, or `manual` with why a person has to look")
