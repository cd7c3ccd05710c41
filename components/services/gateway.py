"""The gateway before the common services: for each of them an Envoy of its own, in `svc-gateway`.

Its configuration follows from the bindings, so a binding that comes or goes starts its pods anew, one after the other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi

from components.services import esaraban, identity, notify, payment
from components.services.ground import Ground, inside
from components.services.space import Space
from components.services.workload import Container, Pod, Probe, config_files, scratch, secret_files
from gdcc.model import bindings
from gdcc.network.gateway import GATEWAY_PORT
from gdcc.services.envoy import AUTHORITY, HEALTH_PORT, TLS_FOLDER, Check, Gateway, Upstream, configuration

REPLICAS = 2
BEHIND = {
    identity.SERVICE: (identity.SERVER, identity.PORT),
    notify.SERVICE: (notify.API, notify.PORT),
    payment.SERVICE: (payment.ADAPTER, payment.PORT),
    esaraban.SERVICE: (esaraban.FRONT, esaraban.PORT),
}
"""Pods and port that each service's gateway asks."""
_EXCHANGE = ("/as4", esaraban.EXCHANGE, 8080)


def gateway(service: str, ground: Ground) -> Gateway:
    """What the gateway of a service is to do."""
    estate = ground.estate
    identity_at = Upstream(identity.host(), identity.PORT)
    bound = tuple(one for one in bindings(estate) if one.service == service)
    if service == identity.SERVICE:
        # The realm's pages and what they are made of; neither the administrators' API nor their realm.
        realm = f"/realms/{estate.identity.realm}"
        routes: dict[str, Upstream | None] = {realm: identity_at, "/resources": identity_at}
        return Gateway(service, bound, routes, None, REPLICAS)
    paths = (endpoint.path.rstrip("/") for endpoint in estate.services[service].endpoints)
    check = Check(estate.identity.issuer, service, identity_at, identity.key_set(ground))
    return Gateway(service, bound, {path: _behind(service, path, ground) for path in paths}, check, REPLICAS)


def _behind(service: str, path: str, ground: Ground) -> Upstream | None:
    name, port = BEHIND[service]
    if path == _EXCHANGE[0]:
        _, name, port = _EXCHANGE
    later = name in (payment.ADAPTER, esaraban.EXCHANGE) and name not in ground.images
    return None if later else Upstream(inside(service, name), port, tls=False)


@dataclass(frozen=True)
class GatewayPodsArgs:
    """Arguments of `GatewayPods`.

    Attributes:
        service: before which it stands.
        namespace: the gateway's, from what makes it.
    """

    service: str
    namespace: pulumi.Input[str]
    ground: Ground


class GatewayPods(pulumi.ComponentResource):
    """Two Envoys before one service, labelled as `gdcc.network.gateway` says, and the Service before them."""

    def __init__(self, name: str, args: GatewayPodsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("gdcc:services:GatewayPods", name, {}, opts)
        service, ground = args.service, args.ground
        space = Space(name, service, args.namespace, self)
        secret = f"{service}-tls"
        hosts = dict.fromkeys(endpoint.host for endpoint in ground.estate.services[service].endpoints)
        ground.certificate(space, secret, *hosts)
        text = json.dumps(configuration(gateway(service, ground)), ensure_ascii=False, separators=(",", ":"))
        space.config(f"envoy-{service}", {"envoy.json": text})
        envoy = Container(
            "envoy",
            ground.images["envoy"],
            ("envoy",),
            ("-c", "/etc/gdcc/envoy/envoy.json", "--disable-hot-restart", "--log-level", "warning"),
            ports={"https": GATEWAY_PORT.port, "health": HEALTH_PORT},
            mounts=(
                config_files("/etc/gdcc/envoy", f"envoy-{service}"),
                secret_files(TLS_FOLDER, secret, "tls.crt", "tls.key"),
                secret_files(AUTHORITY.rpartition("/")[0], secret, "ca.crt"),
                scratch(),
            ),
            ready=Probe(HEALTH_PORT, "/ready"),
            alive=Probe(HEALTH_PORT, patience=6),
            cpu="250m",
            cpu_limit="2",
            memory="512Mi",
        )
        pod = Pod(service, service, (envoy,), configuration=text)
        space.deployment(pod, REPLICAS)
        space.service_of(pod, {"https": GATEWAY_PORT.port})
        self.register_outputs({})
