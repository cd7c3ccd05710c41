"""A mail relay for one machine: `python -m gdcc.services.mailbox MAILBOX JOURNAL`.

It speaks SMTP, takes every message, and delivers it into the Maildir MAILBOX, whoever it is for; what is also for
`JOURNAL_ADDRESS` goes into the Maildir JOURNAL too, as a real relay would. It stands in for the relay that the platform
team names in the Secret `notify-providers`.
"""

from __future__ import annotations

import asyncio
import mailbox
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

PORT = 2525
JOURNAL_ADDRESS = "journal@relay.example"


class Relay:
    """Delivers to two Maildirs.

    Args:
        delivered: of everybody's mail.
        journal: the copies by which Notify knows what was accepted.
    """

    def __init__(self, delivered: Path, journal: Path) -> None:
        for folder in (delivered, journal):
            for part in ("tmp", "new", "cur"):  # the library makes them only where it makes the folder too
                (folder / part).mkdir(parents=True, exist_ok=True)
        self._delivered, self._journal = mailbox.Maildir(delivered), mailbox.Maildir(journal)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        """Take a message."""
        content = envelope.content or b""
        self._delivered.add(content)
        if JOURNAL_ADDRESS in envelope.rcpt_tos:
            self._journal.add(content)
        return "250 OK"


async def serve(relay: Relay) -> None:
    """Listen until the end."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(relay, hostname="relay.example", loop=loop), "0.0.0.0", PORT)  # noqa: S104
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Relay(Path(sys.argv[1]), Path(sys.argv[2]))))
