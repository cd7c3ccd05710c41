"""Inside the common services: which of their pods talk to which, and the rules of their namespaces.

Pods are named as `components.services` names them, and tests hold the two together: every wire ends at pods that
listen there. Whether a stack builds them is its layers' to say; what they would open is proven always.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from gdcc.model import Estate
from gdcc.model.stack import Operator
from gdcc.model.traffic import Port
from gdcc.network.dns import dns_spec
from gdcc.network.gateway import GATEWAY, backend, sync_account
from gdcc.network.outside import host_rules, range_rules
from gdcc.network.policy import Json, NetworkPolicy, ports, spec
from gdcc.network.wire import SOURCE, End, Wire

IDENTITY, NOTIFY, PAYMENT, ESARABAN = "identity", "notify", "payment", "e-saraban"
RUN_HERE = (IDENTITY, NOTIFY, PAYMENT, ESARABAN)
"""Services that `components.services` builds; another that is `available` is somebody else's to run."""
OPERATOR_NAMESPACE = "cnpg-system"
"""Of CloudNativePG, where the cluster has it."""

_DATABASE, _COPY = "postgres", "postgres-backup"
_QUERIES, _STATUS = 5432, 8000
"""PostgreSQL's port, and the one at which CloudNativePG asks a server how it is."""
_KEYCLOAK = End(backend(IDENTITY), "keycloak")
_HTTPS, _JGROUPS = 8443, (7800, 57_800)
_ROTATE = "identity-rotate"
_API = End(backend(NOTIFY), "notify-api")
_WORKER = End(backend(NOTIFY), "notify-worker")
_KILL_BILL = End(backend(PAYMENT), "kill-bill")
_ADAPTER = End(backend(PAYMENT), "payment-adapter")
_MAYAN = End(backend(ESARABAN), "mayan-front")
_MAYANS = ("mayan-front", "mayan-scheduler", *(f"mayan-worker-{letter}" for letter in "abcd"))
_EXCHANGE = End(backend(ESARABAN), "as4-exchange")
_QUEUE = End(backend(ESARABAN), "valkey")
_BEHIND = {
    IDENTITY: ((_KEYCLOAK, _HTTPS),),
    NOTIFY: ((_API, 8080),),
    PAYMENT: ((_ADAPTER, 8080),),
    ESARABAN: ((_MAYAN, 8000), (_EXCHANGE, 8080)),
}
"""What the gateway's pods of a service ask."""
_CLIENTS = {
    IDENTITY: ("keycloak",),
    NOTIFY: ("notify-api", "notify-worker"),
    PAYMENT: ("kill-bill",),
    ESARABAN: _MAYANS,
}
"""Pods that use their service's database."""
_CREDENTIALS = "credentials"
_API_PORTS = (Port(port=443), Port(port=6443))


def running(estate: Estate) -> tuple[str, ...]:
    """Services that are available and run here."""
    return tuple(one for one in RUN_HERE if one in estate.services and estate.services[one].status == "available")


def wires(operators: Collection[Operator]) -> Iterator[Wire]:
    """Every connection between pods of the common services."""
    for service, asked in _BEHIND.items():
        front = End(GATEWAY, service)
        yield from (Wire(front, end, port) for end, port in asked)
        if service != IDENTITY:  # the key set, by which it checks tokens
            yield Wire(front, _KEYCLOAK, _HTTPS)
    yield from (Wire(_KEYCLOAK, _KEYCLOAK, port) for port in _JGROUPS)
    for job in (sync_account(IDENTITY)[1], _ROTATE):
        yield Wire(End(backend(IDENTITY), job), _KEYCLOAK, _HTTPS)
    yield Wire(_API, _KEYCLOAK, _HTTPS)
    yield Wire(_ADAPTER, _KILL_BILL, 8080)
    yield Wire(_EXCHANGE, _MAYAN, 8000)
    yield from (Wire(End(backend(ESARABAN), name), _QUEUE, 6379) for name in _MAYANS)
    for service, clients in _CLIENTS.items():
        yield from _database(service, clients, operated="cloudnative-pg" in operators)


