"""For any estate: nothing is open that no zone and no agreement declares, and the work grows with what is asked."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from ipaddress import ip_address, ip_network
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdcc.model import Agreement, Environment, Estate, StackSettings, State, Tenant, Zone, load_estate
from gdcc.model.agreement import AgreementFile
from gdcc.model.traffic import LINK_LOCAL, Egress, Port
from gdcc.network import gateway_labels, namespaces, render

from ..model.conftest import REPOSITORY, TODAY
from .sight import blocks, lets_through, openings

REAL = load_estate(REPOSITORY, StackSettings(), TODAY)
ZONE = REAL.zones["gin"]
TERMS = REAL.agreements[0].terms
NAMES = ("gin", "dg-link", "internet", "shared-services", "gdx")
KUBE_SYSTEM = {"kubernetes.io/metadata.name": "kube-system"}


@st.composite
def ranges(draw: st.DrawFn) -> str:
    prefix = draw(st.integers(0, 32))
    # Few leading bits, so that ranges often lie in each other or cover each other together.
    address = draw(st.sampled_from([0x0A000000, 0x0A400000, 0xA9FE0000, 0xC0A80000, 0x08000000, 0])) + draw(
        st.sampled_from([0, 1 << 16, 3 << 18, 1 << 23, 5])
    )
    return str(ip_network((address >> (32 - prefix) << (32 - prefix), prefix)))


@st.composite
def zones(draw: st.DrawFn) -> dict[str, Zone]:
    made = {}
    for name in NAMES:
        change: dict[str, Any] = {
            "name": name,
            "tenants": draw(st.booleans()) or name == "gin",
            "reaches": tuple(draw(st.sets(st.sampled_from(NAMES)))),
            "ports": tuple(Port(port=port) for port in draw(st.sets(st.integers(1, 65535), min_size=1, max_size=2))),
            "workload_ports": (Port(port=8443),),
            "cidrs": tuple(draw(st.sets(ranges(), min_size=1, max_size=3))),
            "cidrs_except": tuple(draw(st.sets(ranges(), max_size=3))),
        }
        made[name] = ZONE.model_copy(update=change)
    return made


def tenant(number: int, zone: Zone, environments: list[Environment], egress: tuple[Egress, ...] = ()) -> Tenant:
    like = REAL.tenants[number % len(REAL.tenants)]
    quota = next(iter(like.quota.values()))
    request = like.request.model_copy(update={"egress": egress})
    return replace(
        like,
        id=f"t{number:07d}",
        agency=f"agency{number}",
        zone=zone,
        request=request,
        quota=MappingProxyType(dict.fromkeys(environments, quota)),
    )


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    known = draw(zones())
    open_to_tenants = [zone for zone in known.values() if zone.tenants]
    tenants = []
    for number in range(draw(st.integers(1, 6))):
        environments = draw(st.lists(st.sampled_from(list(Environment)), min_size=1, max_size=3, unique=True))
        wishes = draw(st.lists(st.tuples(ranges(), st.integers(-5, 5)), max_size=2))
        egress = tuple(
            Egress.model_construct(cidr=cidr, ports=(Port(port=22),), expires=TODAY + timedelta(days=days))
            for cidr, days in wishes
        )
        tenants.append(tenant(number, draw(st.sampled_from(open_to_tenants)), environments, egress))
    agreements = []
    for number in range(draw(st.integers(0, 4)) if len(tenants) > 1 else 0):
        provider, consumer = draw(st.permutations(tenants))[:2]
        agreements.append(agreement(number, provider, consumer, draw(st.sampled_from(list(State)))))
    protected = (*draw(st.lists(ranges(), max_size=3)), *LINK_LOCAL)
    return replace(
        REAL, zones=known, tenants=tuple(tenants), agreements=tuple(agreements), protected=protected, today=TODAY
    )


def agreement(number: int, provider: Tenant, consumer: Tenant, state: State) -> Agreement:
    days: dict[State, dict[str, Any]] = {
        State.ACTIVE: {},
        State.NOT_YET: {"starts": date(2027, 1, 1), "expires": date(2028, 1, 1)},
        State.EXPIRED: {"starts": date(2025, 1, 1), "expires": date(2026, 1, 1)},
        State.PENDING: {"signatures": type(TERMS.signatures)()},
        State.WITHDRAWN: {"expires": date(2026, 11, 20)},
    }
    base = {"environments": (), "starts": date(2026, 1, 1), "expires": date(2028, 1, 1)}
    terms: AgreementFile = TERMS.model_copy(update=base | days[state])
    return Agreement(f"agreement{number}", terms, provider, consumer, f"stacks/agreements/agreement{number}.yaml")


def places(estate: Estate) -> dict[str, dict[str, str]]:
    """Every namespace that a rule can mean: the tenants', the gateways', and the resolvers'."""
    known = {namespace.name: dict(namespace.labels) for namespace in namespaces(estate)}
    gateways = {f"gateway of {zone}": {**gateway_labels(zone), "kubernetes.io/metadata.name": zone} for zone in NAMES}
    return known | gateways | {"kube-system": KUBE_SYSTEM}


