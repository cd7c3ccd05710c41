"""A part of a Kubernetes object with the path to it, so that what is wrong can be said where it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gdcc.errors import FindingError


@dataclass(frozen=True, slots=True)
class Node:
    """A mapping inside an object; the names are those of the API. Null and absent are the same, as for the API."""

    data: Mapping[str, Any]
    place: str
    """What is read and the way to this part: ``tenant-dev/allow-dns: spec.egress[0]``."""

    def wrong(self, field: str, message: str) -> FindingError:
        """The error for a field of this part."""
        return FindingError(f"{self._way(field)}: {message}", "the Kubernetes API would refuse this policy")

    def only(self, *known: str) -> None:
        """Refuses unknown fields: what is not understood might open something."""
        for name in self.data:
            if name not in known:
                raise self.wrong(str(name), "unknown field")

    def has(self, field: str) -> bool:
        """Whether the field is there and not null."""
        return self.data.get(field) is not None

    def part(self, field: str) -> Node:
        """A mapping below; empty when absent."""
        return Node(self._of(field, dict, {}), self._way(field))

    def items(self, field: str) -> Iterator[Node]:
        """The mappings of a list below."""
        for index, item in enumerate(self._of(field, list, [])):
            if not isinstance(item, Mapping):
                raise self.wrong(f"{field}[{index}]", "no mapping")
            yield Node(item, self._way(f"{field}[{index}]"))

    def texts(self, field: str) -> tuple[str, ...]:
        """The strings of a list below."""
        items = self._of(field, list, [])
        if not all(isinstance(item, str) for item in items):
            raise self.wrong(field, "no list of strings")
        return tuple(items)

    def labels(self, field: str) -> dict[str, str]:
        """Strings by string."""
        labels = self._of(field, dict, {})
        if not all(isinstance(item, str) for pair in labels.items() for item in pair):
            raise self.wrong(field, "labels are strings")
        return dict(labels)

    def text(self, field: str, default: str = "") -> str:
        """A string."""
        return str(self._of(field, str, default))

    def number(self, field: str) -> int | None:
        """A whole number."""
        value = self.data.get(field)
        # A number that came through protobuf or JSON may be 53.0.
        if isinstance(value, bool) or not isinstance(value, int | float | None) or (value or 0) % 1:
            raise self.wrong(field, f"`{value}` is no whole number")
        return None if value is None else int(value)

    def _of(self, field: str, kind: type, default: Any) -> Any:
        value = self.data.get(field)
        if value is None:
            return default
        wanted = Mapping if kind is dict else (list, tuple) if kind is list else kind
        if not isinstance(value, wanted):
            raise self.wrong(field, f"a {kind.__name__} is needed")
        return value

    def _way(self, field: str) -> str:
        return f"{self.place}{'' if self.place.endswith(': ') else '.'}{field}"
