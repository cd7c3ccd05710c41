"""What a control plane keeps on disk: where each file is, and the record of what was started."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gdcc.cluster.disk import guarded, private_directory, write_private
from gdcc.project import project_root

SETTING = "GDCC_STATE"
"""The environment variable that moves the state directory."""


def state_directory() -> Path:
    """`$GDCC_STATE` when set, else `.gdcc` in the project."""
    chosen = os.environ.get(SETTING)
    return Path(chosen) if chosen else project_root() / ".gdcc"


@dataclass(frozen=True)
class Layout:
    """The files under one state directory; directories are 0700, files 0600.

    Attributes:
        root: the state directory, absolute and free of links: member processes are recognised by it.
    """

    root: Path

    @classmethod
    def at(cls, state: Path | None) -> Layout:
        """The layout of `state`, or of the default state directory."""
        return cls((state or state_directory()).resolve())

    @property
    def record(self) -> Path:
        """What was started; see `Record`."""
        return self.root / "cluster.json"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's way in."""
        return self.root / "kubeconfig"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.root / "pki"

    @property
    def config(self) -> Path:
        """What the members read at start."""
        return self.root / "config"

    @property
    def logs(self) -> Path:
        """What the members write, and the audit log."""
        return self.root / "logs"

    @property
    def etcd(self) -> Path:
        """The data of the cluster."""
        return self.root / "etcd"

    @property
    def audit_log(self) -> Path:
        """One JSON event a line, `audit.k8s.io/v1`."""
        return self.logs / "audit.log"

    def create(self) -> None:
        """Make the directories."""
        for directory in (self.root, self.pki, self.config, self.logs, self.etcd):
            private_directory(directory)

    def remove(self) -> None:
        """Remove the cluster's files; the directory itself goes only if nothing else is in it."""
        for directory in (self.etcd, self.logs, self.config, self.pki):
            shutil.rmtree(directory, ignore_errors=True)
        for file in (self.kubeconfig, self.record):
            file.unlink(missing_ok=True)
        if self.root.exists() and not any(self.root.iterdir()):
            self.root.rmdir()


@dataclass(frozen=True)
class Started:
    """One member that was started.

    Attributes:
        fingerprint: what it was started with; a member is restarted when this changes.
        pid: 0 from just before the start until the process exists.
        created: when the process began, seconds since the epoch: a pid alone may be somebody else's by now.
    """

    fingerprint: str
    pid: int = 0
    created: float = 0.0


@dataclass
class Record:
    """The contents of `cluster.json`.

    Attributes:
        ports: loopback port by use.
        members: by name.
        bin_dir: the directory of kubectl.
    """

    ports: dict[str, int] = field(default_factory=dict)
    members: dict[str, Started] = field(default_factory=dict)
    bin_dir: str = ""

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """The record at `path`; None when there is none or it is not one (the processes still tell what runs)."""
        try:
            data = json.loads(path.read_bytes())
            ports = {str(use): int(port) for use, port in data["ports"].items()}
            members = {str(name): Started(**started) for name, started in data["members"].items()}
            return cls(ports=ports, members=members, bin_dir=str(data["bin_dir"]))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, path: Path) -> None:
        """Replace the record at `path`, atomically."""
        with guarded(path, SETTING):
            write_private(path, json.dumps(asdict(self), indent=2).encode())
