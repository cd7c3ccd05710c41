"""Runs policy packs as the Pulumi CLI does: a process that says its port, and Pulumi's `Analyzer` service behind it."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from gdcc.engine.analyzer import (
    MOST,
    PROJECT_FILE,
    analyze_request,
    environment,
    interpreter,
    kind_of,
    kinds_of,
    stack_resource,
    told,
    unless_unimplemented,
)
from gdcc.engine.monitor import Recording
from gdcc.engine.problems import Problem
from gdcc.engine.program import Program
from gdcc.engine.registration import Registration
from gdcc.errors import GdccError

FOLDER = "policies"
"""Of a project's own pack, which always runs."""
_PATIENCE = 60.0
"""Seconds in which a pack has to say its port."""
_LEASH = ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()
"""A pack ends with the run that started it, also when that is killed; where util-linux is."""
_AT_ONCE = 32


@dataclass
class Verdict:
    """What packs say of a program.

    Attributes:
        violations: mandatory ones; they stop an update.
        advice: advisory ones, and what cannot be judged before the update.
        asked: how many resources the packs were asked about.
    """

    violations: list[Problem] = field(default_factory=list)
    advice: list[Problem] = field(default_factory=list)
    asked: int = 0

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(self.violations + other.violations, self.advice + other.advice, self.asked + other.asked)


class Pack:
    """One policy pack, running.

    Args:
        folder: holds `PulumiPolicy.yaml` and `__main__.py`.
        preview: whether values may still be unknown.

    Raises:
        GdccError: there is no pack there, or it is not one in Python.
    """

    def __init__(self, folder: Path, program: Program, *, preview: bool) -> None:
        self.folder = folder
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [*_LEASH, interpreter(folder), "-u", "-m", "pulumi.policy", "", str(folder)],
            cwd=folder,
            env=environment(program, preview=preview),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
        )
        self._program = program
        self._preview = preview
        self._channel: grpc.Channel | None = None
        self._stub: Any = None
        self._policies: list[Any] = []
        self._initial: dict[str, Any] = {}

    def judge(self, recording: Recording, only: Iterable[Registration] | None = None) -> Verdict:
        """Ask about each resource by itself, and about all together unless `only` some are meant.

        Raises:
            GdccError: the pack does not start, or fails on a resource.
        """
        try:
            self._connect()
            asked = [*(only if only is not None else recording.registrations.values())]
            verdict = self._each(recording, asked)
            return verdict if only is not None else verdict + self._together(recording, asked)
        except grpc.RpcError as error:
            raise GdccError(
                f"policy pack {self.folder}: {told(error)}{self._last_words()}",
                "Correct the pack; without its answer nothing is applied.",
            ) from error

    def close(self) -> None:
        """End it."""
        if self._channel:
            self._channel.close()
        self._process.kill()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        self._complaints.close()

    def _connect(self) -> None:
        if self._stub:
            return
        options = [("grpc.max_receive_message_length", MOST), ("grpc.max_send_message_length", MOST)]
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self._port()}", options=options)
        self._stub = analyzer_pb2_grpc.AnalyzerStub(self._channel)
        folder = str(self.folder)
        shake = analyzer_pb2.AnalyzerHandshakeRequest(root_directory=folder, program_directory=folder)
        unless_unimplemented(lambda: self._stub.Handshake(shake))
        config = analyzer_pb2.AnalyzerStackConfigureRequest(
            stack=self._program.stack,
            project=self._program.project,
            organization="organization",
            dry_run=self._preview,
            config=self._program.config,
            config_secret_keys=list(self._program.secret_keys),
        )
        unless_unimplemented(lambda: self._stub.ConfigureStack(config))
        info = self._stub.GetAnalyzerInfo(empty_pb2.Empty())
        self._policies = list(info.policies)
        self._initial = dict(info.initialConfig)

    def _port(self) -> int:
        """What the process says first; packs may print, but not before that."""
        if self._process.stdout is None:
            raise AssertionError("started without a pipe")
        deadline, line = time.monotonic() + _PATIENCE, b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n") and selector.select(max(0.0, deadline - time.monotonic())):
                if not (more := os.read(self._process.stdout.fileno(), 64)):
                    break
                line += more
        first = line.partition(b"\n")[0].strip()
        if not first.isdigit():
            raise GdccError(
                f"policy pack {self.folder} does not start{self._last_words()}",
                "Correct the pack; without its answer nothing is applied.",
            )
        return int(first)

    def _last_words(self) -> str:
        self._complaints.seek(0)
        lines = [line for line in self._complaints.read().decode(errors="replace").splitlines() if line.strip()]
        return f": {lines[-1].strip()}" if lines else ""

    def _each(self, recording: Recording, asked: list[Registration]) -> Verdict:
        """Kind by kind, with the policies alone that are about it: each costs the pack a reading of the resource."""
        verdict = Verdict()
        by_kind: dict[str, list[Registration]] = defaultdict(list)
        for registration in asked:
            by_kind[kind_of(registration)].append(registration)
        for kind, alike in by_kind.items():
            if self._enable(analyzer_pb2.POLICY_TYPE_RESOURCE, kind):
                verdict += self._analyze(recording, alike)
        return verdict

    def _analyze(self, recording: Recording, asked: list[Registration]) -> Verdict:
        waiting: deque[tuple[Registration, Any]] = deque()
        verdict = Verdict(asked=len(asked))

        def take() -> None:
            registration, answer = waiting.popleft()
            self._sort(answer.result().diagnostics, {registration.urn: registration}, registration, verdict)

        for registration in asked:
            waiting.append((registration, self._stub.Analyze.future(analyze_request(registration, recording))))
            if len(waiting) >= _AT_ONCE:
                take()
        while waiting:
            take()
        return verdict

    def _together(self, recording: Recording, asked: list[Registration]) -> Verdict:
        """Policy by policy, with the resources alone that it is about."""
        verdict = Verdict()
        for policy in self._policies:
            if policy.policy_type == analyzer_pb2.POLICY_TYPE_STACK:
                kinds = kinds_of(policy)
                self._configure([policy])
                resources = [stack_resource(each, recording) for each in asked if not kinds or kind_of(each) in kinds]
                answer = self._stub.AnalyzeStack(analyzer_pb2.AnalyzeStackRequest(resources=resources))
                self._sort(answer.diagnostics, recording.registrations, None, verdict)
        return verdict

    def _enable(self, sort: int, kind: str) -> bool:
        """Let only the policies about a kind answer; False when there are none."""
        about = [one for one in self._policies if one.policy_type == sort and kind in (kinds_of(one) or {kind})]
        if about:
            self._configure(about)
        return bool(about)

    def _configure(self, enabled: list[Any]) -> None:
        """What a pack configures itself (`initial_config`) stays; all but `enabled` are silent."""
        names = {policy.name for policy in enabled}
        config = dict(self._initial)
        for policy in self._policies:
            if policy.name not in names:
                config[policy.name] = analyzer_pb2.PolicyConfig(enforcementLevel=analyzer_pb2.DISABLED)
        self._stub.Configure(analyzer_pb2.ConfigureAnalyzerRequest(policyConfig=config))

    def _sort(
        self,
        diagnostics: Iterable[Any],
        known: Mapping[str, Registration],
        default: Registration | None,
        verdict: Verdict,
    ) -> None:
        for each in diagnostics:
            about = known.get(each.urn, default)
            message = each.message.removeprefix(each.description).strip() or each.description
            mandatory = each.enforcementLevel in (analyzer_pb2.MANDATORY, analyzer_pb2.REMEDIATE)
            where = _shown(about) if about else "the stack"
            urn = f" ({about.urn})" if about else ""
            group = f"policy {each.policyName} {message}"
            problem = Problem(where, f"policy {each.policyName}: {message}{urn}", "", group)
            (verdict.violations if mandatory else verdict.advice).append(problem)


