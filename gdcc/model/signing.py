"""What people sign in ``stacks/``: the hash of a file's content, so that what takes effect is what they have read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo

from gdcc.model.document import Document
from gdcc.model.record import context_of, wrong
from gdcc.model.types import Day

_DIGEST = r"^sha256:[0-9a-f]{64}$"


def content_hash(document: Document, unsigned: Collection[str]) -> str:
    """SHA-256 of the canonical JSON of a file without some fields.

    Of the file's data and not of the model, so that a new optional field of ours undoes no signature; comments, the
    order of fields and line breaks do not count.

    Args:
        unsigned: the fields that are not signed: the signatures themselves, and what is only noted afterwards.
    """
    data = document.data if isinstance(document.data, dict) else {}
    content = {key: value for key, value in data.items() if key not in unsigned}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _digest(text: str) -> str:
    if not re.fullmatch(_DIGEST, text):
        raise wrong(
            f"`{text[:80]}` is no content hash",
            "what the verb `hash` of `gdcc agreements`, `offboard` or `services` prints",
        )
    return text


def _has_happened(day: date, info: ValidationInfo[Any]) -> date:
    context = context_of(info)
    if context and day > context.today:
        raise wrong(f"`{day}` is in the future", "the day it happened")
    return day


ContentHash = Annotated[str, AfterValidator(_digest), Field(json_schema_extra={"pattern": _DIGEST})]
PastDay = Annotated[Day, AfterValidator(_has_happened)]
"""A day that is not in the future."""
