"""What the gateway's checks add to a request: Envoy with its real configuration, beside the same without the checks.

The service behind is Envoy's own readiness page, so that what is measured is the gateway. Both are asked in turn over
kept connections, with all bindings of stacks/ known, by a token that the ID service's algorithm has signed.
"""

from __future__ import annotations

import http.client
import json
import ssl
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gdcc.cluster import process
from gdcc.cluster.progress import Report
from gdcc.model import PlanName, bindings, load_estate, load_settings
from gdcc.programs import Authority, Site, envoy
from gdcc.services.envoy import Check, Gateway, Upstream, configuration
from tests.checkout import REPOSITORY
from tests.notify.issuer import Issuer

pytestmark = pytest.mark.bench

REQUESTS = 1500
GOAL_MS = 5.0
"""Milliseconds that the checks may add at the median (issue 7)."""
MANY = 100_000_000
"""Requests a minute, so that the limit is counted and not met."""


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.close()


def _on_loopback(configuration: Any, ports: dict[int, int]) -> Any:
    """The same with free ports of this machine in place of the pod's."""
    if isinstance(configuration, dict):
        moved = {key: _on_loopback(value, ports) for key, value in configuration.items()}
        if "port_value" in moved:
            moved |= {"address": "127.0.0.1", "port_value": ports.get(moved["port_value"], moved["port_value"])}
        return moved
    return [_on_loopback(one, ports) for one in configuration] if isinstance(configuration, list) else configuration


def test_the_checks_of_the_gateway_add_little_to_a_request(tmp_path: Path, issuer: Issuer) -> None:
    estate = load_estate(REPOSITORY, load_settings(REPOSITORY, "local"))
    bound = [one for one in bindings(estate) if one.service == "notify"]
    chosen = next(one for one in bound if one.plan is PlanName.TRIAL)
    bound[bound.index(chosen)] = replace(chosen, limits=chosen.limits.model_copy(update={"requests_per_minute": MANY}))
    site, authority = Site(tmp_path / "site", attached=True), Authority.ensure(tmp_path / "pki")
    tls = tmp_path / "tls"
    tls.mkdir()
    for source, name in zip(authority.issue("gateway"), ("tls.crt", "tls.key"), strict=True):
        (tls / name).write_bytes(source.read_bytes())
    key_set = Upstream("127.0.0.1", issuer.server.server_port, tls=False)
    check = Check(issuer.issuer, "notify", key_set, "/realms/gdcc/protocol/openid-connect/certs")
    front = {}
    for name, wanted in (("checked", check), ("unchecked", None)):
        taken: list[int] = []
        for _ in range(3):
            taken.append(process.free_port(taken))
        ports = dict(zip((8443, 9901, 9902), taken, strict=True))
        gateway = Gateway("notify", bound, {"/ready": Upstream("127.0.0.1", ports[9901], tls=False)}, wanted, 1)
        file = site.root / name / "envoy.json"
        file.parent.mkdir()
        made = configuration(gateway, tls=str(tls), authority=str(authority.certificate))
        file.write_text(json.dumps(_on_loopback(made, ports)))
        site.start(envoy(file, ports[9901], name=name), Report())
        front[name] = ports[8443]
    claims = {"tenant": chosen.tenant.id, "environment": chosen.environment.value, "plan": chosen.plan.value}
    token = issuer.token("ec", **claims)
    try:
        seconds = _in_turn(front, token, authority.certificate)
    finally:
        site.stop_all()
    median = {name: statistics.median(each) * 1000 for name, each in seconds.items()}
    added = median["checked"] - median["unchecked"]
    print(
        f"\n{len(bound)} bindings, {REQUESTS} requests each: {median['checked']:.2f} ms checked, "
        f"{median['unchecked']:.2f} ms unchecked at the median, "
        f"ratio {median['checked'] / median['unchecked']:.2f}, {added:.2f} ms added"
    )
    assert added < GOAL_MS


def _in_turn(front: dict[str, int], token: str, authority: Path) -> dict[str, list[float]]:
    context = ssl.create_default_context(cafile=str(authority))
    lines = {name: http.client.HTTPSConnection("localhost", port, context=context) for name, port in front.items()}
    seconds: dict[str, list[float]] = {name: [] for name in front}
    for _ in range(REQUESTS):
        for name, line in lines.items():
            began = time.perf_counter()
            line.request("GET", "/ready", headers={"Authorization": f"Bearer {token}"})
            answer = line.getresponse()
            answer.read()
            seconds[name].append(time.perf_counter() - began)
            assert answer.status == 200, (name, answer.status)
    return seconds
