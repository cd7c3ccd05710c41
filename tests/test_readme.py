"""The README is what a new user has: its commands are run, in their order, in a fresh copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gdcc.cluster import Cluster
from tests.checkout import REPOSITORY

pytestmark = pytest.mark.cluster

BLOCKS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINKS = re.compile(r"\]\((?!https?:)([^)#]+)\)|`((?:docs|stacks|gdcc|tests|components)/[\w./-]+)`")


def copied(to: Path) -> Path:
    """What a clone would hold: the files that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source = REPOSITORY / name
        if source.exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, to / name)
    return to


def test_the_readmes_commands_run_in_a_fresh_copy(cluster: Cluster, tmp_path: Path) -> None:
    if not (REPOSITORY / ".git").exists():
        pytest.skip("needs a git checkout, to know which files a clone has")
    blocks = BLOCKS.findall((REPOSITORY / "README.md").read_text())
    assert len(blocks) >= 4
    root = copied(tmp_path / "clone")
    # `cluster` has the binaries in the cache; the copy makes its own virtual environment and control plane.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("GDCC", "PULUMI", "KUBECONFIG"))
    }
    script = "set -eux\n" + "\n".join(blocks)
    try:
        done = subprocess.run(
            ["bash", "-c", script], cwd=root, env=environment, capture_output=True, text=True, check=False
        )
    finally:
        subprocess.run([root / ".venv/bin/gdcc", "cluster", "down", "--purge"], cwd=root, env=environment, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "206" in done.stdout
    assert re.search(r"\d+ created", done.stdout)
    assert "Look at it:" in done.stdout
    assert re.search(r"t9sx3obp-prod +Active .* ddc +prod", done.stdout)


def test_what_the_readme_points_at_exists() -> None:
    named = [first or second for first, second in LINKS.findall((REPOSITORY / "README.md").read_text())]
    assert len(named) > 8
    assert not [name for name in named if not (REPOSITORY / name).exists()]


def test_every_target_of_the_makefile_says_what_it_does() -> None:
    text = (REPOSITORY / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: (\S+)$", text, re.MULTILINE)
    assert {"up", "down", "test", "check", "help"} <= set(targets)
    listed = subprocess.run(["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert not [target for target in targets if f"make {target} " not in listed]
