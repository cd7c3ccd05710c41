"""The programs of the control plane: which they are, at which version, and where they are found."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gdcc.cluster import build
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError
from gdcc.project import project_root

ASSETS = "KUBEBUILDER_ASSETS"


@dataclass(frozen=True)
class Binary:
    """One program.

    Attributes:
        name: of the file.
        module: the Go module whose version in `tools/go.mod` is the one wanted.
        package: what Go builds it from.
        version_arguments: what makes it print its version.
    """

    name: str
    module: str
    package: str
    version_arguments: tuple[str, ...] = ("--version",)


def _kubernetes(name: str, *version_arguments: str) -> Binary:
    module = "k8s.io/kubernetes"
    return Binary(name, module, f"{module}/cmd/{name}", version_arguments or ("--version",))


BINARIES = (
    Binary("etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3"),
    Binary("kwok", build.KWOK_MODULE, f"{build.KWOK_MODULE}/cmd/kwok"),
    _kubernetes("kubectl", "version", "--client"),
    _kubernetes("kube-scheduler"),
    _kubernetes("kube-controller-manager"),
    _kubernetes("kube-apiserver"),
)
"""In the order they are built: the quick ones first, so that progress is seen early."""

KUBELET = _kubernetes("kubelet")
"""What a test host needs to be a node. No part of the control plane: built when asked for, and only then."""


@dataclass(frozen=True)
class Found:
    """Where the programs are.

    Attributes:
        paths: by name.
        sources: by name: `KUBEBUILDER_ASSETS`, `PATH` or `cache`.
        passed_over: sentences about programs that were found but are not the right ones.
        stages: kwok's description of the lives of nodes and pods.
    """

    paths: dict[str, Path]
    sources: dict[str, str]
    passed_over: tuple[str, ...]
    stages: tuple[Path, ...]


@cache
def tools_directory() -> Path:
    """The folder of `go.mod`: beside this package in a checkout, else in the project one works in."""
    beside = Path(__file__).resolve().parents[2] / "tools"
    return beside if (beside / "go.mod").is_file() else project_root() / "tools"


@cache
def versions() -> dict[str, str]:
    """The version of each program, without the `v`, as `tools/go.mod` pins it.

    Raises:
        GdccError: a module is not pinned there.
    """
    return {binary.name: version_of(binary) for binary in BINARIES}


@cache
def version_of(binary: Binary) -> str:
    """The version of one program, as `versions`."""
    source = tools_directory() / "go.mod"
    found = re.search(rf"^\s*(?:require )?{re.escape(binary.module)} v(\S+)", source.read_text(), re.MULTILINE)
    if not found:
        raise GdccError(f"{source} pins no version of {binary.module}", "restore the file from version control")
    return found[1]


def locate() -> Found:
    """The programs that are there already, at the right version; builds nothing, so some may be missing."""
    cached = build.directory(tools_directory())
    paths: dict[str, Path] = {}
    sources: dict[str, str] = {}
    passed_over = []
    for binary in BINARIES:
        for source, path in _candidates(binary.name):
            reason = mismatch(binary, path)
            if reason is None:
                paths[binary.name], sources[binary.name] = path, source
                break
            passed_over.append(f"passed over {path}: {reason}")
        else:
            if os.access(cached / binary.name, os.X_OK):
                paths[binary.name], sources[binary.name] = cached / binary.name, "cache"
    beside = build.stages_in(paths["kwok"].parent) if "kwok" in paths else ()
    return Found(paths, sources, tuple(passed_over), beside or build.stages_in(cached))


def obtain(report: Report) -> Found:
    """All the programs: from `KUBEBUILDER_ASSETS`, else PATH, else the cache, else built into the cache.

    Raises:
        GdccError: one is missing and cannot be built; see `build.build`.
    """
    found = locate()
    for sentence in found.passed_over:
        report.detail(sentence)
    missing = {binary.name: binary.package for binary in BINARIES if binary.name not in found.paths}
    if not missing and found.stages:
        return found
    cached = build.build(tools_directory(), missing, versions()["kube-apiserver"], report)
    return Found(
        {**{name: cached / name for name in missing}, **found.paths},
        {**dict.fromkeys(missing, "cache"), **found.sources},
        found.passed_over,
        build.stages_in(cached),
    )


def obtain_kubelet(report: Report) -> Path:
    """The kubelet, found or built as the other programs are; about a minute once they are built.

    Raises:
        GdccError: as `obtain`.
    """
    for _, path in _candidates(KUBELET.name):
        reason = mismatch(KUBELET, path)
        if reason is None:
            return path
        report.detail(f"passed over {path}: {reason}")
    packages = {KUBELET.name: KUBELET.package}
    return build.build(tools_directory(), packages, version_of(KUBELET), report) / KUBELET.name


def mismatch(binary: Binary, path: Path) -> str | None:
    """Why the program at `path` is not the one wanted, or None when it is."""
    wanted = version_of(binary)
    try:
        answer = subprocess.run(
            [path, *binary.version_arguments], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it does not run ({error})"
    stated = re.search(r"\bv?(\d+\.\d+\.\d+\S*)", answer.stdout)
    if answer.returncode or not stated:
        return f"it does not state its version (wanted {wanted})"
    return None if stated[1] == wanted else f"it is version {stated[1]}, not {wanted}"


def _candidates(name: str) -> Iterator[tuple[str, Path]]:
    assets = os.environ.get(ASSETS)
    if assets and (Path(assets) / name).is_file():
        yield ASSETS, (Path(assets) / name).absolute()
    on_path = shutil.which(name)
    if on_path:
        yield "PATH", Path(on_path).absolute()
