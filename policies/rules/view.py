"""A value inside a manifest with the way to it; what only an update can tell is neither right nor wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]


class Unknown:
    """Stands in a manifest for a value that only an update can tell."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()


class NotKnownError(Exception):
    """A rule needs a value that only an update can tell."""

    def __init__(self, path: Path) -> None:
        super().__init__(dotted(path))
        self.path = path


@dataclass(frozen=True)
class View:
    """One value of a manifest; an absent one is None, as null is.

    Attributes:
        raw: the value, perhaps `UNKNOWN`.
        path: the way to it from the manifest.
    """

    raw: Any
    path: Path = ()

    @property
    def value(self) -> Any:
        """The value.

        Raises:
            NotKnownError: only an update can tell.
        """
        if self.raw is UNKNOWN:
            raise NotKnownError(self.path)
        return self.raw

    def at(self, *keys: str) -> View:
        """What is under these keys; absent where one of them is."""
        here = self
        for key in keys:
            inside = here.value
            here = View(inside.get(key) if isinstance(inside, Mapping) else None, (*here.path, key))
        return here

    def or_(self, default: Any) -> Any:
        """The value, or what stands for an absent one."""
        return default if self.value is None else self.value

    def items(self) -> Iterator[View]:
        """The elements of a list; none of an absent one."""
        for index, item in enumerate(self.or_(())):
            yield View(item, (*self.path, index))

    def entries(self) -> Iterator[tuple[str, View]]:
        """Keys of a mapping with their values."""
        for key, item in self.or_({}).items():
            yield key, View(item, (*self.path, key))


def dotted(path: Path) -> str:
    """A path as JSONPath writes it: `spec.containers[0].image`, `metadata.labels['gdcc.go.th/tenant']`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif key.replace("-", "").replace("_", "").isalnum():
            text += f".{key}" if text else key
        else:
            text += f"['{key}']"
    return text
