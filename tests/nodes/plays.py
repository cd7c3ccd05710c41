"""Running playbooks as an operator does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
COUNTS = re.compile(r"^(\S+)\s+: ((?:\w+=\d+\s*)+)$", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    code: int
    output: str

    def count(self, host: str, what: str) -> int:
        """`changed`, `failed`, `unreachable`, ... of the recap."""
        recap = dict(COUNTS.findall(self.output))
        return int(dict(pair.split("=") for pair in recap[host].split())[what])

    def said_of(self, host: str) -> str:
        """What was said of one host that failed, on one line."""
        return " ".join(
            line for line in self.output.splitlines() if line.startswith((f"fatal: [{host}]", f"failed: [{host}]"))
        )

    def changed_tasks(self) -> set[str]:
        """Names of tasks that changed something, or would."""
        found, task = set(), ""
        for line in self.output.splitlines():
            if line.startswith(("TASK [", "RUNNING HANDLER [")):
                task = line.split("[", 1)[1].rsplit("]", 1)[0]
            elif line.startswith("changed:"):
                found.add(task)
        return found


def environment(sockets: str) -> dict[str, str]:
    """Nothing of the caller's Ansible settings; connections of this run alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    beside = str(Path(sys.executable).parent)
    path = os.pathsep.join([beside, kept.get("PATH", os.defpath)])
    settings = {
        "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets,
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_ROLES_PATH": str(PLAYBOOKS / "roles"),
    }
    return {**kept, "PATH": path, "LC_ALL": "C.UTF-8", **settings}


def command(playbook: Path, inventory: Path, *arguments: str, variables: Mapping[str, Any] | None = None) -> list[str]:
    extra = ["-e", json.dumps(variables)] if variables else []
    return [
        str(Path(sys.executable).parent / "ansible-playbook"),
        "-i",
        str(inventory),
        str(playbook),
        *extra,
        *arguments,
    ]


def play(playbook: str | Path, inventory: Path, *arguments: str, variables: Mapping[str, Any] | None = None) -> Played:
    with tempfile.TemporaryDirectory(prefix="gdcc-") as sockets:
        done = subprocess.run(
            command(PLAYBOOKS / playbook, inventory, *arguments, variables=variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            stdin=subprocess.DEVNULL,
            env=environment(sockets),
        )
    return Played(done.returncode, done.stdout + done.stderr)


def play_roles(
    folder: Path, inventory: Path, roles: Mapping[str, Sequence[str]], variables: Mapping[str, Any] | None = None
) -> Played:
    """Run single roles, by host; no preflight."""
    connection = {"become": True, "vars": {"ansible_pipelining": True}, "gather_subset": ["!all", "!min", "virtual"]}
    plays = [{"hosts": host, "roles": list(names), **connection} for host, names in roles.items()]
    playbook = folder / "roles.yml"
    playbook.write_text(json.dumps(plays))  # which is YAML, too
    return play(playbook, inventory, variables=variables)
