"""The strict, frozen base of every model, and the one way from a document to a model."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from gdcc.model.document import Document, Way
from gdcc.model.problems import MOST_PROBLEMS, Problem, nearest
from gdcc.model.wording import WRONG, explain

NAMES_KEY = "x-names"
"""Where a JSON Schema says whose names a field refers to, until `gdcc.model.schema` puts the names in its place."""


class Record(BaseModel):
    """Unknown fields are refused, nothing is converted silently, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


AnyRecord = TypeVar("AnyRecord", bound=Record)


@dataclass(frozen=True, slots=True)
class Context:
    """What a file is checked against besides itself; without it a model checks only its own shape."""

    today: date
    names: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Per kind ("zone", "size", "service", "ministry") the names that exist; a kind left out is not checked."""
    folder: str = ""
    """The ministry whose folder the file is in."""


def context_of(info: ValidationInfo[Any]) -> Context | None:
    """The context given to `decode`, for the validators of a model."""
    return info.context if isinstance(info.context, Context) else None


def wrong(message: str, suggestion: str = "", at: Way = ()) -> PydanticCustomError:
    """A finding of a validator, in words for people.

    Args:
        message: what is wrong.
        suggestion: what to write instead.
        at: where inside the validated value; the value itself by default.
    """
    return PydanticCustomError(WRONG, "{message}", {"message": message, "suggestion": suggestion, "at": at})


@dataclass(frozen=True, slots=True)
class Named:
    """Marks text that is the name of something declared elsewhere: ``Annotated[str, Named("zone")]``."""

    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), NAMES_KEY: self.kind}

    def _check(self, name: str, info: ValidationInfo[Any]) -> str:
        context = context_of(info)
        known = context.names.get(self.kind) if context else None
        if known is not None and name not in known:
            raise wrong(f"no {self.kind} is named `{name}`", nearest(name, known))
        return name


def decode(
    model: type[AnyRecord],
    document: Document,
    context: Context,
    *,
    data: object = None,
    place: Callable[[Way], Way] = lambda way: way,
) -> AnyRecord | list[Problem]:
    """Checks a document against a model.

    Args:
        model: what the document should be.
        document: the file read.
        context: names that exist, the day, the folder.
        data: a part or rearrangement of the document's data; all of it by default.
        place: from a way in ``data`` to the way in the document.

    Returns:
        The model, or every problem found, up to `MOST_PROBLEMS`.
    """
    # As JSON, strict means what a writer of YAML expects: a list is a tuple, a word is an enum, a number is no text.
    text = json.dumps(document.data if data is None else data, ensure_ascii=False)
    try:
        return model.model_validate_json(text, context=context)
    except ValidationError as error:
        problems = []
        for detail in error.errors(include_url=False)[:MOST_PROBLEMS]:
            told = explain(detail, model)
            problems.append(document.problem(place(told.way), told.message, told.suggestion, at_key=told.at_key))
        return problems
