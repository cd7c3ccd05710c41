"""What every namespace gets, and what an agreement adds to two of them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

from gdcc.model import Environment, StackSettings, State, load_estate
from gdcc.network import by_namespace, namespaces, render

from ..model.conftest import REPOSITORY, TODAY
from .conftest import FILE, Shared
from .sight import blocks, lets_through, openings

ESTATE = load_estate(REPOSITORY, StackSettings(), TODAY)
POLICIES = tuple(render(ESTATE))
PLACES = {namespace.name: namespace.labels for namespace in namespaces(ESTATE)}


def test_every_namespace_is_denied_both_ways_and_may_resolve_names_and_talk_to_itself() -> None:
    grouped = by_namespace(ESTATE)
    assert grouped.keys() == PLACES.keys()
    assert len(grouped) > 500
    for policies in grouped.values():
        specs = {policy.name: policy.spec for policy in policies}
        assert specs["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        assert [port["port"] for rule in specs["allow-dns"]["egress"] for port in rule["ports"]] == [53, 53]
        assert specs["allow-same-namespace"]["ingress"] == [{"from": [{"podSelector": {}}]}]
        assert specs["allow-same-namespace"]["egress"] == [{"to": [{"podSelector": {}}]}]


def test_an_object_is_named_once_says_whose_it_is_and_what_it_follows_from() -> None:
    names = Counter((policy.namespace, policy.kind, policy.name) for policy in POLICIES)
    assert max(names.values()) == 1
    for policy in POLICIES:
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", policy.name)
        labels = PLACES[policy.namespace]
        for key in ("gdcc.go.th/tenant", "gdcc.go.th/environment"):
            assert policy.labels[key] == labels[key]
        assert policy.source.startswith(("every namespace", "stacks/"))


def test_every_direction_that_a_policy_opens_is_in_its_types() -> None:
    for policy in POLICIES:
        opened = {key.capitalize() for key in ("ingress", "egress") if key in policy.spec}
        if policy.name != "default-deny":
            assert opened == set(policy.spec["policyTypes"])
            assert opened


def test_an_agreement_is_egress_at_the_consumer_and_ingress_at_the_provider(shared: Shared) -> None:
    consumer, provider = "t7k2m9qx-prod", "t0dms000-prod"
    added = {policy.namespace: policy for policy in render(shared.estate()) if policy.name.startswith("agreement-")}
    assert added.keys() == {consumer, provider}, "only the environment that it lists"
    ports = [{"port": 8443, "protocol": "TCP"}]
    service = {"matchLabels": {"app.kubernetes.io/name": "case-reports"}}

    def named(name: str) -> dict[str, object]:
        return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}

    assert added[consumer].spec == {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{"to": [named(provider) | {"podSelector": service}], "ports": ports}],
    }
    assert added[provider].spec == {
        "podSelector": service,
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [named(consumer)], "ports": ports}],
    }
    for policy in added.values():
        assert policy.name == "agreement-dms-ddc-cases"
        assert policy.labels["gdcc.go.th/agreement"] == "dms-ddc-cases"
        assert policy.source == FILE


def test_an_agreement_that_lists_no_environment_is_about_all_in_common(shared: Shared) -> None:
    shared.agree(("environments: [prod]\n", ""))
    (agreement,) = shared.estate().agreements
    assert agreement.environments == (Environment.DEV, Environment.PROD)
    added = [policy.namespace for policy in render(shared.estate()) if policy.name.startswith("agreement-")]
    assert sorted(added) == ["t0dms000-dev", "t0dms000-prod", "t7k2m9qx-dev", "t7k2m9qx-prod"]


def test_without_the_file_neither_rule_is_there(shared: Shared) -> None:
    before = set(map(repr, render(shared.estate())))
    (shared.root / FILE).unlink()
    after = set(map(repr, render(shared.estate())))
    assert after < before
    assert len(before - after) == 2


class TestTheAgreementsOfTheRepository:
    def test_there_are_enough_of_them_in_several_states(self) -> None:
        states = Counter(agreement.state(TODAY) for agreement in ESTATE.agreements)
        assert states[State.ACTIVE] >= 12
        assert states[State.PENDING] == 1
        assert states[State.NOT_YET] == 1

    def test_between_two_agencies_nothing_is_open_but_what_they_agreed(self) -> None:
        agreed = {
            (f"{agreement.consumer.id}-{environment.value}", f"{agreement.provider.id}-{environment.value}")
            for agreement in ESTATE.agreements
            if agreement.state(TODAY) is State.ACTIVE
            for environment in agreement.environments
        }
        assert len(agreed) >= 20
        out = {(here, there) for here, there, _ in openings(POLICIES, PLACES, "egress") if here != there}
        into = {(there, here) for here, there, _ in openings(POLICIES, PLACES, "ingress") if here != there}
        assert out == into == agreed

    def test_no_way_leads_to_the_cluster_itself_or_to_a_machines_keys(self) -> None:
        opened = list(blocks(POLICIES))
        assert len(opened) > 1000
        never = ("169.254.169.254", "169.254.0.1", "10.96.0.1", "10.124.0.10", "10.244.3.4")
        for policy, block in opened:
            for address in never:
                assert not lets_through(block, address), (policy.namespace, policy.name, address)


def test_rendering_needs_no_pulumi() -> None:
    program = "import sys, gdcc.network; sys.exit(any(name.startswith('pulumi') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False).returncode == 0
