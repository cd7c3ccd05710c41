"""The reports are made from the evidence alone, agree to the record, and are what their standards ask for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from gdcc.compliance import pack as packs
from gdcc.compliance import reports
from gdcc.compliance.check import Check
from gdcc.compliance.evidence import State
from gdcc.compliance.pack import Pack
from gdcc.compliance.selection import Selection

from .examples import HOSTILE, Terms, catalogue, first_namespace, looked, packed, seen, with_check


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """Every state is in it, read back from disk: what is not in the file is in no report."""
    folder = tmp_path_factory.mktemp("evidence")
    waiver = Terms("GC-02", ("namespace", first_namespace())).waiver()
    packed(folder, looked(waivers=[waiver, Terms("GC-03", days=-3).waiver("old")]))
    found = packs.read(folder)
    assert set(found.counts.values()).isdisjoint({0}), found.counts
    return found


def in_junit(text: bytes) -> Counter[str]:
    found: Counter[str] = Counter()
    for case in ET.fromstring(text).iter("testcase"):  # noqa: S314 - our own
        state = next(one.get("value", "") for one in case.iter("property") if one.get("name") == "state")
        told = "failure" if case.find("failure") is not None else "skipped" if case.find("skipped") is not None else ""
        assert told == {"pass": "", "fail": "failure"}.get(state, "skipped")
        found[state] += 1
    return found


def in_sarif(text: bytes) -> Counter[str]:
    kinds = {"pass": "pass", "review": "manual", "notApplicable": "not-applicable", "open": "not-run"}
    found: Counter[str] = Counter()
    for result in json.loads(text)["runs"][0]["results"]:
        suppressed = [one["status"] for one in result.get("suppressions", ())] == ["accepted"]
        found[kinds.get(result["kind"]) or ("waived" if suppressed else "fail")] += 1
    return found


def in_oscal(text: bytes) -> Counter[str]:
    found: Counter[str] = Counter()
    for observation in json.loads(text)["assessment-results"]["results"][0]["observations"]:
        state = next(one["value"] for one in observation["props"] if one["name"] == "state")
        found[state] += len(observation["subjects"])
    return found


def in_page(text: bytes) -> Counter[str]:
    """By what a reader can count: the targets listed."""
    found: Counter[str] = Counter()
    for state, number, inside in re.findall(
        r'<section class="group [a-z-]+" data-state="([a-z-]+)" data-count="(\d+)">(.*?)</section>', text.decode(), re.S
    ):
        listed = len(re.findall(r"<li", inside))
        assert listed == int(number)
        found[state] += listed
    return found


COUNTERS: dict[str, Callable[[bytes], Counter[str]]] = {
    "junit.xml": in_junit,
    "results.sarif": in_sarif,
    "assessment-results.json": in_oscal,
    "report.html": in_page,
}


@pytest.mark.parametrize("name", COUNTERS)
def test_a_report_agrees_with_the_evidence_to_the_record(pack: Pack, name: str) -> None:
    expected = {state.value: number for state, number in pack.counts.items()}
    assert COUNTERS[name](reports.REPORTS[name](pack)) == expected


def test_the_pages_tiles_tell_the_same_numbers(pack: Pack) -> None:
    page = reports.REPORTS["report.html"](pack).decode()
    tiles = dict(re.findall(r'class="tile [a-z-]+" data-state="([a-z-]+)" data-count="(\d+)"', page))
    assert tiles == {state.value: str(number) for state, number in pack.counts.items()}


def test_junits_own_totals_add_up(pack: Pack) -> None:
    root = ET.fromstring(reports.REPORTS["junit.xml"](pack))  # noqa: S314
    for name in ("tests", "failures", "skipped"):
        assert int(root.attrib[name]) == sum(int(suite.attrib[name]) for suite in root)
    assert int(root.attrib["failures"]) == pack.counts[State.FAIL]


@pytest.mark.parametrize("name", reports.REPORTS)
def test_the_same_evidence_makes_the_same_bytes(pack: Pack, name: str) -> None:
    assert reports.REPORTS[name](pack) == reports.REPORTS[name](pack)


def test_sarif_says_what_its_standard_asks_for(pack: Pack) -> None:
    log = json.loads(reports.REPORTS["results.sarif"](pack))
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules)) == len(pack.run.catalogue.controls)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        # 3.27.10: level is none unless kind is fail
        assert (result["level"] == "none") == (result["kind"] != "fail")
        assert result["message"]["text"]
        assert result["locations"][0]["logicalLocations"]


def test_what_is_waived_manual_or_not_run_is_not_satisfied_in_oscal(pack: Pack) -> None:
    (result,) = json.loads(reports.REPORTS["assessment-results.json"](pack))["assessment-results"]["results"]
    status = {one["target"]["target-id"]: one["target"]["status"] for one in result["findings"]}
    assert {control: (one["state"], one["reason"]) for control, one in status.items()} == {
        "GC-01": ("not-satisfied", "fail"),
        "GC-02": ("not-satisfied", "other"),
        "GC-03": ("not-satisfied", "other"),
        "GC-04": ("not-satisfied", "other"),
        "GC-05": ("not-satisfied", "other"),
        "GC-06": ("not-satisfied", "other"),
    }
    risks = {one["status"]: one for one in result["risks"]}
    assert risks.keys() == {"open", "deviation-approved"}
    assert risks["deviation-approved"]["deadline"].startswith(pack.run.waivers[0].expires)


def test_a_control_is_satisfied_when_all_passed(tmp_path: Path) -> None:
    chosen = Selection.of(catalogue(), ["GC-02"], "")
    made = packed(
        tmp_path, looked(selection=chosen, checks=[Check("each-namespace", lambda _: [seen(State.PASS, "local")])])
    )
    (result,) = json.loads(reports.REPORTS["assessment-results.json"](made))["assessment-results"]["results"]
    assert [one["target"]["status"]["state"] for one in result["findings"]] == ["satisfied"]
    assert "risks" not in result


@pytest.mark.parametrize("kind", ["assessment-plan", "assessment-results", "component-definition"])
def test_oscal_is_valid_by_trestles_own_validator(pack: Pack, kind: str, tmp_path: Path) -> None:
    _trestle(tmp_path, "init", "--local")
    folder = {"assessment-plan": "assessment-plans", "component-definition": "component-definitions"}.get(kind, kind)
    place = tmp_path / folder / "gdcc"
    place.mkdir(parents=True)
    (place / f"{kind}.json").write_bytes(reports.REPORTS[f"{kind}.json"](pack))
    done = _trestle(tmp_path, "validate", "-t", kind, "-n", "gdcc")
    assert "VALID" in done


def _trestle(root: Path, *arguments: str) -> str:
    command = shutil.which("trestle", path=str(Path(sys.executable).parent)) or "trestle"
    done = subprocess.run([command, *arguments], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_names_from_a_cluster_become_no_markup(pack: Pack) -> None:
    page = reports.REPORTS["report.html"](pack).decode()
    assert HOSTILE not in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page
    names = [case.get("name") for case in ET.fromstring(reports.REPORTS["junit.xml"](pack)).iter("testcase")]  # noqa: S314
    assert HOSTILE.replace("\x07", "\ufffd") in names


def test_the_page_fetches_nothing(pack: Pack) -> None:
    page = reports.REPORTS["report.html"](pack).decode()
    assert not re.findall(r'(?:src|href|action)="(?!#)', page)
    assert not re.findall(r"url\(|@import|fetch\(|XMLHttpRequest", page)


def test_every_report_is_written_beside_the_evidence(pack: Pack, tmp_path: Path) -> None:
    written = reports.write(tmp_path, pack)
    assert sorted(path.name for path in written) == sorted(path.name for path in tmp_path.iterdir())
    assert len(written) == 6


def test_ten_thousand_findings_that_all_differ_are_told_each_in_a_page_that_a_browser_opens(tmp_path: Path) -> None:
    findings = [
        seen(State.FAIL, f"Pod t{number:07d}-prod/web", kind="object", actual=f"spec.image: app:{number} has no digest")
        for number in range(10_000)
    ]
    made = packed(tmp_path, looked(with_check("nobody", *findings)))
    page = reports.REPORTS["report.html"](made)
    assert in_page(page)["fail"] == made.counts[State.FAIL] > 10_000
    assert b"app:9999 has no digest" in page
    assert len(page) < 10_000_000
    subjects = in_oscal(reports.REPORTS["assessment-results.json"](made))
    assert subjects["fail"] == made.counts[State.FAIL]
