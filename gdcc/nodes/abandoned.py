"""Test hosts that nobody ends any more: of a run that was killed, or of a state directory that is gone.

Hosts outlive the command that starts them, as `gdcc nodes up` has to. A run that means to end its hosts itself says so
in a file beside them; when that run is gone and they are not, the next `up` of anybody ends them.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import psutil

from gdcc.cluster import process
from gdcc.cluster.disk import write_private
from gdcc.nodes import orphans
from gdcc.nodes.layout import Layout
from gdcc.nodes.machine import LINUX, NSPAWN, STOP_SECONDS
from gdcc.nodes.system import succeeds

DIRECTORY = "--directory="
DISK = "ubd0="


def bind(layout: Layout) -> None:
    """Note that these hosts end with this process."""
    own = psutil.Process(os.getpid())
    write_private(_owner(layout.root), json.dumps({"pid": own.pid, "created": own.create_time()}).encode())


def reap() -> list[str]:
    """End the test hosts of this machine that nobody else will end.

    Returns:
        Their names.
    """
    lost: dict[str, list[psutil.Process]] = {}
    roots = set()
    for folder, found in _running():
        if _abandoned(folder.parent):
            lost.setdefault(folder.name, []).append(found)
            roots.add(folder.parent)
    everything = [one for found in lost.values() for one in found]
    # A host's own processes outlive its container's first one when that has to be killed.
    children = [child for one in everything for child in _children(one)]
    process.stop(everything, STOP_SECONDS)
    process.stop([child for child in children if process.alive(child)])
    for name, systems in orphans.orphans().items():
        orphans.end(systems)
        lost.setdefault(name, []).extend(systems)
    for name in lost:
        succeeds(["ip", "link", "delete", name])
        succeeds(["ip", "netns", "delete", name])
    for root in roots:
        shutil.rmtree(root, ignore_errors=True)
    return sorted(lost)


def _running() -> list[tuple[Path, psutil.Process]]:
    """Every test host that runs on this machine: its folder, and its process."""
    found = []
    for one in psutil.process_iter(["cmdline"]):
        command: list[str] = one.info["cmdline"] or []
        if command and Path(command[0]).name == LINUX:
            disk = next((part for part in command if part.startswith(DISK)), "")
            folder = Path(disk.removeprefix(DISK)).parent
            if f"umid={folder.name}" in command:
                found.append((folder, one))
        elif command and Path(command[0]).name == NSPAWN and "--keep-unit" in command:
            directory = next((part for part in command if part.startswith(DIRECTORY)), "")
            root = Path(directory.removeprefix(DIRECTORY))
            # <state>/nodes/<name>/root, as `HostFiles` has it; the image is made by such a process, too.
            if root.name == "root" and f"--machine={root.parent.name}" in command:
                found.append((root.parent, one))
    return found


def _abandoned(root: Path) -> bool:
    if not root.is_dir():
        return True
    try:
        owner = json.loads(_owner(root).read_text())
        return process.find(int(owner["pid"]), float(owner["created"])) is None
    except (OSError, ValueError, KeyError, TypeError):
        return False  # nobody's in particular: they stay until `down`


def _owner(root: Path) -> Path:
    return root / "owner.json"


def _children(one: psutil.Process) -> list[psutil.Process]:
    try:
        return one.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
