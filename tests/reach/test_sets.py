"""Selectors, ports and addresses are sets: what the operations say holds for every member."""

from __future__ import annotations

from ipaddress import ip_address
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gdcc.reach.addresses import Addresses
from gdcc.reach.manifest import Node
from gdcc.reach.ports import ALL, Ports
from gdcc.reach.selector import Selector, remainder

from . import worlds

randoms = st.randoms(use_true_random=False)


def selector(random: Random) -> Selector:
    return Selector.read(Node(worlds.selector(random), "selector: "))


def ports(random: Random) -> Ports:
    return Ports.read(Node(worlds.port(random), "port: ") for _ in range(random.randint(1, 3)))


@given(randoms)
def test_labels_meet_two_selectors_exactly_if_they_meet_their_conjunction(random: Random) -> None:
    one, other = selector(random), selector(random)
    for labels in (worlds.labels(random) for _ in range(20)):
        both = one.matches(labels) and other.matches(labels)
        assert (one & other).matches(labels) is both
        assert not both or (one & other), "what something meets is not empty"
        assert not one.covers(other) or not other.matches(labels) or one.matches(labels)


@given(randoms)
def test_what_is_left_of_all_pods_is_exactly_what_no_selector_takes(random: Random) -> None:
    taken = [selector(random) for _ in range(random.randint(0, 4))]
    left = remainder(taken)
    for labels in (worlds.labels(random) for _ in range(20)):
        free = not any(one.matches(labels) for one in taken)
        assert any(one.matches(labels) for one in left) is free


def test_when_too_many_exclusions_would_be_kept_pods_are_called_open_rather_than_closed() -> None:
    taken = [Selector.labelled({f"a{index}": "x", f"b{index}": "x"}) for index in range(14)]
    left = remainder(taken)
    assert any(one.matches({}) for one in left)
    assert len(left) <= 512


@given(randoms)
def test_a_port_is_in_two_sets_exactly_if_it_is_in_their_intersection(random: Random) -> None:
    one, other = ports(random), ports(random)
    for _ in range(20):
        protocol, number = random.choice(worlds.PROTOCOLS), random.choice(worlds.NUMBERS)
        names = random.sample(worlds.NAMES, random.randint(0, 2))
        ins = [each.contains(protocol, number, names) for each in (one, other, one & other, one | other)]
        assert ins[2] is (ins[0] and ins[1])
        assert ins[3] is (ins[0] or ins[1])
        if one.without(other).contains(protocol, number, names):
            assert ins[0]
        elif ins[0]:
            assert ins[1]
    assert ALL.covers(one)
    assert (one | other).covers(other)


@given(randoms)
def test_an_address_is_in_two_blocks_exactly_if_it_is_in_their_intersection(random: Random) -> None:
    one, other = (Addresses.of(*_block(random)) for _ in range(2))
    for address in map(ip_address, worlds.ADDRESSES):
        assert (address in (one & other)) is (address in one and address in other)
        assert not one.covers(other) or address not in other or address in one
    assert one.covers(one)


def _block(random: Random) -> tuple[str, list[str]]:
    peer = worlds.peer(random)
    while "ipBlock" not in peer:
        peer = worlds.peer(random)
    return peer["ipBlock"]["cidr"], peer["ipBlock"].get("except", [])
