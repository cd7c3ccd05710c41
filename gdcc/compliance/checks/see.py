"""What checks share: targets, verdicts, and the cluster's objects, listed once each however many checks ask."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import urllib3

from gdcc.compliance.check import Look, Observation, Scene, Unreachable
from gdcc.compliance.evidence import State, Target
from gdcc.engine.api import CONNECTIONS, Api, Kind, Object
from gdcc.errors import GdccError
from gdcc.model import Tenant
from gdcc.network import Namespace

_TIMEOUT = 10.0
_MOST = 5
"""Things named in one answer; the rest are counted."""
_making = threading.Lock()


def agency(tenant: Tenant, line: int = 0) -> Target:
    """An agency's request."""
    name = f"{tenant.ministry}/{tenant.agency}"
    return Target(
        kind="agency", name=name, ministry=tenant.ministry, agency=tenant.agency, file=tenant.source, line=line
    )


def space(namespace: Namespace) -> Target:
    """One environment of an agency."""
    tenant = namespace.tenant
    return Target(
        kind="namespace", name=namespace.name, ministry=tenant.ministry, agency=tenant.agency, file=tenant.source
    )


def cluster(scene: Scene, part: str = "") -> Target:
    """The stack's cluster, or a part of it such as `kube-apiserver`."""
    return Target(kind="cluster", name=f"{scene.stack}/{part}" if part else scene.stack)


def verdict(good: bool, target: Target, expected: str, actual: str, command: str) -> Observation:
    """Pass or fail."""
    return Observation(State.PASS if good else State.FAIL, target, expected, actual, command)


def few(things: Iterable[Any]) -> str:
    """The first of some things, and how many more there are."""
    listed = [str(each) for each in things]
    more = f" and {len(listed) - _MOST} more" if len(listed) > _MOST else ""
    return ", ".join(listed[:_MOST]) + more


class Live:
    """The objects of one cluster; each kind is read once, however many checks ask for it at once."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._lists: dict[tuple[str, str, str, bool], tuple[Object, ...]] = {}
        self._locks: dict[tuple[str, str, str, bool], threading.Lock] = {}
        self._lock = threading.Lock()

    def every(
        self, api_version: str, kind: str, selector: str = "", *, metadata_only: bool = False
    ) -> tuple[Object, ...]:
        """All objects of a kind; none when the server does not serve it."""
        key = (api_version, kind, selector, metadata_only)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._lists:
                served = self.api.served(Kind(api_version, kind))
                self._lists[key] = (
                    tuple(self.api.list(served, selector=selector, metadata_only=metadata_only)) if served else ()
                )
        return self._lists[key]


def live(scene: Scene) -> Live | Unreachable:
    """The scene's cluster; the same object for every check of a run."""
    if isinstance(scene.api, Unreachable):
        return scene.api
    with _making:
        kept: Live = vars(scene).setdefault("live", Live(scene.api))  # beside the scene's own cached properties
    return kept


def on_cluster(expected: str, command: str) -> Callable[[Callable[[Scene, Live], Iterable[Observation]]], Look]:
    """Makes a check of a function that needs a cluster: without one it is not run, and says why."""

    def decorate(look: Callable[[Scene, Live], Iterable[Observation]]) -> Look:
        def looks(scene: Scene) -> Iterator[Observation]:
            found = live(scene)
            if isinstance(found, Unreachable):
                yield Observation(State.NOT_RUN, cluster(scene), expected, found.reason, command)
                return
            yield from look(scene, found)

        looks.__doc__ = look.__doc__
        return looks

    return decorate


class Stranger:
    """Requests to an API server without credentials, or in somebody else's name; nothing here changes anything.

    Args:
        impersonate: user name to ask as, with the right of the connection that is given; nobody by default.
    """

    def __init__(self, api: Api, impersonate: str = "", groups: tuple[str, ...] = ()) -> None:
        self._api = api
        self._headers = urllib3.HTTPHeaderDict({"User-Agent": "gdcc"})
        if impersonate:
            self._headers["Impersonate-User"] = impersonate
            for group in groups:
                self._headers.add("Impersonate-Group", group)
            self._pool = api._client.rest_client.pool_manager
        else:
            self._pool = urllib3.PoolManager(ca_certs=api._client.configuration.ssl_ca_cert, maxsize=CONNECTIONS)

    def request(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "", token: str = ""
    ) -> tuple[int, str]:
        """The status and text of the answer.

        Raises:
            GdccError: there is none.
        """
        headers = self._headers.copy()
        if "Impersonate-User" in headers:
            own: dict[str, str] = {}
            self._api._client.update_params_for_auth(own, [], ["BearerToken"], path, method, None)
            headers.extend(own)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if content_type:
            headers["Content-Type"] = content_type
        try:
            url = self._api.server + path
            answer = self._pool.request(method, url, body=body, headers=headers, timeout=_TIMEOUT, retries=False)
        except urllib3.exceptions.HTTPError as error:
            raise GdccError(f"no answer from the API server {self._api.server}: {error}") from error
        return answer.status, answer.data.decode(errors="replace")
