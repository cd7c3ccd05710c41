"""The other end of Pulumi's resource-monitor interface: hears each registration and answers with a state."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, provider_pb2, resource_pb2

from gdcc.console import err
from gdcc.engine.registration import STACK_TYPE, Registration, from_request
from gdcc.engine.support import unsupported
from gdcc.engine.values import Decoded, Path, decode, encode
from gdcc.errors import GdccError


@dataclass(frozen=True)
class State:
    """What a registered resource turned out to be: its id, its properties, and which of these are secret."""

    id: str
    outputs: Mapping[str, Any]
    secrets: tuple[Path, ...] = ()


Resolve = Callable[[Registration, Registration | None], State]
"""Answers a Kubernetes object's registration, given its explicit provider's; may block until the object is live."""

Read = Callable[[str, str, Registration | None], State]
"""Reads an object that exists: its type token, its id (`namespace/name` or `name`), its explicit provider."""


@dataclass
class Recording:
    """Everything one run of the program asked for, in the order of registration.

    Attributes:
        outputs: the stack's outputs, plain data.
        output_secrets: paths in `outputs` that are secret.
        problems: what the engine cannot honour, as sentences.
        unknown: whether anything registered or exported depends on a value that only an update can tell.
    """

    registrations: dict[str, Registration] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    output_secrets: tuple[Path, ...] = ()
    problems: list[str] = field(default_factory=list)
    unknown: bool = False

    @property
    def objects(self) -> list[Registration]:
        """The Kubernetes objects asked for."""
        return [each for each in self.registrations.values() if each.is_object]


class Monitor:
    """Pulumi's `ResourceMonitor` service as an object in this process; methods carry the service's own names."""

    # The SDK calls these by their names on the wire.
    # ruff: noqa: N802

    def __init__(self, project: str, stack: str, resolve: Resolve, read: Read) -> None:
        self.recording = Recording()
        self._project = project
        self._stack = stack
        self._resolve = resolve
        self._read = read
        self._lock = threading.Lock()

    def GetDeploymentInfo(self, _request: empty_pb2.Empty) -> resource_pb2.DeploymentInfo:
        """Tell the SDK which parts of the protocol are spoken here."""
        return resource_pb2.DeploymentInfo(
            supportedFeatures=[
                resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
                resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
                resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
                resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
            ]
        )

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> resource_pb2.RegisterResourceResponse:
        """Record a resource and answer with its state."""
        asked, decoded = from_request(request, self._stack, self._project)
        problems = list(unsupported(request, asked, decoded))
        self._record(asked, problems)
        if problems:
            # The program goes on, so that all problems are found in one run; none of it is applied.
            return resource_pb2.RegisterResourceResponse(urn=asked.urn, id="", object=request.object)
        if not asked.is_object:
            return resource_pb2.RegisterResourceResponse(
                urn=asked.urn, id=asked.name if asked.custom else "", object=request.object
            )
        state = self._resolve(asked, self._provider(request.provider))
        return resource_pb2.RegisterResourceResponse(
            urn=asked.urn, id=state.id, object=encode(state.outputs, state.secrets)
        )

    def _provider(self, reference: str) -> Registration | None:
        """The explicit provider that a reference `urn::id` names; None for the default one."""
        return self.recording.registrations.get(reference.rpartition("::")[0])

    def _record(self, asked: Registration, problems: list[str]) -> None:
        with self._lock:
            if asked.urn in self.recording.registrations:
                problems.append(f"{asked.type} {asked.name!r}: registered twice (URN {asked.urn})")
            self.recording.registrations[asked.urn] = asked
            self.recording.problems.extend(problems)
            self.recording.unknown = self.recording.unknown or asked.unknown

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> empty_pb2.Empty:
        """Keep the stack's outputs; those of components are for other languages' consumers."""
        if request.urn.split("::")[2] == STACK_TYPE:
            decoded: Decoded = decode(request.outputs)
            self.recording.outputs = decoded.data
            self.recording.output_secrets = decoded.secrets
            self.recording.unknown = self.recording.unknown or decoded.unknown
        return empty_pb2.Empty()

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> resource_pb2.ReadResourceResponse:
        """Read an object that somebody else manages (`.get(...)` in the program)."""
        if not request.type.startswith("kubernetes:"):
            self.recording.problems.append(
                f"{request.type} {request.name!r}: reads a resource that is not one of Kubernetes"
            )
            return resource_pb2.ReadResourceResponse(urn="", properties=request.properties)
        state = self._read(request.type, request.id, self._provider(request.provider))
        urn = f"urn:pulumi:{self._stack}::{self._project}::{request.type}::{request.name}"
        return resource_pb2.ReadResourceResponse(urn=urn, properties=encode(state.outputs, state.secrets))

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> provider_pb2.InvokeResponse:
        """Functions run in provider plugins, which this engine has none of."""
        self.recording.problems.append(f"function {request.tok}: runs in a provider plugin")
        return provider_pb2.InvokeResponse()

    def Call(self, request: resource_pb2.ResourceCallRequest) -> provider_pb2.CallResponse:
        """Methods run in provider plugins, which this engine has none of."""
        self.recording.problems.append(f"method {request.tok}: runs in a provider plugin")
        return provider_pb2.CallResponse()

    def RegisterPackage(self, request: resource_pb2.RegisterPackageRequest) -> resource_pb2.RegisterPackageResponse:
        """Parameterized packages need a provider plugin."""
        self.recording.problems.append(f"package {request.name}: needs a provider plugin")
        return resource_pb2.RegisterPackageResponse(ref="")

    def RegisterStackTransform(self, _request: Any) -> empty_pb2.Empty:
        """Stack transforms run in the Pulumi CLI's engine."""
        self.recording.problems.append("a stack transform: runs in the Pulumi CLI's engine")
        return empty_pb2.Empty()

    RegisterStackInvokeTransform = RegisterStackTransform

    def SignalAndWaitForShutdown(self, _request: empty_pb2.Empty) -> empty_pb2.Empty:
        """Nothing outlives the program."""
        return empty_pb2.Empty()


class Log:
    """Pulumi's `Engine` service: what the program says through `pulumi.log` goes to stderr."""

    # ruff: noqa: N802
    _WORDS: ClassVar = {engine_pb2.INFO: "info", engine_pb2.WARNING: "warning", engine_pb2.ERROR: "error"}

    def Log(self, request: engine_pb2.LogRequest) -> empty_pb2.Empty:
        """Print one message; debug messages are dropped."""
        if word := self._WORDS.get(request.severity):
            err.print(f"{word}: {request.message}", markup=False)
        return empty_pb2.Empty()

    def RequirePulumiVersion(self, _request: Any) -> empty_pb2.Empty:
        """The engine follows the SDK it is locked with."""
        return empty_pb2.Empty()


class ProgramError(GdccError):
    """The Pulumi program itself failed."""

    exit_code = 1
