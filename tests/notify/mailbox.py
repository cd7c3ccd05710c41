"""A mail relay in a process of its own: `python -m tests.notify.mailbox PORT FOLDER`.

It keeps what it accepted in FOLDER/accepted.jsonl, delivers `journal@` to FOLDER/journal (a Maildir) as relays do, and
kills the process named in FOLDER/kill.json at the moment named there, once: `rcpt` (before it has the message) or
`accepted` (it has it, and has not answered yet).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import mailbox
import os
import signal
import sys
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

JOURNAL = "journal@relay.example"


class Relay:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = mailbox.Maildir(folder / "journal")
        self.accepted = (folder / "accepted.jsonl").open("a", encoding="utf-8")
        self.deferred: set[str] = set()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address.startswith("nobody"):
            return f"550 5.1.1 no mailbox {address} here"
        if address.startswith("later") and address not in self.deferred:
            self.deferred.add(address)
            return "451 4.7.1 come again"
        if address.startswith("never"):
            return "451 4.7.1 come again"
        self.kill("rcpt")
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        mail = BytesParser(policy=policy.default).parsebytes(envelope.content)
        to = [one for one in envelope.rcpt_tos if one != JOURNAL]
        record = {
            "id": str(mail["Message-ID"]),
            "to": to,
            "subject": str(mail["Subject"]),
            "body": "\n".join(mail.get_content().strip().splitlines()),
            "headers": {name: str(value) for name, value in mail.items()},
            "sha256": hashlib.sha256(envelope.content).hexdigest(),
        }
        self.accepted.write(json.dumps(record, ensure_ascii=False) + "\n")
        self.accepted.flush()
        if JOURNAL in envelope.rcpt_tos:
            self.journal.add(envelope.content)
        if self.kill("accepted"):
            await asyncio.sleep(0.2)
        return "250 OK"

    def kill(self, moment: str) -> bool:
        path = self.folder / "kill.json"
        try:
            order = json.loads(path.read_text())
        except (OSError, ValueError):
            return False
        if order["moment"] != moment:
            return False
        path.unlink()
        os.kill(order["pid"], signal.SIGKILL)
        return True


async def run(port: int, folder: Path) -> None:
    relay = Relay(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(relay, hostname="relay.example", loop=loop), "127.0.0.1", port)
    (folder / "ready").touch()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), Path(sys.argv[2])))
