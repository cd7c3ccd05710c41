"""What the three OSCAL documents share: identifiers, metadata, properties; and trestle's models as the way out.

Identifiers are UUIDs of version 5 made from content, and the only time is the run's: the same evidence gives the same
bytes. trestle takes a third of a second to load, so it is loaded when something is written.

Source: NIST OSCAL 1.2, https://pages.nist.gov/OSCAL/.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from gdcc.compliance.catalogue import Control
from gdcc.compliance.evidence import Run
from gdcc.compliance.pack import Pack

Json = dict[str, Any]

NAMESPACE = "https://gdcc.go.th/ns/oscal"
"""Of the properties that OSCAL does not know."""
PLAN, RESULTS, DEFINITION = "assessment-plan", "assessment-results", "component-definition"

_ROOT = uuid.uuid5(uuid.NAMESPACE_URL, NAMESPACE)


def identifier(*content: str) -> str:
    """The UUID of something, from what it is."""
    return str(uuid.uuid5(_ROOT, "\x1f".join(content)))


def props(told: Mapping[str, str]) -> Json:
    """Properties of ours, those without a value left out."""
    listed = [
        {"name": name, "ns": NAMESPACE, "value": " ".join(value.split())}
        for name, value in told.items()
        if value.strip()
    ]
    return {"props": listed} if listed else {}


def metadata(pack: Pack, title: str) -> Json:
    """Who made a document, of what, when."""
    from trestle.oscal import OSCAL_VERSION  # noqa: PLC0415 - slow to load

    run = pack.run
    told = {"stack": run.stack, "commit": run.commit, "evidence-sha256": pack.sha256}
    return {
        "title": f"{title}: {run.stack}",
        "last-modified": stamp(run),
        "version": run.tools.get("gdcc") or "0",
        "oscal-version": OSCAL_VERSION,
        **props(told),
        "remarks": "Clauses of Thai law are mapped provisionally until a lawyer has confirmed them.",
    }


def stamp(run: Run) -> str:
    """The time of a run as OSCAL writes it."""
    return run.started.isoformat(timespec="milliseconds")


def reviewed(controls: Iterable[Control]) -> Json:
    """Which controls a document is about."""
    return {"control-selections": [{"include-controls": [{"control-id": control.id} for control in controls]}]}


def written(kind: str, content: Json) -> bytes:
    """A document by trestle's own model, which refuses what is no OSCAL.

    Args:
        kind: `PLAN`, `RESULTS` or `DEFINITION`.
    """
    from trestle.oscal import assessment_plan, assessment_results, component  # noqa: PLC0415 - slow to load

    models: dict[str, Any] = {
        PLAN: assessment_plan.AssessmentPlan,
        RESULTS: assessment_results.AssessmentResults,
        DEFINITION: component.ComponentDefinition,
    }
    text: str = models[kind].model_validate(content).oscal_serialize_json(pretty=True)
    return text.encode() + b"\n"
