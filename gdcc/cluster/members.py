"""The five processes of the control plane: how each is started, and how it is asked whether it is well."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gdcc.cluster import config, pki
from gdcc.cluster.api import Endpoint, identified, trusting
from gdcc.cluster.bootstrap import LEASE_SECONDS, NODE_ANNOTATION, beating
from gdcc.cluster.state import Layout

ETCD, APISERVER, CONTROLLERS, SCHEDULER, KWOK = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
)
NAMES = (ETCD, APISERVER, CONTROLLERS, SCHEDULER, KWOK)
"""In the order they are started; they are stopped in the other."""

ETCD_PEER = "etcd-peer"
PORTS = (ETCD, ETCD_PEER, APISERVER, CONTROLLERS, SCHEDULER)
"""What listens. kwok does not: nobody asks its fake kubelets for logs."""

_CIPHERS = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
)
"""For TLS 1.2; every key is an elliptic-curve key. TLS 1.3 has only good ones."""

AUDIT_DAYS = 90
"""The Computer Crime Act B.E. 2550, section 26, asks for traffic data to be kept at least this long."""


@dataclass(frozen=True)
class Member:
    """One process.

    Attributes:
        name: of its program.
        arguments: without the program.
        files: what it reads at start; when one changes it must be started again.
    """

    name: str
    arguments: tuple[str, ...]
    files: tuple[Path, ...]

    def fingerprint(self, version: str) -> str:
        """What tells this start from one with another version, argument or file content."""
        digest = hashlib.sha256(repr((version, self.arguments)).encode())
        for file in self.files:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()


def server_url(ports: Mapping[str, int]) -> str:
    """Where the API server is."""
    return f"https://127.0.0.1:{ports[APISERVER]}"


def members(layout: Layout, ports: Mapping[str, int], stages: Sequence[Path]) -> dict[str, Member]:
    """The members in the order they are started.

    Args:
        layout: their files.
        ports: a port for each of `PORTS`.
        stages: kwok's, already in the state directory.
    """
    listed = (
        _etcd(layout, ports),
        _apiserver(layout, ports),
        _controllers(layout, ports),
        _scheduler(layout, ports),
        _kwok(layout, stages),
    )
    return {member.name: member for member in listed}


def healthy(name: str, ports: Mapping[str, int], layout: Layout) -> bool:
    """Whether a running member answers that it is well; kwok, which serves nothing, is judged by its nodes' leases."""
    port = ports.get(APISERVER if name == KWOK else name)
    if port is None:
        return False
    if name == KWOK:
        return beating(Endpoint(port, identified(layout.pki, pki.CLUSTER_CA, "admin")))
    if name == ETCD:
        context, path = identified(layout.pki, pki.ETCD_CA, "apiserver-etcd-client"), "/health"
    else:
        context = trusting(pki.certificate_path(layout.pki, pki.CLUSTER_CA))
        path = "/readyz" if name == APISERVER else "/healthz"
    status, _ = Endpoint(port, context).request("GET", path)
    return status == 200


def _etcd(layout: Layout, ports: Mapping[str, int]) -> Member:
    client, peer = (f"https://127.0.0.1:{ports[use]}" for use in (ETCD, ETCD_PEER))
    authority = pki.certificate_path(layout.pki, pki.ETCD_CA)
    certificate, key = _pair(layout, "etcd")
    peer_certificate, peer_key = _pair(layout, "etcd-peer")
    arguments = {
        "name": "gdcc",
        "data-dir": layout.etcd,
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "client-cert-auth": "true",
        "trusted-ca-file": authority,
        "cert-file": certificate,
        "key-file": key,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"gdcc={peer}",
        "peer-client-cert-auth": "true",
        "peer-trusted-ca-file": authority,
        "peer-cert-file": peer_certificate,
        "peer-key-file": peer_key,
        "cipher-suites": ",".join(_CIPHERS),
        "tls-min-version": "TLS1.2",
        "log-level": "warn",
    }
    files = (authority, certificate, key, peer_certificate, peer_key)
    return Member(ETCD, _flags(arguments), files)


