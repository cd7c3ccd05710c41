"""The Java runtime: the machine's own, recent enough."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from gdcc.errors import GdccError

_INSTALLED = Path("/usr/lib/jvm")


def java_home(at_least: int) -> Path:
    """The home of a Java runtime of this major version or later; the lowest that will do, JAVA_HOME first.

    Raises:
        GdccError: there is none.
    """
    found = {home: version for home in _homes() if (version := _version(home))}
    chosen = os.environ.get("JAVA_HOME")
    if chosen and found.get(Path(chosen), 0) >= at_least:
        return Path(chosen)
    fitting = sorted((version, str(home)) for home, version in found.items() if version >= at_least)
    if fitting:
        return Path(fitting[0][1])
    there = ", ".join(sorted({str(version) for version in found.values()})) or "none"
    raise GdccError(
        f"Java {at_least} or later is needed; found: {there}",
        f"install a JDK {at_least} or later, or set JAVA_HOME to one",
    )


def _homes() -> Iterator[Path]:
    if chosen := os.environ.get("JAVA_HOME"):
        yield Path(chosen)
    if _INSTALLED.is_dir():
        yield from sorted(_INSTALLED.iterdir())
    if on_path := shutil.which("java"):
        yield Path(on_path).resolve().parent.parent


def _version(home: Path) -> int:
    """The major version that the runtime's `release` file states; 0 if it is no runtime."""
    try:
        stated = re.search(r'^JAVA_VERSION="(\d+)', (home / "release").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(stated[1]) if stated and os.access(home / "bin" / "java", os.X_OK) else 0
