"""Each check holds on a hardened host, and exactly it fails when what it looks at is undone by hand."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from gdcc.compliance.evidence import State
from gdcc.nodes.check import NodeCheck
from gdcc.nodes.checks import CHECKS, host_of, judged, look
from tests.nodes import rounds
from tests.nodes.chosen import chosen_params
from tests.nodes.conftest import Hosts
from tests.nodes.mutations import MUTATIONS

BY_ID = {check.id: check for check in CHECKS}
BATCH = 12
"""Settings undone in one connection, one after another."""

UNSEEN = {"clock-offset"}
"""Only a node that may set its clock has an offset: there is nothing on disk to undo. `on_guest` does it."""


def test_every_check_has_a_mutation_and_every_mutation_a_check() -> None:
    assert len(BY_ID) == len(CHECKS) >= 60
    assert set(MUTATIONS) == set(BY_ID) - UNSEEN


def test_every_check_names_its_control_and_rules() -> None:
    for check in CHECKS:
        assert re.fullmatch(r"GC-[0-9]{2}", check.control)
        assert all(re.fullmatch(r"[DK][0-9.]+", rule) for rule in check.benchmark), check.id


@pytest.mark.nodes
def test_a_fresh_host_fails_most_checks(hosts: Hosts) -> None:
    seen = judged(host_of(hosts.inventory, hosts.untouched))
    assert sum(one.state is State.FAIL for one in seen.values()) > 100


@pytest.mark.nodes
def test_a_hardened_host_fails_none(hardened: Hosts) -> None:
    results = list(look(hardened.inventory, nodes=hardened.hardened))
    assert len(results) == len(hardened.hardened) * len(CHECKS)
    failing = {
        f"{result.node} {result.check.id}: {result.seen.actual}"
        for result in results
        if result.seen.state is State.FAIL
    }
    assert not failing


@pytest.mark.nodes
def test_what_a_container_cannot_show_is_not_run_and_says_why(hardened: Hosts) -> None:
    results = list(look(hardened.inventory, nodes=hardened.hardened[:1]))
    unseen = {result.check.id: result.seen for result in results if result.seen.state is State.NOT_RUN}
    own = {check.id for check in CHECKS if any(view.own_kernel for view in check.views)}
    assert set(unseen) == own
    assert all("the node is a container" in seen.actual for seen in unseen.values())


@pytest.fixture(scope="module")
def undone(request: pytest.FixtureRequest, hardened: Hosts) -> dict[str, rounds.Undone]:
    """For each check whose test was chosen. Some hosts at a time, and on each one setting after another."""
    chosen = [check.id for check in chosen_params(request, "check") if check.id in MUTATIONS]

    def on(name: str, ids: list[str]) -> dict[str, rounds.Undone]:
        host, found = host_of(hardened.inventory, name), {}
        for begin in range(0, len(ids), BATCH):
            batch = {check: MUTATIONS[check] for check in ids[begin : begin + BATCH]}
            found |= rounds.undone(host, batch, CHECKS, {State.FAIL})
        return found

    hosts = hardened.hardened[:2]
    with ThreadPoolExecutor() as pool:
        halves = [pool.submit(on, name, chosen[number :: len(hosts)]) for number, name in enumerate(hosts)]
        return {check: seen for half in halves for check, seen in half.result().items()}


@pytest.mark.nodes
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_undone_by_hand_exactly_its_check_fails(
    hardened: Hosts, undone: dict[str, rounds.Undone], check: NodeCheck
) -> None:
    if check.id in UNSEEN:
        seen = judged(host_of(hardened.inventory, hardened.hardened[0]), [check])[check.id]
        assert seen.state is State.NOT_RUN
        return
    one = undone[check.id]
    assert one.undo.code == 0, f"the mutation did nothing: {one.undo.output}"
    assert one.mend.code == 0, one.mend.output
    assert one.failing == {check.id}


@pytest.mark.nodes
def test_everything_is_mended_after_the_mutations(hardened: Hosts) -> None:
    for name in hardened.hardened:
        seen = judged(host_of(hardened.inventory, name))
        assert not {check for check, one in seen.items() if one.state is State.FAIL}


@pytest.mark.nodes
def test_a_node_that_does_not_answer_is_not_run_and_the_others_go_on(hardened: Hosts) -> None:
    text = hardened.inventory.read_text()
    gone = hardened.inventory.with_name("gone.yml")
    gone.write_text(text.rstrip() + "\n        gone:\n          ansible_host: 192.0.2.1\n")
    checks = [BY_ID["ssh-permitrootlogin"]]
    results = {result.node: result.seen for result in look(gone, checks, [hardened.hardened[0], "gone"])}
    assert results["gone"].state is State.NOT_RUN
    assert "does not answer" in results["gone"].actual
    assert results[hardened.hardened[0]].state is State.PASS
