"""Artifacts of Maven repositories, pinned by `tools/maven.lock`; which repository is the machine's own setting."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from gdcc.cluster.binaries import tools_directory
from gdcc.cluster.build import SETTING, cache_root
from gdcc.cluster.disk import MEBIBYTE, guarded, require
from gdcc.cluster.golang import tail
from gdcc.cluster.lock import locked
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError

LOCK = "maven.lock"
ROOM = 1024 * MEBIBYTE
"""What a fetched distribution takes: in Maven's own store, here, and unpacked."""
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"


def coordinates(artifact: str) -> tuple[str, str]:
    """The full coordinates `group:artifact:version:packaging` of an artifact, and its SHA-256 in hex.

    Raises:
        GdccError: the lock file does not pin it.
    """
    source = tools_directory() / LOCK
    for line in source.read_text().splitlines():
        name, _, digest = line.partition(" sha256:")
        if name.split(":")[1:2] == [artifact] and digest:
            return name, digest.strip()
    raise GdccError(f"{source} pins no {artifact}", "restore the file from version control")


def fetch(artifact: str, report: Report) -> Path:
    """The file of an artifact, from the cache or else by `mvn`; its checksum is verified before it is kept.

    Raises:
        GdccError: no `mvn`, no repository, no space, or other bytes than the lock file says.
    """
    name, digest = coordinates(artifact)
    _, _, version, packaging = name.split(":")
    folder = cache_root() / "maven" / digest[:16]
    file = folder / f"{artifact}-{version}.{packaging}"
    with guarded(folder, SETTING), locked(folder, report, f"waiting for another download of {artifact}"):
        if file.exists():
            return file
        require(folder, ROOM)
        program = shutil.which("mvn")
        if program is None:
            raise GdccError(f"{artifact} is not cached, and there is no `mvn` to fetch it", "install Maven")
        part = folder / ".part"
        shutil.rmtree(part, ignore_errors=True)
        command = [program, "-B", "-q", _COPY, f"-Dartifact={name}", f"-DoutputDirectory={part}"]
        with report.step(f"fetching {name}"):
            answer = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
            )
        fetched = part / file.name
        if answer.returncode or not fetched.exists():
            raise GdccError(
                f"fetching {name} failed; the end of what mvn said:\n{tail(answer.stdout + answer.stderr)}",
                "check that Maven reaches its repositories (settings.xml), then run it again",
            )
        _verify(fetched, name, digest)
        fetched.replace(file)
        shutil.rmtree(part, ignore_errors=True)
    return file


def _verify(file: Path, name: str, digest: str) -> None:
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != digest:
        file.unlink()
        raise GdccError(
            f"{name} has the checksum {found}, not {digest}", "the repository gave another file: ask who keeps it"
        )
