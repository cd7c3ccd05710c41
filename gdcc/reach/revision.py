"""The stacks of another revision of the project, read from git without touching the checkout."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gdcc.errors import GdccError

STACKS = "stacks"


@contextmanager
def stacks_at(root: Path, revision: str) -> Iterator[Path]:
    """A folder that holds ``stacks/`` as it was; gone afterwards.

    Args:
        root: the project's folder, in a git repository.
        revision: anything git takes for a commit: ``main``, ``HEAD~1``, a tag, a hash.

    Raises:
        GdccError: no git, no repository, no such revision, or one without stacks.
    """
    # The hash, not the words: what begins with a dash is a revision here and nothing else.
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    commit = found.stdout.decode().strip()
    if found.returncode or not commit:
        if _git(root, "rev-parse", "--git-dir").returncode:
            raise GdccError(f"{root} is in no git repository", "run it in a clone of the project")
        raise GdccError(f"git knows no revision `{revision}`", "see `git log --oneline` and `git branch --all`")
    archive = _git(root, "archive", "--format=tar", commit, STACKS)
    if archive.returncode:
        raise GdccError(f"revision `{revision}` has no {STACKS} folder", "name a later revision")
    with tempfile.TemporaryDirectory(prefix="gdcc-reach-") as folder:
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(folder, filter="data")
        yield Path(folder)


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise GdccError("git is not on PATH", "install git, or leave out --diff") from error
