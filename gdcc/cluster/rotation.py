"""Rotation of the key that seals Secrets, in the order that never leaves one unreadable.

1. The new key is put first and the old one kept: new writes are sealed by the new key, all is still read.
2. Every Secret is written again unchanged; the server seals it anew, since its key is not the first any more.
3. What etcd holds is looked at: only when nothing is sealed by the old key is that dropped.

Ended anywhere, it goes on from there at the next run. Source: Kubernetes, "Encrypting Confidential Data at Rest".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gdcc.cluster import keys, pki
from gdcc.cluster.api import Endpoint, identified
from gdcc.cluster.control_plane import admin
from gdcc.cluster.convergence import up
from gdcc.cluster.health import current
from gdcc.cluster.lock import locked
from gdcc.cluster.members import ETCD
from gdcc.cluster.progress import Report
from gdcc.cluster.state import Layout, Record
from gdcc.errors import GdccError

_PAGE = 500
_WAITING = "waiting for another `gdcc cluster rotate-key`"


def rotate(state: Path | None = None, report: Report | None = None) -> str:
    """Rotate the key of the control plane that is up; about 15 s.

    Returns:
        The new key's name.

    Raises:
        GdccError: none is up, or a Secret could not be written again; then the old key is kept.
    """
    current(state)
    layout, report = Layout.at(state), report or Report()
    with locked(layout.config, report, _WAITING):
        listed = keys.read(layout)
        if len(listed) == 1:
            number = int("0" + "".join(filter(str.isdigit, listed[0]["name"])))
            listed = [keys.new_key(f"key{number + 1}"), *listed]
            keys.write(layout, listed)
        newest = listed[0]["name"]
        report.say(f"{newest} seals from now on; {', '.join(key['name'] for key in listed[1:])} still opens")
        up(layout.root, report)
        record = Record.read(layout.record) or Record()
        with report.step("every Secret written again"):
            _rewrite(admin(layout, record))
        if left := list(_sealed_otherwise(layout, record, newest)):
            raise GdccError(
                f"{len(left)} Secrets are not sealed by {newest}: {', '.join(left[:5])}",
                "see why they could not be written, then run it again; the old key is kept until then",
            )
        keys.write(layout, listed[:1])
        up(layout.root, report)
    return newest


def _rewrite(api: Endpoint) -> None:
    """Write each Secret as it is; one that has changed or gone meanwhile was written by somebody else."""
    after = ""
    while True:
        page = api.get(f"/api/v1/secrets?limit={_PAGE}{after}") or {}
        for secret in page.get("items") or ():
            metadata = secret["metadata"]
            path = f"/api/v1/namespaces/{metadata['namespace']}/secrets/{metadata['name']}"
            api.request("PUT", path, {"apiVersion": "v1", "kind": "Secret", **secret})
        token = (page.get("metadata") or {}).get("continue")
        if not token:
            return
        after = f"&continue={token}"


def _sealed_otherwise(layout: Layout, record: Record, key: str) -> Iterator[str]:
    """The Secrets in etcd that another key, or none, has sealed."""
    etcd = Endpoint(record.ports[ETCD], identified(layout.pki, pki.ETCD_CA, "apiserver-etcd-client"))
    for name, value in stored_secrets(etcd):
        if not value.startswith(f"k8s:enc:secretbox:v1:{key}:".encode()):
            yield name


def stored_secrets(etcd: Endpoint) -> Iterator[tuple[str, bytes]]:
    """`namespace/name` and what etcd holds of every Secret, read in pages.

    Raises:
        GdccError: etcd does not answer.
    """
    prefix = b"/registry/secrets/"
    start, end = prefix, prefix[:-1] + b"0"
    while True:
        asked = {"key": _base64(start), "range_end": _base64(end), "limit": _PAGE}
        status, body = etcd.request("POST", "/v3/kv/range", asked)
        if status != 200:
            raise GdccError(f"etcd: {body.decode(errors='replace')}", "see `gdcc cluster status`")
        page: dict[str, Any] = json.loads(body)
        for pair in page.get("kvs") or ():
            key = base64.b64decode(pair["key"])
            yield key.removeprefix(prefix).decode(errors="replace"), base64.b64decode(pair["value"])
            start = key + b"\0"
        if not page.get("more"):
            return


def _base64(text: bytes) -> str:
    return base64.b64encode(text).decode()
