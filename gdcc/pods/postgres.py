"""What the image of PostgreSQL does before the server starts: `python -m gdcc.pods.postgres [server arguments]`.

With an empty `PGDATA` it makes the database cluster, the user and the database that the image's variables name
(`POSTGRES_USER`, `POSTGRES_PASSWORD`, `POSTGRES_DB`, `POSTGRES_INITDB_ARGS`); then it becomes the server.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path


def main(arguments: list[str]) -> None:
    """Become the server."""
    data = Path(os.environ["PGDATA"])
    if not (data / "PG_VERSION").exists():
        _initialise(data)
    os.execvp("postgres", ["postgres", "-D", str(data), "-c", "listen_addresses=*", *arguments])  # noqa: S606


def _initialise(data: Path) -> None:
    part = data.with_name(f"{data.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    owner, name = os.environ["POSTGRES_USER"], os.environ["POSTGRES_DB"]
    reading, writing = os.pipe()
    os.write(writing, os.environ["POSTGRES_PASSWORD"].encode() + b"\n")
    os.close(writing)
    options = ["-U", owner, f"--pwfile=/dev/fd/{reading}", "-E", "UTF8", "--no-sync"]
    asked = shlex.split(os.environ.get("POSTGRES_INITDB_ARGS", ""))
    subprocess.run(["initdb", "-D", str(part), *options, *asked], pass_fds=(reading,), check=True)
    os.close(reading)
    alone = ["postgres", "--single", "-D", str(part), "-c", "listen_addresses=", "postgres"]
    quoted = name.replace('"', '""')
    subprocess.run(alone, input=f'CREATE DATABASE "{quoted}"\n', text=True, check=True)
    part.replace(data)


if __name__ == "__main__":
    main(sys.argv[1:])
