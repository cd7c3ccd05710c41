"""Bad input is told before the first change, per host, and the others go on."""

from __future__ import annotations

import pytest

from tests.nodes.fresh import BAD, BOTH, GONE, WELL, Refusals

pytestmark = pytest.mark.nodes


@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_one_clear_error_and_changes_nothing(refusals: Refusals, bad: str) -> None:
    name = refusals.names[bad]
    assert BAD[bad].message in refusals.played.said_of(name), refusals.played.output
    assert refusals.played.count(name, "failed") == 1
    assert refusals.played.count(name, "changed") == 0
    assert refusals.after[bad] == refusals.before[bad]


def test_a_host_in_two_groups_and_one_that_is_gone_stop_nobody_else(refusals: Refusals) -> None:
    played = refusals.played
    assert f"{BOTH} is in kubernetes_control_plane and in kubernetes_workers" in played.said_of(BOTH)
    assert played.count(BOTH, "failed") == 1
    assert played.count(GONE, "unreachable") == 1
    assert played.count(WELL, "failed") == 0
    assert played.code != 0
    assert "banners : Write the banners" in played.output
    assert played.count(WELL, "changed") > 0
