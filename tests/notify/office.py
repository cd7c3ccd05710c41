"""A notify service as a cluster would run it: processes, mounted files, a database and a relay."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests
from notifications_python_client.notifications import NotificationsAPIClient

from gdcc.cluster.process import free_port
from gdcc.notify.bindings import KeyKind
from gdcc.notify.commands import api_key
from gdcc.notify.keyring import Keyring
from tests.notify.issuer import Issuer
from tests.notify.mailbox import JOURNAL
from tests.waiting import until

WELCOME = "0b5ad4c8-6b53-4a7d-9a35-4f2b1c8e7a01"
CODE = "0b5ad4c8-6b53-4a7d-9a35-4f2b1c8e7a02"
CHAT = "0b5ad4c8-6b53-4a7d-9a35-4f2b1c8e7a03"
THEIRS = "0b5ad4c8-6b53-4a7d-9a35-4f2b1c8e7a09"
LINE_ID = "U" + "a" * 32

TEMPLATES = {
    "moph-ddc.yaml": {
        "agency": "moph/ddc",
        "templates": [
            {
                "id": WELCOME,
                "name": "นัดหมาย / Appointment",
                "type": "email",
                "versions": [
                    {
                        "version": 1,
                        "created": "2026-11-01T09:00:00+07:00",
                        "texts": {"th": {"subject": "นัด", "body": "เรียน ((name))"}},
                    },
                    {
                        "version": 2,
                        "created": "2026-11-02T09:00:00+07:00",
                        "texts": {
                            "th": {"subject": "นัดหมายของ ((name))", "body": "เรียน ((name))\n\nนัดวันที่ ((day))"},
                            "en": {"subject": "Appointment of ((name))", "body": "Dear ((name))\n\non ((day))"},
                        },
                    },
                ],
            },
            {
                "id": CODE,
                "name": "รหัส / Code",
                "type": "sms",
                "versions": [
                    {
                        "version": 1,
                        "created": "2026-11-01T09:00:00+07:00",
                        "texts": {"th": {"body": "รหัสของท่านคือ ((code))"}},
                    }
                ],
            },
            {
                "id": CHAT,
                "name": "LINE",
                "type": "line",
                "versions": [
                    {"version": 1, "created": "2026-11-01T09:00:00+07:00", "texts": {"th": {"body": "สวัสดี ((name))"}}}
                ],
            },
        ],
    },
    "mof-rd.yaml": {
        "agency": "mof/rd",
        "templates": [
            {
                "id": THEIRS,
                "name": "Refund",
                "type": "email",
                "versions": [
                    {
                        "version": 1,
                        "created": "2026-11-01T09:00:00+07:00",
                        "texts": {"en": {"subject": "Refund", "body": "Dear ((name))"}},
                    }
                ],
            }
        ],
    },
}
ALLOWED = ["colleague@ddc.example", "081-234-5678"]


def bindings() -> dict[str, Any]:
    every = [{"kind": kind, "generation": 1} for kind in ("test", "team", "live")]
    return {
        "plans": {
            "trial": {"requests_per_minute": 60, "messages_per_month": 3},
            "live": {"requests_per_minute": 100_000, "messages_per_month": 1_000_000},
        },
        "bindings": [
            {"agency": "moph/ddc", "environment": "prod", "plan": "live", "keys": every, "allowed": ALLOWED},
            {"agency": "moph/ddc", "environment": "dev", "plan": "trial", "keys": every[:2], "allowed": ALLOWED},
            {"agency": "mof/rd", "environment": "prod", "plan": "live", "keys": every},
        ],
    }


@dataclass
class Process:
    """One of notify's processes."""

    role: str
    port: int
    log: Path
    running: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.running.pid

    def kill(self) -> None:
        self.running.kill()
        self.running.wait()

    def stop(self) -> int:
        if self.running.poll() is None:
            self.running.send_signal(signal.SIGTERM)
        try:
            return self.running.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@dataclass
