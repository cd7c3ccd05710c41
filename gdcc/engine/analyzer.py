"""Pulumi's `Analyzer` service, as it is spoken with a policy pack: how one is started, and what it is sent.

Source: `sdk/go/common/resource/plugin/analyzer_plugin.go` and `sdk/python/cmd/pulumi-language-python` of pulumi/pulumi.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import yaml
from pulumi.runtime.proto import analyzer_pb2

from gdcc.engine.monitor import Recording
from gdcc.engine.program import Program
from gdcc.engine.registration import Registration
from gdcc.engine.values import encode
from gdcc.errors import GdccError

PROJECT_FILE = "PulumiPolicy.yaml"
KIND = "kind:"
"""A policy whose tags begin so is about those kinds of Kubernetes objects alone, and is asked of no others."""
MOST = 400 * 1024 * 1024
"""Bytes in one message, as pulumi-policy has it."""


def interpreter(folder: Path) -> str:
    """The Python that a pack asks for, or this one.

    Raises:
        GdccError: there is no pack, or it is in another language.
    """
    try:
        asked = yaml.safe_load((folder / PROJECT_FILE).read_text(encoding="utf-8")) or {}
    except OSError:
        raise GdccError(
            f"no policy pack in {folder}", f"Name a folder that holds {PROJECT_FILE} and __main__.py."
        ) from None
    except yaml.YAMLError as error:
        raise GdccError(f"{folder / PROJECT_FILE} is no YAML: {error}") from None
    runtime = asked.get("runtime") if isinstance(asked, dict) else None
    name = runtime.get("name") if isinstance(runtime, dict) else runtime
    if name != "python":
        raise GdccError(
            f"policy pack {folder} is written for {name}",
            "The embedded engine runs packs in Python; use the Pulumi CLI.",
        )
    options = runtime.get("options") or {} if isinstance(runtime, dict) else {}
    # As the Pulumi CLI reads it: `..` leads out of the folder's name, and not of where a link leads.
    own = Path(os.path.normpath(folder / str(options.get("virtualenv") or ""))) / "bin" / "python"
    return str(own) if options.get("virtualenv") and own.is_file() else sys.executable


def environment(program: Program, *, preview: bool) -> dict[str, str]:
    """What a pack reads of its stack; the CLI tells it the same."""
    return {
        **os.environ,
        "PULUMI_ORGANIZATION": "organization",
        "PULUMI_PROJECT": program.project,
        "PULUMI_STACK": program.stack,
        "PULUMI_DRY_RUN": str(preview).lower(),
        "PULUMI_CONFIG": json.dumps(program.config),
    }


def kinds_of(policy: Any) -> frozenset[str]:
    """The kinds that a policy is about; none when it does not say, and is asked of everything."""
    return frozenset(tag.removeprefix(KIND) for tag in policy.tags if tag.startswith(KIND))


def kind_of(asked: Registration) -> str:
    """The kind of a Kubernetes object; "" for any other resource."""
    return asked.type.rpartition(":")[2] if asked.is_object else ""


def analyze_request(asked: Registration, recording: Recording) -> analyzer_pb2.AnalyzeRequest:
    """One resource, to be judged by itself."""
    return analyzer_pb2.AnalyzeRequest(**_common(asked, recording))


def stack_resource(asked: Registration, recording: Recording) -> analyzer_pb2.AnalyzerResource:
    """One resource among all of the stack."""
    return analyzer_pb2.AnalyzerResource(
        **_common(asked, recording), parent=asked.parent, dependencies=sorted(asked.dependencies)
    )


def _common(asked: Registration, recording: Recording) -> dict[str, Any]:
    options = asked.options
    given = recording.registrations.get(asked.provider.rpartition("::")[0]) if asked.provider else None
    provider = given and analyzer_pb2.AnalyzerProviderResource(
        type=given.type, properties=encode(given.inputs, given.secrets), urn=given.urn, name=given.name
    )
    return {
        "type": asked.type,
        "properties": encode(asked.inputs, asked.secrets),
        "urn": asked.urn,
        "name": asked.name,
        "provider": provider,
        "options": analyzer_pb2.AnalyzerResourceOptions(
            protect=options.protect,
            ignoreChanges=options.ignore_changes,
            aliases=options.aliases,
            additionalSecretOutputs=options.additional_secret_outputs,
            parent=asked.parent,
        ),
    }


def unless_unimplemented(call: Callable[[], object]) -> None:
    """Make a call that older packs do not know."""
    try:
        call()
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
            raise


def told(error: Any) -> str:
    """What went wrong, without gRPC's own words around it."""
    return str(error.details() or error.code().name) if hasattr(error, "details") else str(error)
