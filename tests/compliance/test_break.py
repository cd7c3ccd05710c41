"""Break a setting, and exactly the controls that it is about turn red; mend it, and they are green again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gdcc.cluster import down, up
from gdcc.compliance.checks import CHECKS
from tests.compliance.breaks import Break, control_plane, live
from tests.compliance.site import CATALOGUE, Site, checkout

pytestmark = pytest.mark.cluster

ANSWERED = {control.id for control in CATALOGUE.controls if {check.id for check in CHECKS} & set(control.checks)}
BREAKS = (*live(), *control_plane())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two agencies on a control plane of these tests' own."""
    state = tmp_path_factory.mktemp("broken") / "state"
    stack = checkout(state.parent / "checkout", "broken")
    with pytest.MonkeyPatch.context() as patch:
        try:
            made = Site(up(state), stack, patch)
            stack.environment["KUBECONFIG"] = str(made.cluster.kubeconfig)
            made.applied()
            yield made
        finally:
            patch.undo()
            down(state, purge=True)


def test_at_least_twenty_settings_are_broken() -> None:
    assert len(BREAKS) >= 20
    assert len({each.name for each in BREAKS}) == len(BREAKS)
    assert len(frozenset.union(*(each.red for each in BREAKS))) >= 20, "they are about many controls"


def test_nothing_is_red_before_anything_is_broken(site: Site) -> None:
    assert site.red(frozenset()) == {}


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: broken.name.replace(" ", "-"))
def test_exactly_the_right_controls_turn_red(site: Site, broken: Break) -> None:
    broken.do(site)
    try:
        red = site.red(broken.red & ANSWERED)
    finally:
        broken.mend(site)
        mended = site.red(frozenset()) if broken.settles else {}
    assert red.keys() == broken.red & ANSWERED, red
    assert mended == {}


def test_all_is_green_once_everything_is_mended(site: Site) -> None:
    site.restored()
    site.restart()
    assert site.red(frozenset()) == {}
