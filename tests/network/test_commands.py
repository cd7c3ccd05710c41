"""`gdcc agreements` as a person or a pipeline runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gdcc.errors import GdccError
from gdcc.model import StackError
from gdcc.model.agreement import content_hash
from gdcc.model.source import read
from gdcc.network import commands

from ..model.conftest import TODAY
from .conftest import FILE, SIGNATURES, Shared

Run = Callable[..., Any]
SECOND = "stacks/agreements/second.yaml"


class Calendar(date):
    @classmethod
    def today(cls) -> date:  # type: ignore[override]
        return TODAY


@pytest.fixture
def run(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(shared.root)
    monkeypatch.setattr("gdcc.model.survey.date", Calendar)
    monkeypatch.setattr("gdcc.network.commands.date", Calendar)
    app = typer.Typer(rich_markup_mode=None)
    app.add_typer(commands.app, name="agreements")
    app.command("other")(lambda: None)
    return lambda *arguments: CliRunner().invoke(app, ["agreements", *arguments])


def test_it_lists_both_parties_the_service_the_state_and_the_days_left(run: Run) -> None:
    heading, line = run().stdout.splitlines()
    assert heading.split()[:4] == ["provider", "consumer", "service", "ports"]
    assert line.split() == [
        "dms",
        "ddc",
        "case-reports",
        "8443/TCP",
        "prod",
        "internal",
        "active",
        "771",
        "dms-ddc-cases",
    ]


def test_json_says_the_same_and_more(run: Run) -> None:
    assert json.loads(run("--json").stdout) == [
        {
            "id": "dms-ddc-cases",
            "file": FILE,
            "title": {"th": "รายงานผู้ป่วย", "en": "Case reports"},
            "provider": "dms",
            "consumer": "ddc",
            "service": "case-reports",
            "ports": ["8443/TCP"],
            "environments": ["prod"],
            "data_class": "เผยแพร่ภายในองค์กร",
            "state": "active",
            "starts": "2026-01-01",
            "expires": "2028-12-31",
            "days_left": 771,
        }
    ]


def test_those_that_end_first_are_on_top_and_those_that_are_over_below(shared: Shared, run: Run) -> None:
    shared.agree(("expires: 2028-12-31", "expires: 2026-12-01"), file=SECOND)
    shared.agree(("expires: 2028-12-31", "expires: 2026-11-01"), file="stacks/agreements/third.yaml")
    listed = json.loads(run("--json").stdout)
    assert [(one["id"], one["state"], one["days_left"]) for one in listed] == [
        ("second", "active", 10),
        ("dms-ddc-cases", "active", 771),
        ("third", "expired", 0),
    ]


@pytest.mark.parametrize(("days", "expected"), [("9", []), ("10", ["second"]), ("771", ["second", "dms-ddc-cases"])])
def test_those_that_end_soon_can_be_asked_for(shared: Shared, run: Run, days: str, expected: list[str]) -> None:
    shared.agree(("expires: 2028-12-31", "expires: 2026-12-01"), file=SECOND)
    shared.agree(("expires: 2028-12-31", "expires: 2026-11-01"), file="stacks/agreements/third.yaml")
    assert [one["id"] for one in json.loads(run("--expiring", days, "--json").stdout)] == expected


def test_none_is_said_in_words(shared: Shared, run: Run) -> None:
    assert run("--expiring", "3").stdout == "no agreement ends within 3 days\n"
    (shared.root / FILE).unlink()
    assert run().stdout == "no agreement\n"
    assert run("--json").stdout == "[]\n"


def test_the_hash_is_what_makes_an_unsigned_agreement_active(shared: Shared, run: Run) -> None:
    path = shared.agree((SIGNATURES, ""))
    assert json.loads(run("--json").stdout)[0]["state"] == "pending"
    digest = run("hash", FILE).stdout.strip()
    path.write_text(path.read_text() + SIGNATURES.replace("$HASH", digest))
    assert json.loads(run("--json").stdout)[0]["state"] == "active"
    assert run("hash", FILE).stdout.strip() == digest, "signing changes nothing that is signed"


def test_the_hash_is_printed_alone_so_that_a_pipeline_can_take_it(shared: Shared, run: Run) -> None:
    result = run("hash", FILE)
    assert result.stdout == content_hash(read(shared.root / FILE, shared.root)) + "\n"
    assert "signatures.provider.content" in result.stderr


def test_the_hash_does_not_need_the_rest_of_the_tree(shared: Shared, run: Run) -> None:
    shared.project.write("stacks/agencies/moph/dms.yaml", "nothing: of use\n")
    assert run("hash", FILE).stdout.startswith("sha256:")


def test_nobody_is_given_a_hash_of_an_agreement_with_problems(shared: Shared, run: Run) -> None:
    shared.agree(("starts: 2026-01-01", "starts: soon"))
    result = run("hash", FILE)
    assert isinstance(result.exception, StackError)
    assert "`soon` is no date" in str(result.exception)
    assert result.stdout == ""


@pytest.mark.parametrize("file", ["stacks/agencies/moph/ddc.yaml", "/etc/hostname", "stacks/agreements"])
def test_a_file_that_is_no_agreement_is_a_usage_error(run: Run, file: str) -> None:
    result = run("hash", file)
    assert isinstance(result.exception, GdccError)
    assert result.exception.exit_code == 2
    assert "is not in stacks/agreements" in result.exception.message


def test_a_file_that_does_not_exist_is_told(run: Run) -> None:
    assert "the file does not exist" in str(run("hash", "stacks/agreements/none.yaml").exception)


def test_a_tree_with_errors_lists_nothing_and_tells_them(shared: Shared, run: Run) -> None:
    shared.agree(after_signing=("Case reports", "Other reports"))
    result = run()
    assert isinstance(result.exception, StackError)
    assert "changed after signing" in str(result.exception)


def test_the_help_shows_examples(run: Run) -> None:
    assert "gdcc agreements --expiring 90" in run("--help").stdout
    assert "gdcc agreements hash stacks/agreements/" in run("hash", "--help").stdout
