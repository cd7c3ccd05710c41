"""The folders of ``stacks/``: which files there are, and which of them a stack takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from gdcc.errors import GdccError
from gdcc.model.agency import LONGEST_AGENCY_ID
from gdcc.model.document import printable
from gdcc.model.problems import Problem, nearest
from gdcc.model.source import LEADS_OUT, leads_out

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class AgencyFile:
    """A request's file; its place says whose it is."""

    path: Path
    ministry: str
    agency: str


def agency_files(root: Path, problems: list[Problem]) -> list[AgencyFile]:
    """The requests under ``stacks/agencies``, sorted by ministry and agency; adds what is out of place to problems."""
    agencies = root / "stacks" / "agencies"
    files: list[AgencyFile] = []
    first: dict[str, str] = {}
    for folder in _entries(agencies):
        if not folder.is_dir():
            problems.append(_misplaced(folder, root, "not a ministry's folder", "a folder per ministry here"))
            continue
        if leads_out(folder, root):
            problems.append(_misplaced(folder, root, LEADS_OUT, "the folder itself here"))
            continue
        found = list(yaml_files(folder, root, problems))
        if not any(_entries(folder)):
            problems.append(_misplaced(folder, root, "an empty folder", "a request in it, or remove it"))
        for path in found:
            agency = path.stem
            if agency in first:
                message = f"the agency id `{agency}` is the name of {first[agency]} too"
                problems.append(_misplaced(path, root, message, "another file name for one of them"))
            first.setdefault(agency, printable(path.relative_to(root).as_posix()))
            files.append(AgencyFile(path, folder.name, agency))
    if not files:
        problems.append(_misplaced(agencies, root, "no agency asks for anything", "a request in a ministry's folder"))
    return files


def yaml_files(folder: Path, root: Path, problems: list[Problem]) -> Iterator[Path]:
    """The files of a folder whose names are ids; adds everything else in it to problems."""
    for path in _entries(folder):
        if path.is_dir():
            problems.append(_misplaced(path, root, "a folder where only files belong", "its files one folder up"))
        elif path.suffix != ".yaml":
            remedy = f"`{printable(path.stem)}.yaml`" if path.suffix.lower() in (".yml", ".yaml") else "it elsewhere"
            problems.append(_misplaced(path, root, "not a .yaml file", remedy))
        else:
            if not _LABEL.fullmatch(path.stem) or len(path.stem) > LONGEST_AGENCY_ID:
                remedy = re.sub(r"[^a-z0-9]+", "-", path.stem.lower())[:LONGEST_AGENCY_ID].strip("-")
                what = f"the file's name is no id: small letters, digits and `-`, at most {LONGEST_AGENCY_ID}"
                problems.append(_misplaced(path, root, what, f"`{remedy}.yaml`" if remedy else "a short English name"))
            yield path


def select(files: Sequence[AgencyFile], patterns: Sequence[str]) -> tuple[list[AgencyFile], dict[int, str]]:
    """What a stack's patterns choose.

    Args:
        files: all there are.
        patterns: a folder (``moph``), an id (``moph/ddc``), or either with ``*`` and ``?``.

    Returns:
        The files chosen, in their order; and by its index each pattern that chooses none, with what to write instead.
    """
    chosen: set[AgencyFile] = set()
    in_vain: dict[int, str] = {}
    for index, pattern in enumerate(patterns):
        matching = [file for file in files if _matches(file, pattern)]
        if not matching:
            whole = {file.ministry for file in files}
            in_vain[index] = nearest(pattern, whole | {f"{file.ministry}/{file.agency}" for file in files})
        chosen.update(matching)
    return [file for file in files if file in chosen], in_vain


def _matches(file: AgencyFile, pattern: str) -> bool:
    if "/" in pattern:
        return fnmatchcase(f"{file.ministry}/{file.agency}", pattern)
    return fnmatchcase(file.ministry, pattern)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise GdccError(f"{folder.name} cannot be read: {error}", "check the folder's permissions") from error


def _misplaced(path: Path, root: Path, message: str, suggestion: str) -> Problem:
    return Problem(printable(path.relative_to(root).as_posix()), 0, 0, "", message, suggestion)