def _apiserver(layout: Layout, ports: Mapping[str, int]) -> Member:
    authority = pki.certificate_path(layout.pki, pki.CLUSTER_CA)
    etcd_authority = pki.certificate_path(layout.pki, pki.ETCD_CA)
    certificate, key = _pair(layout, "apiserver")
    etcd_certificate, etcd_key = _pair(layout, "apiserver-etcd-client")
    proxy_authority = pki.certificate_path(layout.pki, pki.FRONT_PROXY_CA)
    proxy_certificate, proxy_key = _pair(layout, "front-proxy-client")
    kubelet_certificate, kubelet_key = _pair(layout, "apiserver-kubelet-client")
    service_account = pki.key_path(layout.pki, pki.SERVICE_ACCOUNT)
    encryption, policy, authentication = (
        layout.config / name for name in (config.ENCRYPTION, config.AUDIT_POLICY, config.AUTHENTICATION)
    )
    arguments = {
        **_serving(ports[APISERVER], certificate, key),
        "advertise-address": "127.0.0.1",
        "endpoint-reconciler-type": "none",  # an Endpoints object may not hold a loopback address
        "client-ca-file": authority,
        "authentication-config": authentication,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction,OwnerReferencesPermissionEnforcement",
        "etcd-servers": f"https://127.0.0.1:{ports[ETCD]}",
        "etcd-cafile": etcd_authority,
        "etcd-certfile": etcd_certificate,
        "etcd-keyfile": etcd_key,
        "encryption-provider-config": encryption,
        "requestheader-client-ca-file": proxy_authority,
        "requestheader-allowed-names": pki.FRONT_PROXY_USER,
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "proxy-client-cert-file": proxy_certificate,
        "proxy-client-key-file": proxy_key,
        "kubelet-certificate-authority": authority,  # CIS 1.2.4, 1.2.5; a fake node has no kubelet to ask
        "kubelet-client-certificate": kubelet_certificate,
        "kubelet-client-key": kubelet_key,
        "kubelet-preferred-address-types": "InternalIP",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": pki.public_key_path(layout.pki, pki.SERVICE_ACCOUNT),
        "service-account-signing-key-file": service_account,
        "service-account-max-token-expiration": "24h0m0s",
        "service-account-extend-token-expiration": "false",  # else a pod's token of an hour is good for a year
        "service-cluster-ip-range": pki.SERVICE_RANGE,
        "audit-policy-file": policy,
        "audit-log-path": layout.audit_log,
        "audit-log-maxage": AUDIT_DAYS,
        "audit-log-maxbackup": 20,
        "audit-log-maxsize": 100,  # MB; with compression, 90 days of a busy test cluster stay under 1 GB
        "audit-log-compress": "true",
        # A whole government is applied at once, and then compared with what is live.
        "max-requests-inflight": 800,
        "max-mutating-requests-inflight": 400,
    }
    files = (
        *(authority, certificate, key, etcd_authority, etcd_certificate, etcd_key),
        *(proxy_authority, proxy_certificate, proxy_key, kubelet_certificate, kubelet_key),
        *(service_account, encryption, policy, authentication),
    )
    return Member(APISERVER, _flags(arguments), files)


def _controllers(layout: Layout, ports: Mapping[str, int]) -> Member:
    authority, authority_key = _pair(layout, pki.CLUSTER_CA)
    service_account = pki.key_path(layout.pki, pki.SERVICE_ACCOUNT)
    arguments = {
        **_client(layout, ports[CONTROLLERS], "controller-manager"),
        "root-ca-file": authority,
        # It signs what a node asks for and somebody has approved; without it no kubelet can renew its certificates.
        "cluster-signing-cert-file": authority,
        "cluster-signing-key-file": authority_key,
        "service-account-private-key-file": service_account,
        "use-service-account-credentials": "true",
        # Hundreds of tenants come and go within one test run.
        "concurrent-namespace-syncs": 20,
        "kube-api-qps": 200,
        "kube-api-burst": 400,
    }
    files = (*_client_files(layout, "controller-manager"), authority, authority_key, service_account)
    return Member(CONTROLLERS, _flags(arguments), files)


def _scheduler(layout: Layout, ports: Mapping[str, int]) -> Member:
    arguments = _client(layout, ports[SCHEDULER], "scheduler")
    return Member(SCHEDULER, _flags(arguments), _client_files(layout, "scheduler"))


def _kwok(layout: Layout, stages: Sequence[Path]) -> Member:
    kubeconfig = config.kubeconfig_path(layout, "kwok")
    arguments = {
        "kubeconfig": kubeconfig,
        "manage-all-nodes": "false",
        "manage-nodes-with-annotation-selector": f"{NODE_ANNOTATION}=fake",
        "node-lease-duration-seconds": LEASE_SECONDS,  # as a kubelet: without a lease a node is Unknown after a minute
        "v": "WARN",  # else a line for every pod
        "config": ",".join(str(stage) for stage in stages),
    }
    return Member(KWOK, _flags(arguments), (kubeconfig, *_pair(layout, "kwok"), *stages))


def _serving(port: int, certificate: Path, key: Path) -> dict[str, object]:
    return {
        "bind-address": "127.0.0.1",
        "secure-port": port,
        "tls-cert-file": certificate,
        "tls-private-key-file": key,
        "tls-min-version": "VersionTLS12",
        "tls-cipher-suites": ",".join(_CIPHERS),
        "profiling": "false",
    }


def _client(layout: Layout, port: int, name: str) -> dict[str, object]:
    """A member that serves, and asks the API server who its own callers are."""
    kubeconfig = config.kubeconfig_path(layout, name)
    return {
        **_serving(port, *_pair(layout, f"{name}-serving")),
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "leader-elect": "false",
    }


def _client_files(layout: Layout, name: str) -> tuple[Path, ...]:
    return (config.kubeconfig_path(layout, name), *_pair(layout, name), *_pair(layout, f"{name}-serving"))


def _pair(layout: Layout, name: str) -> tuple[Path, Path]:
    return pki.certificate_path(layout.pki, name), pki.key_path(layout.pki, name)


def _flags(arguments: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(f"--{name}={value}" for name, value in arguments.items())
