"""Which Secrets a common service needs, without their values: what a ConfigMap tells the program that makes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from gdcc.errors import GdccError

RANDOM = "{random}"
"""Where the value goes: 32 random bytes in base64url, the same everywhere in one Secret."""


@dataclass(frozen=True)
class Recipe:
    """One Secret.

    Attributes:
        name: of the Secret.
        files: by key its content, with `RANDOM` where the value goes.
    """

    name: str
    files: Mapping[str, str]


def written(recipes: Sequence[Recipe]) -> str:
    """The file for a ConfigMap."""
    return json.dumps([asdict(one) for one in recipes], ensure_ascii=False, indent=2) + "\n"


def read(text: str) -> list[Recipe]:
    """The recipes of such a file.

    Raises:
        GdccError: it is none.
    """
    try:
        listed = json.loads(text)
        if not isinstance(listed, list):
            raise TypeError
        return [Recipe(str(one["name"]), {key: str(file) for key, file in one["files"].items()}) for one in listed]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise GdccError("that is no list of Secrets to make", "mount the ConfigMap `credentials`") from error
