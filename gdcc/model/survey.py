"""One look at the tree: the estate it asks for, or everything that is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

from gdcc.errors import GdccError
from gdcc.model.approval import read_approvals
from gdcc.model.catalogue import read_catalogue
from gdcc.model.document import Document
from gdcc.model.estate import Estate, Tenant
from gdcc.model.offboarding import Offboarding
from gdcc.model.problems import Problem, StackError
from gdcc.model.register import Register
from gdcc.model.resolver import Resolver
from gdcc.model.schema import modeline_problem
from gdcc.model.stack import OURS, StackSettings, read_settings, stack_names
from gdcc.model.templates import Mail
from gdcc.model.tree import agency_files, select
from gdcc.model.waivers import Waiver, WaiverRegister, waivable

_IN_VAIN = "`{}` chooses no agency: the folder is empty or does not exist"


@dataclass(frozen=True, slots=True)
class Validation:
    """The result of looking at the whole tree."""

    problems: tuple[Problem, ...]
    """Sorted, errors and warnings, of the paths asked for and of the platform's files."""
    files: int
    """Files looked at."""
    estate: Estate | None
    """None as long as a file has errors."""


def load_estate(root: Path, settings: StackSettings, today: date | None = None) -> Estate:
    """Reads what a stack asks for; linear in the number of files.

    Args:
        root: the project's folder, which holds ``stacks/``.
        settings: which agencies.
        today: the day that dates are judged by; the calendar's by default.

    Raises:
        StackError: with all the errors of the platform's files and of the chosen requests.
        GdccError: the machine refuses to read a file.
    """
    look = _look(root, settings.agencies, today or date.today())
    if look.estate is None:
        raise StackError(problem for problem in look.problems if problem.severity == "error")
    return replace(look.estate, disposable=settings.disposable, operators=settings.operators)


def validate(root: Path, paths: Sequence[Path] = (), today: date | None = None) -> Validation:
    """Looks at the whole tree and reports what is wrong, warnings included.

    Args:
        root: the project's folder.
        paths: files and folders to report on; all by default. The platform's files are always reported on, because
            nothing that refers to them can be judged without them.
        today: the day that dates are judged by; the calendar's by default.

    Raises:
        GdccError: a path is not in ``stacks/``, or the machine refuses to read a file.
    """
    today = today or date.today()
    whole = _look(root, None, today)
    problems = list(whole.problems)
    documents = [*whole.documents, *_stacks(root, problems), *_records(root, whole.tenants, today, problems)]
    problems += filter(None, map(modeline_problem, documents))
    if paths:
        wanted = ("stacks/platform", *(_relative(path, root) for path in paths))
        problems = [one for one in problems if any(f"{one.file}/".startswith(f"{inside}/") for inside in wanted)]
    return Validation(tuple(sorted(set(problems))), len(documents), whole.estate)


class _Look(NamedTuple):
    problems: list[Problem]
    documents: list[Document]
    estate: Estate | None
    tenants: list[Tenant]


def _look(root: Path, patterns: Sequence[str] | None, today: date) -> _Look:
    if not (root / "stacks").is_dir():
        raise GdccError("there is no stacks folder here", "run the command in the project's folder")
    problems: list[Problem] = []
    catalogue = read_catalogue(root, today, problems)
    files = every = agency_files(root, problems)
    if patterns is not None:
        files, in_vain = select(files, patterns)
        problems += (
            Problem("stacks/agencies", 0, 0, f"{OURS}agencies", _IN_VAIN.format(patterns[index]), remedy)
            for index, remedy in in_vain.items()
        )
    resolver = Resolver(catalogue, today, problems)
    resolver.folders(files)
    tenants = [tenant for file in files if (tenant := resolver.tenant(file, root)) is not None]
    register = Register(every, tenants, today, problems)
    offboarding = Offboarding(every, tenants, today, problems)
    tombstones = tuple(offboarding.read(root, resolver.documents))
    mail = Mail(every, tenants, today, problems)
    estate = resolver.estate(tenants, tuple(register.read(root)), tombstones, mail.read(root))
    failed = any(problem.severity == "error" for problem in problems)
    records = (*register.documents, *offboarding.documents, *mail.documents)
    documents = [*catalogue.documents, *resolver.documents, *records]
    return _Look(problems, documents, None if failed else estate, tenants)


def load_waivers(root: Path, estate: Estate, problems: list[Problem]) -> list[Waiver]:
    """The waivers whose files have no errors, expired ones too; adds what is wrong with the others to problems."""
    register = WaiverRegister(agency_files(root, []), estate.tenants, waivable(root), estate.today, problems)
    return list(register.read(root))


def _records(root: Path, tenants: Sequence[Tenant], today: date, problems: list[Problem]) -> list[Document]:
    """Looks at waivers and approvals: nothing that is applied follows from them, so they stop no deployment."""
    register = WaiverRegister(agency_files(root, []), tenants, waivable(root), today, problems)
    list(register.read(root))
    return [*register.documents, *read_approvals(root, today, problems)[1]]


def _stacks(root: Path, problems: list[Problem]) -> Iterator[Document]:
    """Reads every stack's file; adds what is wrong in them to problems."""
    files = agency_files(root, [])
    for name in stack_names(root):
        try:
            document, settings = read_settings(root, name)
        except StackError as error:
            problems.extend(error.problems)
            continue
        in_vain = select(files, settings.agencies)[1] if files else {}  # no file at all is told of elsewhere
        for index, remedy in in_vain.items():
            way = ("config", f"{OURS}agencies", index)
            problems.append(document.problem(way, _IN_VAIN.format(settings.agencies[index]), remedy))
        yield document


def _relative(path: Path, root: Path) -> str:
    """A path as problems name it; not resolved to its end, because a link is judged where it stands."""
    lexical = Path(os.path.abspath(path))
    placed = lexical.parent.resolve() / lexical.name
    if not os.path.lexists(placed):
        raise GdccError(f"{path} does not exist", "name a file or folder under stacks/")
    stacks = (root / "stacks").resolve()
    if not placed.is_relative_to(stacks):
        raise GdccError(f"{path} is not in the project's stacks folder", "name a file or folder under stacks/")
    return (Path("stacks") / placed.relative_to(stacks)).as_posix()
