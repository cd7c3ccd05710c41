"""The common services on one machine: their pods as the API server has them, run by `gdcc.pods`.

What people and add-ons put into a real cluster is put there for them: certificates of an authority of this folder's own
(cert-manager's, or the platform team's), and `notify-providers`, which names a relay that is here too.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gdcc.cluster.progress import Report
from gdcc.engine.api import Api, ApiError
from gdcc.errors import GdccError
from gdcc.model import Estate
from gdcc.network import GATEWAY
from gdcc.network.gateway import GATEWAY_PORT, SERVICE, backend, sync_account
from gdcc.pods import Machine, Pod
from gdcc.pods.network import DOMAIN
from gdcc.programs import Authority
from gdcc.services.outside import Outside

RUNNABLE = ("identity", "notify")
"""Services whose software this machine has; payment and e-Saraban are provisioned and bound, and do not run here."""
MANAGER = "gdcc-services-run"
"""Who owns the fields of the Secrets that are put there for people."""
CREDENTIALS = "credentials"
_KINDS = ("deployments", "statefulsets")
_CERTIFICATE = {"tls.crt", "tls.key"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a service can be reached.

    Attributes:
        host: its public name, which its certificate has.
        address: of its gateway, from this machine.
    """

    host: str
    address: str
    port: int = GATEWAY_PORT.port


