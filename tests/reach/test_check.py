"""The gate: a mistake in the rendered policies is found, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from gdcc.errors import FindingError
from gdcc.model import Estate
from gdcc.network import NetworkPolicy, render
from gdcc.reach import check, refuse, survey, undeclared
from gdcc.reach import landscape as module

Change = Callable[[Iterable[NetworkPolicy]], Iterable[NetworkPolicy]]


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> Callable[[Change], None]:
    """Puts a mistake into what is rendered."""

    def put(change: Change) -> None:
        monkeypatch.setattr(module, "render", lambda estate: change(render(estate)))

    return put


def one_more(policies: Iterable[NetworkPolicy], like: str, **spec: Any) -> Iterator[NetworkPolicy]:
    """A further policy in the namespace of the first that is named so."""
    kept = list(policies)
    first = next(policy for policy in kept if policy.name == like)
    return iter([*kept, replace(first, name="mistake", spec={"podSelector": {}} | spec, source="mistake.yaml")])


def test_the_real_stacks_open_nothing_that_is_not_declared(estate: Estate) -> None:
    assert len(survey(estate).matrix.flows) > 500, "nothing was looked at"
    assert check(estate) == []
    refuse([])


def test_every_declared_agreement_is_reachable(estate: Estate) -> None:
    landscape = survey(estate)
    active = [one for one in estate.agreements if one.state(estate.today).value == "active"]
    assert active
    for agreement in active:
        for environment in agreement.environments:
            pair = f"{agreement.consumer.id}-{environment.value}", f"{agreement.provider.id}-{environment.value}"
            (flow,) = landscape.matrix.between(*pair)
            assert str(flow.target.pods) == f"app.kubernetes.io/name={agreement.terms.service}"


def test_a_rule_for_every_namespace_is_found_and_named(estate: Estate, rendered: Callable[[Change], None]) -> None:
    everybody: list[Any] = [{"namespaceSelector": {}}]
    rendered(
        lambda all_: one_more(all_, "agreement-dopa-rd-population", egress=[{"to": everybody}], policyTypes=["Egress"])
    )
    findings = check(estate)
    assert findings
    assert all("mistake.yaml" in finding.sources for finding in findings)
    assert "nothing declares it: egress policy mistake (egress[0], from mistake.yaml)" in findings[0].message
    with pytest.raises(FindingError, match="nothing declares it") as refused:
        refuse(findings)
    assert refused.value.exit_code == 1
    assert "gdcc reach --from A --to B" in refused.value.hint


def test_both_halves_without_an_agreement_are_found(estate: Estate, rendered: Callable[[Change], None]) -> None:
    """One half alone opens nothing, so it is both that matter."""
    one, other = (f"{tenant.id}-prod" for tenant in estate.tenants[:2])

    def open_both(policies: Iterable[NetworkPolicy]) -> Iterator[NetworkPolicy]:
        yield from policies
        for here, there, direction, peers in ((one, other, "Egress", "to"), (other, one, "Ingress", "from")):
            peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": there}}}
            rule = {peers: [peer], "ports": [{"port": 5432}]}
            spec = {"podSelector": {}, "policyTypes": [direction], direction.lower(): [rule]}
            yield NetworkPolicy("mistake", here, {}, spec, "mistake.yaml")

    rendered(open_both)
    (part,) = undeclared(survey(estate))
    assert (part.sources, part.targets, str(part.ports)) == (frozenset({one}), frozenset({other}), "TCP 5432")


def test_a_wider_port_and_wider_pods_of_an_agreement_are_found(
    estate: Estate, rendered: Callable[[Change], None]
) -> None:
    def widen(policies: Iterable[NetworkPolicy]) -> Iterator[NetworkPolicy]:
        for policy in policies:
            if policy.name != "agreement-dopa-rd-population":
                yield policy
                continue
            spec = {**policy.spec, "podSelector": {}}
            for direction, peers in (("ingress", "from"), ("egress", "to")):
                if direction in spec:
                    narrow = [{"namespaceSelector": peer["namespaceSelector"]} for peer in spec[direction][0][peers]]
                    spec[direction] = [{peers: narrow, "ports": [{"port": 8443, "endPort": 8444}]}]
            yield replace(policy, spec=spec)

    rendered(widen)
    found = list(undeclared(survey(estate)))
    assert found
    assert {str(part.ports) for part in found} == {"TCP 8443-8444"}, (
        "all pods are not the service's, so no port is covered"
    )


def test_a_namespace_without_its_default_deny_is_found(estate: Estate, rendered: Callable[[Change], None]) -> None:
    bare = f"{estate.tenants[0].id}-prod"
    rendered(lambda all_: [one for one in all_ if one.namespace != bare])
    findings = check(estate)
    told = [finding.message for finding in findings if "no policy isolates" in finding.message]
    assert [message.split(" of ")[0] for message in told[:2]] == [
        "no policy isolates ingress",
        "no policy isolates egress",
    ]
    assert any("nothing declares it" in finding.message for finding in findings)
    assert len(findings) < 30, "one finding for all that the same lack opens"


def test_all_namespaces_without_default_deny_are_told_in_a_few_findings(
    estate: Estate, rendered: Callable[[Change], None]
) -> None:
    rendered(lambda all_: [])
    assert 0 < len(check(estate)) < 30


def test_an_opened_address_of_the_cluster_is_found_as_reaching_pods_and_addresses(
    estate: Estate, rendered: Callable[[Change], None]
) -> None:
    wide = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
    rendered(lambda all_: one_more(all_, "default-deny", egress=[wide], policyTypes=["Egress"]))
    messages = [finding.message for finding in check(estate)]
    assert any("→ outside 10.0.0.0/8" in message for message in messages)
    assert any("→ gateway:" in message for message in messages)


def test_a_rule_for_a_namespace_that_is_not_known_is_found(estate: Estate, rendered: Callable[[Change], None]) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    rendered(lambda all_: one_more(all_, "default-deny", ingress=[{"from": [peer]}]))
    (finding,) = check(estate)
    assert "names namespaces that are not known: kubernetes.io/metadata.name=monitoring" in finding.message
    assert finding.sources == ("mistake.yaml",)
