"""A stack: which agencies go to which cluster, in ``stacks/Pulumi.<stack>.yaml``.

The file belongs to Pulumi; only the keys of the namespace ``gdcc:`` are ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from gdcc.errors import GdccError
from gdcc.model.document import Document, Way
from gdcc.model.problems import StackError
from gdcc.model.record import Context, Record, decode, wrong
from gdcc.model.source import read
from gdcc.model.types import SetOf, SomeOf, Text, formed

OURS = "gdcc:"
"""Namespace of our keys in the configuration; the project's name."""

Layer = Literal["tenancy", "services"]

Images = Literal["by-digest", "stand-in"]

Operator = Literal["cert-manager", "cloudnative-pg"]
"""Add-ons of a cluster whose custom resources are used in place of our own objects."""


Pattern = Annotated[
    str,
    formed(r"[a-z0-9*?-]+(/[a-z0-9*?-]+)?", "chooses no agencies", '`"*"`, a folder such as `moph`, or `moph/*`'),
]


def _truth(written: object) -> object:
    return {"true": True, "false": False}.get(written, written) if isinstance(written, str) else written


_TRUTH = {"enum": [True, False, "true", "false"]}
"""`pulumi config set` writes words in quotes."""


class StackSettings(Record):
    """Our part of a stack's configuration."""

    model_config = ConfigDict(validate_by_name=True)

    agencies: Annotated[SomeOf[Pattern], Field(validation_alias=OURS + "agencies")] = ("*",)
    """หน่วยงานในสแตกนี้ / Agencies by folder (``moph``), id (``moph/ddc``) or pattern (``*``, ``moph/d*``)."""
    layers: Annotated[SomeOf[Layer], Field(validation_alias=OURS + "layers")] = ("tenancy",)
    """ชั้นที่ติดตั้ง / What is built for them."""
    operators: Annotated[SetOf[Operator], Field(validation_alias=OURS + "operators")] = ()
    """ส่วนเสริมที่คลัสเตอร์มี / Which of these the cluster has: certificates, and databases, are then theirs to make."""
    images: Annotated[Images, Field(validation_alias=OURS + "images")] = "by-digest"
    """อิมเมจของบริการกลาง / ``stand-in`` gives those without a digest one that names nothing."""
    disposable: Annotated[
        bool, BeforeValidator(_truth), WithJsonSchema(_TRUTH), Field(validation_alias=OURS + "disposable")
    ] = False
    """สแตกทดลอง ไม่มีข้อมูลของใคร / A stack that holds nobody's data: its tenants go without a tombstone."""

    @classmethod
    def from_config(cls, config: Mapping[str, str]) -> Self:
        """Reads the settings as Pulumi hands them over: each value a text, lists as JSON.

        Args:
            config: with or without our namespace before the keys; keys of other namespaces are passed over.

        Raises:
            StackError: unknown keys or wrong values.
        """
        ours = {f"{OURS}{key.removeprefix(OURS)}": value for key, value in config.items() if _is_ours(key)}
        document = Document("the stack's configuration", {key: _unwrap(value) for key, value in ours.items()}, {})
        return _settings(cls, document, document.data, ())


AnySettings = TypeVar("AnySettings", bound=StackSettings)


class Backend(Record):
    """Where the Pulumi CLI keeps its state."""

    url: Text


class StackFile(Record):
    """``stacks/Pulumi.<stack>.yaml``: the keys that the Pulumi CLI knows."""

    config: dict[str, Any] = Field(default_factory=dict)
    """ค่าตั้งของสแตก / Configuration, ``namespace:name`` to value."""
    secretsprovider: str | None = None
    encryptedkey: str | None = None
    encryptionsalt: str | None = None
    environment: list[Any] | dict[str, Any] | None = None
    backend: Backend | None = None

    @field_validator("config")
    @classmethod
    def _has_namespaces(cls, config: dict[str, Any], info: ValidationInfo[Any]) -> dict[str, Any]:
        for key in config:
            if not re.fullmatch(r"[^:\s]+(:[^:\s]+)+", key):
                raise wrong("a key without a namespace", f"`{OURS}{key}` or `kubernetes:{key}`", at=(key,))
        return config


def stack_names(root: Path) -> list[str]:
    """The stacks that have a file, sorted."""
    return sorted(path.name.split(".", 1)[1].removesuffix(".yaml") for path in (root / "stacks").glob("Pulumi.*.yaml"))


def read_stack_file(root: Path, name: str) -> Mapping[str, object]:
    """The whole content of a stack's file as plain data; values that Pulumi encrypted stay ``{"secure": ...}``.

    Args:
        root: the project's folder.
        name: the stack, as in ``Pulumi.<name>.yaml``.

    Raises:
        GdccError: there is no such stack; names those there are.
        StackError: the file has problems.
    """
    document, _ = read_settings(root, name)
    return dict(document.data) if isinstance(document.data, dict) else {}


def load_settings(root: Path, name: str) -> StackSettings:
    """Our settings of a stack.

    Raises:
        GdccError: there is no such stack; names those there are.
        StackError: the file has problems.
    """
    return read_settings(root, name)[1]


def read_settings(root: Path, name: str) -> tuple[Document, StackSettings]:
    """A stack's file and our settings in it; raises what `load_settings` raises."""
    names = stack_names(root)
    if name not in names:
        known = ", ".join(names) or "none yet"
        raise GdccError(f"no stack is named {name!r}: stacks/Pulumi.{name}.yaml does not exist", f"stacks: {known}")
    document = read(root / "stacks" / f"Pulumi.{name}.yaml", root)
    content = decode(StackFile, document, Context(date.max))
    if isinstance(content, list):
        raise StackError(content)
    ours = {key: value for key, value in content.config.items() if key.startswith(OURS)}
    return document, _settings(StackSettings, document, ours, ("config",))


def _settings(cls: type[AnySettings], document: Document, data: object, above: Way) -> AnySettings:
    settings = decode(cls, document, Context(date.max), data=data, place=lambda way: (*above, *way))
    if isinstance(settings, list):
        raise StackError(settings)
    return settings


def _is_ours(key: str) -> bool:
    return key.startswith(OURS) or ":" not in key


def _unwrap(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return value