class Packs:
    """The packs of one run; they start at once and are asked later.

    Args:
        folders: of each pack.
    """

    def __init__(self, folders: Iterable[Path], program: Program, *, preview: bool) -> None:
        self._packs: list[Pack] = []
        try:
            for folder in folders:
                self._packs.append(Pack(folder, program, preview=preview))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Packs:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def judge(self, recording: Recording, only: Iterable[Registration] | None = None) -> Verdict:
        """What all of them say."""
        chosen = None if only is None else list(only)
        verdict = Verdict()
        for pack in self._packs:
            verdict += pack.judge(recording, chosen)
        return verdict

    def close(self) -> None:
        """End all."""
        for pack in self._packs:
            pack.close()


def own_pack(directory: Path) -> tuple[Path, ...]:
    """The pack of a project itself, if it has one."""
    return (directory / FOLDER,) if (directory / FOLDER / PROJECT_FILE).is_file() else ()


def _shown(asked: Registration) -> str:
    metadata = asked.inputs.get("metadata") or {}
    if not asked.is_object or not isinstance(metadata, dict):
        return f"{asked.type} {asked.name}"
    namespace = metadata.get("namespace")
    return f"{kind_of(asked)} {f'{namespace}/' if namespace else ''}{metadata.get('name') or asked.name}"


def _lines(problems: Iterable[Problem]) -> Iterator[str]:
    counted: dict[str, list[Problem]] = {}
    for problem in problems:
        counted.setdefault(problem.group, []).append(problem)
    for alike in counted.values():
        more = f" (and {len(alike) - 1} more like it)" if len(alike) > 1 else ""
        yield f"{alike[0].where}: {alike[0].message}{more}"


def advice_lines(advice: Iterable[Problem]) -> list[str]:
    """Advice for people: each once, with how many are alike."""
    return list(_lines(advice))
