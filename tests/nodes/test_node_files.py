"""What makes a host a node, as far as it can be said without one."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gdcc.cluster import binaries
from gdcc.errors import GdccError
from gdcc.nodes import archive, node_files, signing
from gdcc.nodes.layout import Layout

HOST = Layout(Path("/state/nodes")).hosts(1)[0]


def test_the_kubelet_is_no_program_of_the_control_plane() -> None:
    assert "kubelet" not in {binary.name for binary in binaries.BINARIES}
    assert binaries.version_of(binaries.KUBELET) == binaries.versions()["kube-apiserver"]


def test_an_image_is_the_same_for_the_same_program_and_every_part_is_there() -> None:
    made = archive.oci(b"program")
    assert made == archive.oci(b"program") != archive.oci(b"another")
    with tarfile.open(fileobj=io.BytesIO(made)) as files:
        contents = {name: _read(files, name) for name in files.getnames()}
    manifest = json.loads(contents["index.json"])["manifests"][0]
    assert manifest["annotations"]["io.containerd.image.name"] == archive.NAME
    described = json.loads(contents[_blob(manifest)])
    layer = contents[_blob(described["layers"][0])]
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        assert _read(files, "bin/busybox") == b"program"
    assert json.loads(contents[_blob(described["config"])])["config"]["User"] != "0"


def _blob(described: dict[str, Any]) -> str:
    return "blobs/sha256/" + described["digest"].removeprefix("sha256:")


def _read(files: tarfile.TarFile, name: str) -> bytes:
    found = files.extractfile(name)
    assert found
    return found.read()


def test_an_image_without_the_program_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(GdccError, match="carries no busybox-static"):
        archive.busybox(tmp_path)


def test_a_node_may_not_set_this_machines_clock_nor_load_its_modules() -> None:
    said = " ".join(node_files.options(HOST))
    assert "CAP_SYS_RESOURCE" in said
    assert not any(name in said for name in ("SYS_TIME", "SYS_MODULE", "SYS_RAWIO", "=all"))


class Api:
    """One request for a serving certificate, and what was said of it."""

    def __init__(self, *names: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"system:node:{HOST.name}")])
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        made = builder.add_extension(alternatives, critical=False).sign(key, hashes.SHA256())
        spec = {
            "signerName": signing.SERVING,
            "username": f"system:node:{HOST.name}",
            "request": base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode(),
        }
        self.listing = {"items": [{"metadata": {"name": "csr-1"}, "spec": spec, "status": {}}]}
        self.approved: list[str] = []

    def get(self, path: str) -> dict[str, Any]:
        return self.listing

    def request(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        assert body["status"]["conditions"][0]["type"] == "Approved"
        self.approved.append(path.rsplit("/", 2)[1])
        return 200, b""


def test_a_node_gets_a_certificate_for_its_own_name_and_address() -> None:
    api = Api(HOST.name, HOST.address.host)
    signing.approve(api, HOST.name, HOST.address.host, 0)  # type: ignore[arg-type]
    assert api.approved == ["csr-1"]


@pytest.mark.parametrize("names", [("kubernetes",), (HOST.name, HOST.address.host, "kubernetes"), (HOST.name,)])
def test_a_node_gets_none_for_a_name_that_is_not_its_own(names: tuple[str, ...]) -> None:
    api = Api(*names)
    with pytest.raises(GdccError, match="asks for a certificate for"):
        signing.approve(api, HOST.name, HOST.address.host, 0)  # type: ignore[arg-type]
    assert api.approved == []


def test_a_node_that_asks_for_nothing_is_named() -> None:
    with pytest.raises(GdccError, match="node another did not ask"):
        signing.approve(Api("x"), "another", "192.0.2.1", 0)  # type: ignore[arg-type]
