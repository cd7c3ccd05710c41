"""Reading the nodes' health; the API server is played by a dictionary."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gdcc.cluster import bootstrap
from gdcc.cluster.api import Endpoint


class Answers(Endpoint):
    """An API server that knows these lists and nothing else."""

    def __init__(self, **lists: list[dict[str, Any]]) -> None:
        super().__init__(0, ssl.create_default_context())
        object.__setattr__(self, "lists", lists)

    def get(self, path: str) -> dict[str, Any] | None:
        lists: dict[str, list[dict[str, Any]]] = getattr(self, "lists")  # noqa: B009
        items = lists.get(path.rsplit("/", 1)[1])
        return None if items is None else {"items": items}


def node(name: str, ready: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def lease(name: str, age: float) -> dict[str, Any]:
    renewed = datetime.now(UTC) - timedelta(seconds=age)
    return {"metadata": {"name": name}, "spec": {"renewTime": renewed.isoformat().replace("+00:00", "Z")}}


FRESH, STALE = 1.0, bootstrap.LEASE_SECONDS + 1.0


def test_a_node_counts_when_it_is_ready_and_its_lease_runs() -> None:
    first, second, third = bootstrap.NODES
    nodes = [node(first, "True"), node(second, "False"), node(third, "True"), node("stranger", "True")]
    leases = [lease(first, FRESH), lease(second, FRESH), lease(third, STALE), lease("stranger", FRESH)]
    assert bootstrap.ready_nodes(Answers(nodes=nodes, leases=leases)) == 1
    assert bootstrap.ready_nodes(Answers(nodes=nodes, leases=[])) == 0
    assert bootstrap.ready_nodes(Answers()) == 0


@pytest.mark.parametrize(("ages", "alive"), [([], True), ([FRESH, FRESH], True), ([FRESH, STALE], False)])
def test_kwok_lives_while_it_renews_every_lease_it_holds(ages: list[float], alive: bool) -> None:
    leases = [lease(name, age) for name, age in zip(bootstrap.NODES, ages, strict=False)]
    assert bootstrap.beating(Answers(leases=leases)) is alive


def test_kwok_is_not_called_alive_when_the_api_server_does_not_say() -> None:
    assert not bootstrap.beating(Answers())
