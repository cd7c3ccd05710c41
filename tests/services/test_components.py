"""What runs the common services, recorded under Pulumi's mocks, judged by the project's own rules."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml
from pulumi.runtime import mocks

from components.services import CommonServices, CommonServicesArgs, gateway, identity, notify
from components.services.ground import NEEDED, OPTIONAL, Ground
from components.services.rights import deployer_rules
from gdcc.errors import GdccError
from gdcc.identity import Realm, realm
from gdcc.model import Estate, StackSettings, bindings, load_estate
from gdcc.model.images import Image
from gdcc.model.stack import Operator
from gdcc.network import GATEWAY
from gdcc.network.gateway import backend
from gdcc.network.services import wires
from gdcc.notify.bindings import BindingsFile
from gdcc.notify.settings import HELP, PREFIX
from gdcc.services.recipe import RANDOM, read
from policies.rules import Parameters, Place, findings

from ..components.test_tenant import Recorder, loop_of_its_own
from ..model.conftest import REPOSITORY, TODAY

DECLARED = load_estate(REPOSITORY, StackSettings(agencies=("moph/ddc", "mof/rd", "mod/*")), TODAY)
RUNNING = ("identity", "notify", "payment", "e-saraban")
WORKLOADS = ("Deployment", "StatefulSet", "CronJob")
PLACE = Place({"gdcc.go.th/tenant": "t0000000", "gdcc.go.th/environment": "prod", "gdcc.go.th/agency": "shared"})
"""Of a tenant in production: the strictest there is."""


def with_digests(estate: Estate, *names: str) -> Estate:
    """As if somebody had pushed these images; the digest is one of the test's own."""
    images = {
        name: image.model_copy(update={"digest": f"sha256:{index:064x}"}) if name in names else image
        for index, (name, image) in enumerate(estate.images.items())
    }
    return replace(estate, images=images)


def built(estate: Estate, operators: tuple[Operator, ...] = ()) -> list[dict[str, Any]]:
    recorder = Recorder()

    def program() -> None:
        CommonServices("services", CommonServicesArgs(replace(estate, operators=operators), StackSettings()))

    with loop_of_its_own():
        mocks.set_mocks(recorder, project="gdcc", stack="test", preview=False)
        mocks.test(program)()
    return [args.inputs for args in recorder.made if "kind" in args.inputs]


@pytest.fixture(scope="module")
def made() -> list[dict[str, Any]]:
    return built(with_digests(DECLARED, *NEEDED))


@pytest.fixture(scope="module")
def operated() -> list[dict[str, Any]]:
    return built(with_digests(DECLARED, *NEEDED, *OPTIONAL), ("cert-manager", "cloudnative-pg"))


