"""A container image made of one static program, for nodes that have no way to a registry."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gdcc.errors import GdccError
from gdcc.nodes.image import REPOSITORY

NAME = "localhost/gdcc-try:1"
"""The image: BusyBox, and nothing else. It sleeps when it is told nothing, so that it is the pause image, too."""

_OCI = "application/vnd.oci.image"
_USER = 65534


def busybox(root: Path) -> bytes:
    """The static BusyBox of the packages that the image of test hosts carries.

    Args:
        root: of the image.

    Raises:
        GdccError: its package is not there, or cannot be read.
    """
    packages = sorted((root / REPOSITORY).glob("busybox-static_*.deb"))
    if not packages:
        raise GdccError(f"{root} carries no busybox-static", "remove the folder: the next run makes the image again")
    unpacked = subprocess.run(["dpkg-deb", "--fsys-tarfile", packages[-1]], capture_output=True, check=False)
    if unpacked.returncode:
        raise GdccError(f"{packages[-1]} cannot be unpacked", unpacked.stderr.decode(errors="replace").strip())
    with tarfile.open(fileobj=io.BytesIO(unpacked.stdout)) as files:
        program = files.extractfile("./bin/busybox")
        return program.read() if program else b""


def oci(program: bytes) -> bytes:
    """An OCI image layout as a tar archive, the same for the same program.

    Args:
        program: BusyBox, static.

    Source: OCI Image Layout Specification 1.0.
    """
    layer = _layer(program)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Entrypoint": ["/bin/sleep"],
            "Cmd": ["2147483647"],
            "Env": ["PATH=/bin"],
            "User": f"{_USER}:{_USER}",
        },
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    blobs = [layer, _json(config)]
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}.manifest.v1+json",
        "config": _described(blobs[1], f"{_OCI}.config.v1+json"),
        "layers": [_described(layer, f"{_OCI}.layer.v1.tar")],
    }
    blobs.append(_json(manifest))
    entry = _described(blobs[2], f"{_OCI}.manifest.v1+json")
    entry["annotations"] = {"io.containerd.image.name": NAME, "org.opencontainers.image.ref.name": NAME}
    files = {f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}": blob for blob in blobs}
    files["oci-layout"] = _json({"imageLayoutVersion": "1.0.0"})
    files["index.json"] = _json({"schemaVersion": 2, "manifests": [entry]})
    return _tar({name: tarfile.TarInfo(name) for name in files}, files)


def _layer(program: bytes) -> bytes:
    entries = {name: tarfile.TarInfo(name) for name in ("bin", "tmp", "bin/busybox")}
    entries["bin"].type = entries["tmp"].type = tarfile.DIRTYPE
    entries["bin"].mode = entries["bin/busybox"].mode = 0o755
    entries["tmp"].mode = 0o1777
    for applet in ("cat", "cp", "echo", "httpd", "ls", "nc", "sh", "sleep", "true", "wget"):
        link = tarfile.TarInfo(f"bin/{applet}")
        link.type, link.linkname, link.mode = tarfile.SYMTYPE, "busybox", 0o777
        entries[link.name] = link
    return _tar(entries, {"bin/busybox": program})


def _tar(entries: Mapping[str, tarfile.TarInfo], contents: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, entry in entries.items():
            content = contents.get(name, b"")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def _described(blob: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _json(contents: Mapping[str, Any]) -> bytes:
    return json.dumps(contents, sort_keys=True).encode()
