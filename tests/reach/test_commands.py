"""`gdcc reach` as a person, a pipeline and an auditor run it."""

from __future__ import annotations

import json
import os
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from gdcc.errors import GdccError

from .conftest import AGREEMENT, Run


def git(root: Path, *arguments: str) -> None:
    identity = {f"GIT_{who}_{what}": "t@t.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    nowhere = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(
        ["git", "-C", str(root), *arguments], check=True, capture_output=True, env=os.environ | identity | nowhere
    )


@pytest.fixture
def history(project: Path) -> Path:
    git(project, "init", "--quiet")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "-m", "as it was")
    return project


def asked(result: Any) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def refused(result: Any) -> GdccError:
    assert isinstance(result.exception, GdccError), result.output
    return result.exception


def test_the_matrix_tells_agencies_apart_from_the_platforms_rules(run: Run) -> None:
    lines = run().stdout.splitlines()
    assert lines[0].startswith("3 agencies, ")
    assert lines[1:3] == [
        "between agencies: 1",
        f"  rd → dopa (uat, prod): TCP 8443 (population, 2 pairs of namespaces) by {AGREEMENT}",
    ]
    assert any(line.startswith("  every agency → kube-system: TCP 53, UDP 53") for line in lines)


def test_one_pair_explains_itself_with_both_policies_and_their_file(run: Run) -> None:
    text = run("--from", "rd", "--to", "dopa").stdout
    assert "reachable: rd (prod) → dopa (prod): TCP 8443, to pods with app.kubernetes.io/name=population" in text
    assert f"-prod/agreement-dopa-rd-population (egress[0], from {AGREEMENT})" in text
    assert f"-prod/agreement-dopa-rd-population (ingress[0], from {AGREEMENT})" in text


def test_a_pair_that_is_not_reachable_says_what_denies_it(run: Run) -> None:
    text = run("--from", "ddc", "--to", "dopa").stdout
    assert "not reachable: " in text
    assert "\nreachable" not in f"\n{text}"
    assert "no egress rule opens it (default-deny: every namespace of a tenant)" in text
    assert "no ingress rule opens it (default-deny: every namespace of a tenant)" in text


def test_json_answers_one_pair_for_every_environment(run: Run) -> None:
    told = asked(run("--from", "rd", "--to", "dopa", "--json"))
    assert told["reachable"] is True
    open_ = {(pair["from"]["name"], pair["to"]["name"]) for pair in told["pairs"] if pair["reachable"]}
    assert open_ == {("rd (uat)", "dopa (uat)"), ("rd (prod)", "dopa (prod)")}
    (opening,) = next(pair["openings"] for pair in told["pairs"] if pair["reachable"])
    assert opening["ports"] == [{"protocol": "TCP", "first": 8443, "last": 8443, "names": []}]
    assert all(pair["obstacle"] for pair in told["pairs"] if not pair["reachable"])


def test_json_of_the_matrix_names_every_namespace(run: Run) -> None:
    told = asked(run("--json"))
    (between,) = [line for line in told["reach"] if line["agencies"]]
    assert between["agencies"] == ["rd", "dopa"]
    assert [len(pair["from"]) for pair in between["namespaces"]] == [1, 1]
    itself = next(line for line in told["reach"] if line["to"] == "itself")
    assert len(itself["namespaces"]) == told["summary"]["namespaces"]


def test_from_and_to_narrow_the_matrix(run: Run) -> None:
    for option, key in (("--from", "from"), ("--to", "to")):
        lines = asked(run(option, "dopa", "--json"))["reach"]
        assert lines
        names = {name for line in lines for pair in line["namespaces"] for name in pair[key]}
        assert {name.split("-")[0] for name in names} == {"t174phm2"}
    assert all("outside" in line["to"] for line in asked(run("--to", "outside", "--json"))["reach"])


def test_a_wrong_name_is_answered_with_the_nearest(run: Run) -> None:
    error = refused(run("--from", "dopaa"))
    assert (error.message, error.exit_code) == ("no agency is named `dopaa`", 2)
    assert error.hint.startswith("write `dopa`")


def test_the_auditors_list_has_protocol_port_service_and_file_in_columns(run: Run) -> None:
    rows = [line.split("\t") for line in run("--ports").stdout.splitlines() if not line.startswith("#")]
    assert rows[0] == ["protocol", "ports", "service", "from", "to", "environments", "declared in"]
    assert ["TCP", "8443", "population", "rd", "dopa", "uat,prod", AGREEMENT] in rows
    assert {len(row) for row in rows} == {7}
    listed = asked(run("--ports", "--json"))["ports"]
    assert len(listed) == len(rows) - 1


@pytest.mark.parametrize("options", [(), ("--from", "rd", "--to", "dopa"), ("--ports",), ("--json",)])
def test_every_answer_states_its_limits(run: Run, options: tuple[str, ...]) -> None:
    text = run(*options).stdout
    for limit in ("host network", "enforcement", "FQDN", "live drift"):
        assert limit in text


