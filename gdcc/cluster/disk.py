"""Writing to disk: private, atomic, and with errors that name the path, the bytes left and what to do."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gdcc.errors import GdccError

MEBIBYTE = 1024 * 1024
FULL = (errno.ENOSPC, errno.EDQUOT)


def free_bytes(path: Path) -> int:
    """Bytes an ordinary user may still write where `path` is, or will be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def full(path: Path, needed: int | None = None) -> GdccError:
    """The error for a disk that is, or would be, full at `path`; `needed` is in bytes."""
    wanted = f", {needed // MEBIBYTE} MiB needed" if needed else ""
    return GdccError(
        f"the disk that holds {path} is full: {free_bytes(path) // MEBIBYTE} MiB free{wanted}",
        "free some space: `gdcc cluster down --purge` removes a cluster, `go clean -cache` what Go has built",
    )


def require(path: Path, needed: int) -> None:
    """Refuse to begin what would fill the disk.

    Args:
        path: where the bytes will go; it need not exist yet.
        needed: bytes.

    Raises:
        GdccError: fewer bytes are free.
    """
    if free_bytes(path) < needed:
        raise full(path, needed)


@contextmanager
def guarded(path: Path, setting: str) -> Iterator[None]:
    """Turn an operating system's refusal to use `path` into an error a user can act on.

    Args:
        path: where what follows is written.
        setting: the environment variable that moves it elsewhere.

    Raises:
        GdccError: the disk is full, read-only, or not this user's.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise full(path) from error
        raise GdccError(
            f"cannot use {error.filename or path}: {error.strerror}",
            f"set {setting} to a directory you can write to",
        ) from error


def private_directory(path: Path) -> Path:
    """Make `path` a directory that only its owner can enter (0700), and return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)
    return path


def write_private(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, readable by its owner only (0600), whole or not at all even if power fails."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp creates 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # the rename itself must survive, not only the bytes
    finally:
        os.close(directory)


def write_if_changed(path: Path, data: bytes) -> None:
    """Write `data` privately unless `path` holds exactly that; saves the syncs of a run that changes nothing."""
    if not path.is_file() or path.read_bytes() != data or path.stat().st_mode & 0o077:
        write_private(path, data)
