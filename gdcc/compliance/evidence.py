"""Evidence: what a check saw, on what, when; one JSON line each, and the only thing that reports are made from.

The first line of a file is the `Run`: everything that a report needs besides the records, so that a file explains
itself wherever it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from gdcc.compliance.catalogue import Catalogue
from gdcc.model.record import Record
from gdcc.model.types import LocalizedName


class State(StrEnum):
    """What a check answered; only `PASS` counts as pass."""

    PASS = "pass"  # noqa: S105 - the state of a check
    FAIL = "fail"
    WAIVED = "waived"
    """Failed, and somebody who may has accepted that for a while."""
    MANUAL = "manual"
    """A person has to look."""
    NOT_APPLICABLE = "not-applicable"
    NOT_RUN = "not-run"
    """The check could not look; `actual` says why."""


TargetKind = Literal["agency", "namespace", "object", "platform", "cluster", "node", "file", "service"]


class Target(Record):
    """What a check looked at."""

    kind: TargetKind
    name: str
    """Of the target: `moph/ddc`, `t7k2m9qx-prod`, `Pod t7k2m9qx-prod/web`, the cluster's name, a host."""
    ministry: str = ""
    """Whose it is, if a ministry's."""
    agency: str = ""
    file: str = ""
    """Where it is asked for, relative to the project."""
    line: int = 0


class Evidence(Record):
    """One answer of one check for one control about one target.

    Source: the fields follow NIST OSCAL's observation, and issue 5.
    """

    record: Literal["evidence"] = "evidence"
    control: str
    check: str
    state: State
    clauses: tuple[str, ...]
    """Keys of the clauses that the control answers, as in the catalogue."""
    target: Target
    expected: str
    actual: str
    command: str
    """The command or request that shows the same again."""
    time: datetime
    commit: str
    """Of the project, with `-dirty` when files differ from it; empty when there is none."""
    tools: Mapping[str, str]
    """Name to version of what looked and of what was looked at."""
    waiver: str = ""
    """Id of the waiver in force, when waived."""
    sha256: str = ""
    """Of the record without this field, as canonical JSON."""

    @property
    def digest(self) -> str:
        """What `sha256` has to be."""
        return digest(self.model_dump(mode="json", exclude={"sha256"}))

    def sealed(self) -> Evidence:
        """The record with its hash."""
        return self.model_copy(update={"sha256": self.digest})


class WaiverSeen(Record):
    """A waiver as a run found it."""

    id: str
    control: str
    reason: LocalizedName
    approver: str
    expires: str
    days_left: int
    used: Annotated[int, Field(ge=0)]
    """Records that it covered in this run."""
    file: str
    match: str = ""
    """What it covers, as its file says: ``agency moph/ddc``."""
    compensating: LocalizedName | None = None
    problem: str = ""
    """Why it covers nothing or should not be there: expired, unused."""


class Run(Record):
    """The first line of a file of evidence: what ran, on what, and the catalogue it answered."""

    record: Literal["run"] = "run"
    stack: str
    cluster: str
    """Where it looked; empty when only files were looked at."""
    started: datetime
    commit: str
    tools: Mapping[str, str]
    ministries: Mapping[str, LocalizedName]
    catalogue: Catalogue
    waivers: tuple[WaiverSeen, ...] = ()
    facts: Mapping[str, Any] = Field(default_factory=dict)
    """What `--since` compares besides states: `reach` (pairs), `privileges` (who may do what)."""
    filters: Mapping[str, str] = Field(default_factory=dict)
    """What the run was narrowed to: `control`, `framework`; empty when it looked at everything."""
    records: int = 0
    """How many records follow."""
    chain: str = ""
    """SHA-256 over the hashes of the records in their order."""
    sha256: str = ""
    """Of this line without this field, as canonical JSON."""

    def sealed(self) -> Run:
        """The line with its hash."""
        return self.model_copy(update={"sha256": digest(self.model_dump(mode="json", exclude={"sha256"}))})


def digest(data: Any) -> str:
    """SHA-256 of the canonical JSON of plain data, in hex."""
    text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
