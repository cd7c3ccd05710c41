"""A pack of evidence as one self-contained page for people: nothing is fetched, and no script is needed to read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from gdcc.compliance.catalogue import Control, Severity
from gdcc.compliance.evidence import Evidence, State
from gdcc.compliance.groups import Group, counts, groups_of, verdict
from gdcc.compliance.pack import Pack
from gdcc.compliance.selection import frameworks, frameworks_of
from gdcc.model.types import LocalizedName

FILE = "report.html"

STATES: Mapping[State, tuple[str, str]] = {
    State.PASS: ("ผ่าน", "pass"),
    State.FAIL: ("ไม่ผ่าน", "fail"),
    State.WAIVED: ("ยกเว้น", "waived"),
    State.MANUAL: ("ตรวจด้วยคน", "manual"),
    State.NOT_APPLICABLE: ("ไม่เกี่ยวข้อง", "not applicable"),
    State.NOT_RUN: ("ไม่ได้ตรวจ", "not run"),
}
_MARKS = dict(zip(STATES, ("✓", "✕", "~", "?", "–", "!"), strict=True))
"""A sign beside each colour, for who cannot tell colours apart."""
_ORDER = (State.PASS, State.FAIL, State.WAIVED, State.MANUAL, State.NOT_RUN, State.NOT_APPLICABLE)
_SEVERITIES = {Severity.LOW: "ต่ำ", Severity.MEDIUM: "ปานกลาง", Severity.HIGH: "สูง", Severity.CRITICAL: "วิกฤต"}
_OWNERS = {
    "agency": "หน่วยงาน",
    "platform": "ผู้ดูแลแพลตฟอร์ม",
    "node-operator": "ผู้ดูแลเครื่อง",
    "service-owner": "เจ้าของบริการ",
    "security": "ฝ่ายความมั่นคงปลอดภัย",
}
_PLATFORM = LocalizedName(th="แพลตฟอร์มกลาง", en="The platform itself")
_BANGKOK = timezone(timedelta(hours=7))
_THIS_ERA = 543
"""Years by which the calendar of Thai offices is ahead."""
_MONTHS = (
    *("มกราคม", "กุมภาพันธ์", "มีนาคม", "เมษายน", "พฤษภาคม", "มิถุนายน"),
    *("กรกฎาคม", "สิงหาคม", "กันยายน", "ตุลาคม", "พฤศจิกายน", "ธันวาคม"),
)
_OPEN = 12
"""Targets up to which a list that does not hold is unfolded."""


@dataclass(frozen=True)
class _Row:
    """A line of a summary."""

    name: str
    title: LocalizedName | None
    counts: Mapping[State, int]


@dataclass(frozen=True)
class _Section:
    """A control with its evidence."""

    control: Control
    verdict: State
    groups: Sequence[Group]
    frameworks: Sequence[str]


def render(pack: Pack) -> bytes:
    """The page, Thai first; the languages are switched by CSS, so that it works without scripts."""
    run, catalogue = pack.run, pack.run.catalogue
    sections = [
        _Section(control, verdict(records), groups_of(records), sorted(frameworks_of(catalogue, control)))
        for control in catalogue.controls
        if (records := pack.by_control.get(control.id))
    ]
    in_order = tuple(sections)
    sections.sort(key=lambda section: section.verdict is not State.FAIL)  # what does not hold comes first
    text: str = (
        _environment()
        .get_template(f"{FILE}.j2")
        .render(
            run=run,
            sha256=pack.sha256,
            counts=pack.counts,
            control_counts=_tally(section.verdict for section in sections),
            total=len(pack.records),
            sections=sections,
            at_a_glance=in_order,
            frameworks=_frameworks(pack, sections),
            ministries=_ministries(pack),
            uncovered=[(key, clause) for key, clause in catalogue.clauses.items() if clause.uncovered],
            thai_time=_thai(run.started),
            english_time=f"{run.started.astimezone(_BANGKOK):%d %B %Y, %H:%M} (Bangkok time)",
        )
    )
    return text.encode()


def _tally(states: Iterable[State]) -> dict[State, int]:
    found = dict.fromkeys(State, 0)
    for state in states:
        found[state] += 1
    return found


def _frameworks(pack: Pack, sections: Sequence[_Section]) -> list[_Row]:
    titles = {source.framework: source.title for source in pack.run.catalogue.sources.values()}
    return [
        _Row(name, titles.get(name), _tally(one.verdict for one in sections if name in one.frameworks))
        for name in frameworks(pack.run.catalogue)
        if any(name in one.frameworks for one in sections)
    ]


def _ministries(pack: Pack) -> list[_Row]:
    found: dict[str, list[Evidence]] = {name: [] for name in pack.run.ministries}
    for record in pack.records:
        found.setdefault(record.target.ministry, []).append(record)
    rows = [
        _Row(name, pack.run.ministries.get(name) or _PLATFORM, counts(records))
        for name, records in found.items()
        if records
    ]
    return sorted(rows, key=lambda row: not row.name)


def _thai(moment: datetime) -> str:
    here = moment.astimezone(_BANGKOK)
    return f"{here.day} {_MONTHS[here.month - 1]} {here.year + _THIS_ERA} เวลา {here:%H:%M} น."


@cache
def _environment() -> Environment:
    """The templates, with everything escaped that is not ours."""
    folder = files("gdcc.compliance") / "templates"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    sources = {name: (folder / name).read_text(encoding="utf-8") for name in (f"{FILE}.j2", "report.css", "report.js")}
    environment.loader = DictLoader(sources)
    environment.globals |= {
        "css": Markup(sources["report.css"]),  # noqa: S704 - our own files
        "script": Markup(sources["report.js"]),  # noqa: S704
        "order": _ORDER,
        "states": STATES,
        "marks": _MARKS,
        "severities": _SEVERITIES,
        "owners": _OWNERS,
        "unfolded": _OPEN,
    }
    return environment
