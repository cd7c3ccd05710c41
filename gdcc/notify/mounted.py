"""Files that are mounted into the container: read with positions, so that what is wrong is told at its place."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from gdcc.model.problems import Problem, StackError
from gdcc.model.record import AnyRecord, Context, decode
from gdcc.model.source import LARGEST_FILE, parse


def load(path: Path, model: type[AnyRecord]) -> AnyRecord:
    """Reads one YAML or JSON file.

    Args:
        path: the file; a link is followed, since Kubernetes mounts files by links.
        model: what it should be.

    Raises:
        StackError: it cannot be read or is not what it should be; every problem is in it, named by file name.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise StackError([Problem(path.name, 0, 0, "", f"cannot be read: {error.strerror}")]) from error
    if len(content) > LARGEST_FILE:
        raise StackError([Problem(path.name, 0, 0, "", f"larger than {LARGEST_FILE // 1024} KiB", "smaller files")])
    document = parse(content, path.name)
    read = decode(model, document, Context(datetime.now(UTC).date()))
    if isinstance(read, list):
        raise StackError(read)
    return read