class Office:
    """Everything of one notify service, in a folder."""

    folder: Path
    database: str
    issuer: Issuer
    relay_port: int
    mailbox: Path
    changes: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ports = {"serve": free_port(()), "worker": free_port(())}
        (self.folder / "keys").write_text(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() + "\n")
        self.write("bindings.yaml", bindings())
        (self.folder / "templates").mkdir()
        for name, content in TEMPLATES.items():
            self.write(f"templates/{name}", content)
        self.write("providers.yaml", self.providers())

    def providers(self, *, journal: bool = True, sms: str = "", line: str = "", **mail: Any) -> dict[str, Any]:
        email = {
            "url": f"mailto://127.0.0.1:{self.relay_port}/?mode=insecure&from=notify@notify.example",
            "address": "notify@notify.example",
            "name": "แจ้งเตือนกลาง",
            **mail,
        }
        if journal:
            email["journal"] = {"address": JOURNAL, "maildir": str(self.mailbox / "journal"), "grace_seconds": 2}
        nowhere = "form://127.0.0.1:9/sms?:to={recipient}"
        return {
            "email": email,
            "sms": {"url": sms or nowhere, "sender": "GDCC"},
            "line": {"url": line or nowhere, "sender": "GDCC"},
        }

    def write(self, name: str, content: Any) -> None:
        path = self.folder / name
        path.with_suffix(".new").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
        path.with_suffix(".new").rename(path)

    def environment(self, role: str = "serve") -> dict[str, str]:
        settings = {
            "DATABASE_URL": self.database,
            "MASTER_KEYS_FILE": str(self.folder / "keys"),
            "BINDINGS_FILE": str(self.folder / "bindings.yaml"),
            "TEMPLATES_DIR": str(self.folder / "templates"),
            "PROVIDERS_FILE": str(self.folder / "providers.yaml"),
            "ISSUER": self.issuer.issuer,
            "JWKS_URL": self.issuer.jwks,
            "LISTEN": f"127.0.0.1:{self.ports[role]}",
            "RETRY_SECONDS": "1",
            **self.changes,
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFY_")}
        return kept | {f"NOTIFY_{name}": value for name, value in settings.items()}

    def run(self, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gdcc.notify", *arguments],
            env=self.environment() | changed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, role: str, *, wait: bool = True) -> Process:
        log = self.folder / f"{role}.log"
        with log.open("ab") as output:
            running = subprocess.Popen(
                [sys.executable, "-m", "gdcc.notify", role],
                env=self.environment(role),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        started = Process(role, self.ports[role], log, running)
        self.processes.append(started)
        if wait:
            until(lambda: running.poll() is not None or answers(f"http://127.0.0.1:{started.port}/healthz"), 120, role)
            assert running.poll() is None, log.read_text()
        return started

    def close(self) -> None:
        for one in self.processes:
            if one.running.poll() is None:
                one.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['serve']}"

    @property
    def keyring(self) -> Keyring:
        return Keyring.read(self.folder / "keys")

    def key(
        self, kind: KeyKind = "live", agency: str = "moph/ddc", environment: str = "prod", generation: int = 1
    ) -> str:
        return api_key(self.keyring, agency, environment, kind, generation)

    def client(
        self, kind: KeyKind = "live", agency: str = "moph/ddc", environment: str = "prod"
    ) -> NotificationsAPIClient:
        return NotificationsAPIClient(self.key(kind, agency, environment), base_url=self.url)

    def ask(self, path: str, token: str, data: Any = None, method: str = "") -> tuple[int, Any]:
        content = data if isinstance(data, bytes) else None if data is None else json.dumps(data).encode()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        verb = method or ("GET" if content is None else "POST")
        answer = requests.request(verb, self.url + path, data=content, headers=headers, timeout=30)
        return answer.status_code, answer.json()

    def accepted(self) -> list[dict[str, Any]]:
        """What the relay has accepted, in order."""
        path = self.mailbox / "accepted.jsonl"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def copies(self) -> Counter[str]:
        """How often the relay holds each message, by notification id."""
        return Counter(one["id"].strip("<>").partition("@")[0] for one in self.accepted())

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def order_kill(self, moment: str, process: Process) -> None:
        path = self.mailbox / "kill.new"
        path.write_text(json.dumps({"moment": moment, "pid": process.pid}))
        path.rename(self.mailbox / "kill.json")


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False
