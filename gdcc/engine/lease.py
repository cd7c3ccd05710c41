"""One run at a time: a Lease beside the ApplySet's parent, renewed while the run lasts."""

from __future__ import annotations

import datetime
import os
import platform
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from gdcc.engine.api import Api, ApiError, Kind, Object, served_or_raise
from gdcc.engine.applyset import NAMESPACE, ensure_namespace
from gdcc.errors import GdccError

DURATION = 15
"""Seconds after which a holder that has not renewed counts as gone."""
_RENEW = 5
_POLL = 0.5
_LEASE = Kind("coordination.k8s.io/v1", "Lease")


class LockedError(GdccError):
    """Another run holds the lock, and the time to wait for it is over."""


class Lock:
    """The lock of one stack on one API server, as a context manager.

    A holder on this machine that is dead is relieved at once; one elsewhere when it has not renewed for `DURATION`
    seconds by this machine's own clock, as Kubernetes' leader election does it.

    Args:
        timeout: seconds to wait for another run to end.
        say: called once with whom is waited for.

    Attributes:
        previous: how many runs had held the lock before this one.
    """

    def __init__(self, api: Api, name: str, timeout: float, say: Callable[[str], None]) -> None:
        self._api = api
        self._served = served_or_raise(api, _LEASE)
        self._name = name
        self._timeout = timeout
        self._say = say
        self._identity = identity()
        self._stop = threading.Event()
        self._renewed = time.monotonic()
        self.previous = 0

    def check(self) -> None:
        """Make sure that the lock is still held.

        Raises:
            GdccError: it could not be renewed in time, so that another run may have begun.
        """
        if time.monotonic() - self._renewed > DURATION:
            raise GdccError(
                f"the lock of this run (Lease {NAMESPACE}/{self._name}) could not be renewed for {DURATION} s",
                "Run it again when the API server answers: it goes on from what is done.",
            )

    def __enter__(self) -> Self:
        ensure_namespace(self._api)
        deadline = time.monotonic() + self._timeout
        seen, since, told = "", time.monotonic(), False
        while True:
            lease = self._read()
            holder = lease["spec"].get("holderIdentity", "") if lease else ""
            renewed = f"{holder} {lease['spec'].get('renewTime') if lease else ''}"
            if renewed != seen:
                seen, since = renewed, time.monotonic()
            if not holder or _is_dead(holder) or time.monotonic() - since > DURATION:
                if self._take(lease):
                    break
                continue
            if not told:
                self._say(f"waiting for another run to end: {_words(holder)}")
                told = True
            if time.monotonic() > deadline:
                raise LockedError(
                    f"another run holds the lock: {_words(holder)}",
                    f"Wait for it to end, or give a longer --lock-timeout. It is Lease {NAMESPACE}/{self._name}.",
                )
            time.sleep(_POLL)
        threading.Thread(target=self._renew, name="lease", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        try:
            lease = self._read()
            if lease and lease["spec"].get("holderIdentity") == self._identity:
                self._put(lease, "")
        except GdccError:
            pass  # it runs out by itself

    def _read(self) -> Object | None:
        return self._api.get(self._served, NAMESPACE, self._name)

    def _take(self, lease: Object | None) -> bool:
        try:
            self._put(lease, self._identity)
        except ApiError as error:
            if error.status in (404, 409):
                return False
            raise
        self._renewed = time.monotonic()
        self.previous = _turns(lease)
        return True

    def _put(self, lease: Object | None, holder: str) -> None:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        old = (lease or {}).get("spec") or {}
        spec = {"holderIdentity": holder, "leaseDurationSeconds": DURATION, "renewTime": now}
        spec["acquireTime"] = old.get("acquireTime", now) if old.get("holderIdentity") == holder else now
        spec["leaseTransitions"] = _turns(lease) + int(bool(holder) and old.get("holderIdentity") != holder)
        metadata = {"name": self._name, "namespace": NAMESPACE}
        if lease is None:
            method, path = "POST", self._served.path(NAMESPACE)
        else:
            method, path = "PUT", self._served.path(NAMESPACE, self._name)
            metadata["resourceVersion"] = lease["metadata"]["resourceVersion"]
        self._api.request(
            method,
            path,
            body={"apiVersion": _LEASE.api_version, "kind": _LEASE.kind, "metadata": metadata, "spec": spec},
        )

    def _renew(self) -> None:
        while not self._stop.wait(_RENEW):
            try:
                lease = self._read()
                if lease is None or lease["spec"].get("holderIdentity") != self._identity:
                    self._renewed = -DURATION  # somebody took it, or removed it
                    return
                self._put(lease, self._identity)
                self._renewed = time.monotonic()
            except GdccError:
                continue


@dataclass(frozen=True)
class Vigil:
    """The locks of one run.

    Attributes:
        fresh: whether no other run held any of them since they were last looked at.
    """

    locks: tuple[Lock, ...]
    fresh: bool

    def check(self) -> None:
        """Make sure that all are still held.

        Raises:
            GdccError: one is not.
        """
        for lock in self.locks:
            lock.check()


def turns(api: Api, name: str) -> int:
    """How many runs have held the lock so far."""
    return _turns(api.get(served_or_raise(api, _LEASE), NAMESPACE, name))


def _turns(lease: Object | None) -> int:
    return int(lease["spec"].get("leaseTransitions") or 0) if lease else 0


def remove(api: Api, name: str) -> None:
    """Remove a stack's Lease, after the stack is destroyed."""
    served = served_or_raise(api, _LEASE)
    if lease := api.get(served, NAMESPACE, name):
        api.delete(served, NAMESPACE, name, lease["metadata"]["uid"])


def identity() -> str:
    """This process, so named that another on the same machine can tell whether it lives."""
    me = psutil.Process()
    return f"{platform.node()}/{_machine()}/{me.pid}/{int(me.create_time() * 1000)}"


def _machine() -> str:
    """This boot of this machine, and the process-id namespace in it; "" where the system tells neither."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}.{os.readlink('/proc/self/ns/pid').strip('pid:[]')}"
    except OSError:
        return ""


def _is_dead(holder: str) -> bool:
    """Whether a holder was a process of this machine, in this boot, that is no more."""
    parts = holder.split("/")
    if len(parts) != 4 or not parts[1] or parts[:2] != [platform.node(), _machine()]:
        return False
    try:
        return int(psutil.Process(int(parts[2])).create_time() * 1000) != int(parts[3])
    except (psutil.NoSuchProcess, ValueError):
        return True


def _words(holder: str) -> str:
    parts = holder.split("/")
    return f"process {parts[2]} on {parts[0]}" if len(parts) == 4 else holder
