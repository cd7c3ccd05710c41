"""The OSCAL assessment results: an observation for records that say the same, a subject in it for each record.

OSCAL knows only satisfied and not satisfied. A control is satisfied when a record passed and none came to anything
worse; what is waived, manual or not run is not satisfied, with the reason `other`. Each finding has a risk; a waived
one's is `deviation-approved`, until the waiver ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from gdcc.compliance.catalogue import Control
from gdcc.compliance.definition import activity_identifier, plan_identifier
from gdcc.compliance.evidence import Evidence, State, Target, WaiverSeen
from gdcc.compliance.groups import Group, counts, groups_of, verdict
from gdcc.compliance.oscal import PLAN, RESULTS, Json, identifier, metadata, props, reviewed, stamp, written
from gdcc.compliance.pack import Pack


def assessment_results(pack: Pack, controls: Sequence[Control]) -> bytes:
    """The results of a run.

    Args:
        controls: those that it was about.
    """
    run = pack.run
    groups = {control.id: groups_of(pack.by_control.get(control.id, ())) for control in controls}
    every = [group for some in groups.values() for group in some]
    waivers = {waiver.id: waiver for waiver in run.waivers}
    risks = [_risk(pack, group, waivers.get(group.waiver)) for group in every if _is_risk(group)]
    result = {
        "uuid": identifier("result", pack.sha256),
        "title": f"gdcc comply: {run.stack}",
        "description": "Every automatic check of the controls, and the controls that a person has to look at.",
        "start": stamp(run),
        **props({state.value: str(number) for state, number in pack.counts.items()}),
        "local-definitions": {"inventory-items": [_item(target) for target in _targets(pack)]},
        "reviewed-controls": reviewed(controls),
        "observations": [_observation(pack, group) for group in every],
        **({"risks": risks} if risks else {}),
        "findings": [_finding(pack, control, groups[control.id]) for control in controls if groups[control.id]],
    }
    content = {
        "uuid": identifier(RESULTS, pack.sha256),
        "metadata": metadata(pack, "Assessment results"),
        "import-ap": {"href": f"{PLAN}.json", "remarks": f"Plan {plan_identifier(pack)}."},
        "results": [result],
    }
    return written(RESULTS, content)


def _targets(pack: Pack) -> list[Target]:
    found = {(record.target.kind, record.target.name): record.target for record in pack.records}
    return [found[key] for key in sorted(found)]


def _item_identifier(target: Target) -> str:
    return identifier("target", target.kind, target.name)


def _item(target: Target) -> Json:
    told = {"kind": target.kind, "ministry": target.ministry, "agency": target.agency, "file": target.file}
    return {"uuid": _item_identifier(target), "description": target.name, **props(told)}


def _observation_identifier(pack: Pack, group: Group) -> str:
    return identifier("observation", pack.sha256, *(record.sha256 for record in group.records))


def _observation(pack: Pack, group: Group) -> Json:
    first = group.first
    several = f" (and {len(group.records) - 1} more)" if len(group.records) > 1 else ""
    return {
        "uuid": _observation_identifier(pack, group),
        "title": f"{group.control} {group.check}: {group.state.value}, {first.target.name}{several}",
        "description": "\n".join((f"Expected: {group.expected}", *(f"Actual: {one}" for one in group.answers))),
        **props({"control": group.control, "check": group.check, "state": group.state.value, "waiver": group.waiver}),
        "methods": ["EXAMINE" if group.state is State.MANUAL else "TEST"],
        "types": ["control-objective"],
        "origins": [{"actors": [{"type": "tool", "actor-uuid": identifier("component", pack.run.stack)}]}],
        "subjects": [_subject(group, record) for record in group.records],
        **({"relevant-evidence": [{"description": first.command}]} if first.command.strip() else {}),
        "collected": first.time.isoformat(timespec="milliseconds"),
    }


def _subject(group: Group, record: Evidence) -> Json:
    told = group.are_examples and record.state is not State.PASS and record.actual.strip()
    return {
        "subject-uuid": _item_identifier(record.target),
        "type": "inventory-item",
        "title": record.target.name,
        **props({"record-sha256": record.sha256}),
        **({"remarks": record.actual} if told else {}),
    }


def _is_risk(group: Group) -> bool:
    return group.state in (State.FAIL, State.WAIVED)


def _risk_identifier(pack: Pack, group: Group) -> str:
    return identifier("risk", _observation_identifier(pack, group))


def _risk(pack: Pack, group: Group, waiver: WaiverSeen | None) -> Json:
    told: Json = {
        "uuid": _risk_identifier(pack, group),
        "title": f"{group.control} does not hold for {len(group.records)} of what was looked at",
        "description": group.answers[0] or group.expected,
        "statement": f"Expected: {group.expected}",
        "status": "open",
        "related-observations": [{"observation-uuid": _observation_identifier(pack, group)}],
    }
    if group.state is State.WAIVED and waiver:
        instead = waiver.compensating.en if waiver.compensating else waiver.reason.en
        told |= {
            "status": "deviation-approved",
            "mitigating-factors": [{"uuid": identifier("mitigation", waiver.id), "description": instead}],
            "deadline": f"{waiver.expires}T23:59:59+07:00",  # the last day ends in Bangkok
            **props({"waiver": waiver.id, "approver": waiver.approver}),
        }
    return told


def _finding(pack: Pack, control: Control, groups: Sequence[Group]) -> Json:
    records = pack.by_control[control.id]
    worst = verdict(records)
    reason = {State.PASS: "pass", State.FAIL: "fail"}.get(worst, "other")
    about = {
        "activity": activity_identifier(control.id),
        "state": worst.value,
        "clauses": ", ".join(control.clauses),
    }
    told = ", ".join(f"{state.value} {number}" for state, number in counts(records).items() if number)
    risks = [{"risk-uuid": _risk_identifier(pack, group)} for group in groups if _is_risk(group)]
    return {
        "uuid": identifier("finding", pack.sha256, control.id),
        "title": f"{control.id} {control.title.en}",
        "description": f"{control.statement.en}\n\n{control.statement.th}",
        **props(about),
        "target": {
            "type": "objective-id",
            "target-id": control.id,
            "status": {
                "state": "satisfied" if worst is State.PASS else "not-satisfied",
                "reason": reason,
                "remarks": told,
            },
        },
        "related-observations": [{"observation-uuid": _observation_identifier(pack, group)} for group in groups],
        **({"related-risks": risks} if risks else {}),
    }
