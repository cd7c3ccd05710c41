"""Who attacks: tenants, a workload, a node, and stolen credentials of the platform; each really signed in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from gdcc.cluster import Cluster
from tests.escape.attack import Answer, Request
from tests.escape.ground import NODE
from tests.identities import client_certificate

ADMINISTRATOR = "administrator"
ACTORS: Mapping[str, tuple[str, ...]] = {
    "tenant-admin": ("somchai", "gdcc:ddc:tenant-admin"),
    "developer": ("malee", "gdcc:ddc:developer"),
    "viewer": ("wichai", "gdcc:ddc:viewer"),
    # A user name that is the name of a group: whoever runs an identity provider may choose it.
    "pretender": ("gdcc:cluster-admin", "gdcc:ddc:tenant-admin"),
    "deployer": ("stolen-deployer", "gdcc:platform:deployer"),
    "approver": ("stolen-approver", "gdcc:platform:approver"),
    "auditor": ("stolen-auditor", "gdcc:platform:auditor"),
    "node": (f"system:node:{NODE}", "system:nodes"),
    ADMINISTRATOR: ("escape-suite", "gdcc:cluster-admin"),
    # The same person as the node, without the group by which Kubernetes knows nodes.
    "not-a-node": ("was-a-node",),
}
"""By name: the user and the groups in the client certificate."""
TOKENS = ("workload", "nobody", "empty-token")
"""Those without a certificate: a service account of the agency, no credential at all, and an empty one."""


@dataclass(frozen=True)
class Actor:
    """A connection to the API server with somebody's credentials."""

    server: str
    pool: urllib3.PoolManager
    user: str
    headers: Mapping[str, str]

    def send(self, request: Request) -> Answer:
        """Send a request as this actor."""
        status, told = self._call(request, request.url)
        return Answer(status, str(told.get("message", "")))

    def rehearse(self, request: Request) -> dict[str, Any]:
        """What a write would make; a dry run."""
        status, told = self._call(request, request.url)
        assert status < 300, told.get("message")
        return told

    def call(self, request: Request) -> dict[str, Any]:
        """Really do it, and insist that it is done."""
        status, told = self._call(request, request.path)
        assert status < 300, f"{request.method} {request.path}: {told.get('message')}"
        return told

    def _call(self, request: Request, url: str) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": request.content_type, **self.headers, **request.headers}
        body = json.dumps(request.body) if request.body is not None else None
        answer = self.pool.request(request.method, self.server + url, body=body, headers=headers, retries=False)
        try:
            told = json.loads(answer.data)
        except ValueError:
            told = {"message": answer.data.decode(errors="replace")}
        return answer.status, told


def with_certificate(cluster: Cluster, folder: Path, name: str, *groups: str) -> Actor:
    """Somebody whom the cluster's authority vouches for."""
    file = client_certificate(cluster, folder, name, *groups)
    pool = urllib3.PoolManager(ca_certs=str(cluster.ca), cert_file=str(file), key_file=str(file))
    return Actor(cluster.server, pool, name, {})


def with_token(cluster: Cluster, name: str, token: str | None) -> Actor:
    """Somebody with a bearer token, which may be empty; or with nothing at all."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return Actor(cluster.server, urllib3.PoolManager(ca_certs=str(cluster.ca)), name, headers)
