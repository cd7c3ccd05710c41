"""What a change opens and what it closes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gdcc.reach.coverage import Coverage
from gdcc.reach.landscape import Landscape
from gdcc.reach.ledger import Entry, entries
from gdcc.reach.matrix import Part


@dataclass(frozen=True, slots=True)
class Difference:
    """Lines that are new and lines that are gone."""

    opened: tuple[Entry, ...]
    closed: tuple[Entry, ...]


def difference(before: Landscape, after: Landscape, keeps: Callable[[Part], bool] = lambda part: True) -> Difference:
    """Compares by meaning: another policy that opens the same is no difference.

    Args:
        before: as it was.
        after: as it is.
        keeps: which parts are wanted.
    """
    return Difference(tuple(_beyond(after, before, keeps)), tuple(_beyond(before, after, keeps)))


def _beyond(one: Landscape, other: Landscape, keeps: Callable[[Part], bool]) -> list[Entry]:
    known = Coverage(other.matrix.flows)
    gaps = (part for flow in one.matrix.flows for part in known.gaps(flow, one.proven))
    return entries(one, filter(keeps, gaps))
