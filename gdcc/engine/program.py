"""Runs the Pulumi program in this process, with a monitor of ours at the other end of its interface."""

from __future__ import annotations

import asyncio
import runpy
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

import pulumi
from pulumi.runtime import set_all_config, settings
from pulumi.runtime.stack import run_in_stack

from gdcc.collector import collector_paused
from gdcc.engine.monitor import Log, Monitor, ProgramError, Read, Recording, Resolve
from gdcc.errors import GdccError


@dataclass(frozen=True)
class Program:
    """A Pulumi program and the stack it is run for.

    Attributes:
        directory: the folder that holds `Pulumi.yaml` and `__main__.py`.
        config: Pulumi's configuration, `namespace:key` to its string form; secrets are in the clear, in memory only.
        secret_keys: the keys in `config` that are secret.
    """

    directory: FilePath
    project: str
    stack: str
    config: dict[str, str]
    secret_keys: tuple[str, ...] = ()

    def main(self) -> None:
        """The program's own entry point."""
        runpy.run_path(str(self.directory), run_name="__main__")


class _InlineExecutor(ThreadPoolExecutor):
    """Runs each call where it is made: a thread for an answer that is ready at once only costs."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run `fn` now."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def run(
    program: Program,
    resolve: Resolve,
    read: Read,
    *,
    preview: bool,
    workers: int = 0,
    entry: Callable[[], None] | None = None,
) -> Recording:
    """Run the program once and return what it registered.

    Args:
        resolve: answers each object's registration.
        preview: what `pulumi.runtime.is_dry_run()` says; unknown outputs are allowed only then.
        workers: how many registrations may block at once; 0 when `resolve` never blocks.
        entry: stands in for the program's `__main__.py` in tests.

    Raises:
        GdccError: the program raised it, or failed in another way (`ProgramError`, with file and line).
    """
    monitor = Monitor(program.project, program.stack, resolve, read)
    settings.configure(
        settings.Settings(
            project=program.project,
            stack=program.stack,
            monitor=monitor,
            engine=Log(),
            dry_run=preview,
            organization="organization",
            root_directory=str(program.directory),
        )
    )
    settings.ROOT.set(None)
    set_all_config(dict(program.config), list(program.secret_keys))
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(workers, "register") if workers else _InlineExecutor())
    asyncio.set_event_loop(loop)
    try:
        with collector_paused():  # the SDK keeps every object until the program ends
            loop.run_until_complete(run_in_stack(entry or program.main))
    except GdccError:
        raise
    except pulumi.RunError as error:
        raise ProgramError(str(error)) from error
    except Exception as error:
        raise ProgramError(_explain(error, program.directory)) from error
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()
        settings.ROOT.set(None)
    return monitor.recording


def _explain(error: Exception, directory: FilePath) -> str:
    """Say what failed and on which of the project's own lines."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    own = [
        frame
        for frame in traceback.extract_tb(cause.__traceback__)
        if FilePath(frame.filename).is_relative_to(directory) and sys.prefix not in frame.filename
    ]
    where = f" ({FilePath(own[-1].filename).relative_to(directory)}, line {own[-1].lineno})" if own else ""
    return f"the program failed: {type(cause).__name__}: {cause}{where}"
