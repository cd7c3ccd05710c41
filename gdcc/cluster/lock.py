"""One at a time: an advisory lock on a directory that lasts no longer than its holder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gdcc.cluster.disk import private_directory
from gdcc.cluster.progress import Report


@contextmanager
def locked(directory: Path, report: Report, waiting: str) -> Iterator[None]:
    """Hold `directory`, made if need be, alone; the kernel lets go of it however the holder ends.

    Args:
        directory: what to lock.
        report: told `waiting` when somebody else holds it.
        waiting: what is waited for.
    """
    descriptor = _acquire(directory, report, waiting)
    try:
        yield
    finally:
        os.close(descriptor)


def _acquire(directory: Path, report: Report, waiting: str) -> int:
    while True:
        descriptor = os.open(private_directory(directory), os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                with report.step(waiting):
                    fcntl.flock(descriptor, fcntl.LOCK_EX)
            # The last holder may have removed the directory: then this locks nothing anybody else can see.
            if directory.exists() and os.fstat(descriptor).st_ino == directory.stat().st_ino:
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
