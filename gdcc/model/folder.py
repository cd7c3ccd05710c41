"""A folder of ``stacks/`` in which each file is one record: all of them read, or the one that somebody is to sign."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from gdcc.errors import GdccError
from gdcc.model.document import Document
from gdcc.model.problems import Problem, StackError
from gdcc.model.record import AnyRecord, Context, decode
from gdcc.model.source import read
from gdcc.model.tree import yaml_files


def readable(folder: Path, root: Path, problems: list[Problem]) -> Iterator[tuple[str, Document]]:
    """The files of a folder that can be read, by their names; what is wrong with the others is added to problems."""
    for path in yaml_files(folder, root, problems):
        try:
            document = read(path, root)
        except StackError as error:
            problems.extend(error.problems)
        else:
            yield path.stem, document


def records(
    folder: Path, root: Path, model: type[AnyRecord], today: date, problems: list[Problem], documents: list[Document]
) -> Iterator[tuple[str, AnyRecord, Document]]:
    """The records of a folder, by the names of their files; none of a file that has problems.

    Args:
        problems: what is wrong is added here.
        documents: every file that could be read is added here, with problems or without.
    """
    for name, document in readable(folder, root, problems):
        documents.append(document)
        record = decode(model, document, Context(today))
        if isinstance(record, list):
            problems.extend(record)
        else:
            yield name, record, document


def to_be_signed(
    file: Path, root: Path, folder: str, model: type[AnyRecord], today: date, what: str
) -> tuple[AnyRecord, Document]:
    """One file of a folder, whatever is wrong with the rest of the tree.

    Args:
        folder: relative to the project.
        what: a record of it in words, "an agreement".

    Raises:
        StackError: the record has problems of its own: nobody should sign it.
        GdccError: the file is not one of the folder.
    """
    placed = file.absolute().parent.resolve() / file.name
    if placed.parent != (root / folder).resolve():
        raise GdccError(f"{file} is not in {folder}", f"name the file of {what}")
    document = read(root.resolve() / folder / file.name, root.resolve())
    record = decode(model, document, Context(today))
    if isinstance(record, list):
        raise StackError(record)
    return record, document
