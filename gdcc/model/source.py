"""The only reader of YAML: one file in, plain data and the position of every key and value out."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import yaml

from gdcc.errors import GdccError
from gdcc.model.assembly import Assembly, Halt
from gdcc.model.document import UNPRINTABLE, Document, printable
from gdcc.model.problems import Problem, StackError

LARGEST_FILE = 256 * 1024
"""Bytes; the largest file in use is a hundredth of that."""

LEADS_OUT = "a symbolic link that leads out of the stacks folder"

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_WORDS = (
    ("mapping values are not allowed", "a colon inside unquoted text", "the text in double quotes"),
    ("cannot start any token", "a tab, or a sign with a meaning of its own such as @ or `", "spaces, or quotes"),
    ("unexpected end of stream", "a quote or bracket is opened and never closed", "the closing one"),
    ("could not find expected ':'", "a line without a colon after its key", "`key: value`"),
    ("did not find expected '-'", "indented unlike the items above it", "the same indent as its neighbours"),
    ("did not find expected key", "indented unlike the fields above it", "the same indent as its neighbours"),
    ("did not find expected ',' or", "a bracket is opened and never closed", "the closing bracket"),
    ("unknown escape character", "a backslash in double quotes", "the text in single quotes"),
)
"""What the parser says, what that means, and what to write instead."""


def read(path: Path, root: Path) -> Document:
    """Reads one file under ``stacks/``.

    Args:
        path: the file, below ``root``; links are followed while they stay inside ``stacks/``.
        root: the project's folder.

    Raises:
        StackError: the file is no acceptable YAML.
        GdccError: the machine refuses to read it.
    """
    file = printable(path.relative_to(root).as_posix())

    def refusal(message: str, suggestion: str = "") -> StackError:
        return StackError([Problem(file, 0, 0, "", message, suggestion)])

    try:
        if leads_out(path, root):
            raise refusal(LEADS_OUT, "the file itself here")
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise refusal("not an ordinary file", "an ordinary file of that name")
        if status.st_size > LARGEST_FILE:  # asked before reading: gigabytes must not reach memory
            raise refusal(
                f"too large: {status.st_size / 1024:,.0f} KiB, and at most {LARGEST_FILE // 1024} KiB are read",
                "one request per file",
            )
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE)
    except FileNotFoundError as error:
        raise refusal("the file does not exist", "it, or correct its name") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise refusal("a symbolic link that leads to itself", "the file itself here") from error
        raise GdccError(f"{file} cannot be read: {error}", "check the file's permissions and the disk") from error
    return parse(content, file)


def leads_out(path: Path, root: Path) -> bool:
    """Whether a path ends, through links, outside the project's ``stacks/``."""
    return not os.path.realpath(path).startswith(os.path.realpath(root / "stacks") + os.sep)


def parse(content: bytes, file: str) -> Document:
    """Turns the bytes of a file into a document.

    Raises:
        StackError: it is no acceptable YAML; every problem that can be told is in it.
    """
    text = _decode(content, file)
    assembly = Assembly(file)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            assembly.take(event)
    except Halt:
        pass
    except yaml.YAMLError as error:
        assembly.problems.append(_syntax_problem(error, file))
    if not assembly.problems and assembly.data is None:
        assembly.problems.append(Problem(file, 1, 1, "", "the file is empty", "the fields of its schema"))
    if assembly.problems:
        raise StackError(assembly.problems)
    return Document(file, assembly.data, assembly.positions, text.split("\n", 1)[0].rstrip())


def _decode(content: bytes, file: str) -> str:
    try:
        text = content.decode("utf-8-sig")  # editors on Windows put a byte order mark first
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        message = f"not UTF-8: byte {content[error.start]:#04x}"
        advice = "the file as UTF-8 (in the editor: save with encoding UTF-8)"
        raise StackError([Problem(file, *_place(before, len(before)), "", message, advice)]) from error
    if hidden := UNPRINTABLE.search(text):
        message = f"the invisible control character U+{ord(hidden[0]):04X}"
        raise StackError([Problem(file, *_place(text, hidden.start()), "", message, "the text without it")])
    return text


def _place(text: str, index: int) -> tuple[int, int]:
    """Line and column, from 1, of a character."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _syntax_problem(error: yaml.YAMLError, file: str) -> Problem:
    told = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    message, suggestion = next(
        ((plain, remedy) for fragment, plain, remedy in _PLAIN_WORDS if fragment in told), (printable(told), "")
    )
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    return Problem(file, line, column, "", f"not readable as YAML: {message}", suggestion)
