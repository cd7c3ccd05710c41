"""Building the programs from their published modules into a cache outside the checkout."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Mapping
from pathlib import Path

from gdcc.cluster.disk import MEBIBYTE, guarded, require
from gdcc.cluster.golang import Go, go
from gdcc.cluster.lock import locked
from gdcc.cluster.progress import Report

SETTING = "XDG_CACHE_HOME"
"""The environment variable that moves the cache."""

BINARY_BYTES = 110 * MEBIBYTE
"""The largest program; kube-apiserver."""

KWOK_MODULE = "sigs.k8s.io/kwok"
STAGES = ("node/fast/node-initialize", "pod/fast/pod-ready", "pod/fast/pod-complete", "pod/fast/pod-delete")
"""What kwok must be told to make nodes and pods live, in the module's `kustomize/stage`."""

FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")

_STAMP = "-X k8s.io/component-base/version."
LINKER_FLAGS = (
    "-s -w "
    f"{_STAMP}gitVersion=v{{version}} {_STAMP}gitMajor={{major}} {_STAMP}gitMinor={{minor}} "
    f"{_STAMP}gitCommit=k8s.io/kubernetes@v{{version}} {_STAMP}gitTreeState=clean"
)
"""A module build has no other way to know its version (clients would read 0.0.0); nor has a module a commit."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def cache_root() -> Path:
    """`$XDG_CACHE_HOME/gdcc`, by default `~/.cache/gdcc`."""
    chosen = os.environ.get(SETTING)
    return (Path(chosen) if chosen else Path("~/.cache").expanduser()).absolute() / "gdcc"


def directory(tools: Path) -> Path:
    """Where the programs of `tools/go.mod` are kept: another pin, flag or machine type is another directory."""
    machine = platform.machine().lower()
    kind = f"{platform.system().lower()}/{_ARCHITECTURES.get(machine, machine)}"
    flags = repr((FLAGS, LINKER_FLAGS))
    digest = hashlib.sha256()
    for part in ((tools / "go.mod").read_bytes(), (tools / "go.sum").read_bytes(), flags.encode(), kind.encode()):
        digest.update(hashlib.sha256(part).digest())
    return cache_root() / "bin" / digest.hexdigest()[:16]


def stages_in(folder: Path) -> tuple[Path, ...]:
    """The stages of kwok beside the programs in `folder`; empty unless all are there."""
    paths = tuple(folder / "stages" / f"{stage.replace('/', '-')}.yaml" for stage in STAGES)
    return paths if all(path.is_file() for path in paths) else ()


def build(tools: Path, packages: Mapping[str, str], version: str, report: Report) -> Path:
    """Build what is not in the cache yet, and put kwok's stages beside it.

    Each file appears whole or not at all; a second builder waits for the first and finds its work done.

    Args:
        tools: the folder of `go.mod` and `go.sum`; Go verifies every module against the latter.
        packages: Go package by program.
        version: what the Kubernetes programs will say they are, without the `v`.
        report: told each program and the seconds it took.

    Returns:
        The directory of the programs.

    Raises:
        GdccError: no Go, no module proxy, no space, a cache that cannot be written, or code that does not compile.
    """
    target = directory(tools)
    with guarded(target, SETTING), locked(target, report, "waiting for another build of the same programs"):
        missing = [name for name in packages if not (target / name).exists()]
        if not missing and stages_in(target):
            return target
        require(target, BINARY_BYTES * len(missing))
        compiler = go(tools, cache_root(), report)
        if not stages_in(target):
            _copy_stages(compiler, tools, target)
        if missing:
            report.say(
                f"building {len(missing)} programs once, into {target}; without anything cached, about 6 minutes"
            )
        major, minor, _ = version.split(".", 2)
        linker = LINKER_FLAGS.format(version=version, major=major, minor=minor)
        for number, name in enumerate(missing, start=1):
            part = target / f".{name}.part"
            arguments = ["build", *FLAGS, "-ldflags", linker, "-o", str(part), packages[name]]
            with report.step(f"building {name} ({number} of {len(missing)})"):
                compiler.run(arguments, tools, f"building {name}")
            part.replace(target / name)
    return target


def _copy_stages(compiler: Go, tools: Path, target: Path) -> None:
    # download, then list: the two verify against go.sum, and touch this one module only.
    compiler.run(["mod", "download", KWOK_MODULE], tools, f"downloading {KWOK_MODULE}")
    listing = ["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", KWOK_MODULE]
    module = Path(compiler.run(listing, tools, f"finding {KWOK_MODULE}").strip())
    part = target / ".stages.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for stage in STAGES:
        source = module / "kustomize" / "stage" / f"{stage}.yaml"
        (part / f"{stage.replace('/', '-')}.yaml").write_bytes(source.read_bytes())
    shutil.rmtree(target / "stages", ignore_errors=True)
    part.replace(target / "stages")
