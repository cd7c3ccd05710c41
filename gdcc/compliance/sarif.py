"""A pack of evidence as SARIF 2.1.0, which code hosts show beside the line: a rule a control, a result a record.

Every state has a form of its own, so that nothing is taken for a pass: `kind` says pass, fail, review (manual),
notApplicable or open (not run), and a waived finding is a failed one with an accepted suppression (OASIS SARIF 3.27.9,
3.35).
"""

from __future__ import annotations

import json
from typing import Any

from gdcc.compliance.catalogue import Control, Severity
from gdcc.compliance.evidence import Evidence, State
from gdcc.compliance.pack import Pack

FILE = "results.sarif"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_KINDS = {
    State.PASS: "pass",
    State.FAIL: "fail",
    State.WAIVED: "fail",
    State.MANUAL: "review",
    State.NOT_APPLICABLE: "notApplicable",
    State.NOT_RUN: "open",
}
_LEVELS = {Severity.LOW: "note", Severity.MEDIUM: "warning", Severity.HIGH: "error", Severity.CRITICAL: "error"}
_SCORES = {Severity.LOW: "3.0", Severity.MEDIUM: "5.0", Severity.HIGH: "8.0", Severity.CRITICAL: "9.5"}
"""What code hosts sort by, `security-severity`: within the bands of CVSS."""


def render(pack: Pack) -> bytes:
    """The log, one run in it."""
    run = pack.run
    places = {control.id: index for index, control in enumerate(run.catalogue.controls)}
    severities = {control.id: control.severity for control in run.catalogue.controls}
    waivers = {waiver.id: waiver for waiver in run.waivers}

    def result(record: Evidence) -> dict[str, Any]:
        failed = record.state in (State.FAIL, State.WAIVED)
        severity = severities.get(record.control, Severity.MEDIUM)
        told: dict[str, Any] = {
            "ruleId": record.control,
            **({"ruleIndex": places[record.control]} if record.control in places else {}),
            "kind": _KINDS[record.state],
            "level": _LEVELS[severity] if failed else "none",
            "message": {"text": f"{record.target.name}: {record.actual} (expected: {record.expected})"},
            "locations": [_location(record)],
            "partialFingerprints": {"evidence/v1": f"{record.control}/{record.check}/{record.target.name}"},
            "properties": {"state": record.state.value, "check": record.check, "sha256": record.sha256},
        }
        if record.state is State.WAIVED:
            waiver = waivers.get(record.waiver)
            reason = waiver.reason.en if waiver else record.waiver
            suppression = {"kind": "external", "status": "accepted", "justification": f"{record.waiver}: {reason}"}
            told["suppressions"] = [suppression]
        return told

    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "gdcc comply",
                        "version": run.tools.get("gdcc", ""),
                        "rules": [_rule(control) for control in run.catalogue.controls],
                    }
                },
                "invocations": [{"executionSuccessful": True, "startTimeUtc": f"{run.started:%Y-%m-%dT%H:%M:%SZ}"}],
                "columnKind": "unicodeCodePoints",
                "properties": {"stack": run.stack, "commit": run.commit, "evidence": pack.sha256},
                "results": [result(record) for record in pack.records],
            }
        ],
    }
    return json.dumps(log, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _rule(control: Control) -> dict[str, Any]:
    return {
        "id": control.id,
        "name": "".join(word.capitalize() for word in control.title.en.split()),
        "shortDescription": {"text": control.title.en},
        "fullDescription": {"text": f"{control.statement.en}\n{control.statement.th}"},
        "help": {"text": f"{control.remediation.en}\n{control.remediation.th}"},
        "defaultConfiguration": {"level": _LEVELS[control.severity]},
        "properties": {
            "tags": ["security", *control.layers, *control.clauses],
            "security-severity": _SCORES[control.severity],
        },
    }


def _location(record: Evidence) -> dict[str, Any]:
    target = record.target
    told: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": target.name, "kind": target.kind}]}
    if target.file:
        region = {"region": {"startLine": target.line}} if target.line else {}
        told["physicalLocation"] = {"artifactLocation": {"uri": target.file}, **region}
    return told
