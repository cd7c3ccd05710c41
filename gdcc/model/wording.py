"""The findings of pydantic in words for people who have never heard of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gdcc.model.document import Way, printable
from gdcc.model.problems import nearest

WRONG = "gdcc"
"""The type of the findings that our own validators raise; they bring their words with them."""

_KINDS = {
    "string": ("text", "it as text, in quotes if it looks like a number"),
    "bool": ("true or false", "`true` or `false`"),
    "int": ("a whole number", "digits only"),
    "float": ("a number", "digits, without quotes"),
    "tuple": ("a list", "each item on a line of its own after `- `"),
    "list": ("a list", "each item on a line of its own after `- `"),
    "dict": ("a group of fields", "each field indented on a line of its own"),
    "mapping": ("a group of fields", "each field indented on a line of its own"),
    "model": ("a group of fields", "each field indented on a line of its own"),
}
_LIMITS = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
}
_TRUTHS = {"yes": "true", "y": "true", "on": "true", "ใช่": "true", "มี": "true"}
_TRUTHS |= {"no": "false", "n": "false", "off": "false", "ไม่": "false", "ไม่ใช่": "false", "ไม่มี": "false"}


class Told(NamedTuple):
    """One finding, ready to be given a place in the file."""

    way: Way
    message: str
    suggestion: str = ""
    at_key: bool = False


def explain(detail: ErrorDetails, model: type[BaseModel]) -> Told:
    """Turns one error of pydantic into plain words.

    Args:
        detail: the error.
        model: the model that was validated, to know which fields a misspelt one may have meant.
    """
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    way: Way = tuple(detail["loc"])
    at_key = bool(way) and way[-1] == "[key]"
    if at_key:
        way = way[:-1]
    if kind == WRONG:
        return Told(way + tuple(context["at"]), context["message"], context["suggestion"], at_key)
    if kind == "missing":
        return Told(way, "this field is required", f"`{way[-1]}:` and its value")
    if kind == "extra_forbidden":
        remedy = nearest(str(way[-1]), _fields(model, way[:-1]))
        return Told(way, "there is no such field", remedy, at_key=True)
    if kind in ("enum", "literal_error"):
        allowed = re.findall(r"'([^']*)'", str(context["expected"]))
        return Told(way, f"{_show(given)} is not one of the values allowed", nearest(str(given), allowed), at_key)
    if kind in _LIMITS:
        return Told(way, _LIMITS[kind].format(**context))
    message, remedy = _wrong_type(kind.removesuffix("_type").removesuffix("_parsing"), given) or (detail["msg"], "")
    return Told(way, message, remedy, at_key)


def _wrong_type(family: str, given: object) -> tuple[str, str] | None:
    if family not in _KINDS:
        return None
    wanted, remedy = _KINDS[family]
    if family == "bool" and str(given).lower() in _TRUTHS:
        remedy = f"`{_TRUTHS[str(given).lower()]}`"
    if family == "string" and isinstance(given, int | float) and not isinstance(given, bool):
        remedy = f'`"{given}"` in quotes'
    return f"must be {wanted}, not {_show(given)}", remedy


def _show(given: object) -> str:
    match given:
        case None:
            return "empty"
        case dict():
            return "a group of fields"
        case list():
            return "a list"
        case bool():
            return f"`{str(given).lower()}`"
    text = printable(str(given))
    return f"`{text[:60]}...`" if len(text) > 60 else f"`{text}`"


def _fields(model: type[BaseModel], way: Way) -> Iterator[str]:
    """The fields of the model that stands at a way inside another model."""
    current: list[type[BaseModel]] = [model]
    for step in way:
        inner: list[type[BaseModel]] = []
        for one in current:
            named = {_written(name, info): info for name, info in one.model_fields.items()}
            if step in named:
                inner += _models(named[str(step)].annotation)
        current = inner or current  # a list's index or a mapping's key: its models were found one step before
    for one in current:
        yield from (_written(name, info) for name, info in one.model_fields.items())


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _written(name: str, info: FieldInfo) -> str:
    alias = info.validation_alias
    return alias if isinstance(alias, str) else name
