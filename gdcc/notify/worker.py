"""The worker: takes what is due, hands it over, notes what became of it; killed at any point, it loses nothing."""

from __future__ import annotations

import threading
import time
from collections import Counter

import psycopg

from gdcc.errors import GdccError
from gdcc.notify import journal
from gdcc.notify.delivery import Delivery
from gdcc.notify.keyring import Keyring
from gdcc.notify.ledger import Ledger
from gdcc.notify.log import event, failure
from gdcc.notify.providers import ProvidersFile, journal_folder
from gdcc.notify.settings import Settings

IDLE_SECONDS = 0.2
PAUSE_SECONDS = 2.0
"""After a next hop or the database did not answer."""
TIDY_SECONDS = 60.0


class Worker:
    """Threads that each work on batches, and one that erases what is past its time."""

    def __init__(self, settings: Settings, keyring: Keyring, providers: ProvidersFile) -> None:
        self._settings = settings
        self._keyring = keyring
        self._providers = providers
        self._stop = threading.Event()
        self._beats: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        names = [f"courier-{number}" for number in range(settings.couriers)]
        self._threads = [threading.Thread(target=self._loop, args=(name,), name=name, daemon=True) for name in names]
        self._threads.append(threading.Thread(target=self._housekeep, name="housekeeper", daemon=True))

    def start(self) -> None:
        """Begins."""
        for thread in self._threads:
            self._beats[thread.name] = time.monotonic()
            thread.start()

    def stop(self, seconds: float = 25.0) -> None:
        """Ends after the messages in hand; one that takes longer is treated as after a kill."""
        self._stop.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def alive(self, seconds: float = 180.0) -> bool:
        """Whether every thread has moved lately; a batch in which every message times out takes its time."""
        return all(one.is_alive() for one in self._threads) and all(
            time.monotonic() - beat < seconds for beat in self._beats.values()
        )

    def _loop(self, name: str) -> None:
        work: Delivery | None = None
        while not self._stop.is_set():
            self._beats[name] = time.monotonic()
            pause = 0.0
            try:
                if work is None:
                    ledger = Ledger(self._settings.database_url)
                    work = Delivery(self._settings, self._keyring, self._providers, ledger, self._stop, self.counts)
                taken, reached = work.run()
                pause = PAUSE_SECONDS if not reached else 0.0 if taken else IDLE_SECONDS
            except (psycopg.Error, GdccError) as error:
                _tell("database", error)
                _close(work)
                work, pause = None, PAUSE_SECONDS
            except Exception as error:
                failure("failed", error)
                _close(work)
                work, pause = None, PAUSE_SECONDS
            if pause:
                self._stop.wait(pause)
        _close(work)

    def _housekeep(self) -> None:
        while not self._stop.is_set():
            self._beats["housekeeper"] = time.monotonic()
            try:
                ledger = Ledger(self._settings.database_url)
                try:
                    if erased := ledger.erase(self._settings.retention_days):
                        event("erased", count=erased)
                    ledger.tidy()
                finally:
                    ledger.close()
                if self._providers.email and (kept := self._providers.email.journal):
                    journal.prune(journal_folder(kept), kept.keep_hours)
            except (psycopg.Error, GdccError) as error:
                _tell("housekeeping", error)
            self._stop.wait(TIDY_SECONDS)


def _close(work: Delivery | None) -> None:
    if work is not None:
        work.close()


def _tell(name: str, error: psycopg.Error | GdccError) -> None:
    """A sentence of ours may be told; the database's may quote values."""
    if isinstance(error, GdccError):
        event(name, level="error", problem=error.message)
    else:
        failure(name, error)
