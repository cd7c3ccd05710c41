"""One thread's work: taking what is due, handing it over, noting what became of it."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter
from collections.abc import Mapping

from gdcc.notify import journal
from gdcc.notify.courier import Courier, GatewayCourier, Handover, MailCourier, Message, message_id
from gdcc.notify.keyring import Keyring
from gdcc.notify.ledger import Due, Ledger, OvertakenError
from gdcc.notify.log import event
from gdcc.notify.providers import ProvidersFile, journal_folder
from gdcc.notify.settings import Settings

BATCH = 20
LONGEST_WAIT = 3600.0
"""Seconds between attempts, however many there were."""
_FINAL = {"accepted": "delivered", "refused": "permanent-failure", "broken": "technical-failure"}
_GO_ON = -1.0
"""The last attempt is settled and the message is still to be handed over."""


def couriers(providers: ProvidersFile) -> Mapping[str, Courier]:
    """A courier per channel that there is."""
    mail: dict[str, Courier] = {"email": MailCourier(providers.email)} if providers.email else {}
    others = {"sms": providers.sms, "line": providers.line}
    return mail | {channel: GatewayCourier(one) for channel, one in others.items() if one}


class Delivery:
    """Batches from the queue.

    Args:
        settings: waits and limits.
        keyring: opens what was sealed.
        providers: the next hops.
        ledger: this thread's connections.
        stop: set to end after the message in hand.
        counts: outcomes, for the metrics.
    """

    def __init__(
        self,
        settings: Settings,
        keyring: Keyring,
        providers: ProvidersFile,
        ledger: Ledger,
        stop: threading.Event,
        counts: Counter[str],
    ) -> None:
        self._settings = settings
        self._keyring = keyring
        self._providers = providers
        self._ledger = ledger
        self._stop = stop
        self._counts = counts
        self._couriers = couriers(providers)

    def close(self) -> None:
        """Lets go of connections and locks."""
        for courier in self._couriers.values():
            courier.close()
        self._ledger.close()

    def run(self) -> tuple[int, bool]:
        """Works on one batch; returns how many messages it took, and whether the next hops answered."""
        taken = self._ledger.take(BATCH)
        done: list[uuid.UUID] = []
        later: list[tuple[uuid.UUID, float]] = []
        reached = True
        for due in taken:
            if self._stop.is_set() or not reached:
                break
            try:
                wait, reached = self._handle(due)
            except OvertakenError:
                event("overtaken", level="warning", notification=due.id)
                continue
            if wait is None:
                done.append(due.id)
            else:
                later.append((due.id, wait))
        if taken:
            self._ledger.settle(done, later)
        return len(taken), reached

    def _handle(self, due: Due) -> tuple[float | None, bool]:
        """Works on one message; returns the seconds until it is due again, None if it is done; and `reached`."""
        if due.status not in ("created", "sending"):
            return None, True  # noted, and then its worker died before it left the queue
        if due.open_since is not None and (decided := self._decide(due)) != _GO_ON:
            return decided, True
        number = due.attempts + 1
        courier = self._couriers.get(due.channel)
        try:
            content = self._keyring.open(due.id, due.sealed or b"")
        except ValueError:
            return self._note(due, number, Handover("broken")), True
        if courier is None:
            return self._note(due, number, Handover("deferred")), True
        message = Message(
            due.id, content["to"], content.get("subject"), content["body"], content.get("unsubscribe"), due.created_at
        )
        handover = courier.hand_over(message, lambda: self._ledger.begin(due, number))
        return self._note(due, number, handover), handover.reached

    def _note(self, due: Due, number: int, handover: Handover) -> float | None:
        outcome = handover.outcome
        status = _FINAL.get(outcome)
        late = (due.now - due.created_at).total_seconds() > self._settings.give_up_hours * 3600
        if outcome == "deferred" and late:
            status = "temporary-failure"
        if outcome != "unknown":  # an attempt without an outcome stays open, as if this worker had died
            self._ledger.finish(due, number, outcome, status)
        self._count(due, number, outcome, status, handover.code)
        if status:
            return None
        if outcome == "unknown":
            return 0.0
        doubled = self._settings.retry_seconds * 2.0 ** min(number - 1, 20)
        return min(doubled, LONGEST_WAIT) * random.uniform(0.9, 1.1)  # noqa: S311  spreads retries, hides nothing

    def _decide(self, due: Due) -> float | None:
        """What becomes of a message whose last attempt has no outcome: its worker died, or nobody answered."""
        number = due.attempts
        kept = self._providers.email.journal if due.channel == "email" and self._providers.email else None
        if kept and self._providers.email and due.open_since:
            grace = kept.grace_seconds - (due.now - due.open_since).total_seconds()
            if grace > 0:
                return grace
            try:
                found = journal.accepted(
                    journal_folder(kept), message_id(due.id, self._providers.email), due.open_since
                )
            except journal.JournalError as error:
                event("journal", level="error", problem=error.message)
                return float(kept.grace_seconds)
            self._ledger.finish(due, number, "accepted" if found else "lost", "delivered" if found else None)
            self._count(due, number, "accepted" if found else "lost", "delivered" if found else None)
            return None if found else _GO_ON
        if self._providers.after_unknown(due.channel) == "resend":
            self._ledger.finish(due, number, "unknown", None)
            self._count(due, number, "unknown resent", None)
            return _GO_ON
        self._ledger.finish(due, number, "unknown", "technical-failure")
        self._count(due, number, "unknown failed", "technical-failure")
        return None

    def _count(self, due: Due, number: int, outcome: str, status: str | None, code: int = 0) -> None:
        self._counts[f"{due.channel} {outcome}"] += 1
        if outcome != "accepted" or number > 1:
            event(
                "attempt",
                level="info" if outcome == "accepted" else "warning",
                notification=due.id,
                channel=due.channel,
                attempt=number,
                outcome=outcome,
                status=status or "sending",
                code=code,
            )
