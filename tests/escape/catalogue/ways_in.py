"""Ways in and ways to others: services, host names, routes, gateways."""

from __future__ import annotations

from typing import Any

from tests.escape.attack import MERGE, Attack, Request
from tests.escape.ground import DOMAIN, GOOD, OTHER, OTHER_DOMAIN, here, ingress, made_of, service

_ROUTES = "gateway.networking.k8s.io"
_YOURS = "use a name in the domains of this namespace"
_NAME = f"www.{DOMAIN}"


def _service(name: str, says: str, **fields: Any) -> Attack:
    request = Request("POST", here("services"), service(**fields))
    return Attack(name, "own", "developer", request, ("gdcc-services",), says)


def _ingress(name: str, body: dict[str, Any], says: str = _YOURS, reference: str = "MoJ-1413") -> Attack:
    request = Request("POST", here("ingresses", group="networking.k8s.io"), body)
    return Attack(name, reference, "tenant-admin", request, ("gdcc-hostnames",), says)


def _route(name: str, kind: str = "HTTPRoute", says: str = _YOURS, **spec: Any) -> Attack:
    body = made_of(f"{_ROUTES}/v1", kind, spec=spec)
    request = Request("POST", here(f"{kind.lower()}s", group=_ROUTES), body)
    return Attack(name, "own", "tenant-admin", request, ("gdcc-hostnames",), says)


ATTACKS = (
    _service(
        "a-service-is-another-name-for-the-api-server",
        "ask for an agreement",
        type="ExternalName",
        externalName="kubernetes.default.svc",
    ),
    _service(
        "a-service-is-another-name-for-another-tenant",
        "ask for an agreement",
        type="ExternalName",
        externalName=f"web.{OTHER}.svc.cluster.local",
    ),
    _service("a-service-answers-at-an-address-of-others", "ask for an agreement", externalIPs=["10.0.0.53"]),
    _service(
        "a-service-gives-itself-a-name-in-public-dns",
        "ask the platform team",
        annotations={"external-dns.alpha.kubernetes.io/hostname": OTHER_DOMAIN},
    ),
    _ingress("an-ingress-takes-another-tenants-name", ingress(OTHER_DOMAIN)),
    _ingress("an-ingress-takes-a-name-below-another-tenants", ingress(f"login.{OTHER_DOMAIN}")),
    _ingress("an-ingress-takes-a-name-that-only-ends-like-its-own", ingress(f"evil{DOMAIN}")),
    _ingress("an-ingress-takes-the-parent-of-its-domain", ingress(DOMAIN.partition(".")[2])),
    _ingress("an-ingress-takes-every-name-of-the-platform", ingress(f"*.{DOMAIN.partition('.')[2]}")),
    _ingress("an-ingress-answers-to-every-name", ingress("")),
    _ingress(
        "an-ingress-is-the-default-for-every-name",
        ingress(_NAME, defaultBackend={"service": {"name": GOOD, "port": {"number": 80}}}),
    ),
    _ingress(
        "an-ingress-takes-the-certificate-of-another-name",
        ingress(_NAME, tls=[{"hosts": [OTHER_DOMAIN, _NAME], "secretName": "escape"}]),
    ),
    _ingress(
        "an-ingress-uses-the-class-of-the-management-network",
        ingress(_NAME, ingressClassName="management"),
        "use one of the classes government, public",
    ),
    _ingress(
        "an-ingress-names-its-class-by-the-old-annotation",
        ingress(_NAME, annotations={"kubernetes.io/ingress.class": "management"}, ingressClassName=None),
        "use one of the classes government, public",
    ),
    _ingress(
        "an-ingress-writes-into-the-configuration-of-the-gateway",
        ingress(_NAME, annotations={"nginx.ingress.kubernetes.io/configuration-snippet": "lua_..."}),
        "ask the platform team",
        "CVE-2021-25742",
    ),
    _ingress(
        "an-ingress-has-an-alias-outside-its-domain",
        ingress(_NAME, annotations={"nginx.ingress.kubernetes.io/server-alias": OTHER_DOMAIN}),
        "ask the platform team",
    ),
    _route("a-route-takes-another-tenants-name", hostnames=[OTHER_DOMAIN]),
    _route("a-route-answers-to-every-name"),
    _route(
        "a-route-attaches-to-a-gateway-of-others",
        says="or one of the gateways",
        hostnames=[_NAME],
        parentRefs=[{"name": "edge", "namespace": "management"}],
    ),
    Attack(
        "a-route-is-moved-to-another-tenants-name-when-it-exists",
        "CVE-2026-61795",
        "tenant-admin",
        Request(
            "PATCH",
            here(f"ingresses/{GOOD}", group="networking.k8s.io"),
            {"spec": {"tls": [{"hosts": [OTHER_DOMAIN]}]}},
            MERGE,
        ),
        ("gdcc-hostnames",),
        _YOURS,
    ),
    Attack(
        "a-tenant-makes-a-gateway-of-its-own",
        "own",
        "tenant-admin",
        Request("POST", here("gateways", group=_ROUTES), made_of(f"{_ROUTES}/v1", "Gateway", spec={})),
        ("rbac", "gdcc-bounds"),
        "attach a route to one of them",
    ),
)
