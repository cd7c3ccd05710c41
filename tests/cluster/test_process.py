"""Processes, ports, locks and logs."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from gdcc.cluster import process
from gdcc.cluster.lock import locked
from gdcc.cluster.progress import Report


@pytest.fixture
def stranger() -> Iterator[psutil.Process]:
    child = subprocess.Popen(["sleep", "60"])
    yield psutil.Process(child.pid)
    child.kill()
    child.wait()


def test_a_pid_that_was_used_again_is_nobody_we_know(stranger: psutil.Process) -> None:
    assert process.find(stranger.pid, stranger.create_time()) == stranger
    assert process.find(stranger.pid, stranger.create_time() - 100) is None
    assert process.is_strangers(stranger.pid, stranger.create_time() - 100)
    assert process.find(0, 0.0) is None


def test_a_process_that_ended_and_was_not_waited_for_does_not_count_as_running() -> None:
    child = subprocess.Popen(["true"])
    known = psutil.Process(child.pid)
    created = known.create_time()
    while known.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert process.find(child.pid, created) is None
    assert not process.is_strangers(child.pid, created)
    child.wait()


def test_only_a_member_told_to_use_this_state_directory_is_owned(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "etcd"  # a name only: the shell plays it
    ours, theirs = tmp_path / "state", tmp_path / "state-of-another"
    children = [
        subprocess.Popen(
            [program, "-c", "read line", "x", f"--data-dir={root}/etcd"], executable="/bin/sh", stdin=subprocess.PIPE
        )
        for root in (ours, theirs)
    ]
    try:
        deadline = time.monotonic() + 5
        while not (found := process.owned(ours, ["etcd"])) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [member.pid for _, member in found] == [children[0].pid]
    finally:
        for child in children:
            child.communicate()  # its input ends, and so does it


def test_what_ignores_a_polite_request_is_killed(tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"]
    started = process.start(command, tmp_path / "log", tmp_path)
    while b"deaf" not in (tmp_path / "log").read_bytes():
        time.sleep(0.01)
    process.stop([started], grace=0.2)
    assert not process.alive(started)


def test_a_member_sees_none_of_the_settings_meant_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETCD_NAME", "intruder")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    log = tmp_path / "log"
    started = process.start(["/usr/bin/env"], log, tmp_path)
    while process.alive(started):
        time.sleep(0.01)
    names = {line.split("=")[0] for line in log.read_text().splitlines()}
    assert "HOME" in names
    assert names <= {"PATH", "LANG", "TZ", "TMPDIR", "HOME"}
    assert log.stat().st_mode & 0o777 == 0o600
    assert os.getsid(os.getpid()) != started.pid


def test_a_large_log_is_set_aside_and_its_writer_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_BYTES", 10)
    log = tmp_path / "etcd.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"first and long")
        process.bound_log(log)
        writer.write(b"second")
    assert log.read_bytes() == b"second"
    assert (tmp_path / "etcd.log.1").read_bytes() == b"first and long"


def test_a_port_that_is_listened_on_is_not_free_and_its_holder_is_named() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        assert not process.is_free(port)
        assert f"pid {os.getpid()}" in process.listener(port)
    assert process.is_free(port)


def test_a_free_port_is_never_one_already_given_out() -> None:
    chosen: list[int] = []
    for _ in range(20):
        chosen.append(process.free_port(chosen))
    assert len(set(chosen)) == 20


def test_the_second_to_lock_a_directory_says_what_it_waits_for(tmp_path: Path) -> None:
    said = io.StringIO()
    quiet, report = Report(Console(quiet=True)), Report(Console(file=said))
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path, report, "waiting for the first"):
            order.append("second")

    with locked(tmp_path, quiet, ""):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
    assert "waiting for the first" in said.getvalue()


def test_a_directory_removed_by_the_last_holder_is_locked_anew(tmp_path: Path) -> None:
    target, quiet = tmp_path / "state", Report(Console(quiet=True))
    with locked(target, quiet, ""):
        target.rmdir()
        with locked(target, quiet, ""):
            assert target.is_dir()