class Running:
    """The common services of one cluster.

    Args:
        machine: entered; runs the pods.
        api: the cluster, as its administrator.
        estate: says which names the services have.
        services: of `RUNNABLE`.
    """

    def __init__(self, machine: Machine, api: Api, estate: Estate, services: Sequence[str], report: Report) -> None:
        self.machine, self._api, self._estate = machine, api, estate
        self._services, self._report, self._realm = services, report, ""
        self.authority = Authority.ensure(machine.folder / "authority")
        self._spaces = (*map(backend, services), GATEWAY)
        self.pods = self._pods_now()
        self.outside = Outside(machine, self._put) if "notify" in services else None
        named = [one for space in self._spaces for one in self._list(space, "services")]
        public = {
            endpoint.host: pod.id
            for pod in self.pods.values()
            if pod.namespace == GATEWAY
            for endpoint in estate.services[pod.name].endpoints
        }
        machine.expect([*self.pods.values(), *(self.outside.pods if self.outside else ())], named, public)

    # Begin -----------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Everything, in the order in which one needs the other.

        Raises:
            GdccError: a pod fails, or the stack is not applied with the layer `services`.
        """
        for pod in self.pods.values():
            self._certificates(pod)
        for service in self._services:
            self.job(backend(service), CREDENTIALS)
        if self.outside:
            self.outside.start()
        self._realm = self._realm_now()
        for pod in self._ordered():
            self.machine.start(pod)
            if pod.id == "svc-identity-keycloak":
                self.job(*sync_account("identity"))

    def job(self, namespace: str, name: str, *more: str) -> str:
        """Run what a CronJob runs, now, with more arguments if any; returns what it wrote."""
        path = f"/apis/batch/v1/namespaces/{namespace}/cronjobs/{name}"
        try:
            found = self._api.request("GET", path)[1]
        except ApiError as error:
            raise _missing(f"CronJob {namespace}/{name}") if error.status == 404 else error from error
        pod = Pod.of(found)
        container = {**pod.container, "args": [*(pod.container.get("args") or ()), *more]}
        pod = replace(pod, spec={**pod.spec, "containers": [container]})
        return self.machine.job(pod)

    # Go on -----------------------------------------------------------------------------------------------------------

    def refresh(self) -> list[str]:
        """Take up what was applied since, and start again what has ended.

        Mounted files change in place, pods whose template changed begin anew, and a changed realm is synchronised.

        Returns:
            What was done, a line each.
        """
        found = self._pods_now()
        changed = {pod.id for pod in found.values() if pod != self.pods.get(pod.id)}
        self.pods = found
        self.machine.refresh()
        done = []
        for pod in self._ordered():
            ended = self.machine.pid(pod) is None
            if ended or pod.id in changed:
                self.machine.start(pod)
                done.append(f"{pod.id}: {'it had ended' if ended else 'it has another template'}; started again")
        if (now := self._realm_now()) != self._realm:
            self._realm = now
            self.job(*sync_account("identity"))
            done.append("the realm: changed, and synchronised")
        return done

    def watch(self, told: Callable[[str], object], seconds: float = 2.0) -> None:
        """Until it is interrupted: what was applied is taken up, and what ended by itself is started again."""
        while True:
            time.sleep(seconds)
            for each in self.refresh():
                told(each)

    def places(self) -> dict[str, Place]:
        """Where each service is reached, by its name."""
        pods = {one.name: one for one in self.pods.values() if one.namespace == GATEWAY}
        return {
            name: Place(self._estate.services[name].endpoints[0].host, self.machine.address(pods[name]))
            for name in self._services
        }

    # Ask -------------------------------------------------------------------------------------------------------------

    def _pods_now(self) -> dict[str, Pod]:
        return {pod.id: pod for space in self._spaces for pod in map(Pod.of, self._workloads(space))}

    def _workloads(self, space: str) -> Iterator[Json]:
        found = [one for kind in _KINDS for one in self._list(space, kind, "/apis/apps/v1")]
        if not found:
            raise _missing(f"namespace {space}")
        for one in found:
            if space != GATEWAY or one["metadata"]["labels"].get(SERVICE) in self._services:
                yield one

    def _list(self, space: str, kind: str, root: str = "/api/v1") -> list[Json]:
        return list(self._api.request("GET", f"{root}/namespaces/{space}/{kind}")[1]["items"])

    def _realm_now(self) -> str:
        if "identity" not in self._services:
            return ""
        found = self._api.request("GET", f"/api/v1/namespaces/{backend('identity')}/configmaps/realm")[1]
        return str(found["data"])

    def _ordered(self) -> Iterable[Pod]:
        """Databases, the ID service, what is behind the gateways, the gateways."""

        def rank(pod: Pod) -> int:
            names = {"postgres": 0, "keycloak": 1}
            return 3 if pod.namespace == GATEWAY else names.get(pod.name, 2)

        return sorted(self.pods.values(), key=rank)

    # Put there for people --------------------------------------------------------------------------------------------

    def _certificates(self, pod: Pod) -> None:
        """The certificates that a pod mounts, and what it trusts."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for secret in pod.mounted("secret"):
            wanted[secret["secretName"]] |= {one["key"] for one in secret.get("items") or ()} or _CERTIFICATE
        authority = {"ca.crt": self.authority.certificate.read_bytes()}
        for name, keys in wanted.items():
            if keys == {"ca.crt"}:
                self._put(pod.namespace, name, authority)
            elif keys >= _CERTIFICATE:
                certificate, key = self.authority.issue(pod.id, self._names(pod))
                pair = {"tls.crt": certificate.read_bytes(), "tls.key": key.read_bytes()}
                self._put(pod.namespace, name, {**pair, **authority})

    def _names(self, pod: Pod) -> tuple[str, ...]:
        """By which a pod is reached: of the Services before it, and the public ones of a service's gateway."""
        inside = [
            f"{one['metadata']['name']}{rest}"
            for one in self._list(pod.namespace, "services")
            if (one["spec"].get("selector") or {}).items() <= pod.labels.items()
            for rest in ("", f".{pod.namespace}.{DOMAIN}")
        ]
        endpoints = self._estate.services[pod.name].endpoints if pod.namespace == GATEWAY else ()
        return tuple(dict.fromkeys([*inside, *(one.host for one in endpoints)]))

    def _put(self, namespace: str, name: str, data: Mapping[str, bytes]) -> None:
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "namespace": namespace,
                "name": name,
                "labels": {"app.kubernetes.io/managed-by": MANAGER},
            },
            "data": {key: b64encode(value).decode() for key, value in data.items()},
        }
        query = {"fieldManager": MANAGER, "force": "true"}
        path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        self._api.request("PATCH", path, query, manifest, content_type="application/apply-patch+yaml")


def _missing(what: str) -> GdccError:
    return GdccError(
        f"{what} has nothing of the common services", "apply the stack with the layer `services` first: gdcc up"
    )
