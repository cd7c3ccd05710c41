"""Taking one wall away, and putting it back whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from tests.escape.attack import MERGE, Request
from tests.escape.ground import HOME, here
from tests.escape.identities import ADMINISTRATOR, TOKENS, Actor

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_RBAC = "rbac.authorization.k8s.io"
_ENFORCE = "pod-security.kubernetes.io/enforce"

Replacements = Mapping[str, str]
"""Actors replaced by others: what a running API server cannot be without, a person can."""


class Walls:
    """The walls of one cluster.

    Args:
        actors: everybody, by name; the administrator takes walls away.
    """

    def __init__(self, actors: Mapping[str, Actor]) -> None:
        self._actors = actors
        self._administrator = actors[ADMINISTRATOR]
        self._of_kubernetes: Mapping[str, Callable[[Iterable[str]], AbstractContextManager[Replacements]]] = {
            "rbac": self._without_rbac,
            "pod-security": self._without_pod_security,
            "quota": lambda _: self._without(here("resourcequotas"), "quota"),
            "limits": lambda _: self._without(here("limitranges"), "limits"),
            "authentication": lambda _: _replacing(dict.fromkeys(TOKENS[1:], ADMINISTRATOR)),
            "allow-privileged": lambda _: _replacing({}),  # a flag of the API server: the attack has a twin
            "front-proxy": lambda _: _replacing({"tenant-admin": "front-proxy"}),
            "node-restriction": self._without_node_restriction,
        }

    def lifted(self, wall: str, actors: Iterable[str]) -> AbstractContextManager[Replacements]:
        """Inside, that wall is not there for these actors."""
        if wall in self._of_kubernetes:
            return self._of_kubernetes[wall](actors)
        kind = "mutating" if wall.startswith("gdcc-default-") else "validating"
        return self._without(f"{ADMISSION}/{kind}admissionpolicybindings", wall)

    @contextmanager
    def _without(self, path: str, name: str) -> Iterator[Replacements]:
        live = self._administrator.call(Request("GET", f"{path}/{name}"))
        kept = {key: value for key, value in live["metadata"].items() if key in ("name", "labels", "annotations")}
        body = {key: value for key, value in live.items() if key != "status"} | {"metadata": kept}
        self._administrator.call(Request("DELETE", f"{path}/{name}"))
        try:
            yield {}
        finally:
            self._administrator.call(Request("POST", path, body))

    @contextmanager
    def _without_rbac(self, actors: Iterable[str]) -> Iterator[Replacements]:
        users = sorted({self._actors[actor].user for actor in actors})
        body = {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "escape-without-rbac"},
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user} for user in users],
        }
        path = f"/apis/{_RBAC}/v1/clusterrolebindings"
        self._administrator.call(Request("POST", path, body))
        try:
            yield {}
        finally:
            self._administrator.call(Request("DELETE", f"{path}/escape-without-rbac"))

    @contextmanager
    def _without_pod_security(self, _: Iterable[str]) -> Iterator[Replacements]:
        path = f"/api/v1/namespaces/{HOME}"
        before = self._administrator.call(Request("GET", path))["metadata"]["labels"][_ENFORCE]
        self._administrator.call(Request("PATCH", path, _labelled("privileged"), MERGE))
        try:
            yield {}
        finally:
            self._administrator.call(Request("PATCH", path, _labelled(before), MERGE))

    @contextmanager
    def _without_node_restriction(self, _: Iterable[str]) -> Iterator[Replacements]:
        with self._without_rbac(["not-a-node"]):
            yield {"node": "not-a-node"}


def _labelled(level: str) -> dict[str, dict[str, dict[str, str]]]:
    return {"metadata": {"labels": {_ENFORCE: level}}}


@contextmanager
def _replacing(replacements: Replacements) -> Iterator[Replacements]:
    yield replacements
