"""Which objects the server need be asked about only once: those that its schema cannot tell apart."""

from __future__ import annotations

import json
import re
from typing import Any

from gdcc.engine.api import Object

_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


def likeness(manifest: Object) -> str:
    """A text that is equal for objects of which the server accepts all or none, wherever they are.

    What it leaves out is what no schema looks into: the namespace, valid label values, and annotations' values. It
    holds for objects in the same namespace only; admission by namespace is another matter.
    """
    metadata: dict[str, Any] = manifest["metadata"]
    told = {key: value for key, value in metadata.items() if key != "namespace"}
    labels = metadata.get("labels") or {}
    told["labels"] = {key: None if _is_valid(value) else value for key, value in labels.items()}
    told["annotations"] = sorted(metadata.get("annotations") or {})
    return json.dumps({**manifest, "metadata": told}, sort_keys=True)


def _is_valid(value: Any) -> bool:
    return isinstance(value, str) and _LABEL_VALUE.fullmatch(value) is not None
