"""A small catalogue, checks that say what a test wants them to, and packs of evidence made by the real runner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from gdcc.compliance import pack as packs
from gdcc.compliance.catalogue import Catalogue
from gdcc.compliance.check import Check, Observation, Scene, Unreachable
from gdcc.compliance.evidence import State, Target
from gdcc.compliance.facts import facts
from gdcc.compliance.pack import Pack
from gdcc.compliance.run import Inspection, Outcome
from gdcc.compliance.selection import Selection
from gdcc.model import Estate, StackSettings, load_estate
from gdcc.model.document import Document
from gdcc.model.waiver import WaiverFile
from gdcc.model.waivers import Waiver
from gdcc.network import namespaces

REPOSITORY = Path(__file__).resolve().parents[2]
HOSTILE = "<script>alert('x')</script> & \"ก\" \x07"
"""What a name in a cluster may hold."""

ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "viewer"},
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
}


def binding(name: str, namespace: str) -> dict[str, object]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "viewer", "namespace": namespace},
        "roleRef": {"kind": "ClusterRole", "name": "viewer"},
        "subjects": [{"kind": "Group", "name": name}],
    }


def named(text: str) -> dict[str, str]:
    return {"th": f"ข้อความ {text}", "en": text}


def control(number: int, *checks: str, **changes: object) -> dict[str, object]:
    told: dict[str, object] = {
        "id": f"GC-{number:02d}",
        "title": named(f"Control {number}"),
        "statement": named(f"Thing {number} holds"),
        "layers": ["cluster"],
        "severity": "high",
        "obligation": "should",
        "enforcement": "mandatory",
        "owner": "platform",
        "clauses": ["CL 1"],
        "remediation": named("Mend it"),
    }
    told |= {"checks": list(checks)} if checks else {"manual": named("A person looks")}
    return told | changes


SOURCES: dict[str, object] = {
    "sources": {
        "CL": {"title": named("Cloud standard"), "framework": "ncsa-cloud", "caution": named("Not the gazette")},
        "PD": {"title": named("Privacy law"), "framework": "pdpa", "caution": named("A summary")},
    },
    "clauses": {
        "CL 1": {"summary": named("Access is restricted"), "provisional": True},
        "PD 1": {"summary": named("Data is kept"), "provisional": True},
        "PD 2": {"summary": named("Nobody answers"), "provisional": True, "uncovered": named("Out of scope")},
    },
}
CONTROLS = (
    control(1, "always", obligation="must"),
    control(2, "each-namespace", mappings={"cis-kubernetes": ["5.1"]}),
    control(3, "each-agency", "breaks", clauses=["PD 1"]),
    control(4),
    control(5, "absent", clauses=["CL 1", "PD 1"]),
    control(6, "nobody", severity="low"),
)


def catalogue(*controls: dict[str, object]) -> Catalogue:
    import json  # noqa: PLC0415

    text = json.dumps({**SOURCES, "controls": controls or CONTROLS}, ensure_ascii=False)
    return Catalogue.model_validate_json(text)


@cache
def estate() -> Estate:
    return load_estate(REPOSITORY, StackSettings(agencies=("moph/ddc", "moph/dms", "mof/rd")))


def scene(root: Path = REPOSITORY, *manifests: dict[str, object], of: Estate | None = None) -> Scene:
    rendered = manifests or (ROLE, binding("a", "one"))
    return Scene(
        root, "local", of or estate(), lambda: tuple(rendered), Unreachable("there is no cluster in this test")
    )


def seen(state: State, name: str, *, kind: str = "cluster", actual: str = "as it is", **about: object) -> Observation:
    target = Target(kind=kind, name=name, **about)  # type: ignore[arg-type]
    return Observation(state, target, "as it should be", actual, f"kubectl get {name}")


def each_namespace(scene: Scene) -> Iterable[Observation]:
    """The first fails, the others pass."""
    for index, one in enumerate(namespaces(scene.estate)):
        yield seen(State.PASS if index else State.FAIL, one.name, kind="namespace", actual=f"{index} of them")


def each_agency(scene: Scene) -> Iterable[Observation]:
    for tenant in scene.estate.tenants:
        name = f"{tenant.ministry}/{tenant.agency}"
        yield seen(State.PASS, name, kind="agency", ministry=tenant.ministry, agency=tenant.agency, file=tenant.source)


def breaks(_: Scene) -> Iterable[Observation]:
    yield seen(State.PASS, "before it broke")
    raise ZeroDivisionError("by nought")


CHECKS = (
    Check("always", lambda _: [seen(State.FAIL, HOSTILE, kind="object", actual=HOSTILE)]),
    Check("each-namespace", each_namespace),
    Check("each-agency", each_agency),
    Check("breaks", breaks),
    Check("nobody", lambda _: [seen(State.NOT_APPLICABLE, "local", actual="there is none")]),
)
"""`absent` is in the catalogue and not here."""


@dataclass(frozen=True)
class Terms:
    """A waiver for a test: good unless changed."""

    control: str = "GC-02"
    match: tuple[str, str] = ("agency", "mof/rd")
    days: int = 30

    def waiver(self, name: str = "later", today: date | None = None) -> Waiver:
        day = today or estate().today
        kind, what = self.match
        terms = WaiverFile.model_validate(
            {
                "control": self.control,
                "match": {kind: what},
                "reason": named("Being built"),
                "compensating": named("Somebody watches"),
                "author": {"name": "A", "email": "a@rd.go.th.example"},
                "approver": {"name": "B", "email": "b@dga.or.th.example"},
                "created": day - timedelta(days=60),
                "expires": day + timedelta(days=self.days),
            }
        )
        return Waiver(name, terms, Document(f"stacks/waivers/{name}.yaml", {}, {}))


def first_namespace() -> str:
    return next(iter(namespaces(estate()))).name


def looked(
    checks: Sequence[Check] = CHECKS,
    waivers: Sequence[Waiver] = (),
    selection: Selection | None = None,
    in_scene: Scene | None = None,
    of: Catalogue | None = None,
) -> Outcome:
    chosen = selection or Selection()
    return Inspection(of or catalogue(), checks, in_scene or scene(), waivers, chosen, facts=facts).run()


def packed(folder: Path, outcome: Outcome) -> Pack:
    return packs.write(folder, outcome.run, outcome.records)


def with_check(name: str, *observations: Observation) -> tuple[Check, ...]:
    """The checks with one that says something else."""
    return tuple(replace(one, look=lambda _: observations) if one.id == name else one for one in CHECKS)
