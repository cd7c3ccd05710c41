"""What must hold of every set of policies, looked for by hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gdcc.reach.coverage import Coverage

from . import worlds
from .worlds import World, world

randoms = st.randoms(use_true_random=False)


def verdicts(made: World, asked: list[dict[str, Any]]) -> list[bool]:
    matrix = made.matrix()
    return [
        matrix.allows(
            made.end(one["source"], one["source_outside"]),
            made.end(one["target"], one["target_outside"]),
            one["protocol"],
            one["number"],
        )
        for one in asked
    ]


def never_closes(random: Random, change: Callable[[World], World]) -> None:
    made = world(random)
    asked = made.traffic(random, 60)
    for one, before, after in zip(asked, verdicts(made, asked), verdicts(change(made), asked), strict=True):
        assert after or not before, one


@settings(deadline=None)
@given(randoms)
def test_a_rule_more_in_a_policy_never_closes_anything(random: Random) -> None:
    def change(made: World) -> World:
        policies = []
        for policy in made.policies:
            stated = policy["spec"].get("policyTypes") or ["Ingress"] + ["Egress"] * bool(policy["spec"].get("egress"))
            more = {
                direction: [*(policy["spec"].get(direction) or []), worlds.rule(random, peers)]
                for direction, peers in (("ingress", "from"), ("egress", "to"))
            }
            policies.append(policy | {"spec": policy["spec"] | more | {"policyTypes": stated}})
        return World(made.namespaces, made.pods, policies, made.outside)

    never_closes(random, change)


@settings(deadline=None)
@given(randoms)
def test_a_default_deny_taken_away_never_closes_anything(random: Random) -> None:
    deny = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}

    def without(made: World) -> World:
        return World(made.namespaces, made.pods, made.policies[len(made.namespaces) :], made.outside)

    made = world(random)
    denied = [{"metadata": {"name": "deny", "namespace": name}, "spec": deny} for name in made.namespaces]
    guarded = World(made.namespaces, made.pods, [*denied, *made.policies], made.outside)
    asked = guarded.traffic(random, 60)
    for before, after in zip(verdicts(guarded, asked), verdicts(without(guarded), asked), strict=True):
        assert after or not before


@settings(deadline=None)
@given(randoms)
def test_the_order_of_policies_changes_nothing(random: Random) -> None:
    made = world(random)
    turned = World(made.namespaces, made.pods, made.policies[::-1], made.outside)
    asked = made.traffic(random, 60)
    assert verdicts(made, asked) == verdicts(turned, asked)


@settings(deadline=None)
@given(randoms)
def test_every_flow_is_covered_by_its_own_matrix_and_by_nothing_less(random: Random) -> None:
    matrix = world(random).matrix()
    whole, nothing = Coverage(matrix.flows), Coverage([])
    for flow in matrix.flows:
        assert not list(whole.gaps(flow))
        assert sum(part.pairs for part in nothing.gaps(flow)) == len(flow.source.names) * len(flow.target.names)
