"""A pack of evidence on disk: ``evidence.jsonl``, a line that tells of the run and a line for each record."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gdcc.compliance.evidence import Evidence, Run, State, digest
from gdcc.errors import FindingError, GdccError

FILE = "evidence.jsonl"
_MOST_SHOWN = 20
_AGAIN = "run `gdcc comply` again for evidence of today"


@dataclass(frozen=True)
class Pack:
    """What a file of evidence holds.

    Attributes:
        run: its first line.
        records: the others, in their order.
        sha256: of the file's bytes.
    """

    run: Run
    records: tuple[Evidence, ...]
    sha256: str

    @property
    def counts(self) -> dict[State, int]:
        """Records of each state; every state is there."""
        found = Counter(record.state for record in self.records)
        return {state: found[state] for state in State}

    @cached_property
    def by_control(self) -> Mapping[str, tuple[Evidence, ...]]:
        """The records of each control that has any, in the order of the catalogue."""
        found: dict[str, list[Evidence]] = {control.id: [] for control in self.run.catalogue.controls}
        for record in self.records:
            found.setdefault(record.control, []).append(record)
        return {control: tuple(records) for control, records in found.items() if records}


def write(folder: Path, run: Run, records: Sequence[Evidence]) -> Pack:
    """Writes a pack in one step: a run that is killed leaves the file that was there before, whole.

    Raises:
        GdccError: the folder cannot be written.
    """
    hash_ = hashlib.sha256()
    run = run.model_copy(update={"records": len(records), "chain": chain(records)}).sealed()

    def lines() -> Iterator[bytes]:
        for record in (run, *records):
            line = record.model_dump_json().encode() + b"\n"
            hash_.update(line)
            yield line

    replace(folder / FILE, lines())
    return Pack(run, tuple(records), hash_.hexdigest())


def replace(path: Path, lines: Iterable[bytes]) -> None:
    """Puts a whole file in the place of another, on disk before it is seen under its name.

    Raises:
        GdccError: it cannot be written.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
            temporary = stream.name
            stream.writelines(lines)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise GdccError(
            f"{path} cannot be written: {reason}", "name another folder with --out, or free space"
        ) from error


def locate(place: Path) -> Path:
    """The file of evidence at a path that names it or its folder.

    Raises:
        GdccError: there is none.
    """
    path = place / FILE if place.is_dir() else place
    if not path.is_file():
        raise GdccError(
            f"there is no evidence at {place}", f"name a folder that holds {FILE}; `gdcc comply` writes one"
        )
    return path


def read(place: Path) -> Pack:
    """Reads a pack and checks the hash of every record.

    Args:
        place: the file, or the folder that holds it.

    Raises:
        FindingError: a line is not what was written; names each.
        GdccError: there is no such file.
    """
    path = locate(place)
    content = path.read_bytes()
    lines = content.decode("utf-8", "replace").removesuffix("\n").split("\n")  # not splitlines: U+2028 is text here
    problems: list[str] = []
    records: list[Evidence] = []
    run = _run(path, lines[0])
    for number, line in enumerate(lines[1:], start=2):
        try:
            record = Evidence.model_validate_json(line)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"])) or "the line"
            problems.append(f"{path}:{number}: no evidence: {field}: {first['msg']}")
            continue
        if _sealed(line) != record.sha256:
            what = f"{record.control} {record.check}, {record.target.name}"
            problems.append(f"{path}:{number}: changed after it was written ({what}): its SHA-256 is another")
        records.append(record)
    if not problems and chain(records) != run.chain:
        what = f"{run.records} were written" if len(records) != run.records else "they are in another order"
        problems.append(f"{path}: holds {len(records)} records, and {what}")
    if problems:
        more = [f"... and {len(problems) - _MOST_SHOWN} more"] if len(problems) > _MOST_SHOWN else []
        raise FindingError("\n".join((*problems[:_MOST_SHOWN], *more)), _AGAIN)
    return Pack(run, tuple(records), hashlib.sha256(content).hexdigest())


def chain(records: Iterable[Evidence]) -> str:
    """SHA-256 over the hashes of records in their order: none can be left out, put in or moved."""
    return hashlib.sha256("\n".join(record.sha256 for record in records).encode()).hexdigest()


def _run(path: Path, line: str) -> Run:
    try:
        run = Run.model_validate_json(line)
    except ValidationError as error:
        raise FindingError(
            f"{path}:1: not the first line of a file of evidence", "name a file that `gdcc comply` wrote"
        ) from error
    if _sealed(line) != run.sha256:
        raise FindingError(f"{path}:1: changed after it was written: its SHA-256 is another", _AGAIN)
    return run


def _sealed(line: str) -> str:
    """The hash of a record as it stands in the file: whoever reads it needs none of our models to do the same."""
    data: dict[str, Any] = json.loads(line)
    data.pop("sha256", None)
    return digest(data)
