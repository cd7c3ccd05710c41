"""Network segmentation as values: from an estate to every network policy it means. No Pulumi, no files, no clock.

`render` is linear in tenants and agreements, and what it gives is what `components.network` registers and what
`gdcc.reach` proves things about::

    estate = load_estate(root, settings)
    for namespace in namespaces(estate):       # Namespace(name, labels, tenant, environment)
        print(namespace.name, namespace.labels["gdcc.go.th/zone"])
    for policy in render(estate):              # NetworkPolicy(name, namespace, labels, spec, source, kind)
        print(policy.namespace, policy.name, policy.spec["policyTypes"], policy.source)

What every namespace of a tenant gets, by the policy's name:

* ``default-deny``: nothing, both ways.
* ``allow-dns``: the cluster's resolvers.
* ``allow-same-namespace``: the pods of one environment of one tenant talk to each other, and to no other environment.
* ``allow-zone``: what ``stacks/platform/zones.yaml`` says of the tenant's zone. Out: the gateways and addresses of each
  zone in ``reaches`` (of its own zone only the addresses: never another tenant), on that zone's ``ports``. In: the
  gateways of each zone that reaches this one, on ``workload_ports``.
* ``allow-outside``: the ranges the tenant asked for in ``egress``, until their last day. ``allow-outside-hosts``: the
  host names, as a ``CiliumNetworkPolicy``, where the network engine is Cilium.
* ``agreement-<id>``: at the consumer, egress to the pods of one service in one namespace of the provider; at the
  provider, ingress from that one namespace. Only while the agreement is active.
* ``service-<name>``: egress to the gateway of a common service that the namespace is bound to. Its other half stands at
  the gateway, which is nobody's namespace: `inward`; there browsers come in too, from the zones' gateways to where
  people log in.

The namespaces of the common services have rules of their own: `gdcc.network.services`.

A namespace selector is exact: a tenant's namespace is named by ``kubernetes.io/metadata.name``, which the API server
itself sets; gateways by ``gdcc.go.th/gateway`` and ``gdcc.go.th/zone`` together (`gateway_labels`, for whoever makes
their namespaces), and no tenant's namespace has the first.
Every ``ipBlock`` leaves out the nodes, pods and services of the cluster and all link-local addresses.
"""

from gdcc.network.gateway import GATEWAY, inward
from gdcc.network.namespaces import (
    DOMAIN,
    NAME_LABEL,
    Namespace,
    gateway_labels,
    identity,
    namespace_labels,
    namespace_name,
    namespaces,
)
from gdcc.network.policy import Kind, NetworkPolicy
from gdcc.network.render import by_namespace, render

__all__ = [
    "DOMAIN",
    "GATEWAY",
    "NAME_LABEL",
    "Kind",
    "Namespace",
    "NetworkPolicy",
    "by_namespace",
    "gateway_labels",
    "identity",
    "inward",
    "namespace_labels",
    "namespace_name",
    "namespaces",
    "render",
]
