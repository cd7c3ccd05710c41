"""A certificate authority of the site's own, so that servers on loopback speak TLS that their clients verify."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gdcc.cluster import pki
from gdcc.cluster.disk import private_directory, write_private

LIFE = timedelta(days=30)
"""Of the authority and of what it issues; a site that lives longer begins anew."""
RENEW_BEFORE = timedelta(days=5)
_NAME = "programs-ca"
_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Authority:
    """The authority in a private directory.

    Attributes:
        folder: holds its key and what it issued, 0600 in 0700.
    """

    folder: Path

    @classmethod
    def ensure(cls, folder: Path) -> Authority:
        """The authority of `folder`, made when it is missing or soon over."""
        private_directory(folder)
        authority = cls(folder)
        if not _lasts(authority.certificate):
            for old in folder.glob("*.crt"):
                old.unlink()  # what the last one issued is trusted by nobody now
            authority._begin()
        return authority

    @property
    def certificate(self) -> Path:
        """What clients trust, PEM."""
        return pki.certificate_path(self.folder, _NAME)

    def issue(self, name: str, hosts: tuple[str, ...] = _LOOPBACK) -> tuple[Path, Path]:
        """The paths of a server's certificate and key, issued when missing or soon over.

        Args:
            name: of the files.
            hosts: where it serves: IPv4 addresses and DNS names.
        """
        certificate, key = pki.certificate_path(self.folder, name), pki.key_path(self.folder, name)
        if not (key.exists() and _lasts(certificate)):
            leaf = pki.Leaf(name, _NAME, name, hosts=hosts, client=False)
            certificate_bytes, key_bytes = pki.pem(*pki.issue(self.folder, leaf, LIFE - timedelta(hours=1)))
            write_private(key, key_bytes)
            write_private(certificate, certificate_bytes)
        return certificate, key

    def _begin(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gdcc local programs")])
        now = datetime.now(UTC)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - pki.CLOCK_SKEW)
            .not_valid_after(now + LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _, key_bytes = pki.pem(certificate, key)
        write_private(pki.key_path(self.folder, _NAME), key_bytes)
        write_private(self.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def _lasts(certificate: Path) -> bool:
    try:
        end = x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return False
    return end - datetime.now(UTC) > RENEW_BEFORE
