"""Shared secrets, for the few applications that cannot use a key of their own.

Keycloak makes the secret and keeps it; the Secret in the tenant's namespace has a copy. Two at a time are not possible
(Keycloak's secret rotation is a preview feature, and off): a change is felt until the application has read the new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gdcc.identity.credential import Rules
from gdcc.identity.difference import Change
from gdcc.identity.secrets import CLIENT_ID, CLIENT_SECRET, ISSUER, TOKEN_ENDPOINT, Secrets
from gdcc.identity.server import Server
from gdcc.identity.step import Step


def steps(
    server: Server,
    secrets: Secrets,
    path: str,
    client_id: str,
    target: str,
    rules: Rules,
    found: Mapping[str, Any] | None,
    rotate: bool,
) -> Iterator[Step]:
    """Copy the secret into the Secret; change it first when asked to.

    Args:
        server: Keycloak.
        secrets: where the copy goes.
        path: of the realm's clients.
        client_id: whose.
        target: `namespace/name` of the Secret.
        rules: for the issuer.
        found: the client as it is.
        rotate: whether it is changed.
    """
    held = secrets.read(target) or {}
    now = server.get(f"{path}/{found['id']}/client-secret")["value"] if found else None
    wanted = _data(client_id, rules, now)
    if now and not rotate and all(held.get(name) == value for name, value in wanted.items()):
        return

    def run() -> None:
        (client,) = server.get(path, clientId=client_id)
        where = f"{path}/{client['id']}/client-secret"
        if rotate:
            server.post(where, {})
        secrets.write(target, _data(client_id, rules, server.get(where)["value"]))

    reason = "new shared secret; the former one ends at once" if rotate else "copy of the shared secret"
    yield Step("update", "shared secret", f"{client_id} (Secret {target})", (Change("secret", None, reason),), run)


def _data(client_id: str, rules: Rules, secret: str | None) -> dict[str, str]:
    endpoint = f"{rules.issuer}/protocol/openid-connect/token"
    return {CLIENT_ID: client_id, ISSUER: rules.issuer, TOKEN_ENDPOINT: endpoint, CLIENT_SECRET: secret or ""}