def declared(estate: Estate) -> set[tuple[str, str]]:
    """Who may open a connection to whom, as the zones and the agreements say it."""
    pairs = set()
    for namespace in namespaces(estate):
        zone = namespace.tenant.zone
        pairs |= {(namespace.name, namespace.name), (namespace.name, "kube-system")}
        pairs |= {(namespace.name, f"gateway of {name}") for name in zone.reaches if name != zone.name}
        entering = (other.name for other in estate.zones.values() if zone.name in other.reaches)
        pairs |= {(f"gateway of {name}", namespace.name) for name in entering}
    for one in estate.agreements:
        if one.state(TODAY) is State.ACTIVE:
            for environment in set(one.provider.quota) & set(one.consumer.quota):
                pairs.add((f"{one.consumer.id}-{environment.value}", f"{one.provider.id}-{environment.value}"))
    return pairs


@settings(max_examples=150, deadline=None)
@given(estates())
def test_exactly_the_declared_pairs_of_namespaces_are_open(estate: Estate) -> None:
    policies, known = list(render(estate)), places(estate)
    out = {(here, there) for here, there, _ in openings(policies, known, "egress")}
    into = {(there, here) for here, there, _ in openings(policies, known, "ingress")}
    wanted = declared(estate)
    own = {namespace.name for namespace in namespaces(estate)}
    assert out == {pair for pair in wanted if pair[0] in own}
    assert into == {pair for pair in wanted if pair[1] in own}


@settings(max_examples=150, deadline=None)
@given(estates())
def test_every_exception_is_strictly_inside_its_range_and_none_is_said_twice(estate: Estate) -> None:
    for _, block in blocks(render(estate)):
        outer = ip_network(block["cidr"])
        inner = [ip_network(text) for text in block.get("except", ())]
        for network in inner:
            assert network != outer
            assert network.subnet_of(outer)  # type: ignore[arg-type]
        for index, one in enumerate(inner):
            assert not any(one.overlaps(other) for other in inner[index + 1 :])


@settings(max_examples=150, deadline=None)
@given(estates(), st.data())
def test_an_address_is_open_only_if_a_zone_or_a_request_holds_it_and_nothing_protects_it(
    estate: Estate, data: st.DataObject
) -> None:
    edges = [text for zone in estate.zones.values() for text in (*zone.cidrs, *zone.cidrs_except)]
    corners = {ip_network(text)[place] for text in (*edges, *estate.protected) for place in (0, -1)}
    addresses = {str(point + step) for point in corners for step in (-1, 0, 1) if 0 < int(point) + step < 2**32}
    address = data.draw(st.sampled_from(sorted({one for one in addresses if ip_address(one).version == 4})))

    def within(texts: Any) -> bool:
        return any(ip_address(address) in ip_network(text) for text in texts)

    for namespace in namespaces(estate):
        policies = [policy for policy in render(estate) if policy.namespace == namespace.name]
        opened = any(lets_through(block, address) for _, block in blocks(policies))
        reached = [estate.zones[name] for name in namespace.tenant.zone.reaches]
        by_zone = any(within(zone.cidrs) and not within(zone.cidrs_except) for zone in reached)
        asked = [one.cidr for one in namespace.tenant.request.egress if one.expires >= TODAY]
        assert opened == ((by_zone or within(asked)) and not within(estate.protected))


def spread(count: int) -> Estate:
    """That many tenants, each of which shares with the next."""
    tenants = [tenant(number, ZONE, list(Environment)) for number in range(count)]
    agreements = [agreement(number, one, other, State.ACTIVE) for number, (one, other) in enumerate(pairwise(tenants))]
    return replace(REAL, tenants=tuple(tenants), agreements=tuple(agreements))


def seconds(estate: Estate) -> float:
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        count = sum(1 for _ in render(estate))
        best = min(best, time.perf_counter() - start)
    assert count > len(estate.tenants)
    return best


@pytest.mark.parametrize("times", [8])
def test_the_work_grows_with_tenants_and_agreements_and_no_faster(times: int) -> None:
    few, many = spread(250), spread(250 * times)
    assert sum(1 for _ in render(many)) < times * 1.01 * sum(1 for _ in render(few))
    ratio = seconds(many) / seconds(few)
    assert ratio < 2 * times, f"{times} times the tenants took {ratio:.1f} times as long"