@pytest.fixture(scope="module", params=["by hand", "operated"])
def either(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = request.getfixturevalue("made" if request.param == "by hand" else "operated")
    return found


def of(made: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [one for one in made if one["kind"] in kinds]


def named(made: list[dict[str, Any]], kind: str, name: str, namespace: str) -> dict[str, Any]:
    wanted = (name, namespace)
    (one,) = (one for one in of(made, kind) if (one["metadata"]["name"], one["metadata"].get("namespace")) == wanted)
    return one


def pod_of(workload: dict[str, Any]) -> dict[str, Any]:
    spec = workload["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if workload["kind"] == "CronJob" else spec["template"]
    found: dict[str, Any] = template
    return found


def containers(workload: dict[str, Any]) -> list[dict[str, Any]]:
    spec = pod_of(workload)["spec"]
    return [*spec.get("initContainers", []), *spec["containers"]]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, str):
        yield value


def test_every_service_has_its_workloads_in_its_own_namespace(made: list[dict[str, Any]]) -> None:
    found = {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in of(made, *WORKLOADS)}
    assert found >= {
        ("svc-identity", "keycloak"), ("svc-identity", "identity-sync"), ("svc-identity", "postgres"),
        ("svc-notify", "notify-api"), ("svc-notify", "notify-worker"), ("svc-payment", "kill-bill"),
        ("svc-esaraban", "mayan-front"), ("svc-esaraban", "valkey"), ("svc-esaraban", "mayan-worker-d"),
    }  # fmt: skip
    assert {name for namespace, name in found if namespace == GATEWAY} == set(RUNNING)
    assert len(found) >= 25


def test_every_workload_keeps_to_the_rules_of_a_tenant_in_production(either: list[dict[str, Any]]) -> None:
    parameters = Parameters.of(DECLARED)
    judged = of(either, *WORKLOADS, "ServiceAccount", "PersistentVolumeClaim", "Service", "ConfigMap")
    assert len(judged) >= 50
    wrong = [f"{one['kind']} {one['metadata']['name']}: {found}" for one in judged
             for found in findings(one, parameters, PLACE)]  # fmt: skip
    assert not wrong, "\n".join(wrong)


def test_the_rules_would_find_a_workload_that_is_not_strict(made: list[dict[str, Any]]) -> None:
    loose = json.loads(json.dumps(named(made, "StatefulSet", "keycloak", "svc-identity")))
    container = loose["spec"]["template"]["spec"]["containers"][0]
    container["securityContext"]["readOnlyRootFilesystem"] = False
    container["image"] = "registry.gdcc.go.th.example/shared/keycloak:latest"
    assert {one.rule for one in findings(loose, Parameters.of(DECLARED), PLACE)} == {"read-only-root", "digests"}


def test_every_container_is_bounded_and_named_by_digest(either: list[dict[str, Any]]) -> None:
    for workload in of(either, *WORKLOADS):
        for one in containers(workload):
            assert re.search(r"@sha256:[a-f0-9]{64}$", one["image"]), one["name"]
            assert one["resources"]["limits"].keys() == {"cpu", "memory"}


def test_no_secret_is_made_by_the_program_and_no_manifest_holds_a_credential(either: list[dict[str, Any]]) -> None:
    assert not of(either, "Secret")
    secretive = re.compile(r"(?i)password|secret|token|private[_-]?key")
    for workload in of(either, *WORKLOADS):
        for one in containers(workload):
            for variable in one.get("env", []):
                if secretive.search(variable["name"]) and not variable["name"].endswith(("_FILE", "_ID", "_PERIOD")):
                    assert "valueFrom" in variable, f"{one['name']}: {variable['name']} is written out"
    for text in (text for one in either for text in strings(one)):
        assert not re.search(r"://[^/\s:@]*:(?!\$\()[^/\s@]+@", text), f"a password in an address: {text[:80]}"
        assert "PRIVATE KEY" not in text


def test_what_secrets_are_made_of_holds_no_value_and_the_right_names_exactly_them(
    made: list[dict[str, Any]],
) -> None:
    roles = {one["metadata"]["name"]: one["rules"] for one in of(made, "ClusterRole")}
    for service in RUNNING:
        data = named(made, "ConfigMap", "credentials", backend(service))["data"]["secrets.json"]
        recipes = read(data)
        assert recipes
        assert all(RANDOM in content for one in recipes for content in one.files.values())
        (rule,) = roles[f"gdcc:credentials:{service}"]
        assert sorted(rule["resourceNames"]) == sorted(one.name for one in recipes)
        assert (rule["resources"], sorted(rule["verbs"])) == (["secrets"], ["create", "get", "patch"])


def test_a_secret_that_is_named_is_made_here_or_known_to_come_from_elsewhere(either: list[dict[str, Any]]) -> None:
    """What people, cert-manager or CloudNativePG put there is a short list; anything else is a slip."""
    elsewhere = {"authority", "keycloak-tls", "postgres-server", "postgres-ca", "postgres-app", "keycloak-vault",
                 "notify-providers", "as4-party", *(f"{service}-tls" for service in RUNNING)}  # fmt: skip
    recipes = {recipe.name for one in of(either, "ConfigMap") if "secrets.json" in one["data"]
               for recipe in read(one["data"]["secrets.json"])}  # fmt: skip
    assert recipes
    for workload in of(either, *WORKLOADS):
        for volume in pod_of(workload)["spec"].get("volumes", []):
            if "secret" in volume:
                assert volume["secret"]["secretName"] in elsewhere | recipes
        for variable in (each for one in containers(workload) for each in one.get("env", [])):
            if "valueFrom" in variable:
                assert variable["valueFrom"]["secretKeyRef"]["name"] in elsewhere | recipes


def test_tokens_are_mounted_only_where_the_kubernetes_api_is_asked(either: list[dict[str, Any]]) -> None:
    holders = {one["metadata"]["name"] for one in of(either, *WORKLOADS)
               if pod_of(one)["spec"]["automountServiceAccountToken"]}  # fmt: skip
    assert holders == {"credentials", "identity-sync", "identity-rotate"}


def test_only_the_gateway_and_the_pods_that_are_wired_get_in(either: list[dict[str, Any]]) -> None:
    rules: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in of(either, "NetworkPolicy"):
        rules[one["metadata"]["namespace"]].append(one)
    wired = {wire.target.name: set[str]() for wire in wires(["cloudnative-pg"])}
    for wire in wires(["cloudnative-pg"]):
        wired[wire.target.name].add(f"{wire.start.namespace}/{wire.start.name}")
    for service in RUNNING:
        here = rules[backend(service)]
        deny = next(one for one in here if one["metadata"]["name"] == "default-deny")["spec"]
        assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
        opened = [one["spec"] for one in here if one["spec"].get("ingress")]
        assert opened
        for spec in opened:
            target = spec["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
            for peer in (peer for rule in spec["ingress"] for peer in rule["from"]):
                namespace = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
                start = peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
                assert f"{namespace}/{start}" in wired[target]
                assert namespace in (GATEWAY, "cnpg-system", *map(backend, RUNNING))
            assert all(rule["ports"] for rule in spec["ingress"])


def test_every_wire_has_both_its_ends(either: list[dict[str, Any]], request: pytest.FixtureRequest) -> None:
    names = {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in of(either, "NetworkPolicy")}
    connections = list(wires(["cloudnative-pg"] if "operated" in request.node.name else []))
    assert len(connections) >= 30
    for wire in connections:
        for policy in wire.policies():
            assert (policy.namespace, policy.name) in names or policy.namespace == "cnpg-system"


def test_every_wire_ends_at_pods_that_listen_there(operated: list[dict[str, Any]]) -> None:
    listening: dict[tuple[str, str], set[int]] = defaultdict(set)
    for workload in of(operated, *WORKLOADS):
        name = pod_of(workload)["metadata"]["labels"]["app.kubernetes.io/name"]
        for one in containers(workload):
            ports = {port["containerPort"] for port in one.get("ports", [])}
            listening[workload["metadata"]["namespace"], name] |= ports
    for wire in wires([]):
        if wire.target.name != "postgres":  # the operator's pods
            assert wire.port in listening[wire.target.namespace, wire.target.name], wire
        assert (wire.start.namespace, wire.start.name) in listening, wire


def test_the_deployer_may_write_all_that_the_layer_makes_by_name_and_no_secret(either: list[dict[str, Any]]) -> None:
    rules = deployer_rules(DECLARED)
    assert not [rule for rule in rules if "secrets" in rule.resources or "*" in (*rule.verbs, *rule.resources)]
    may = {(resource, name) for rule in rules if {"create", "patch"} <= set(rule.verbs)
           for resource in rule.resources for name in rule.names}  # fmt: skip
    kinds = ("ConfigMap", "Service", "Deployment", "StatefulSet", "CronJob", "PodDisruptionBudget", "Certificate",
             "Cluster", "PersistentVolumeClaim", "ClusterRole")  # fmt: skip
    wanted = {(f"{one['kind'].lower()}s", one["metadata"]["name"]) for one in of(either, *kinds)}
    assert len(wanted) >= 50
    assert not wanted - may


def test_namespaces_are_restricted_bounded_and_protected(made: list[dict[str, Any]]) -> None:
    spaces = {one["metadata"]["name"]: one["metadata"]["labels"] for one in of(made, "Namespace")}
    assert spaces.keys() == {GATEWAY, *map(backend, RUNNING)}
    for name, labels in spaces.items():
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
        assert not {"gdcc.go.th/tenant", "gdcc.go.th/gateway", "gdcc.go.th/zone"} & labels.keys()
        for kind, bound in (("ResourceQuota", "quota"), ("LimitRange", "limits")):
            assert named(made, kind, bound, name)


def test_what_runs_more_than_once_has_a_budget_and_what_serves_has_probes(made: list[dict[str, Any]]) -> None:
    budgets = {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in of(made, "PodDisruptionBudget")}
    for one in of(made, "Deployment", "StatefulSet"):
        if one["spec"]["replicas"] > 1:
            assert (one["metadata"]["namespace"], one["metadata"]["name"]) in budgets
        for container in one["spec"]["template"]["spec"]["containers"]:
            if container.get("ports"):
                assert container["readinessProbe"]
                assert container["livenessProbe"]
    assert named(made, "StatefulSet", "keycloak", "svc-identity")["spec"]["replicas"] == 3


def test_databases_are_the_operators_where_there_is_one_else_a_server_whose_volume_stays(
    made: list[dict[str, Any]], operated: list[dict[str, Any]]
) -> None:
    for service in RUNNING:
        space = backend(service)
        server = named(made, "StatefulSet", "postgres", space)["spec"]
        assert server["replicas"] == 1
        assert server["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
        (claim,) = server["volumeClaimTemplates"]
        mounts = server["template"]["spec"]["containers"][0]["volumeMounts"]
        assert claim["metadata"]["name"] in {one["name"] for one in mounts}
        assert named(operated, "Cluster", "postgres", space)["spec"]["instances"] == 3
        for found in (made, operated):
            copy = named(found, "CronJob", "postgres-backup", space)["spec"]
            assert copy["concurrencyPolicy"] == "Forbid"
    assert not [one for one in of(operated, "StatefulSet") if one["metadata"]["name"] == "postgres"]
    assert not of(made, "Cluster", "Certificate")


def test_certificates_are_asked_for_where_there_is_cert_manager(operated: list[dict[str, Any]]) -> None:
    asked = {(one["metadata"]["namespace"], one["spec"]["secretName"]) for one in of(operated, "Certificate")}
    mounted = {(one["metadata"]["namespace"], volume["secret"]["secretName"]) for one in of(operated, *WORKLOADS)
               for volume in pod_of(one)["spec"].get("volumes", []) if "secret" in volume}  # fmt: skip
    needed = {(space, name) for space, name in mounted if name.endswith("-tls") or name == "authority"}
    assert len(needed) >= 7
    assert needed <= asked


def test_the_realm_in_the_cluster_is_the_one_that_the_stack_files_say(made: list[dict[str, Any]]) -> None:
    text = named(made, "ConfigMap", identity.REALM, "svc-identity")["data"]["realm.json"]
    assert Realm.read(text, "realm.json") == realm(DECLARED.identity, bindings(DECLARED))
    job = named(made, "CronJob", "identity-sync", "svc-identity")["spec"]
    assert job["concurrencyPolicy"] == "Forbid"
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "identity-sync"
    assert pod["containers"][0]["args"][:2] == ["identity", "sync"]


def test_notify_finds_all_its_settings_and_a_file_of_bindings_that_it_can_read(made: list[dict[str, Any]]) -> None:
    for name in (notify.API, notify.WORKER):
        pod = named(made, "Deployment", name, "svc-notify")["spec"]["template"]["spec"]
        assert [one["args"] for one in pod["initContainers"]] == [["migrate"]]
        for container in (*pod["initContainers"], *pod["containers"]):
            given = {one["name"] for one in container["env"]}
            assert notify.PREFIX == PREFIX
            assert {one for one in given if one.startswith(PREFIX)} <= {PREFIX + one for one in HELP}
            required = {name for name, words in HELP.items() if "(default" not in words}
            assert {PREFIX + one for one in required} <= given
            paths = {mount["mountPath"] for mount in container["volumeMounts"]}
            files = [one["value"] for one in container["env"] if one["name"].endswith(("_FILE", "_DIR"))]
            assert len(files) >= 4
            assert all(any(file == path or file.startswith(f"{path}/") for path in paths) for file in files)
    text = named(made, "ConfigMap", notify.BOUND, "svc-notify")["data"]["bindings.yaml"]
    read_back = BindingsFile.model_validate_json(text)
    assert json.loads(text) == yaml.safe_load(text)
    expected = {(one.tenant.agency, one.environment.value) for one in bindings(DECLARED) if one.service == "notify"}
    assert {(one.agency.split("/")[1], one.environment) for one in read_back.bindings} == expected
    assert expected


def test_the_templates_of_bound_agencies_are_mounted_and_nothing_leaves_but_from_the_workers(
    either: list[dict[str, Any]],
) -> None:
    assert named(either, "ConfigMap", notify.TEMPLATES, "svc-notify")["data"].keys() == {"ddc.yaml"}
    leaving = {
        (one["metadata"]["namespace"], one["metadata"]["name"], peer["ipBlock"]["cidr"])
        for one in of(either, "NetworkPolicy")
        for rule in one["spec"].get("egress", [])
        for peer in rule["to"]
        if "ipBlock" in peer and peer["ipBlock"]["cidr"] not in DECLARED.control_plane
    }
    assert {(namespace, name) for namespace, name, _ in leaving} == {("svc-notify", "notify-worker-to-relays")}
    assert {cidr for _, _, cidr in leaving} == {relay.cidr for relay in DECLARED.relays}


def test_what_is_not_there_yet_is_not_pretended_and_comes_with_its_image(
    made: list[dict[str, Any]], operated: list[dict[str, Any]]
) -> None:
    def there(found: list[dict[str, Any]]) -> set[str]:
        return {one["metadata"]["name"] for one in of(found, "Deployment")} & set(OPTIONAL)

    assert there(made) == set()
    assert there(operated) == set(OPTIONAL)
    without, with_it = (Ground.of(with_digests(DECLARED, *NEEDED, *more), StackSettings()) for more in ((), OPTIONAL))
    assert gateway.gateway("payment", without).routes == {"/v1": None}
    assert set(gateway.gateway("payment", with_it).routes.values()) != {None}


def test_the_layer_is_refused_while_an_image_has_no_digest_and_all_are_named() -> None:
    with pytest.raises(GdccError) as error:
        Ground.of(DECLARED, StackSettings())
    assert all(f"`{name}`" in error.value.message for name in NEEDED)
    some = {name: one for name, one in with_digests(DECLARED, *NEEDED).images.items() if name != "envoy"}
    with pytest.raises(GdccError, match=r"`envoy` \(not declared\)"):
        Ground.of(replace(DECLARED, images=some), StackSettings())


def test_an_update_waits_for_nothing_that_jobs_and_people_bring_about_after_it(either: list[dict[str, Any]]) -> None:
    slow = of(either, "Deployment", "StatefulSet", "Service", "PersistentVolumeClaim")
    assert {one["kind"] for one in slow} >= {"Deployment", "StatefulSet", "Service"}
    assert all(one["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true" for one in slow)


@pytest.mark.parametrize(
    ("field", "value"),
    [("repository", "registry.example/a:latest"), ("repository", "a"), ("digest", "sha256:abc"), ("digest", "latest")],
)
def test_an_image_that_is_no_repository_or_digest_is_refused(field: str, value: str) -> None:
    whole = {"software": {"th": "ก", "en": "a"}, "repository": "registry.example/a"}
    Image.model_validate_json(json.dumps(whole))
    with pytest.raises(ValueError, match=field):
        Image.model_validate_json(json.dumps(whole | {field: value}))
