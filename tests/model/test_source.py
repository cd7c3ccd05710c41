"""What the reader of YAML refuses, and where it says things stand."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gdcc.errors import GdccError
from gdcc.model import StackError
from gdcc.model.problems import Problem
from gdcc.model.source import LARGEST_FILE, parse, read

from .conftest import Project

FILE = "stacks/agencies/moph/ddc.yaml"
BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
)


def refusals(text: str | bytes) -> list[Problem]:
    with pytest.raises(StackError) as caught:
        parse(text if isinstance(text, bytes) else text.encode(), FILE)
    return list(caught.value.problems)


REFUSED = {
    "an anchor bomb": (BOMB, 1, 4, "anchor `&a`", "in full"),
    "an alias": ("a: *b\n", 1, 4, "refers to another place", "the value itself"),
    "a merge key": ("a:\n  <<: {b: 1}\n", 2, 3, "merge key", "the fields themselves"),
    "a type tag that would build an object": (
        "a: !!python/object/apply:os.system [x]\n",
        1,
        4,
        "type tag",
        "without it",
    ),
    "a type tag of the standard": ("a: !!str 1\n", 1, 4, "type tag", "without it"),
    "a key written twice": ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, 3, "written twice, first on line 3", "once"),
    "a second document": ("a: 1\n---\nb: 1\n", 2, 1, "second document", "one document"),
    "a number as a key": ("a:\n  1: x\n", 2, 3, "key `1` is not text", '`"1"`'),
    "a truth value as a key": ("true: x\n", 1, 1, "key `true` is not text", "in quotes"),
    "a list as a key": ("? [a]\n: b\n", 1, 3, "used as a key", "text"),
    "an empty file": ("", 1, 1, "file is empty", "fields"),
    "a file of comments": ("# nothing yet\n", 1, 1, "file is empty", "fields"),
    "too many levels": ("[" * 33 + "]" * 33, 1, 33, "more than 32 levels", ""),
    "thousands of levels": ("[" * 100_000, 1, 33, "more than 32 levels", ""),
    "a number that nothing holds": ("a: " + "9" * 5000, 1, 4, "number of 5000 characters", "text in quotes"),
    "infinity": ("a: .inf\n", 1, 4, "infinity", "in quotes"),
    "a number beyond floating point": ("a: 1e999\n", 1, 4, "too large", "in quotes"),
    "bytes that are not UTF-8": ("ชื่อ: ".encode() + "กรม".encode("cp874"), 1, 7, "not UTF-8: byte 0xa1", "as UTF-8"),
    "UTF-16": ("a: 1".encode("utf-16"), 1, 1, "not UTF-8", "as UTF-8"),
    "a null character": ("a: x\0y\n", 1, 5, "control character U+0000", "without it"),
    "an escaped control character": ('a: "x\\ey"\n', 1, 4, "control character U+001B", "without it"),
    "text that reads backwards": ("a: x\nb: \u202ey\n", 2, 4, "control character U+202E", "without it"),
    "a tab as indent": ("a:\n\tb: 1\n", 2, 1, "a tab", "spaces"),
    "a colon inside a value": ("a: b: c\n", 1, 5, "colon inside unquoted text", "quotes"),
    "a quote never closed": ("a: 'b\n", 2, 1, "never closed", "closing"),
    "a bracket never closed": ("a: [b\n", 2, 1, "never closed", "closing"),
    "a line without a colon": ("a: 1\nb\n", 3, 1, "without a colon", "`key: value`"),
}


@pytest.mark.parametrize(("text", "line", "column", "message", "suggestion"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused(text: str | bytes, line: int, column: int, message: str, suggestion: str) -> None:
    (problem,) = refusals(text)
    assert (problem.file, problem.line, problem.column) == (FILE, line, column), str(problem)
    assert message in problem.message, str(problem)
    assert suggestion in problem.suggestion, str(problem)


def test_several_refusals_in_one_file_are_told_together() -> None:
    assert [one.line for one in refusals("a: 1\na: 2\nb: !!str x\n3: y\n")] == [2, 3, 4]


HOSTILE = {
    "a list of every letter": "services: [" + "a," * 120_000 + "a]",
    "the same service over and over": "services: [" + "identity," * 25_000 + "mail]",
    "a value that fills the file": "zone: " + "x" * 250_000,
    "a key that fills the file": "x" * 1000 + ": 1",
    "an address that fills the file": "owner: {name: x, email: a@" + "a" * 250_000 + "}",
    "a label that fills the file": "ministry: " + "a-" * 120_000,
    "thousands of unknown fields": "".join(f"field{index}: 1\n" for index in range(15_000)),
    "the same field over and over": "zone: gin\n" * 20_000,
    "numbers as keys": "".join(f"{index}: 1\n" for index in range(20_000)),
    "flow mappings in a row": "services: [" + "{a: b}," * 30_000 + "]",
    "quotes in quotes": 'zone: "' + '\\"' * 120_000 + '"',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_costs_little_time_and_little_output(project: Project, text: str) -> None:
    project.write(FILE, text[: LARGEST_FILE - 1])
    start = time.perf_counter()
    problems = project.problems()
    assert time.perf_counter() - start < 5, "seconds"
    assert 1 <= len(problems) <= 101
    assert max(len(str(problem)) for problem in problems) < 1000


def test_positions_count_characters_and_start_at_one() -> None:
    document = parse("ชื่อ:\n  ไทย: กรม\nรายการ: [ก, {ข: ค}]\n".encode(), FILE)
    at = document.positions
    assert (at["ชื่อ",].key_line, at["ชื่อ",].key_column) == (1, 1)
    assert (at["ชื่อ", "ไทย"].line, at["ชื่อ", "ไทย"].column) == (2, 8)
    assert (at["รายการ", 1, "ข"].line, at["รายการ", 1, "ข"].column) == (3, 17)


def test_a_byte_order_mark_as_windows_writes_it_is_accepted() -> None:
    assert parse(b"\xef\xbb\xbfa: 1\n", FILE).data == {"a": 1}


def test_the_core_schema_of_yaml_1_2_decides_what_a_word_means() -> None:
    words = "[yes, no, on, 0o17, 0x1F, 017, 1e3, 1_000, 12:30:00, ~, Null, TRUE, 2027-01-01, +5, -.5, '1', .]"
    meanings = [
        "yes",
        "no",
        "on",
        15,
        31,
        17,
        1000.0,
        "1_000",
        "12:30:00",
        None,
        None,
        True,
        "2027-01-01",
        5,
        -0.5,
        "1",
        ".",
    ]
    assert parse(f"a: {words}".encode(), FILE).data == {"a": meanings}


def test_a_file_of_50_megabytes_is_refused_without_being_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project.root / FILE
    with path.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("the file was opened"))
    with pytest.raises(StackError) as caught:
        read(path, project.root)
    monkeypatch.undo()
    problem = project.problem()
    assert caught.value.problems == (problem,)
    assert (problem.file, problem.field) == (FILE, "")
    assert "too large: 51,200 KiB" in problem.message


def test_the_largest_file_allowed_is_read(project: Project) -> None:
    text = "a: 1\n#"
    path = project.write("stacks/large.yaml", text + "x" * (LARGEST_FILE - len(text)))
    assert read(path, project.root).data == {"a": 1}


def test_a_symbolic_link_out_of_the_tree_is_refused(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.yaml"
    outside.write_text("password: hunter2\n")
    (project.root / FILE).unlink()
    (project.root / FILE).symlink_to(outside)
    problem = project.problem()
    assert problem.file == FILE
    assert "leads out of the stacks folder" in problem.message
    assert "hunter2" not in str(problem)


def test_a_folder_that_is_a_link_out_of_the_tree_is_refused(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.yaml").write_text("tenant: t7k2m9qz\n")
    (project.root / "stacks/agencies/mof").symlink_to(outside)
    problem = project.problem()
    assert problem.file == "stacks/agencies/mof"
    assert "leads out of the stacks folder" in problem.message


def test_a_link_to_itself_and_a_pipe_are_refused_and_nothing_hangs(project: Project) -> None:
    path = project.root / FILE
    path.unlink()
    os.mkfifo(path)
    assert "not an ordinary file" in project.problem().message
    path.unlink()
    path.symlink_to(path.name)
    assert "link" in project.problem().message


def test_a_file_that_the_machine_cannot_read_is_an_environment_error(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(GdccError, match="cannot be read") as caught:
        project.problems()
    assert caught.value.exit_code == 2
