"""What every test may ask for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gdcc.cluster import Cluster, down, up
from tests.checkout import Checkout
from tests.sharing import ByUnit, place


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByUnit:
    return ByUnit(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: place(item.nodeid))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One real control plane for the whole run; mark the tests that use it `cluster`."""
    state = tmp_path_factory.mktemp("control-plane")
    try:
        yield up(state)
    finally:
        down(state, purge=True)


@pytest.fixture
def checkout(cluster: Cluster, tmp_path: Path) -> Iterator[Checkout]:
    """The real program with four agencies, as a stack of its own on the control plane; destroyed at the end."""
    root = tmp_path / "checkout"
    root.mkdir()
    made = Checkout.make(root, "moph/ddc", "moph/dms", "moph/fda", "mof/rd", project=f"p{uuid.uuid4().hex[:8]}")
    made.environment["KUBECONFIG"] = str(cluster.kubeconfig)
    yield made
    made.gdcc("destroy", "--yes")
