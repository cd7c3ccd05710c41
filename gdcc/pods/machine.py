"""Pods on this machine: started, asked, brought up to date and ended."""

from __future__ import annotations

import os
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from gdcc.cluster.debian import PATH
from gdcc.cluster.disk import private_directory, write_private
from gdcc.cluster.golang import tail
from gdcc.cluster.progress import Report
from gdcc.engine.api import Api
from gdcc.errors import GdccError
from gdcc.nodes.system import succeeds
from gdcc.pods.images import stand_in
from gdcc.pods.network import Network, hosts
from gdcc.pods.pod import Json, Pod
from gdcc.pods.probe import ready
from gdcc.pods.root import Root
from gdcc.pods.volumes import TOKEN, Volumes
from gdcc.programs.site import Program, Site

START = 400.0
"""Seconds a pod may take until it is ready; Keycloak's first start on a new database is the slowest."""
JOB = 900.0
"""Seconds of a container that runs to its end, as the CronJobs have it."""
_TOOLS = ("ip", "nsenter", "unshare", "setpriv", "mount")


class Machine:
    """The pods of one folder; they end with the thread that made it, and `close` removes what they leave.

    Args:
        folder: of claims, logs and records; private to its owner.
        api: the cluster whose pods they are, as somebody who may read their Secrets.
        report: told what takes time.

    Raises:
        GdccError: not root, or a program is missing.
    """

    def __init__(self, folder: Path, api: Api, report: Report) -> None:
        _able()
        self.folder = private_directory(folder).resolve()
        self.volumes = Volumes(api, self.folder)
        self._api, self._report = api, report
        self._stand_in = cache(lambda image: stand_in(image, report))  # each probe of a command asks for it
        self._network = Network(self.folder)
        self._site = Site(self.folder / "run", attached=True)
        self._pods: dict[str, Pod] = {}
        self._services: list[Json] = []
        self._public: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.close()  # what a killed run left
        self._network.up()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End all pods; their claims and logs stay."""
        self._site.stop_all()
        self._network.down()
        self.volumes.forget()

    def expect(
        self, pods: Sequence[Pod], services: Sequence[Json] = (), public: Mapping[str, str] | None = None
    ) -> None:
        """Which pods there will be, and what names lead to them; those that are started are added.

        Args:
            pods: more of them.
            services: all Services; as before if none are given.
            public: names that the world has, and the ids of their pods; as before if none are given.
        """
        self._pods |= {one.id: one for one in pods}
        self._services, self._public = list(services) or self._services, dict(public or self._public)
        self._write_hosts()

    def address(self, pod: Pod) -> str:
        """Of a pod; this machine reaches every one."""
        return self._network.address(pod)

    def log(self, pod: Pod) -> Path:
        """What its container writes."""
        return self._site.log(pod.id)

    @property
    def log_folder(self) -> Path:
        """Where all logs are."""
        return self._site.root

    def pid(self, pod: Pod) -> int | None:
        """Its process, if it runs."""
        return self._site.pids().get(pod.id)

    def start(self, pod: Pod) -> None:
        """Run the containers that come first, then the one that stays, until it is ready.

        Raises:
            GdccError: one fails, or is not ready in time, with the end of its log.
        """
        self.stop(pod)
        self.expect([pod])
        self._network.join(pod)
        mounts = self.volumes.bring(pod, anew=True)
        for container in pod.first:
            self._to_the_end(pod, container, mounts)
        container = pod.container
        command, environment = self._command(pod, container, mounts)
        program = Program(
            pod.id,
            tuple(command),
            lambda: self._ready(pod, container),
            environment,
            home=Path("/"),
            stop_signal=self._stand_in(container["image"]).stop,
            patience=START,
        )
        self._site.start(program, self._report)

    def stop(self, pod: Pod) -> None:
        """End a pod; one that does not run is fine."""
        self._site.stop(pod.id)
        self._network.leave(pod)

    def job(self, pod: Pod) -> str:
        """Run a pod that ends by itself; returns what it wrote.

        Raises:
            GdccError: it fails, with the end of what it wrote.
        """
        self.expect([pod])
        if not pod.asks_kubernetes:
            self._network.join(pod)
        with self._report.step(f"running {pod.id}"):
            return self._to_the_end(pod, pod.container, self.volumes.bring(pod, anew=True))

    def refresh(self) -> None:
        """Bring mounted ConfigMaps and Secrets up to date, in place, as a kubelet does within a minute."""
        running = self._site.pids()
        for pod in self._pods.values():
            if pod.id in running:
                self.volumes.bring(pod, anew=False)

    def execute(self, pod: Pod, command: Sequence[str]) -> bool:
        """Whether a command succeeds in a pod's container."""
        pid = self.pid(pod)
        if pid is None:
            return False
        user = [f"--reuid={pod.user}", f"--regid={pod.user}", "--clear-groups", "--"]
        path = self._stand_in(pod.container["image"]).environment["PATH"]
        inside = ["nsenter", f"--target={pid}", "--net", "--mount", "--root", "--wd", "setpriv", *user]
        return succeeds([*inside, "env", f"PATH={path}", *command])

    def _ready(self, pod: Pod, container: Json) -> bool:
        return ready(container.get("readinessProbe"), self.address(pod), lambda command: self.execute(pod, command))

    def _to_the_end(self, pod: Pod, container: Json, mounts: Mapping[str, Path]) -> str:
        command, environment = self._command(pod, container, mounts)
        what = f"{pod.id}: {container['name']}"
        try:
            done = subprocess.run(
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=JOB,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise GdccError(f"{what} did not end in {JOB:.0f} s", "see whether what it needs is running") from error
        if done.returncode:
            raise GdccError(f"{what} failed; the end of what it wrote:\n{tail(done.stdout + done.stderr)}", "run again")
        return done.stdout

    def _command(self, pod: Pod, container: Json, mounts: Mapping[str, Path]) -> tuple[list[str], dict[str, str]]:
        image = self._stand_in(container["image"])
        folder = private_directory(self.folder / "pods" / pod.id / container["name"])
        binds = {one["mountPath"]: mounts[one["name"]] for one in container.get("volumeMounts") or ()}
        writable = {one["mountPath"] for one in container.get("volumeMounts") or () if not one.get("readOnly")}
        places = {**image.places, **binds, "/etc/hosts": self._hosts(pod), "/etc/passwd": _users(folder, pod.user)}
        if pod.asks_kubernetes:
            places[TOKEN] = self.volumes.identity(pod)
        # Links are followed here: in there they would lead out.
        real = {os.path.realpath(place): source for place, source in places.items()}
        root = Root(folder, real, frozenset(map(os.path.realpath, writable)), image.seen, pod.user)
        program = [*(container.get("command") or image.entrypoint), *(container.get("args") or ())]
        script = folder / "enter.sh"
        write_private(script, root.script(program, image.environment["PATH"]).encode())
        alone = [_tool("unshare"), "--mount", "--propagation", "private", "/bin/sh", str(script)]
        asked = {one["name"]: self._value(pod, one) for one in container.get("env") or ()}
        environment = {"HOME": "/tmp", "LANG": "C.UTF-8", **image.environment, **asked}  # noqa: S108 - in there
        if pod.asks_kubernetes:  # the local API server is on this machine's loopback, so such a pod shares its network
            at = urlsplit(self._api.server)
            server = {"KUBERNETES_SERVICE_HOST": at.hostname or "", "KUBERNETES_SERVICE_PORT": str(at.port)}
            return alone, environment | server
        return [_tool("nsenter"), f"--net={self._network.namespace(pod)}", *alone], environment

    def _value(self, pod: Pod, variable: Json) -> str:
        if "value" in variable:
            return str(variable["value"])
        named = variable["valueFrom"]["secretKeyRef"]
        path = f"/api/v1/namespaces/{pod.namespace}/secrets/{named['name']}"
        return b64decode(self._api.request("GET", path)[1]["data"][named["key"]]).decode()

    def _hosts(self, pod: Pod) -> Path:
        return private_directory(self.folder / "pods" / pod.id) / "hosts"

    def _write_hosts(self) -> None:
        pods = list(self._pods.values())
        addresses = {one.id: self.address(one) for one in pods}
        for pod in pods:
            path = self._hosts(pod)
            path.write_text(hosts(pod.namespace, addresses, self._services, pods, self._public))
            path.chmod(0o644)


def _users(folder: Path, user: int) -> Path:
    """This machine's users and the container's own, whose name some programs ask for, as an image has them."""
    known = Path("/etc/passwd").read_text()
    own = "" if f":x:{user}:" in known else f"container:x:{user}:{user}::/tmp:/bin/sh\n"
    path = folder / "passwd"
    path.write_text(known + own)
    path.chmod(0o644)
    return path


def _tool(name: str) -> str:
    found = shutil.which(name, path=PATH)
    if not found:
        raise GdccError(f"there is no `{name}` on this machine", "install iproute2 and util-linux")
    return found


def _able() -> None:
    if os.geteuid():
        raise GdccError("pods need namespaces of their own, which only root may make", "run it as root, with `sudo`")
    for name in _TOOLS:
        _tool(name)