def test_a_change_shows_what_it_closes_and_what_it_opens(history: Path, run: Run) -> None:
    assert run("--diff", "HEAD").stdout.startswith("nothing is opened and nothing is closed since HEAD")
    (history / AGREEMENT).unlink()
    lines = run("--diff", "HEAD").stdout.splitlines()
    assert lines[0] == "since HEAD: 0 opened, 1 closed"
    assert lines[1].startswith("- rd → dopa (uat, prod): TCP 8443 (population")
    git(history, "commit", "--quiet", "--all", "-m", "withdrawn")
    git(history, "tag", "withdrawn")
    git(history, "checkout", "--quiet", "HEAD~1")
    told = asked(run("--diff", "withdrawn", "--json"))
    assert [line["agencies"] for line in told["opened"]] == [["rd", "dopa"]]
    assert told["closed"] == []


def test_a_change_can_be_asked_about_one_agency(history: Path, run: Run) -> None:
    (history / AGREEMENT).unlink()
    assert asked(run("--diff", "HEAD", "--from", "ddc", "--json"))["closed"] == []
    assert len(asked(run("--diff", "HEAD", "--to", "dopa", "--json"))["closed"]) == 1


def test_a_comparison_leaves_the_repository_and_the_disk_as_they_were(
    history: Path, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (history / AGREEMENT).unlink()
    before = subprocess.run(["git", "status", "--porcelain"], cwd=history, capture_output=True, check=True).stdout
    assert run("--diff", "HEAD").exit_code == 0
    after = subprocess.run(["git", "status", "--porcelain"], cwd=history, capture_output=True, check=True).stdout
    assert before == after
    assert not list((tmp_path / "temporary").iterdir())


def test_a_revision_that_does_not_exist_or_is_an_option_is_refused(history: Path, run: Run) -> None:
    for revision in ("no-such-branch", "--output=/tmp/x"):
        error = refused(run(f"--diff={revision}"))
        assert (error.message, error.exit_code) == (f"git knows no revision `{revision}`", 2)


def test_without_git_or_a_repository_it_says_so(project: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
    assert "is in no git repository" in refused(run("--diff", "HEAD")).message
    monkeypatch.setenv("PATH", str(project))
    assert refused(run("--diff", "HEAD")).message == "git is not on PATH"


def test_old_stacks_that_cannot_be_read_are_told_apart_from_todays(history: Path, run: Run) -> None:
    zones = history / "stacks/platform/zones.yaml"
    good = zones.read_text()
    zones.write_text("zones: []\n")
    git(history, "commit", "--quiet", "--all", "-m", "broken")
    zones.write_text(good)
    assert (
        "the stacks of `HEAD` have errors as this version of gdcc reads them" in refused(run("--diff", "HEAD")).message
    )


class Page(HTMLParser):
    """Collects what a page refers to and what it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for key, value in attrs if key in ("src", "href", "action")]


@pytest.fixture
def written(project: Path, run: Run) -> str:
    result = run("--html", "reach.html")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("wrote reach.html\n")
    return (project / "reach.html").read_text(encoding="utf-8")


def test_the_page_needs_nothing_from_anywhere_else(written: str) -> None:
    page = Page(written)
    assert page.addresses
    assert all(address.startswith("#") for address in page.addresses)
    assert "url(http" not in written
    assert "@import" not in written
    assert page.tags.count("script") == 1
    assert "link" not in page.tags


def test_the_page_is_read_without_script_in_both_languages(written: str) -> None:
    for words in ("ใครเข้าถึงใคร", "Who reaches whom", "กรมสรรพากร", "Revenue Department", "ข้อจำกัด", "host network"):
        assert words in written
    assert written.count('lang="th"') > 10
    assert AGREEMENT in written


def test_the_picture_is_valid_has_words_for_screen_readers_and_an_arrow_for_each_agreement(written: str) -> None:
    svg = ElementTree.fromstring(written[written.index("<svg") : written.index("</svg>") + 6])  # noqa: S314 - ours
    assert svg.get("role") == "img"
    ids = {each.get("id") for each in svg.iter()}
    assert set((svg.get("aria-labelledby") or "").split()) <= ids
    arrows = [each for each in svg.iter("path") if each.get("class") == "agreement"]
    (arrow,) = arrows
    assert "rd → dopa: TCP 8443, population" in "".join(arrow.itertext())
    assert {each.text for each in svg.iter("text")} >= {"rd", "dopa", "ddc"}


def test_names_in_files_do_not_become_markup(project: Path, run: Run) -> None:
    request = project / "stacks/agencies/mof/rd.yaml"
    text = request.read_text()
    name = next(line for line in text.splitlines() if line.strip().startswith("en: "))
    request.write_text(text.replace(name, "  en: <script>alert(1)</script> & Revenue", 1))
    assert run("--html", "reach.html").exit_code == 0
    page = (project / "reach.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Revenue" in page


def test_a_page_of_a_change_shows_what_is_closed(history: Path, run: Run) -> None:
    (history / AGREEMENT).unlink()
    assert run("--diff", "HEAD", "--html", "reach.html").exit_code == 0
    page = (history / "reach.html").read_text(encoding="utf-8")
    assert "Closed: 1" in page
    assert "Changed since HEAD" in page


def test_help_shows_examples(run: Run) -> None:
    assert "gdcc reach --from rd --to dopa" in run("--help").stdout
