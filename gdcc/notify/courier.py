"""Handing one message to the next hop, and saying what became of it."""

from __future__ import annotations

import contextlib
import email
import re
import smtplib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Literal, Protocol, cast
from urllib.parse import quote

import apprise
from apprise.common import NotifyFormat
from apprise.plugins.email import NotifyEmail
from apprise.plugins.email.smtp import AppriseSMTPController

from gdcc.notify.providers import PLACE, Email, Gateway
from gdcc.notify.witness import witness

Outcome = Literal["accepted", "refused", "deferred", "broken", "unknown"]
"""Taken by the next hop; refused for good; not taken now; cannot be sent at all; nobody knows."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is handed over."""

    id: uuid.UUID
    to: str
    subject: str | None
    body: str
    unsubscribe: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Handover:
    """What became of it."""

    outcome: Outcome
    code: int = 0
    """The next hop's, of SMTP or HTTP; 0 without one."""
    reached: bool = True
    """Whether the next hop answered at all."""


class Courier(Protocol):
    """One way to hand over; used by one thread."""

    def hand_over(self, message: Message, begin: Callable[[], None]) -> Handover:
        """Hands a message over.

        Args:
            message: what.
            begin: called once, right before the first moment from which the next hop may have the message. What it
                raises ends the hand-over before that moment.
        """

    def close(self) -> None:
        """Lets go of connections."""


class _Session(AppriseSMTPController):
    """apprise's connection with its TLS and login, spoken to by steps, since the steps decide what is known."""

    @property
    def smtp(self) -> smtplib.SMTP:
        return cast("smtplib.SMTP", self._socket)


class MailCourier:
    """Mail by apprise's plugin to one relay; the connection is kept between messages."""

    def __init__(self, provider: Email) -> None:
        plugin = apprise.Apprise.instantiate(provider.url, suppress_exceptions=False)
        if not isinstance(plugin, NotifyEmail):
            raise TypeError("no address of a mail relay")
        self._plugin = plugin
        self._provider = provider
        self._session: _Session | None = None

    def hand_over(self, message: Message, begin: Callable[[], None]) -> Handover:
        """As `Courier`."""
        text = compose(message, self._provider)
        recipients = [message.to]
        if self._provider.journal:
            recipients.append(self._provider.journal.address)
        try:
            smtp, code = self._opened()
            for recipient in recipients:
                if code in (250, 251):
                    code, _ = smtp.rcpt(recipient)
            if code not in (250, 251):
                smtp.rset()
                return Handover("refused" if 500 <= code < 600 and code not in (503, 530) else "deferred", code)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            return Handover("deferred", getattr(error, "smtp_code", 0), reached=False)
        begin()
        try:
            code, _ = smtp.data(text)
        except smtplib.SMTPDataError as error:  # the answer to DATA itself: nothing was sent
            self.close()
            return Handover("refused" if 500 <= error.smtp_code < 600 else "deferred", error.smtp_code)
        except (OSError, smtplib.SMTPException):
            self.close()
            return Handover("unknown", reached=False)
        if code == 250:
            return Handover("accepted", code)
        return Handover("refused" if 500 <= code < 600 else "deferred", code)

    def close(self) -> None:
        """As `Courier`."""
        if self._session is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._session.smtp.close()
            self._session = None

    def _opened(self) -> tuple[smtplib.SMTP, int]:
        """A connection on which a mail is begun, and what the relay said to that; a kept one may be gone by now."""
        if self._session is not None:
            try:
                code, _ = self._session.smtp.mail(self._provider.address)
                if code != 421:
                    return self._session.smtp, code
            except (OSError, smtplib.SMTPException):
                pass
            self.close()
        smtp = self._connected()
        return smtp, smtp.mail(self._provider.address)[0]

    def _connected(self) -> smtplib.SMTP:
        plugin = self._plugin
        self._session = _Session(
            host=plugin.smtp_host,
            port=plugin.port or 25,
            secure_mode=str(plugin.secure_mode),
            user=plugin.user,
            password=plugin.password,
            verify_certificate=plugin.verify_certificate,
            socket_connect_timeout=plugin.socket_connect_timeout,
        )
        try:
            self._session.__enter__()
        except BaseException:
            self._session = None
            raise
        self._session.smtp.ehlo_or_helo_if_needed()
        return self._session.smtp


class GatewayCourier:
    """SMS and LINE by apprise's plugin for the provider."""

    def __init__(self, provider: Gateway) -> None:
        self._url = provider.url

    def hand_over(self, message: Message, begin: Callable[[], None]) -> Handover:
        """As `Courier`."""
        plugin = apprise.Apprise.instantiate(self._url.replace(PLACE, quote(message.to, safe="")))
        if plugin is None:
            return Handover("broken")
        begin()
        with witness() as seen:
            taken = plugin.notify(body=message.body, title="", body_format=NotifyFormat.TEXT)
        if taken:
            return Handover("accepted")
        if seen.code:
            # 401 and 403 are the platform's account, not the recipient; 408 and 429 say themselves to come again.
            for_good = 400 <= seen.code < 500 and seen.code not in (401, 403, 408, 429)
            return Handover("refused" if for_good else "deferred", seen.code)
        return Handover("deferred" if seen.unsent else "unknown", reached=False)

    def close(self) -> None:
        """As `Courier`."""


def message_id(message: uuid.UUID, provider: Email) -> str:
    """The same for every attempt, so that a relay or mailbox can know a repetition (RFC 5322, 3.6.4)."""
    return f"<{message}@{provider.address.rpartition('@')[2]}>"


def compose(message: Message, provider: Email) -> str:
    """The mail, the same to the byte whenever it is composed."""
    headers = {"Auto-Submitted": "auto-generated"}
    if message.unsubscribe:
        headers |= {
            "List-Unsubscribe": f"<{message.unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    (prepared,) = NotifyEmail.prepare_emails(
        subject=message.subject or "",
        body=message.body,
        notify_format=NotifyFormat.TEXT,
        from_addr=(provider.name, provider.address),
        to=[(False, message.to)],
        headers=headers,
    )
    mail = email.message_from_string(prepared.body)
    for name, value in (
        ("Message-ID", message_id(message.id, provider)),
        ("Date", format_datetime(message.created_at)),
    ):
        mail.replace_header(name, value)
    # A header of bytes beyond ASCII could not be sent; apprise encodes them all.
    return re.sub(r"\r?\n", "\r\n", mail.as_string())
