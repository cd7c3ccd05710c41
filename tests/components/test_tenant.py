"""What a tenant is made of, recorded under Pulumi's mocks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, settings

from components.access import TenantRoles, TenantRolesArgs, role_rules
from components.network import TenantNetwork, TenantNetworkArgs
from components.tenant import Tenant, TenantArgs
from gdcc.model import Estate, StackSettings, load_estate
from gdcc.model import Tenant as TenantModel
from gdcc.network import NetworkPolicy, by_namespace, namespaces, render

REPOSITORY = Path(__file__).resolve().parents[2]


class Recorder(mocks.Mocks):
    def __init__(self) -> None:
        self.made: list[mocks.MockResourceArgs] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.made.append(args)
        return args.name, args.inputs

    def call(self, args: mocks.MockCallArgs) -> dict[Any, Any]:
        return {}


@contextlib.contextmanager
def loop_of_its_own() -> Iterator[None]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    settings.ROOT.set(None)
    try:
        yield
    finally:
        settings.ROOT.set(None)
        asyncio.set_event_loop(None)
        loop.close()


@cache
def estate() -> Estate:
    return load_estate(REPOSITORY, StackSettings(agencies=("moph/ddc", "mod/*", "mof/rd")))


def built(tenant: TenantModel) -> tuple[list[mocks.MockResourceArgs], dict[str, Any]]:
    recorder = Recorder()
    outputs: dict[str, Any] = {}

    def program() -> None:
        roles = TenantRoles("tenant-roles", TenantRolesArgs(estate().admission))
        args = TenantArgs(tenant, estate().container_defaults, estate().admission, roles.names, by_namespace(estate()))
        made = Tenant(tenant.id, args)
        pulumi.Output.all(**made.namespaces).apply(outputs.update)
        outputs["groups"] = made.groups

    with loop_of_its_own():
        mocks.set_mocks(recorder, project="gdcc", stack="test", preview=False)
        mocks.test(program)()
    return recorder.made, outputs


def of_kind(made: list[mocks.MockResourceArgs], kind: str) -> list[dict[str, Any]]:
    return [args.inputs for args in made if args.inputs.get("kind") == kind]


@pytest.fixture(scope="module", params=[tenant.id for tenant in estate().tenants])
def tenant(request: pytest.FixtureRequest) -> TenantModel:
    return next(each for each in estate().tenants if each.id == request.param)


@pytest.fixture(scope="module")
def made(tenant: TenantModel) -> list[mocks.MockResourceArgs]:
    return built(tenant)[0]


def test_there_are_tenants_to_look_at() -> None:
    assert len(estate().tenants) >= 5


def test_each_environment_is_a_namespace_named_by_the_tenants_id(
    tenant: TenantModel, made: list[mocks.MockResourceArgs]
) -> None:
    names = {each["metadata"]["name"] for each in of_kind(made, "Namespace")}
    assert names == {f"{tenant.id}-{environment.value}" for environment in tenant.request.environments}


def test_each_namespace_enforces_restricted_pod_security_and_says_whose_it_is(
    tenant: TenantModel, made: list[mocks.MockResourceArgs]
) -> None:
    for namespace in of_kind(made, "Namespace"):
        labels = namespace["metadata"]["labels"]
        for mode in ("enforce", "audit", "warn"):
            assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert labels["gdcc.go.th/tenant"] == tenant.id
        assert labels["gdcc.go.th/agency"] == tenant.agency
        assert labels["gdcc.go.th/ministry"] == tenant.ministry
        assert labels["gdcc.go.th/zone"] == tenant.zone.name
        assert labels["gdcc.go.th/data-class"] == tenant.request.data_class.label
        assert labels["gdcc.go.th/impact"] == tenant.request.impact.highest.value
        assert namespace["metadata"]["name"].endswith(f"-{labels['gdcc.go.th/environment']}")
        annotations = namespace["metadata"]["annotations"]
        for role in ("owner", "technical-lead", "security-contact"):
            assert "@" in annotations[f"gdcc.go.th/{role}"]
        assert tenant.request.purpose.th in annotations["gdcc.go.th/purpose"]


def test_every_namespace_denies_all_traffic_both_ways_and_can_resolve_names(
    made: list[mocks.MockResourceArgs],
) -> None:
    expected = {each["metadata"]["name"] for each in of_kind(made, "Namespace")}
    policies = of_kind(made, "NetworkPolicy")
    denied = {
        policy["metadata"]["namespace"]
        for policy in policies
        if policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    }
    assert denied == expected
    resolving = [policy for policy in policies if policy["metadata"]["name"] == "allow-dns"]
    assert {policy["metadata"]["namespace"] for policy in resolving} == expected
    for policy in resolving:
        assert "ingress" not in policy["spec"]
        (rule,) = policy["spec"]["egress"]
        assert {(port["port"], port["protocol"]) for port in rule["ports"]} == {(53, "UDP"), (53, "TCP")}
        (peer,) = rule["to"]
        assert peer["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}
        assert peer["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}


def test_exactly_the_rendered_network_policies_are_registered(
    made: list[mocks.MockResourceArgs], tenant: TenantModel
) -> None:
    registered = {
        (policy["metadata"]["namespace"], policy["metadata"]["name"]): policy
        for policy in of_kind(made, "NetworkPolicy")
    }
    own = {each.name for each in namespaces(estate()) if each.tenant is tenant}
    rendered = {(policy.namespace, policy.name): policy for policy in render(estate()) if policy.namespace in own}
    assert registered.keys() == rendered.keys()
    assert len(rendered) >= 4 * len(own)
    for place, policy in rendered.items():
        assert registered[place]["spec"] == policy.spec
        assert registered[place]["apiVersion"] == policy.api_version
        assert registered[place]["metadata"]["labels"] == policy.labels
        assert tenant.source not in str(registered[place]), "a renamed file would touch it"


def test_the_renderer_and_the_component_agree_on_a_namespaces_name_and_labels(
    made: list[mocks.MockResourceArgs], tenant: TenantModel
) -> None:
    registered = {each["metadata"]["name"]: each["metadata"]["labels"] for each in of_kind(made, "Namespace")}
    set_by_the_api_server = "kubernetes.io/metadata.name"
    rendered = {each.name: dict(each.labels) for each in namespaces(estate()) if each.tenant is tenant}
    assert all(labels.pop(set_by_the_api_server) == name for name, labels in rendered.items())
    assert registered == rendered


def test_a_rule_by_host_name_is_registered_as_ciliums_own_kind() -> None:
    recorder = Recorder()
    policy = NetworkPolicy("allow-outside-hosts", "t0000000-dev", {}, {"egress": []}, "a file", "CiliumNetworkPolicy")

    def program() -> None:
        TenantNetwork("t0000000-dev", TenantNetworkArgs("t0000000-dev", [policy]))

    with loop_of_its_own():
        mocks.set_mocks(recorder, project="gdcc", stack="test", preview=False)
        mocks.test(program)()
    (made,) = (args for args in recorder.made if "kind" in args.inputs)
    assert made.typ == "kubernetes:cilium.io/v2:CiliumNetworkPolicy"
    assert made.name == "t0000000-dev-allow-outside-hosts"
    assert made.inputs["spec"] == {"egress": []}


def test_quota_and_limits_bound_every_namespace(tenant: TenantModel, made: list[mocks.MockResourceArgs]) -> None:
    quotas = {each["metadata"]["namespace"]: each["spec"]["hard"] for each in of_kind(made, "ResourceQuota")}
    for environment, quota in tenant.quota.items():
        hard = quotas[f"{tenant.id}-{environment.value}"]
        assert hard["limits.cpu"] == hard["requests.cpu"] == str(quota.cpu)
        assert hard["limits.memory"] == hard["requests.memory"] == str(quota.memory)
        assert hard["requests.storage"] == str(quota.storage)
        assert hard["pods"] == str(quota.pods)
        assert hard["services.nodeports"] == hard["services.loadbalancers"] == "0"
    limited = {each["metadata"]["namespace"] for each in of_kind(made, "LimitRange")}
    assert limited == quotas.keys()


def test_no_service_account_mounts_a_token(made: list[mocks.MockResourceArgs]) -> None:
    accounts = of_kind(made, "ServiceAccount")
    assert {account["metadata"]["name"] for account in accounts} == {"default", "workload"}
    assert all(account["automountServiceAccountToken"] is False for account in accounts)


def test_roles_are_bound_to_the_agencys_groups_and_never_to_built_in_roles(
    tenant: TenantModel, made: list[mocks.MockResourceArgs]
) -> None:
    bindings = of_kind(made, "RoleBinding")
    for binding in bindings:
        role = binding["metadata"]["name"]
        assert binding["roleRef"] == {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": f"gdcc:{role}",
        }
        (subject,) = binding["subjects"]
        assert (subject["kind"], subject["name"]) == ("Group", f"gdcc:{tenant.agency}:{role}")
    roles = {each["metadata"]["name"] for each in bindings}
    assert roles == {"tenant-admin", "developer", "viewer"}
    assert len(bindings) == 3 * len(tenant.quota)


def test_no_tenant_role_has_a_wildcard_or_writes_what_bounds_the_tenant() -> None:
    walls = {"namespaces", "networkpolicies", "resourcequotas", "limitranges", "roles", "rolebindings", "nodes"}
    rules = [rule for role in role_rules(estate().admission).values() for rule in role]
    assert len(rules) > 20
    for rule in rules:
        words = (rule.group, *rule.resources, *rule.verbs)
        assert not any("*" in word for word in words), rule
        assert not {"escalate", "bind", "impersonate"} & set(rule.verbs)
        if walls & set(rule.resources):
            assert set(rule.verbs) <= {"get", "list", "watch"}, rule


def test_no_developer_or_viewer_lists_secrets() -> None:
    rules = role_rules(estate().admission)
    for role in (rules["developer"], rules["viewer"]):
        assert not any("secrets" in rule.resources for rule in role)


def test_a_component_tells_its_namespaces_and_groups() -> None:
    tenant = estate().tenants[0]
    _, outputs = built(tenant)
    groups = outputs.pop("groups")
    assert outputs == {each.value: f"{tenant.id}-{each.value}" for each in tenant.quota}
    assert groups["viewer"] == f"gdcc:{tenant.agency}:viewer"


def test_logical_names_come_from_the_id_so_that_a_renamed_agency_recreates_nothing(
    made: list[mocks.MockResourceArgs], tenant: TenantModel
) -> None:
    own = [args for args in made if args.name.startswith(tenant.id)]
    assert len(own) > 9
    assert not [args.name for args in made if tenant.agency in args.name.split("-") and tenant.agency != tenant.id]
