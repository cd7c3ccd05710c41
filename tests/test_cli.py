"""The command `gdcc`: its verbs are loaded when they are used, and listed as if they were."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from gdcc.cli import VERBS, app, main
from gdcc.verbs import Verb

GDCC = Path(sys.executable).parent / "gdcc"
LOADED = """
import json, sys
from gdcc.cli import main
sys.argv = ["gdcc", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    print(json.dumps([ended.code, sorted(sys.modules)]), file=sys.stderr)
"""


def loaded(*arguments: str) -> tuple[int, str, set[str]]:
    """Exit code, what was printed, and what was imported for it."""
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], check=True, capture_output=True, text=True)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, done.stdout, set(modules)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: str(verb.name))
def test_the_list_says_of_a_verb_what_the_verb_says_of_itself(verb: Verb) -> None:
    whole = verb.load()
    assert whole.name == verb.name
    assert verb.help.rstrip(".") == whole.get_short_help_str(limit=1000).rstrip(".")
    assert whole.epilog is None or "gdcc" in whole.epilog


def test_every_verb_is_listed_and_none_is_loaded_for_it() -> None:
    code, told, modules = loaded("--help")
    assert code == 0
    assert [line.split()[0] for line in told.partition("Commands:\n")[2].splitlines() if line] == [
        verb.name for verb in VERBS
    ]
    parts = {name for name in modules if name.startswith("gdcc.")}
    assert parts <= {"gdcc.cli", "gdcc.console", "gdcc.errors", "gdcc.verbs"}
    assert not modules & {"pulumi", "kubernetes", "pydantic", "requests", "cryptography"}


def test_a_verb_loads_its_own_part_and_not_the_others() -> None:
    code, told, modules = loaded("validate", "--help")
    assert code == 0
    assert "Usage: gdcc validate" in told
    assert "gdcc.model.survey" in modules
    assert not modules & {"pulumi", "kubernetes", "gdcc.engine", "gdcc.cluster", "gdcc.compliance"}


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["gdcc", "off"], ["offboard"]),
        (["gdcc", "agreements", "--expi"], ["--expiring"]),
    ],
)
def test_a_shell_completes_verbs_and_what_stands_below_them(words: list[str], offered: list[str]) -> None:
    asked = {"_GDCC_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run([str(GDCC)], check=False, capture_output=True, text=True, env=os.environ | asked)
    assert done.stdout.split() == offered, done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["previw"], "No such command 'previw'. Did you mean 'preview'"),
        (["cluster", "upp"], "No such command 'upp'."),
        (["validate", "--nope"], "No such option"),
    ],
)
def test_a_verb_or_option_that_does_not_exist_is_one_clear_error(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["gdcc", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_it_is_a_typer_that_tests_and_documents_may_run() -> None:
    assert list(typer.main.get_group(app).commands) == [verb.name for verb in VERBS]
