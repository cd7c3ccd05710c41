"""What Notify hands messages to, on one machine: a mail relay, and Kannel with a telephone behind it.

No cluster has these pods: in operation the platform team names its own relay and SMS centre in the Secret
`notify-providers`. The relay is `gdcc.services.mailbox`; Kannel (bearerbox and smsbox) is Debian's, and its test
program `fakesmsc` is the operator's SMS centre, which writes down what it gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import yaml

from gdcc.network.gateway import backend
from gdcc.pods import Machine, Pod
from gdcc.services.mailbox import JOURNAL_ADDRESS
from gdcc.services.mailbox import PORT as SMTP_PORT

SPACE = backend("notify")
PROVIDERS = "notify-providers"
USER = 10_001
_JOURNAL, _MAILBOX = "/var/spool/gdcc/journal", "/var/spool/gdcc/mailbox"
_KANNEL = "/etc/gdcc/kannel/kannel.conf"
_SMSC, _BOX, _SENDSMS, _ADMIN = 10_000, 13_001, 13_013, 13_000
_CONFIGURATION = """\
group = core
admin-port = {admin}
admin-password = {password}
smsbox-port = {box}
box-allow-ip = "*.*.*.*"
log-level = 1

group = smsc
smsc = fake
smsc-id = telephone
port = {smsc}
connect-allow-ip = "*.*.*.*"

group = smsbox
bearerbox-host = {bearerbox}
sendsms-port = {sendsms}
global-sender = GDCC
log-level = 1

group = sendsms-user
username = notify
password = {password}
concatenation = true
max-messages = 5

group = sms-service
keyword = default
max-messages = 0
text = "no answer"
"""


class Outside:
    """The relay, Kannel and the telephone.

    Args:
        machine: runs them.
        put: writes a Secret of namespace, name and data.
    """

    def __init__(self, machine: Machine, put: Callable[[str, str, Mapping[str, bytes]], None]) -> None:
        self._machine, self._put = machine, put
        self.relay = _pod(
            "relay",
            "gdcc",
            ("python", "-m", "gdcc.services.mailbox", _MAILBOX, _JOURNAL),
            SMTP_PORT,
            {_JOURNAL: {"persistentVolumeClaim": {"claimName": "notify-journal"}},
             _MAILBOX: {"persistentVolumeClaim": {"claimName": "mailbox"}}},
        )  # fmt: skip
        kannel = {_KANNEL.rpartition("/")[0]: {"secret": {"secretName": "kannel", "defaultMode": 0o440}}}
        self.bearerbox = _pod("kannel", "kannel", ("bearerbox", _KANNEL), _BOX, kannel)
        self.smsbox = _pod("smsbox", "kannel", ("smsbox", _KANNEL), _SENDSMS, kannel)
        at = ("-H", machine.address(self.bearerbox), "-r", str(_SMSC), "-m", "1")
        self.telephone = _pod("telephone", "kannel", ("fakesmsc", *at, "0 0 text hello"), 0, {})

    @property
    def pods(self) -> tuple[Pod, ...]:
        """All of them, in the order in which they begin."""
        return (self.relay, self.bearerbox, self.smsbox, self.telephone)

    @property
    def mailbox(self) -> Path:
        """The Maildir of the mail that arrived."""
        return self._machine.volumes.claim(SPACE, "mailbox", USER)

    @property
    def messages(self) -> Path:
        """Where the telephone writes down what it gets."""
        return self._machine.log(self.telephone)

    def start(self) -> None:
        """Begin, and tell Notify where they are."""
        password = token_urlsafe(18)
        addresses = {"bearerbox": self._machine.address(self.bearerbox), "password": password}
        ports = {"admin": _ADMIN, "box": _BOX, "smsc": _SMSC, "sendsms": _SENDSMS}
        self._put(SPACE, "kannel", {"kannel.conf": _CONFIGURATION.format(**addresses, **ports).encode()})
        for pod in self.pods:
            self._machine.start(pod)
        self._put(SPACE, PROVIDERS, {"providers.yaml": self._providers(password).encode()})

    def _providers(self, password: str) -> str:
        relay, smsbox = self._machine.address(self.relay), self._machine.address(self.smsbox)
        fixed = f"method=get&-username=notify&-password={password}&-charset=UTF-8&-coding=2"
        providers = {
            "email": {
                "url": f"mailto://{relay}:{SMTP_PORT}/?mode=insecure&from=notify@gdcc.example",
                "address": "notify@gdcc.example",
                "name": "บริการแจ้งเตือนกลาง / Notify",
                "journal": {"address": JOURNAL_ADDRESS, "maildir": _JOURNAL, "grace_seconds": 5},
            },
            "sms": {
                "url": f"form://{smsbox}:{_SENDSMS}/cgi-bin/sendsms?{fixed}"
                "&:to={recipient}&:message=text&:version=&:title=&:type=",
                "sender": "GDCC",
            },
        }
        return yaml.safe_dump(providers, allow_unicode=True)


def _pod(name: str, image: str, command: Sequence[str], port: int, volumes: Mapping[str, Mapping[str, Any]]) -> Pod:
    places = {**volumes, "/tmp": {"emptyDir": {}}}  # noqa: S108 - in the container
    container = {
        "name": name,
        "image": image,
        "command": list(command),
        "volumeMounts": [{"name": f"v{index}", "mountPath": place} for index, place in enumerate(places)],
        **({"readinessProbe": {"tcpSocket": {"port": port}}} if port else {}),
    }
    spec = {
        "securityContext": {"runAsUser": USER},
        "containers": [container],
        "volumes": [{"name": f"v{index}", **source} for index, source in enumerate(places.values())],
    }
    return Pod(SPACE, name, {}, {}, spec)
