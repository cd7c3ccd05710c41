"""The catalogue of controls: models of ``policies/catalogue/``; each control is written once, as data.

``policies/catalogue/controls/GC-01.yaml`` (one file per control) and ``policies/catalogue/sources.yaml`` (the laws and
their clauses, those that no control answers included).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from gdcc.model.record import Record
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
