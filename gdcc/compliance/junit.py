"""A pack of evidence as JUnit XML, which every build server shows: a suite for each control, a case for each record."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET  # only written with it, nothing is parsed

from gdcc.compliance.evidence import Evidence, State
from gdcc.compliance.pack import Pack

FILE = "junit.xml"
_FORBIDDEN = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def render(pack: Pack) -> bytes:
    """The XML; what is neither pass nor fail is a skipped case whose message begins with its state."""
    run = pack.run
    root = ET.Element("testsuites", {"name": f"gdcc comply {run.stack}", **_counts(pack.records), "time": "0"})
    titles = {control.id: control for control in run.catalogue.controls}
    for control, records in pack.by_control.items():
        title = titles[control].title.en if control in titles else ""
        stamp = run.started.replace(tzinfo=None).isoformat(timespec="seconds")
        name = f"{control} {title}".strip()
        about = {"name": name, **_counts(records), "time": "0", "timestamp": stamp}
        suite = ET.SubElement(root, "testsuite", about)
        properties = ET.SubElement(suite, "properties")
        for key, value in (("commit", run.commit), ("clauses", ", ".join(records[0].clauses))):
            ET.SubElement(properties, "property", name=key, value=value)
        for record in records:
            _case(suite, record)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _case(suite: ET.Element, record: Evidence) -> None:
    target = record.target
    place = {"file": target.file} if target.file else {}
    place |= {"line": str(target.line)} if target.line else {}
    about = {"classname": f"{record.control}.{record.check}", "name": _xml(target.name), "time": "0", **place}
    case = ET.SubElement(suite, "testcase", about)
    properties = ET.SubElement(case, "properties")
    told = {"state": record.state.value, "sha256": record.sha256, "waiver": record.waiver}
    for key, value in told.items():
        if value:
            ET.SubElement(properties, "property", name=key, value=value)
    if record.state is State.FAIL:
        failure = ET.SubElement(case, "failure", type=record.control, message=_xml(record.actual))
        failure.text = _xml(f"expected: {record.expected}\nactual: {record.actual}\nsee it again: {record.command}")
    elif record.state is not State.PASS:
        why = f" by {record.waiver}" if record.waiver else ""
        ET.SubElement(case, "skipped", message=_xml(f"{record.state.value}{why}: {record.actual}"))


def _counts(records: tuple[Evidence, ...]) -> dict[str, str]:
    failed = sum(record.state is State.FAIL for record in records)
    passed = sum(record.state is State.PASS for record in records)
    skipped = len(records) - failed - passed
    return {"tests": str(len(records)), "failures": str(failed), "errors": "0", "skipped": str(skipped)}


def _xml(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold, escaped or not (its production 2, Char)."""
    return _FORBIDDEN.sub("\ufffd", text)
