"""What a person sees while waiting: a spinner on a terminal, plain lines anywhere else."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gdcc.console import err

FIRST_SIGN, NEXT_SIGN = 2.0, 30.0
"""Seconds until a step that prints nothing is mentioned, and between further mentions (CI kills silent jobs)."""


class Report:
    """Says what happens.

    Args:
        console: where to; standard error unless given.
        verbose: whether `detail` is said too.
    """

    def __init__(self, console: Console = err, *, verbose: bool = False) -> None:
        self._console = console
        self._verbose = verbose

    def say(self, text: str) -> None:
        """One line."""
        self._console.print(text, markup=False, soft_wrap=True)

    def detail(self, text: str) -> None:
        """One line, for those who asked for more."""
        if self._verbose:
            self.say(text)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show `text` and the seconds that pass while the block runs; leave one line when it succeeds."""
        began = time.monotonic()
        with self._spinner(text) if self._console.is_terminal else self._heartbeat(text, began):
            yield
        self.say(f"{text}: {time.monotonic() - began:.1f} s")

    @contextmanager
    def _spinner(self, text: str) -> Iterator[None]:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            progress.add_task(text, total=None)
            yield

    @contextmanager
    def _heartbeat(self, text: str, began: float) -> Iterator[None]:
        done = threading.Event()

        def beat() -> None:
            pause = FIRST_SIGN
            while not done.wait(pause):
                self.say(f"{text} ... {time.monotonic() - began:.0f} s")
                pause = NEXT_SIGN

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
