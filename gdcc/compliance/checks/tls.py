"""Checks of TLS by real handshakes: older than 1.2 is refused, and etcd talks to nobody without a certificate."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Iterator
from urllib.parse import urlsplit

from gdcc.cluster.api import Endpoint, trusting
from gdcc.cluster.members import APISERVER, CONTROLLERS, ETCD, SCHEDULER
from gdcc.cluster.pki import ETCD_CA, certificate_path
from gdcc.compliance.check import Check, Observation, Scene, Unreachable
from gdcc.compliance.checks.plane import MANAGED, Plane, on_plane, plane
from gdcc.compliance.checks.see import Live, cluster, on_cluster, verdict
from gdcc.compliance.evidence import State

MEMBERS = (APISERVER, CONTROLLERS, SCHEDULER, ETCD)
_TIMEOUT = 5.0
_NOT_SPOKEN = ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "HANDSHAKE_FAILURE", "NO_PROTOCOLS")


@on_cluster("TLS 1.1 refused, TLS 1.2 or newer spoken", "openssl s_client -tls1_1 -connect SERVER")
def tls_minimum(scene: Scene, live: Live) -> Iterator[Observation]:
    """Two handshakes with each member; certificates are not judged here, only what is spoken."""
    found = plane(scene)
    server = urlsplit(live.api.server)
    places = {APISERVER: (server.hostname or "", server.port or 443)}
    if not isinstance(found, Unreachable):
        places |= {name: ("127.0.0.1", found.record.ports[name]) for name in MEMBERS}
    for name in MEMBERS:
        target, expected = cluster(scene, name), "TLS 1.1 is refused, and TLS 1.2 or newer is spoken"
        command = f"openssl s_client -tls1_1 -connect {name}"
        if name not in places:
            yield Observation(State.NOT_RUN, target, expected, MANAGED, command)
            continue
        old, new = (_handshake(places[name], versions) for versions in (_OLD, _NEW))
        good = old == "" and new >= "TLSv1.2"
        said = f"TLS 1.1: {old or 'refused'}; newer: {new or 'refused'}"
        yield verdict(good, target, expected, said, command)


_OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
_NEW = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def _handshake(place: tuple[str, int], versions: tuple[ssl.TLSVersion, ssl.TLSVersion]) -> str:
    """The version that is agreed on; empty when the server refuses these."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else this side would refuse the old ones first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = versions
    try:
        with socket.create_connection(place, timeout=_TIMEOUT) as plain, context.wrap_socket(plain) as spoken:
            return spoken.version() or ""
    except ssl.SSLError as error:
        # A certificate that it asks for comes after the version was agreed on.
        return "" if any(word in str(error).upper() for word in _NOT_SPOKEN) else "TLSv1.2"
    except ConnectionError:
        return ""


@on_plane("etcd refuses who shows no certificate of its authority", "curl --cacert etcd-ca.crt https://ETCD/health")
def etcd_mutual_tls(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """A request without a certificate."""
    nobody = trusting(certificate_path(plane.layout.pki, ETCD_CA))
    status, reason = Endpoint(plane.record.ports[ETCD], nobody).request("GET", "/health")
    asks = plane.flag("client-cert-auth", ETCD) == "true" and plane.flag("peer-client-cert-auth", ETCD) == "true"
    yield verdict(
        status == 0 and asks,
        cluster(scene, ETCD),
        "no answer without a client certificate; --client-cert-auth and --peer-client-cert-auth are true",
        f"answer {status}" if status else f"refused: {reason.decode(errors='replace')[:100]}",
        "curl --cacert etcd-ca.crt https://ETCD/health",
    )


CHECKS = (Check("tls-minimum", tls_minimum), Check("etcd-mutual-tls", etcd_mutual_tls))
