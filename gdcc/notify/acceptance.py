"""Taking a request to send: checked, kept, queued, answered."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping

from gdcc.model.template import Channel, Language, Text, Version
from gdcc.notify import recipients
from gdcc.notify.asking import Ask
from gdcc.notify.bindings import Caller
from gdcc.notify.keyring import Keyring
from gdcc.notify.refusal import Refusal, bad_request
from gdcc.notify.rendering import Rendered, render
from gdcc.notify.store import New, Store, Stored, UsedUpError
from gdcc.notify.templates import Library

RECENT_SECONDS = 60


class Acceptance:
    """What the API does with a request to send.

    Args:
        store: where it is kept.
        keyring: seals what names or reaches a person.
        senders: per channel there is, whom messages are from.
        public_url: how callers reach the service.
    """

    def __init__(self, store: Store, keyring: Keyring, senders: Mapping[str, str], public_url: str) -> None:
        self._store = store
        self._keyring = keyring
        self._senders = senders
        self._url = public_url

    async def throttle(self, caller: Caller) -> None:
        """Counts a request against the plan.

        Raises:
            Refusal: 429, with the seconds to wait.
        """
        most = caller.limits.requests_per_minute
        if await self._store.requests(caller.service, caller.kind) > most:
            message = f"Exceeded rate limit for key type {caller.kind.upper()} of {most:,} requests per 60 seconds"
            raise Refusal(429, "RateLimitError", message, retry_after=RECENT_SECONDS)

    async def accept(self, caller: Caller, ask: Ask, library: Library) -> tuple[dict[str, object], bool]:
        """Keeps and queues a message.

        Returns:
            The contract's answer, and whether the message is new; a repetition with the same reference is not.

        Raises:
            Refusal: it is not carried out; nothing was kept.
        """
        template = library.find(caller.binding.agency, ask.template)
        if template is None:
            raise bad_request("Template not found")
        if template.type != ask.channel:
            raise bad_request(f"{template.type} template is not suitable for {ask.channel} notification")
        if ask.channel not in self._senders:
            raise bad_request(f"Service is not allowed to send {ask.channel} messages: this platform has no provider")
        permit(caller, ask)
        text = words(template.newest, ask.language)
        rendered = render(text.subject, text.body, ask.personalisation, ask.channel)
        parts = (
            ask.channel,
            ask.recipient,
            str(ask.template),
            dict(ask.personalisation),
            ask.language,
            ask.unsubscribe,
        )
        identity = uuid.uuid4()
        content = {"to": ask.recipient, "body": rendered.body}
        content |= {"subject": rendered.subject} if rendered.subject else {}
        content |= {"unsubscribe": ask.unsubscribe} if ask.unsubscribe else {}
        new = New(
            id=identity,
            service=caller.service,
            kind=caller.kind,
            channel=ask.channel,
            reference=ask.reference,
            fingerprint=self._keyring.fingerprint(*parts),
            template=ask.template,
            template_version=template.newest.version,
            sealed=self._keyring.seal(identity, content),
            status=recipients.simulated(ask.recipient) if caller.kind == "test" else "created",
        )
        monthly = None if caller.kind == "test" else caller.limits.messages_per_month
        try:
            older = await self._store.place(new, monthly)
        except UsedUpError as error:
            message = f"Exceeded send limits ({monthly:,}) for this month"
            raise Refusal(429, "TooManyRequestsError", message) from error
        if older is None:
            return self._answer(ask, rendered, new.id, new.template_version), True
        if not self._keyring.same(older.fingerprint, *parts):
            message = "reference was used before, for another message; a reference names one message"
            raise Refusal(409, "ConflictError", message)
        return self._answer(ask, self._sent(older, rendered), older.id, older.template_version), False

    def _sent(self, older: Stored, now: Rendered) -> Rendered:
        """The words that were accepted the first time; the template's of today once they are erased."""
        with contextlib.suppress(ValueError):
            if older.sealed is not None:
                content = self._keyring.open(older.id, older.sealed)
                return Rendered(content.get("subject"), content["body"])
        return now

    def _answer(self, ask: Ask, rendered: Rendered, identity: uuid.UUID, version: int) -> dict[str, object]:
        content: dict[str, object] = {"body": rendered.body}
        if ask.channel == "email":
            content |= {"subject": rendered.subject, "from_email": self._senders["email"]}
            content |= {"one_click_unsubscribe_url": ask.unsubscribe}
        else:
            content |= {"from_number" if ask.channel == "sms" else "from": self._senders[ask.channel]}
        return {
            "id": str(identity),
            "reference": ask.reference,
            "content": content,
            "uri": f"{self._url}/v2/notifications/{identity}",
            "template": {
                "id": str(ask.template),
                "version": version,
                "uri": f"{self._url}/v2/template/{ask.template}",
            },
            "scheduled_for": None,
        }


def permit(caller: Caller, ask: Ask) -> None:
    """Who may be written to with this key.

    Raises:
        Refusal: not this recipient.
    """
    if caller.kind == "live" and caller.binding.plan != "live":
        raise bad_request("Can't send to this recipient when service is in trial mode")
    if caller.kind == "team" and ask.recipient not in allowed(caller, ask.channel):
        trial = "when service is in trial mode" if caller.binding.plan == "trial" else "using a team-only API key"
        raise bad_request(f"Can't send to this recipient {trial}: it is not on the agency's list")


def allowed(caller: Caller, channel: Channel) -> set[str]:
    """The allow-list's entries that are of this channel, in the form that recipients are brought into."""
    found: set[str] = set()
    for written in caller.binding.allowed:
        with contextlib.suppress(Refusal):
            found.add(recipients.FIELDS[channel][1](written))
    return found


def words(version: Version, language: Language | None) -> Text:
    """A version's text.

    Raises:
        Refusal: it has none in that language.
    """
    text = version.texts.get(language or version.language)
    if text is None:
        raise bad_request(f"The template has no text in the language {language}")
    return text
