"""The cluster's own certificate authorities, and every certificate and key its members use."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gdcc.cluster.disk import write_if_changed, write_private

CA_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
CLOCK_SKEW = timedelta(minutes=5)

ADMIN_GROUP = "gdcc:cluster-admin"
KWOK_USER = "system:kwok"
FRONT_PROXY_USER = "front-proxy-client"
KUBELET_CLIENT_USER = "system:kube-apiserver-kubelet-client"
"""Who the API server is to kubelets: it asks them for logs and for shells in containers."""
SERVICE_RANGE = "10.96.0.0/16"

_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Leaf:
    """A certificate to issue.

    Attributes:
        name: of its files, `<name>.crt` and `<name>.key`.
        authority: the name of the authority that signs it.
        common_name: who it names; to Kubernetes, the user.
        groups: the user's groups.
        hosts: where it serves; empty for a certificate that only identifies a client.
        client: whether it may also, or only, identify a client.
    """

    name: str
    authority: str
    common_name: str
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    client: bool = True


CLUSTER_CA, ETCD_CA, FRONT_PROXY_CA = "ca", "etcd-ca", "front-proxy-ca"
AUTHORITIES = (CLUSTER_CA, ETCD_CA, FRONT_PROXY_CA)
SERVICE_ACCOUNT = "service-account"

_SERVICE_NAMES = tuple(
    f"kubernetes{suffix}" for suffix in ("", ".default", ".default.svc", ".default.svc.cluster.local")
)
_SERVICE_ADDRESS = str(ipaddress.ip_network(SERVICE_RANGE)[1])

LEAVES = (
    # etcd's own HTTP gateway dials etcd with its serving certificate: it is a client too.
    Leaf("etcd", ETCD_CA, "etcd", hosts=_LOOPBACK),
    Leaf("etcd-peer", ETCD_CA, "etcd-peer", hosts=_LOOPBACK),
    Leaf("apiserver-etcd-client", ETCD_CA, "kube-apiserver"),
    Leaf(
        "apiserver", CLUSTER_CA, "kube-apiserver", hosts=(*_LOOPBACK, *_SERVICE_NAMES, _SERVICE_ADDRESS), client=False
    ),
    Leaf("apiserver-kubelet-client", CLUSTER_CA, KUBELET_CLIENT_USER),
    # Shown by the API server to extension API servers, and to them only: hence an authority of its own.
    Leaf("front-proxy-client", FRONT_PROXY_CA, FRONT_PROXY_USER),
    Leaf("controller-manager", CLUSTER_CA, "system:kube-controller-manager"),
    Leaf("controller-manager-serving", CLUSTER_CA, "kube-controller-manager", hosts=_LOOPBACK, client=False),
    Leaf("scheduler", CLUSTER_CA, "system:kube-scheduler"),
    Leaf("scheduler-serving", CLUSTER_CA, "kube-scheduler", hosts=_LOOPBACK, client=False),
    Leaf("kwok", CLUSTER_CA, KWOK_USER),
    Leaf("admin", CLUSTER_CA, "gdcc:admin", groups=(ADMIN_GROUP,)),
)


def public_key_path(pki: Path, name: str) -> Path:
    """Where the public key `name` is."""
    return pki / f"{name}.pub"


def certificate_path(pki: Path, name: str) -> Path:
    """Where the certificate `name` is."""
    return pki / f"{name}.crt"


def key_path(pki: Path, name: str) -> Path:
    """Where the private key `name` is."""
    return pki / f"{name}.key"


def ensure(pki: Path) -> list[str]:
    """Issue what is missing, spoiled, not as specified, or within 30 days of its end.

    Args:
        pki: the directory; holds keys with mode 0600.

    Returns:
        The names of what was there and has been replaced.
    """
    replaced = []
    for name in AUTHORITIES:
        if not _authority_holds(pki, name):
            replaced += [name] if certificate_path(pki, name).exists() else []
            _write(pki, name, *_new_authority(name))
    for leaf in LEAVES:
        if not _leaf_holds(pki, leaf):
            replaced += [leaf.name] if certificate_path(pki, leaf.name).exists() else []
            _write(pki, leaf.name, *issue(pki, leaf, LEAF_LIFE))
    _ensure_service_account(pki)
    return replaced


def issue(pki: Path, leaf: Leaf, life: timedelta) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A new key and a certificate for it, written nowhere.

    Args:
        pki: holds the authority.
        leaf: what to issue.
        life: from now.
    """
    authority, authority_key = _read(pki, leaf.authority)
    key = _new_key()
    usages = [ExtendedKeyUsageOID.SERVER_AUTH] if leaf.hosts else []
    usages += [ExtendedKeyUsageOID.CLIENT_AUTH] if leaf.client else []
    builder = _builder(_subject(leaf), authority.subject, key, authority_key, life)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if leaf.hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(_alternative_names(leaf.hosts)), critical=False)
    return builder.sign(authority_key, hashes.SHA256()), key


def pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> tuple[bytes, bytes]:
    """The certificate and the key as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM), _key_bytes(key)


def _ensure_service_account(pki: Path) -> None:
    """The key that signs service account tokens; kept for ever, or every token would become invalid."""
    path = key_path(pki, SERVICE_ACCOUNT)
    if not path.exists():
        write_private(path, _key_bytes(_new_key()))
    public = serialization.load_pem_private_key(path.read_bytes(), password=None).public_key()
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    write_if_changed(public_key_path(pki, SERVICE_ACCOUNT), public.public_bytes(encoding, form))


def _new_authority(name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = _new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"gdcc local {name}")])
    builder = _builder(subject, subject, key, key, CA_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    return builder.sign(key, hashes.SHA256()), key


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    life: timedelta,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(identifier, critical=False)
    )


def _authority_holds(pki: Path, name: str) -> bool:
    try:
        certificate, key = _read(pki, name)
    except (OSError, ValueError, TypeError):
        return False
    return _lasts(certificate) and certificate.public_key() == key.public_key()


def _leaf_holds(pki: Path, leaf: Leaf) -> bool:
    try:
        certificate, key = _read(pki, leaf.name)
        certificate.verify_directly_issued_by(_read(pki, leaf.authority)[0])
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    try:
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        names = []
    as_specified = certificate.subject == _subject(leaf) and names == _alternative_names(leaf.hosts)
    return _lasts(certificate) and certificate.public_key() == key.public_key() and as_specified


def _lasts(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_after_utc - datetime.now(UTC) > RENEW_BEFORE


def _subject(leaf: Leaf) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in leaf.groups]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name)])


def _alternative_names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    return [x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts]


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read(pki: Path, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate = x509.load_pem_x509_certificate(certificate_path(pki, name).read_bytes())
    key = serialization.load_pem_private_key(key_path(pki, name).read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{name}: not an elliptic-curve key")
    return certificate, key


def _write(pki: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    # A crash between the two leaves a pair that does not match: `ensure` sees that and issues both again.
    certificate_bytes, key_bytes = pem(certificate, key)
    write_private(key_path(pki, name), key_bytes)
    write_private(certificate_path(pki, name), certificate_bytes)
