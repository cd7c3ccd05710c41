"""The chain of approvals: any file changed, left out, put in or moved is found and named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from gdcc.compliance import pack as packs
from gdcc.compliance.approvals import chain_of, proposal, verify
from gdcc.compliance.pack import Pack
from gdcc.compliance.selection import Selection
from gdcc.errors import FindingError, GdccError
from gdcc.model import StackError
from gdcc.model.approval import FOLDER

from .examples import catalogue, looked, packed

TODAY = date(2026, 11, 21)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / FOLDER).mkdir(parents=True)
    for number in range(3):
        pack = packed(tmp_path / f"evidence-{number}", looked())
        approve(tmp_path, pack, TODAY - timedelta(days=10 - number))
    return tmp_path


def approve(root: Path, pack: Pack, day: date) -> str:
    chain = chain_of(root, TODAY)
    file, text = proposal(chain, pack, "ผู้อำนวยการ CISO", "ciso@dga.or.th.example", day, None)
    (root / file).write_text(text)
    return file


def broken(root: Path) -> str:
    with pytest.raises(StackError) as error:
        chain_of(root, TODAY)
    return error.value.message


def edit(root: Path, number: int, old: str, new: str) -> None:
    path = root / FOLDER / f"{number:04d}.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_a_chain_made_by_the_tool_is_whole_and_so_is_its_evidence(root: Path) -> None:
    chain = chain_of(root, TODAY)
    assert [one.number for one in chain.approvals] == [1, 2, 3]
    places = [(root / f"evidence-{number}", packs.read(root / f"evidence-{number}")) for number in range(3)]
    assert verify(chain, places) == []


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(("old", "new"), [("CISO", "CIO"), ("ciso@", "cio@"), ("stack: local", "stack: other")])
def test_a_changed_approval_is_named(root: Path, number: int, old: str, new: str) -> None:
    edit(root, number, old, new)
    message = broken(root)
    assert f"{FOLDER}/{number:04d}.yaml" in message
    assert "changed after it was approved" in message


def test_a_change_with_its_own_hash_made_anew_breaks_the_next_link(root: Path) -> None:
    chain = chain_of(root, TODAY)
    pack = packs.read(root / "evidence-1")
    before = replace(chain, approvals=chain.approvals[:1])
    file, text = proposal(before, pack, "ผู้อื่น Mallory", "m@dga.or.th.example", TODAY - timedelta(days=9), None)
    assert file.endswith("0002.yaml")
    (root / file).write_text(text)
    assert "0003.yaml" in broken(root)
    assert "previous: not the content of stacks/approvals/0002.yaml" in broken(root)


@pytest.mark.parametrize("number", [1, 2])
def test_an_approval_left_out_is_named(root: Path, number: int) -> None:
    (root / FOLDER / f"{number:04d}.yaml").unlink()
    assert f"approval {number:04d} is missing" in broken(root)


def test_an_approval_left_out_with_the_rest_renumbered_is_found(root: Path) -> None:
    (root / FOLDER / "0003.yaml").rename(root / FOLDER / "0002.yaml")
    assert "previous: not the content of" in broken(root)


def test_two_approvals_exchanged_are_found(root: Path) -> None:
    one, two = (root / FOLDER / "0001.yaml"), (root / FOLDER / "0002.yaml")
    first, second = one.read_text(), two.read_text()
    one.write_text(second)
    two.write_text(first)
    assert "previous: " in broken(root)


def test_a_chain_cut_short_is_found_by_a_tip_that_was_noted_elsewhere(root: Path) -> None:
    tip = chain_of(root, TODAY).tip
    chain_of(root, TODAY, tip)
    (root / FOLDER / "0003.yaml").unlink()
    chain_of(root, TODAY)
    with pytest.raises(FindingError, match="has the content sha256:") as error:
        chain_of(root, TODAY, tip)
    assert "cut short or written anew" in error.value.hint


def test_a_link_that_is_missing_is_named(root: Path) -> None:
    text = (root / FOLDER / "0002.yaml").read_text()
    line = next(line for line in text.splitlines() if line.startswith("previous:"))
    (root / FOLDER / "0002.yaml").write_text(text.replace(line + "\n", ""))
    assert "0002.yaml" in broken(root)
    assert "previous: not the content of" in broken(root)


def test_a_day_before_the_one_before_is_named(root: Path) -> None:
    pack = packed(root / "late", looked())
    approve(root, pack, TODAY - timedelta(days=300))
    assert "approved: before the approval 0003" in broken(root)


def test_other_files_in_the_folder_are_named(root: Path) -> None:
    (root / FOLDER / "draft.yaml").write_text("stack: local\n")
    assert "the file's name is no number of four digits" in broken(root)


def test_evidence_that_nobody_approved_is_named(root: Path) -> None:
    pack = packed(root / "other", looked())
    (told,) = verify(chain_of(root, TODAY), [(root / "other", pack)])
    assert "is approved by nobody" in told


def test_evidence_that_was_made_anew_after_the_approval_is_named(root: Path) -> None:
    """Every hash in the file is right, since the tool made it; only it is not the run that was approved."""
    outcome = looked()
    pack = packed(root / "evidence-2", replace(outcome, records=outcome.records[1:]))
    assert verify(chain_of(root, TODAY), [(root / "evidence-2", packs.read(root / "evidence-2"))])
    assert len(pack.records) == len(outcome.records) - 1


def test_a_narrowed_run_is_not_approved(root: Path) -> None:
    pack = packed(root / "narrow", looked(selection=Selection.of(catalogue(), ["GC-02"], "")))
    with pytest.raises(GdccError, match="an approval is of all"):
        approve(root, pack, TODAY)


def test_the_same_evidence_is_not_approved_twice(root: Path) -> None:
    with pytest.raises(GdccError, match=r"0003\.yaml approves this evidence already"):
        approve(root, packs.read(root / "evidence-2"), TODAY)
