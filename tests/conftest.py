"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gdcc.cluster import Cluster, down, up


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One real control plane for the whole run; mark the tests that use it `cluster`."""
    state = tmp_path_factory.mktemp("control-plane")
    try:
        yield up(state)
    finally:
        down(state, purge=True)