def _database(service: str, clients: tuple[str, ...], *, operated: bool) -> Iterator[Wire]:
    """Who reaches a service's database: its programs and the nightly copy; its operator, and copies each other."""
    server = End(backend(service), _DATABASE)
    yield from (Wire(End(backend(service), name), server, _QUERIES) for name in (*clients, _COPY))
    if operated:
        operator = End(OPERATOR_NAMESPACE, "cloudnative-pg")
        yield from (Wire(operator, server, port) for port in (_STATUS, _QUERIES))
        yield Wire(server, server, _QUERIES)


def _callers(service: str, operators: Collection[Operator]) -> tuple[str, ...]:
    """Pods of a service that ask the Kubernetes API."""
    syncing = (sync_account(service)[1], _ROTATE) if service == IDENTITY else ()
    return (_CREDENTIALS, *syncing, *((_DATABASE,) if "cloudnative-pg" in operators else ()))


def of_services(estate: Estate) -> dict[str, tuple[NetworkPolicy, ...]]:
    """By namespace the rules of the common services, besides `gdcc.network.inward` at the gateway."""
    asking: dict[str, tuple[str, ...]] = {
        GATEWAY: (),
        **{backend(one): _callers(one, estate.operators) for one in running(estate)},
    }
    known = {*asking, OPERATOR_NAMESPACE}
    wired = [
        policy
        for wire in wires(estate.operators)
        if {wire.start.namespace, wire.target.namespace} <= known
        for policy in wire.policies()
    ]
    return {namespace: (*_of(namespace, wired, names, estate),) for namespace, names in asking.items()}


def _of(
    namespace: str, wired: Iterable[NetworkPolicy], asking: tuple[str, ...], estate: Estate
) -> Iterator[NetworkPolicy]:
    """Deny everything, resolve names, what is wired, and the ways out."""
    deny: Json = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    # In the gateway's namespace `gdcc.network.inward` denies what comes in; this one is about what goes out too.
    yield NetworkPolicy("default-deny-all" if namespace == GATEWAY else "default-deny", namespace, {}, deny, SOURCE)
    yield NetworkPolicy("allow-dns", namespace, {}, dns_spec(), SOURCE)
    yield from (one for one in wired if one.namespace == namespace)
    yield from (_to_the_api(End(namespace, name), estate) for name in asking)
    if namespace == _WORKER.namespace:
        yield from _to_relays(estate)


def _to_the_api(end: End, estate: Estate) -> NetworkPolicy:
    """Cilium knows the API server by itself; elsewhere it is at the machines' addresses, behind a Service's."""
    name, source = f"{end.name}-to-kubernetes", "stacks/platform/zones.yaml: protected"
    if estate.network_engine == "cilium":
        rules: Json = {"endpointSelector": {"matchLabels": end.labels}, "egress": [{"toEntities": ["kube-apiserver"]}]}
        return NetworkPolicy(name, end.namespace, {}, rules, source, "CiliumNetworkPolicy")
    peers = [{"ipBlock": {"cidr": one}} for one in estate.control_plane]
    rules = spec(end.labels, egress=[{"to": peers, "ports": ports(_API_PORTS)}])
    return NetworkPolicy(name, end.namespace, {}, rules, source)


def _to_relays(estate: Estate) -> Iterator[NetworkPolicy]:
    """The only way out of the cloud that a common service has: notify's workers to the next hops."""
    source, name = "stacks/platform/notify.yaml", f"{_WORKER.name}-to-relays"
    if rules := range_rules(estate.relays, estate):
        yield NetworkPolicy(name, _WORKER.namespace, {}, spec(_WORKER.labels, egress=rules), source)
    hosts = [one for one in estate.relays if one.host is not None]
    if hosts and estate.network_engine == "cilium":
        by_name = host_rules(hosts, estate, _WORKER.labels)
        yield NetworkPolicy(f"{name}-by-name", _WORKER.namespace, {}, by_name, source, "CiliumNetworkPolicy")
