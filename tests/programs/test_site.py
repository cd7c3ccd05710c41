"""Server programs: started once, stopped with all they started, and never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from gdcc.cluster import process
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError
from gdcc.programs import Authority, Program, Site
from gdcc.programs.java import java_home
from gdcc.programs.maven import coordinates, fetch

SERVER = """
import http.server, sys
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.BaseHTTPRequestHandler).serve_forever()
"""


def _program(site: Site, port: int, **other: object) -> Program:
    folder = site.root / "web"
    folder.mkdir(exist_ok=True)

    def ready() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    command = (sys.executable, "-c", SERVER, str(port), f"{folder}/")
    return Program("web", command, ready, **other)  # type: ignore[arg-type]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def test_a_program_that_runs_as_asked_is_left_alone(site: Site) -> None:
    program = _program(site, process.free_port(()))
    site.start(program, Report())
    before = site.pids()["web"]
    site.start(program, Report())
    assert site.pids()["web"] == before
    site.stop_all()
    assert not psutil.pid_exists(before) or psutil.Process(before).status() == psutil.STATUS_ZOMBIE


def test_a_program_with_another_variable_is_started_again(site: Site) -> None:
    port = process.free_port(())
    site.start(_program(site, port), Report())
    before = site.pids()["web"]
    site.start(_program(site, port, environment={"COLOUR": "green"}), Report())
    assert site.pids()["web"] != before
    site.stop_all()


def test_what_a_killed_run_had_no_time_to_record_is_found_and_ended(site: Site) -> None:
    port = process.free_port(())
    site.start(_program(site, port), Report())
    pid = site.pids()["web"]
    (site.root / "web.run.json").unlink()
    assert not site.pids()
    site.stop_all()
    assert process.comes_free(port), f"pid {pid} still listens"


def test_a_program_that_ends_at_once_is_one_error_with_the_end_of_its_log(site: Site) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('there is no such database')", f"{site.root}/web/")
    with pytest.raises(GdccError, match="no such database"):
        site.start(Program("web", command, lambda: False), Report())
    assert not site.pids()


def test_a_program_that_is_never_ready_is_stopped_after_its_time(site: Site) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(60)", f"{site.root}/web/")
    with pytest.raises(GdccError, match="is not ready after 1 s"):
        site.start(Program("web", command, lambda: False, patience=1), Report())
    assert not [one for one in psutil.process_iter(["cmdline"]) if f"{site.root}/web/" in (one.info["cmdline"] or [])]


def test_attached_programs_end_with_whoever_started_them(tmp_path: Path) -> None:
    port = process.free_port(())
    script = f"""
import sys, time
sys.path[:0] = {[str(Path(__file__).resolve().parents[2])]!r}
from pathlib import Path
from tests.programs.test_site import Site, Report, _program
site = Site(Path({str(tmp_path / "site")!r}), attached=True)
site.start(_program(site, {port}), Report())
print("up", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "up\n"
        assert not process.is_free(port)
        run.send_signal(signal.SIGKILL)
    assert process.comes_free(port, 5), "nobody told it to end, and it did"


def test_the_environment_of_the_caller_is_not_seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KC_DB_PASSWORD", "the caller's")
    site.start(_program(site, process.free_port(()), environment={"GIVEN": "yes"}), Report())
    seen = psutil.Process(site.pids()["web"]).environ()
    site.stop_all()
    assert seen["GIVEN"] == "yes"
    assert "KC_DB_PASSWORD" not in seen


def test_records_and_logs_are_the_owners_only(site: Site) -> None:
    site.start(_program(site, process.free_port(())), Report())
    modes = {
        path.name: path.stat().st_mode & 0o077 for path in (site.root, site.log("web"), site.root / "web.run.json")
    }
    site.stop_all()
    assert not any(modes.values()), modes


def test_what_the_authority_issues_is_kept_and_anew_when_the_authority_is(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    first = Authority.ensure(folder).issue("web")[0].read_bytes()
    assert Authority.ensure(folder).issue("web")[0].read_bytes() == first
    Authority(folder).certificate.write_bytes(b"spoiled")
    assert Authority.ensure(folder).issue("web")[0].read_bytes() != first


def test_no_recent_java_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GdccError, match="Java 99 or later is needed; found: ") as told:
        java_home(99)
    assert "JAVA_HOME" in told.value.hint
    monkeypatch.setenv("JAVA_HOME", "/nonexistent")
    with pytest.raises(GdccError, match="Java 99"):
        java_home(99)


def _maven(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A `mvn` that does as told; the cache is empty."""
    program = folder / "bin" / "mvn"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))


def test_other_bytes_than_the_lock_file_says_are_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = "for a; do case $a in -DoutputDirectory=*) d=${a#*=};; esac; done; mkdir -p $d; echo other > $d/%s"
    _, _, version, packaging = coordinates("keycloak-quarkus-dist")[0].split(":")
    _maven(tmp_path, monkeypatch, write % f"keycloak-quarkus-dist-{version}.{packaging}")
    with pytest.raises(GdccError, match="has the checksum"):
        fetch("keycloak-quarkus-dist", Report())
    assert not list((tmp_path / "cache").rglob("*.zip"))


def test_no_repository_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _maven(tmp_path, monkeypatch, "echo 'Could not transfer artifact'; exit 1")
    with pytest.raises(GdccError, match="Could not transfer artifact") as told:
        fetch("keycloak-quarkus-dist", Report())
    assert "settings.xml" in told.value.hint


def test_the_lock_file_names_no_repository() -> None:
    name, digest = coordinates("keycloak-quarkus-dist")
    assert len(digest) == 64
    assert name.count(":") == 3
    assert "/" not in name


def test_waiting_for_readiness_does_not_spin(site: Site) -> None:
    asked: list[float] = []

    def ready() -> bool:
        asked.append(time.monotonic())
        return False

    command = (sys.executable, "-c", "import time; time.sleep(60)", f"{site.root}/web/")
    with pytest.raises(GdccError):
        site.start(Program("web", command, ready, patience=3), Report())
    assert len(asked) < 25
