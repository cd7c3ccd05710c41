"""Label selectors as sets: each is a conjunction that can be intersected, negated and asked whether anything fits.

Semantics are those of `k8s.io/apimachinery/pkg/labels`: a requirement ``NotIn`` holds where the label is absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gdcc.reach.manifest import Node

MOST_REMAINDERS = 512
"""Conjunctions kept while selectors are taken away from all pods; beyond it the answer errs towards "reachable"."""


@dataclass(frozen=True, slots=True)
class Values:
    """What one label may be: one of `named`, or anything else; None stands for an absent label."""

    named: frozenset[str | None]
    within: bool
    """True: only what is named; False: all but that."""

    def __and__(self, other: Values) -> Values:
        if self.within and other.within:
            return Values(self.named & other.named, True)
        if self.within:
            return Values(self.named - other.named, True)
        if other.within:
            return Values(other.named - self.named, True)
        return Values(self.named | other.named, False)

    def __invert__(self) -> Values:
        return Values(self.named, not self.within)

    def __contains__(self, value: str | None) -> bool:
        return (value in self.named) is self.within

    def __bool__(self) -> bool:
        return bool(self.named) or not self.within

    def describe(self, key: str) -> str:
        """The requirement in the notation of ``kubectl --selector``."""
        names = sorted(name for name in self.named if name is not None)
        listed = f"({','.join(names)})"
        if self.within:
            if None in self.named:
                return f"!{key}" if not names else f"(!{key} or {key} in {listed})"
            return f"{key}={names[0]}" if len(names) == 1 else f"{key} in {listed}"
        if None in self.named:
            return key if not names else f"{key},{key} notin {listed}"
        return f"{key}!={names[0]}" if len(names) == 1 else f"{key} notin {listed}"


@dataclass(frozen=True, slots=True)
class Selector:
    """Label sets that meet every requirement; the empty one is met by all."""

    where: tuple[tuple[str, Values], ...] = ()
    """Sorted by key, one entry per key."""

    @classmethod
    def read(cls, node: Node) -> Selector:
        """Reads a ``LabelSelector``.

        Raises:
            FindingError: it is none that the Kubernetes API would take.
        """
        node.only("matchLabels", "matchExpressions")
        wanted = [(key, Values(frozenset({value}), True)) for key, value in node.labels("matchLabels").items()]
        wanted += [_expression(one) for one in node.items("matchExpressions")]
        return cls().narrowed(wanted)

    @classmethod
    def labelled(cls, labels: Mapping[str, str]) -> Selector:
        """What ``matchLabels`` selects."""
        return cls().narrowed((key, Values(frozenset({value}), True)) for key, value in labels.items())

    def narrowed(self, wanted: Iterable[tuple[str, Values]]) -> Selector:
        """This and these requirements."""
        merged = dict(self.where)
        for key, values in wanted:
            merged[key] = merged[key] & values if key in merged else values
        return Selector(tuple(sorted(merged.items(), key=lambda item: item[0])))

    def __and__(self, other: Selector) -> Selector:
        if not other.where or self is other:
            return self
        return self.narrowed(other.where) if self.where else other

    def __bool__(self) -> bool:
        """Whether any labels can meet it."""
        return all(values for _, values in self.where)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels meet it."""
        return all(labels.get(key) in values for key, values in self.where)

    def covers(self, other: Selector) -> bool:
        """Whether whatever meets `other` meets this."""
        return not any(other.narrowed([(key, ~values)]) for key, values in self.where)

    def negated(self) -> Iterator[tuple[str, Values]]:
        """Requirements of which at least one holds exactly where this does not."""
        return ((key, ~values) for key, values in self.where)

    def __str__(self) -> str:
        return ",".join(values.describe(key) for key, values in self.where)


def remainder(taken: Iterable[Selector]) -> tuple[Selector, ...]:
    """The labels that meet none of `taken`, as conjunctions of which at least one holds; empty if nothing is left."""
    left = [Selector()]
    for selector in sorted(set(taken), key=lambda each: (len(each.where), str(each))):
        terms = [term for each in left for one in selector.negated() if (term := each.narrowed([one]))]
        smaller = _without_subsets(terms)
        if len(smaller) > MOST_REMAINDERS:
            break  # fewer exclusions leave more pods open: never call reachable pods unreachable
        left = smaller
    return tuple(left)


def _without_subsets(terms: list[Selector]) -> list[Selector]:
    kept: list[Selector] = []
    for term in dict.fromkeys(sorted(terms, key=lambda each: len(each.where))):
        if not any(other.covers(term) for other in kept):
            kept.append(term)
    return kept


def _expression(node: Node) -> tuple[str, Values]:
    node.only("key", "operator", "values")
    key, operator = node.text("key"), node.text("operator")
    values = frozenset(node.texts("values"))
    match operator:
        case "In" | "NotIn" if values:
            return key, Values(values, operator == "In")
        case "Exists" | "DoesNotExist" if not values:
            return key, Values(frozenset({None}), operator == "DoesNotExist")
    raise node.wrong("operator", f"`{operator}` with {len(values)} values is no requirement")
