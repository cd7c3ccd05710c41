"""One API server that the program puts objects on, and what this stack has there."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gdcc.engine import lease
from gdcc.engine.api import CONNECTIONS, Api, Key, Kind, Object, connect, key_of, served_or_raise
from gdcc.engine.applyset import PART_OF, URN, ApplySet, Extent
from gdcc.engine.values import UNKNOWN
from gdcc.errors import GdccError


class Site:
    """The members of one stack on one API server, read once and then answered from memory.

    Attributes:
        recorded: the extent that the ApplySet's parent had when it was read; None before the first run.
        lock: how many runs had held the stack's lock just before the members were read.
    """

    def __init__(self, api: Api, applyset: ApplySet) -> None:
        self.api = api
        self.applyset = applyset
        self.recorded: Extent | None = None
        self.lock = 0
        self._members: dict[Key, Object] = {}
        self._by_urn: dict[str, Object] = {}
        self._listed: set[str] = set()
        self._namespaces: set[str] | None = None
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Read the members anew."""
        self._members, self._by_urn, self._listed, self._namespaces = {}, {}, set(), None
        self.lock = lease.turns(self.api, self.applyset.name)
        self.recorded = self.applyset.read(self.api)
        if self.recorded:
            self.list_kinds(self.recorded.group_kinds)

    def list_kinds(self, group_kinds: Iterable[str]) -> None:
        """Read the members of these kinds, those read before excepted."""
        wanted = sorted(set(group_kinds) - self._listed)
        self._listed.update(wanted)
        served = [each for each in map(self.api.preferred, wanted) if each]
        if not served:
            return
        with ThreadPoolExecutor(CONNECTIONS, "list") as pool:
            for objects in pool.map(lambda each: list(self.api.list(each, selector=self.applyset.selector)), served):
                for live in objects:
                    self._members[key_of(live)] = live
                    if urn := (live["metadata"].get("annotations") or {}).get(URN):
                        self._by_urn[urn] = live

    def member(self, key: Key) -> Object | None:
        """A live object of this stack; None when there is none."""
        if key.group_kind not in self._listed:
            self.list_kinds([key.group_kind])
        return self._members.get(key)

    def members(self) -> Mapping[Key, Object]:
        """All live objects of this stack that were read."""
        return self._members

    def named(self, urns: Iterable[str]) -> Object | None:
        """The live object that one of these URNs made."""
        return next((self._by_urn[urn] for urn in urns if urn in self._by_urn), None)

    def has_namespace(self, name: str) -> bool:
        """Whether a namespace is there, and not being deleted."""
        with self._lock:
            if self._namespaces is None:
                served = served_or_raise(self.api, Kind("v1", "Namespace"))
                listed = self.api.list(served, metadata_only=True)
                self._namespaces = {
                    each["metadata"]["name"] for each in listed if "deletionTimestamp" not in each["metadata"]
                }
        return name in self._namespaces

    def is_member(self, live: Object) -> bool:
        """Whether a live object belongs to this stack."""
        return self.owner(live) == self.applyset.id

    @staticmethod
    def owner(live: Object) -> str:
        """The id of the ApplySet that a live object belongs to; "" when it belongs to none."""
        return str((live["metadata"].get("labels") or {}).get(PART_OF, ""))


class Sites:
    """The API servers of one run: that of the stack's configuration, and those of explicit providers.

    Args:
        config: the settings of the default provider: `kubeconfig`, `context`, `namespace`; each may be absent.
        default_kubeconfig: used where a provider names none.
    """

    def __init__(self, applyset: ApplySet, config: Mapping[str, str], default_kubeconfig: str | None = None) -> None:
        self._applyset = applyset
        self._kubeconfig = default_kubeconfig
        self._providers: dict[str, tuple[Site, str]] = {}
        self._by_server: dict[str, Site] = {}
        self._config = config

    def open_default(self) -> Site:
        """Connect to the server of the stack's configuration."""
        return self.of("", self._config)[0]

    def of(self, provider: str, settings: Mapping[str, Any] | None = None) -> tuple[Site, str]:
        """The site of a provider and the namespace it puts objects in.

        Args:
            provider: the provider's URN; "" for the default provider.
            settings: the provider's inputs, needed the first time that it is asked for.
        """
        if provider not in self._providers:
            given = settings or {}
            if any(given.get(key) == UNKNOWN for key in ("kubeconfig", "context", "namespace")):
                raise GdccError(
                    f"provider {provider}: its kubeconfig, context or namespace is only known after an update",
                    "Give it a value known beforehand, or run this stack with the Pulumi CLI (`pulumi up`).",
                )
            api = connect(given.get("kubeconfig") or self._kubeconfig, given.get("context"))
            site = self._by_server.get(api.server)
            if site is None:
                site = self._by_server[api.server] = Site(api, self._applyset)
                site.refresh()
            self._providers[provider] = site, given.get("namespace") or "default"
        return self._providers[provider]

    def __iter__(self) -> Iterator[Site]:
        return iter(tuple(self._by_server.values()))

    def refresh(self) -> None:
        """Read the members of every site anew."""
        for site in self:
            site.refresh()
