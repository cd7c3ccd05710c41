"""The OSCAL component definition and assessment plan: which checks answer which control, and what to look at."""

from __future__ import annotations

from collections.abc import Sequence

from gdcc.compliance.catalogue import Control
from gdcc.compliance.oscal import DEFINITION, PLAN, Json, identifier, metadata, props, reviewed, stamp, written
from gdcc.compliance.pack import Pack

_SOURCE = identifier("resource", "catalogue")
_SYSTEM = identifier("resource", "system")


def component_definition(pack: Pack) -> bytes:
    """The platform as a component, and for each control how it is answered."""
    run = pack.run
    software = {
        "uuid": identifier("component", run.stack),
        "type": "software",
        "title": "gdcc",
        "description": f"The government cloud's stack `{run.stack}`, kept as code, and the checks of its controls.",
        **props({"commit": run.commit, **{f"tool-{name}": value for name, value in run.tools.items()}}),
        "control-implementations": [
            {
                "uuid": identifier("implementation", run.stack),
                "source": f"#{_SOURCE}",
                "description": "The controls of policies/catalogue, which map clauses of law to checks.",
                "implemented-requirements": [_requirement(pack, control) for control in run.catalogue.controls],
            }
        ],
    }
    content = {
        "uuid": identifier(DEFINITION, pack.sha256),
        "metadata": metadata(pack, "Component definition of the government cloud"),
        "components": [software],
        "back-matter": {"resources": [_resource(_SOURCE, "The catalogue of controls", "policies/catalogue")]},
    }
    return written(DEFINITION, content)


def _requirement(pack: Pack, control: Control) -> Json:
    told = {
        "severity": control.severity.value,
        "obligation": control.obligation,
        "owner": control.owner,
        "layers": ", ".join(control.layers),
        "checks": ", ".join(control.checks) or "manual",
        "clauses": ", ".join(control.clauses),
        **{f"maps-{framework}": ", ".join(ids) for framework, ids in control.mappings.items()},
    }
    return {
        "uuid": identifier("requirement", pack.run.stack, control.id),
        "control-id": control.id,
        "description": f"{control.statement.en}\n\n{control.statement.th}",
        **props(told),
        **({"remarks": f"{control.manual.en}\n\n{control.manual.th}"} if control.manual else {}),
    }


def assessment_plan(pack: Pack, controls: Sequence[Control]) -> bytes:
    """What the run set out to look at.

    Args:
        controls: those that it was about.
    """
    run = pack.run
    task = identifier("task", pack.sha256)
    content = {
        "uuid": plan_identifier(pack),
        "metadata": metadata(pack, "Assessment plan"),
        "import-ssp": {
            "href": f"#{_SYSTEM}",
            "remarks": "There is no system security plan; what is asked of the system is in its stack files.",
        },
        "local-definitions": {"activities": [_activity(control) for control in controls]},
        "reviewed-controls": reviewed(controls),
        "assessment-subjects": [{"type": "inventory-item", "include-all": {}}],
        "assessment-assets": {
            "assessment-platforms": [{"uuid": identifier("platform", run.stack), "title": "gdcc comply"}]
        },
        "tasks": [
            {
                "uuid": task,
                "type": "action",
                "title": "gdcc comply",
                "timing": {"on-date": {"date": stamp(run)}},
                "associated-activities": [
                    {
                        "activity-uuid": activity_identifier(control.id),
                        "subjects": [{"type": "inventory-item", "include-all": {}}],
                    }
                    for control in controls
                ],
            }
        ],
        "back-matter": {"resources": [_resource(_SYSTEM, "What is asked of the system", "stacks")]},
    }
    return written(PLAN, content)


def plan_identifier(pack: Pack) -> str:
    """The plan's UUID, which the results refer to."""
    return identifier(PLAN, pack.sha256)


def activity_identifier(control: str) -> str:
    """The UUID of looking at one control."""
    return identifier("activity", control)


def _activity(control: Control) -> Json:
    how = f"By the checks {', '.join(control.checks)}." if control.checks else "By a person."
    return {
        "uuid": activity_identifier(control.id),
        "title": control.title.en,
        "description": f"{control.statement.en} {how}",
        "related-controls": reviewed([control]),
    }


def _resource(uuid: str, title: str, href: str) -> Json:
    return {"uuid": uuid, "title": title, "rlinks": [{"href": href}]}
