"""The services' real software on this machine, and agencies that use it as their applications would."""

from __future__ import annotations

import email
import mailbox
import socket
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from typing import Any

import pytest
import requests

from gdcc.engine.api import Api
from gdcc.pods import Pod
from gdcc.services.running import Running
from tests.checkout import Checkout
from tests.identity.oidc import Application

APPOINTMENT = "6f0c2b9e-3d64-4e0b-8a55-1c7f5e2d9a01"
CODE = "6f0c2b9e-3d64-4e0b-8a55-1c7f5e2d9a02"
KEYCLOAK = "keycloak.svc-identity.svc.cluster.local"
COLLEAGUE, TELEPHONE = "tester@ddc.go.th.example", "081-234-5678"


@contextmanager
def named(running: Running) -> Iterator[None]:
    """The services' public names lead to their gateways, and Keycloak's own to it, for every client in this process."""
    addresses = {place.host: place.address for place in running.places().values()}
    addresses[KEYCLOAK] = running.machine.address(running.pods["svc-identity-keycloak"])
    original = socket.getaddrinfo

    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        return original(addresses.get(host, host), *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve)
        yield


@dataclass
class Office:
    """What runs, and the stack that it follows from."""

    running: Running
    checkout: Checkout
    api: Api

    def application(self, tenant: str) -> Application:
        """One that has what is in its namespace's Secret, and nothing else."""
        path = f"/api/v1/namespaces/{tenant}-dev/secrets/service-identity"
        data = self.api.request("GET", path)[1]["data"]
        return Application(
            {key: b64decode(value).decode() for key, value in data.items()}, self.running.authority.certificate
        )

    def token(self, tenant: str) -> str:
        answer = self.application(tenant).token()
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def notify(self, method: str, path: str, token: str, body: Any = None) -> requests.Response:
        place = self.running.places()["notify"]
        return requests.request(
            method,
            f"https://{place.host}:{place.port}/v2{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            verify=str(self.running.authority.certificate),
            timeout=30,
        )

    def send(self, token: str, reference: str, day: str = "1 ธันวาคม") -> requests.Response:
        words = {"name": "สมชาย", "day": day, "time": "09.00", "place": "บางรัก", "fasting": "no"}
        return self.notify(
            "POST",
            "/notifications/email",
            token,
            {"email_address": COLLEAGUE, "template_id": APPOINTMENT, "personalisation": words, "reference": reference},
        )

    def mail(self) -> list[dict[str, str]]:
        """What has arrived: recipient, subject and text."""
        assert self.running.outside is not None
        box = mailbox.Maildir(self.running.outside.mailbox)
        found = [email.message_from_bytes(bytes(box.get_bytes(key)), policy=policy.default) for key in box.iterkeys()]
        return [{"to": str(one["To"]), "subject": str(one["Subject"]), "text": str(one.get_content())} for one in found]

    def apply(self) -> list[str]:
        """What an agency does after it changed its file; returns what the running services made of it."""
        self.checkout.gdcc("up", "--yes")
        return self.running.refresh()


def application_pod(namespace: str, command: list[str]) -> Pod:
    """A pod of the agency's own, with what its bindings gave it, and the authority of this run's certificates."""
    places: dict[str, dict[str, Any]] = {
        "/etc/identity": {"secret": {"secretName": "service-identity", "defaultMode": 0o440}},
        "/etc/notify": {"configMap": {"name": "service-notify"}},
        "/etc/authority": {"configMap": {"name": "authority"}},
    }
    container = {
        "name": "app",
        "image": "gdcc",  # any with Python, PyJWT and requests
        "command": command,
        "env": [{"name": "REQUESTS_CA_BUNDLE", "value": "/etc/authority/ca.crt"}],
        "volumeMounts": [{"name": f"v{index}", "mountPath": path} for index, path in enumerate(places)],
    }
    volumes = [{"name": f"v{index}", **source} for index, source in enumerate(places.values())]
    spec = {"securityContext": {"runAsUser": 10_001}, "containers": [container], "volumes": volumes}
    return Pod(namespace, "app", {}, {}, spec)
