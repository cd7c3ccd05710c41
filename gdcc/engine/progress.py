"""What a person sees while the engine works: a bar on a terminal, a plain line now and then anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gdcc.console import err

_FIRST, _NEXT = 2.0, 10.0
"""Seconds until work is first mentioned where there is no terminal, and between further mentions."""

Advance = Callable[[int, int | None], None]
"""Tells how many are done, and of how many; None when that is not known yet."""


def say(text: str) -> None:
    """One line, for people."""
    err.print(text, markup=False)


@contextmanager
def working(text: str) -> Iterator[Advance]:
    """Show `text` and how far the work is while the block runs; leaves nothing behind on a terminal."""
    if err.is_terminal:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=err, transient=True) as progress:
            task = progress.add_task(text, total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)
        return
    mention = time.monotonic() + _FIRST

    def advance(done: int, total: int | None) -> None:
        nonlocal mention
        if time.monotonic() >= mention:
            mention = time.monotonic() + _NEXT
            say(f"{text}: {done}" + (f" of {total}" if total else ""))

    yield advance
