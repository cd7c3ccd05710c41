"""Evidence on disk: written whole or not at all, and any change of it is found and named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gdcc.compliance import pack as packs
from gdcc.errors import FindingError, GdccError

from .examples import looked, packed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    packed(tmp_path, looked())
    return tmp_path


def lines(folder: Path) -> list[str]:
    return (folder / packs.FILE).read_text().splitlines()


def rewrite(folder: Path, changed: list[str]) -> str:
    (folder / packs.FILE).write_text("\n".join(changed) + "\n")
    with pytest.raises(FindingError) as error:
        packs.read(folder)
    return error.value.message


def test_what_was_written_is_what_is_read(folder: Path) -> None:
    outcome = looked()
    written = packed(folder, outcome)
    found = packs.read(folder)
    assert found == written
    assert found.records == outcome.records
    assert packs.read(folder / packs.FILE).sha256 == written.sha256


def test_a_record_can_be_checked_with_nothing_but_json_and_sha256(folder: Path) -> None:
    import hashlib  # noqa: PLC0415

    for line in lines(folder):
        data = json.loads(line)
        seal = data.pop("sha256")
        text = json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == seal


@pytest.mark.parametrize("place", range(9))
def test_a_changed_line_is_named(folder: Path, place: int) -> None:
    changed = lines(folder)
    assert '"local"' in changed[0]
    old = '"stack":"local"' if place == 0 else '"expected":"'
    if old not in changed[place]:
        pytest.fail(f"line {place + 1} has no {old}")
    changed[place] = changed[place].replace(old, old[:-1] + "x" + old[-1] if place == 0 else '"expected":"not ', 1)
    assert f"{packs.FILE}:{place + 1}: changed after it was written" in rewrite(folder, changed)


def test_a_failure_turned_into_a_pass_is_found(folder: Path) -> None:
    changed = [line.replace('"state":"fail"', '"state":"pass"') for line in lines(folder)]
    assert "GC-01 always" in rewrite(folder, changed)


def test_a_record_left_out_is_found(folder: Path) -> None:
    whole = lines(folder)
    message = rewrite(folder, whole[:3] + whole[4:])
    assert f"holds {len(whole) - 2} records, and {len(whole) - 1} were written" in message


def test_records_in_another_order_are_found(folder: Path) -> None:
    first, *rest = lines(folder)
    assert "in another order" in rewrite(folder, [first, *reversed(rest)])


def test_a_record_put_in_twice_is_found(folder: Path) -> None:
    whole = lines(folder)
    assert "records, and" in rewrite(folder, [*whole, whole[-1]])


def test_a_line_that_is_no_evidence_is_named(folder: Path) -> None:
    assert f"{packs.FILE}:3: no evidence: " in rewrite(folder, [*lines(folder)[:2], "{}"])


def test_another_file_is_told_to_be_no_evidence(tmp_path: Path) -> None:
    (tmp_path / packs.FILE).write_text("hello\n")
    with pytest.raises(FindingError, match="not the first line of a file of evidence"):
        packs.read(tmp_path)
    with pytest.raises(GdccError, match="there is no evidence"):
        packs.read(tmp_path / "nowhere")


def test_a_write_that_fails_leaves_the_file_before_it_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (folder / packs.FILE).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(GdccError, match="No space left on device"):
        packed(folder, looked())
    assert (folder / packs.FILE).read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [packs.FILE]
