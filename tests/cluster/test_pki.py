"""Certificates and keys."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from gdcc.cluster import pki


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    assert pki.ensure(folder) == [], "nothing was there, so nothing was replaced"
    return folder


def certificate(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pki.certificate_path(folder, name).read_bytes())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def expire(folder: Path, name: str, days: int) -> None:
    leaf = next(leaf for leaf in pki.LEAVES if leaf.name == name)
    certificate_bytes, key = pki.pem(*pki.issue(folder, leaf, timedelta(days=days)))
    pki.certificate_path(folder, name).write_bytes(certificate_bytes)
    pki.key_path(folder, name).write_bytes(key)


def test_every_key_is_readable_by_its_owner_only(issued: Path) -> None:
    keys = list(issued.glob("*.key"))
    assert len(keys) == len(pki.LEAVES) + len(pki.AUTHORITIES) + 1
    for path in issued.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_a_second_run_issues_nothing(issued: Path) -> None:
    before = contents(issued)
    assert pki.ensure(issued) == []
    assert contents(issued) == before


@pytest.mark.parametrize("leaf", pki.LEAVES, ids=lambda leaf: leaf.name)
def test_each_leaf_is_signed_by_its_own_authority_only(issued: Path, leaf: pki.Leaf) -> None:
    own = certificate(issued, leaf.name)
    own.verify_directly_issued_by(certificate(issued, leaf.authority))
    for other in set(pki.AUTHORITIES) - {leaf.authority}:
        with pytest.raises(ValueError, match="ssuer"):
            own.verify_directly_issued_by(certificate(issued, other))
    assert own.not_valid_after_utc - datetime.now(UTC) <= pki.LEAF_LIFE


def test_a_serving_certificate_of_the_cluster_cannot_be_used_to_sign_in(issued: Path) -> None:
    serving = [leaf for leaf in pki.LEAVES if leaf.authority == pki.CLUSTER_CA and leaf.hosts]
    assert len(serving) >= 3
    for leaf in serving:
        usage = certificate(issued, leaf.name).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH not in usage, leaf.name


def test_no_lasting_certificate_belongs_to_system_masters(issued: Path) -> None:
    paths = list(issued.glob("*.crt"))
    assert len(paths) >= len(pki.LEAVES)
    for path in paths:
        subject = x509.load_pem_x509_certificate(path.read_bytes()).subject
        groups = [group.value for group in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
        assert "system:masters" not in groups, path.name


def test_a_leaf_within_thirty_days_of_its_end_is_renewed_and_the_rest_is_kept(tmp_path: Path) -> None:
    pki.ensure(tmp_path)
    expire(tmp_path, "scheduler", days=29)
    before = contents(tmp_path)
    assert pki.ensure(tmp_path) == ["scheduler"]
    changed = {name for name, data in contents(tmp_path).items() if data != before[name]}
    assert changed == {"scheduler.crt", "scheduler.key"}
    expire(tmp_path, "scheduler", days=31)
    assert pki.ensure(tmp_path) == [], "31 days are left"


def test_a_pair_torn_by_a_crash_is_issued_again(tmp_path: Path) -> None:
    pki.ensure(tmp_path)
    pki.key_path(tmp_path, "admin").write_bytes(pki.key_path(tmp_path, "kwok").read_bytes())
    pki.certificate_path(tmp_path, "etcd").write_bytes(b"half a certif")
    assert pki.ensure(tmp_path) == ["etcd", "admin"]


def test_a_new_authority_means_new_leaves_but_the_same_service_account_key(tmp_path: Path) -> None:
    pki.ensure(tmp_path)
    service_account = pki.key_path(tmp_path, pki.SERVICE_ACCOUNT).read_bytes()
    pki.certificate_path(tmp_path, pki.ETCD_CA).unlink()
    assert set(pki.ensure(tmp_path)) == {leaf.name for leaf in pki.LEAVES if leaf.authority == pki.ETCD_CA}
    assert pki.key_path(tmp_path, pki.SERVICE_ACCOUNT).read_bytes() == service_account
