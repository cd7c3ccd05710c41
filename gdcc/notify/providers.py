"""The next hops: a mounted secret file, since addresses of providers carry their passwords."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

import apprise
from apprise.plugins.email import NotifyEmail
from pydantic import Field, StringConstraints, model_validator

from gdcc.model.record import Record, wrong

AfterUnknown = Literal["resend", "fail"]
"""What becomes of a message when it cannot be known whether the next hop has it."""
PLACE = "{recipient}"
Url = Annotated[str, StringConstraints(min_length=8, max_length=2000)]


class Journal(Record):
    """The relay's copy of everything that it accepted, in a Maildir that this service reads."""

    address: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    """Added to the recipients of every message, so that the relay takes both or neither."""
    maildir: str
    """Where the relay delivers that address."""
    grace_seconds: int = Field(default=60, ge=1, le=86_400)
    """How long after a hand-over began the relay's copy is sure to be there."""
    keep_hours: int = Field(default=24, ge=1, le=720)
    """Copies hold bodies: older ones are removed."""


class Email(Record):
    """Mail goes to one relay."""

    url: Url
    """apprise's ``mailto://`` or ``mailtos://``, without recipients."""
    address: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    """The sender; bounces come here."""
    name: str = Field(min_length=1, max_length=100)
    journal: Journal | None = None
    after_unknown: AfterUnknown = "resend"
    """Used without a journal. A repetition is the same to the byte, Message-ID included."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        plugin = apprise.Apprise.instantiate(self.url, suppress_exceptions=True)
        if not isinstance(plugin, NotifyEmail):
            raise wrong("no address of a mail relay", "`mailto://relay.example:25` or `mailtos://...`", ("url",))
        return self


class Gateway(Record):
    """A provider that apprise reaches over HTTP."""

    url: Url
    """apprise's address with ``{recipient}`` in it, for Kannel: ``form://host:13013/cgi-bin/sendsms?method=get``
    ``&-charset=UTF-8&-coding=2&:to={recipient}&:message=text&:version=&:title=&:type=``."""
    sender: str = Field(min_length=1, max_length=20)
    after_unknown: AfterUnknown = "fail"
    """A text message costs, and carries one-time passwords: by default it is not sent again."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if PLACE not in self.url:
            raise wrong(f"no `{PLACE}`, so there is nobody to send to", "it where the number belongs", ("url",))
        if apprise.Apprise.instantiate(self.url.replace(PLACE, "66812345678"), suppress_exceptions=True) is None:
            raise wrong("no address that apprise knows", "one of its documentation", ("url",))
        return self


class ProvidersFile(Record):
    """Per channel the next hop; a channel left out is refused when asked for."""

    email: Email | None = None
    sms: Gateway | None = None
    line: Gateway | None = None

    def senders(self) -> dict[str, str]:
        """Per channel that there is, whom messages are from."""
        mail = {"email": self.email.address} if self.email else {}
        others = {"sms": self.sms, "line": self.line}
        return mail | {channel: one.sender for channel, one in others.items() if one}

    def after_unknown(self, channel: str) -> AfterUnknown:
        """What becomes of a message of that channel when it cannot be known whether the next hop has it."""
        one = {"email": self.email, "sms": self.sms, "line": self.line}[channel]
        return one.after_unknown if one else "fail"


def journal_folder(journal: Journal) -> Path:
    """The Maildir."""
    return Path(journal.maildir)
