from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from gdcc.engine import lease
from gdcc.engine.api import connect
from gdcc.engine.lease import Lock, LockedError
from gdcc.errors import GdccError
from tests.checkout import Checkout
from tests.engine.conftest import Trial
from tests.engine.programs import maps

pytestmark = pytest.mark.cluster


@pytest.fixture
def lock(trial: Trial) -> Any:
    api = connect(trial.cluster.kubeconfig, trial.cluster.context)

    def make(timeout: float = 0, said: list[str] | None = None) -> Lock:
        return Lock(api, f"{trial.project}.test", timeout, (said if said is not None else []).append)

    return make


def test_a_second_run_waits_with_a_message_and_goes_on_when_the_first_ends(lock: Any) -> None:
    said: list[str] = []
    order: list[str] = []

    def second() -> None:
        with lock(30, said):
            order.append("second")

    with lock():
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(1.5)
        order.append("first")
    thread.join(20)
    assert order == ["first", "second"]
    assert len(said) == 1
    assert "waiting for another run to end: process" in said[0]


def test_a_run_gives_up_after_the_lock_timeout_and_names_the_holder(trial: Trial, lock: Any) -> None:
    with lock():
        operation = trial.operation(maps(trial.ns), lock_timeout=1)
        plan = operation.plan()
        with pytest.raises(LockedError, match="another run holds the lock: process") as refused:
            operation.carry_out(plan, operation.plan)
    assert "--lock-timeout" in refused.value.hint
    assert not trial.exists("namespace", trial.ns)


def test_the_lock_of_a_process_that_died_on_this_machine_is_taken_over_at_once(
    lock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, machine, _, _ = lease.identity().split("/")
    monkeypatch.setattr(lease, "identity", lambda: f"{host}/{machine}/4194301/1")
    lock().__enter__()._stop.set()
    monkeypatch.undo()
    began = time.monotonic()
    with lock(30):
        assert time.monotonic() - began < 3


def test_a_holder_elsewhere_is_relieved_only_when_it_has_not_renewed_for_the_whole_duration(
    lock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "identity", lambda: "elsewhere/boot.1/7/1")
    lock().__enter__()._stop.set()
    monkeypatch.undo()
    monkeypatch.setattr(lease, "DURATION", 3)
    began = time.monotonic()
    with lock(30):
        assert 3 <= time.monotonic() - began < 8


def test_a_run_that_lost_its_lock_does_nothing_more(trial: Trial, lock: Any) -> None:
    with lock() as held:
        held._renewed -= lease.DURATION + 1
        with pytest.raises(GdccError, match="could not be renewed"):
            held.check()


def test_when_another_run_went_in_between_the_plan_is_made_anew(trial: Trial) -> None:
    operation = trial.operation(maps(trial.ns, one="old"))
    plan = operation.plan()
    trial.up(maps(trial.ns, one="new", two="2"))
    asked = []

    def again() -> Any:
        operation.refresh()
        asked.append(operation.plan())
        return asked[0]

    operation.carry_out(plan, again)
    assert [str(step.op) for step in asked[0].changing] == ["update", "delete"]


def test_two_updates_at_once_take_turns(checkout: Checkout) -> None:
    runs = [checkout.start("up", "--yes") for _ in range(2)]
    answers = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], answers
    assert sum("waiting for another run" in err or "another run went in between" in err for _, err in answers) >= 1
    checkout.gdcc("preview", "--expect-no-changes")
