"""The namespaces there are, found by label without looking at each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gdcc.reach.selector import Selector, Values

NAME_LABEL = "kubernetes.io/metadata.name"
"""On every namespace; the API server sets it."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace and the labels that selectors see."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)


class Census:
    """All namespaces, with an inverted index of their labels."""

    def __init__(self, namespaces: Iterable[Namespace]) -> None:
        self.namespaces = {each.name: each for each in namespaces}
        self.everyone = frozenset(self.namespaces)
        self._index: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for name, namespace in self.namespaces.items():
            for key, value in {**namespace.labels, NAME_LABEL: name}.items():
                self._index[key][value].add(name)
        # One object per set, so that comparing two equal ones is comparing two addresses.
        self._sets: dict[frozenset[str], frozenset[str]] = {self.everyone: self.everyone}
        self._selected: dict[Selector, frozenset[str]] = {}

    def select(self, selector: Selector) -> frozenset[str]:
        """The names of the namespaces that meet a selector."""
        if selector not in self._selected:
            found = self.everyone
            for key, values in selector.where:
                found &= self._having(key, values)
            self._selected[selector] = self._sets.setdefault(found, found)
        return self._selected[selector]

    def alone(self, name: str) -> frozenset[str]:
        """One namespace."""
        found = frozenset({name})
        return self._sets.setdefault(found, found)

    def _having(self, key: str, values: Values) -> frozenset[str]:
        known = self._index.get(key, {})
        named = frozenset().union(*(known.get(value, ()) for value in values.named if value is not None))
        if None in values.named:
            named |= self.everyone.difference(*known.values())
        return named if values.within else self.everyone - named
