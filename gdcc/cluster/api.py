"""A few HTTPS requests to the members, each checked against the cluster's own authority."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

from gdcc.cluster import pki
from gdcc.errors import GdccError

TIMEOUT = 5.0
MANAGER = "gdcc-cluster"
"""The field manager of what is applied."""


@dataclass(frozen=True)
class Endpoint:
    """A member's port, and who we are to it.

    Attributes:
        port: on 127.0.0.1.
        context: what to trust, and the certificate to show.
    """

    port: int
    context: ssl.SSLContext

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        """The status and body of the answer; (0, reason) when there is none."""
        connection = HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=TIMEOUT)
        try:
            connection.request(
                method, path, json.dumps(body) if body is not None else None, {"Content-Type": content_type}
            )
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException) as error:
            return 0, str(error).encode()
        finally:
            connection.close()

    def get(self, path: str) -> dict[str, Any] | None:
        """The object at `path`, or None."""
        status, body = self.request("GET", path)
        return dict(json.loads(body)) if status == 200 else None

    def apply(self, path: str, manifest: Mapping[str, Any]) -> None:
        """Server-side apply one object.

        Raises:
            GdccError: the API server refuses.
        """
        status, body = self.request(
            "PATCH", f"{path}?fieldManager={MANAGER}&force=true", manifest, "application/apply-patch+yaml"
        )
        if status not in (200, 201):
            raise GdccError(
                f"the API server refused {path}: {body.decode(errors='replace')}",
                "run `gdcc cluster up` again; if it persists, `gdcc cluster down --purge` begins anew",
            )


def trusting(authority: Path) -> ssl.SSLContext:
    """Trust one authority, show no certificate."""
    context = ssl.create_default_context(cafile=authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def identified(folder: Path, authority: str, client: str) -> ssl.SSLContext:
    """Trust the authority and show the client certificate of that name, both from the directory `folder`."""
    context = trusting(pki.certificate_path(folder, authority))
    context.load_cert_chain(pki.certificate_path(folder, client), pki.key_path(folder, client))
    return context


@contextmanager
def bootstrap_identity(folder: Path) -> Iterator[ssl.SSLContext]:
    """Trust the cluster's authority and be, for minutes and never on disk, a member of `system:masters`.

    That group passes every authorizer and cannot be taken away, so no lasting credential names it: this one only binds
    the administrators' own group. It is of that group too, which the program's walls in the API server know.
    """
    leaf = pki.Leaf("bootstrap", pki.CLUSTER_CA, "gdcc:bootstrap", groups=("system:masters", pki.ADMIN_GROUP))
    context = trusting(pki.certificate_path(folder, pki.CLUSTER_CA))
    certificate, key = pki.pem(*pki.issue(folder, leaf, 2 * pki.CLOCK_SKEW))
    descriptor = os.memfd_create("bootstrap")  # the ssl module reads certificates from paths only
    try:
        os.write(descriptor, certificate + key)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    yield context
