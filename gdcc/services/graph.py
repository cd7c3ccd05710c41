"""Which service needs which, as a picture: what is needed stands on the left, what needs it to the right of it."""

from __future__ import annotations

from collections.abc import Mapping

from gdcc.model import Service
from gdcc.reach.markup import Markup, join, tag
from gdcc.services.impact import stopping

_BOX, _HIGH, _GAP = (250, 46), 62, 170
_MARGIN = 14


def picture(services: Mapping[str, Service]) -> Markup:
    """An arrow from each service to those that stop without it; those that need nothing stand first."""
    columns: dict[int, list[str]] = {}
    for name in sorted(services, key=lambda one: (-len(stopping(services, one)), one)):
        columns.setdefault(_depth(services, name, frozenset()), []).append(name)
    places = {
        name: (_MARGIN + column * (_BOX[0] + _GAP), _MARGIN + row * _HIGH)
        for column, names in columns.items()
        for row, name in enumerate(names)
    }
    width = 2 * _MARGIN + (max(columns) + 1) * _BOX[0] + max(columns) * _GAP if columns else 0
    height = 2 * _MARGIN + max((len(names) for names in columns.values()), default=0) * _HIGH
    arrows = (
        _arrow(places[other], places[name], planned=service.status == "planned")
        for name, service in services.items()
        for other in service.depends_on
        if stopping(services, other).keys().isdisjoint(service.depends_on)  # else a longer way shows it
    )
    boxes = (_box(name, service, places[name]) for name, service in services.items())
    return tag(
        "svg",
        join(_head(), *arrows, *boxes),
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label="บริการใดต้องอาศัยบริการใด / which service needs which",
        class_="graph",
    )


def _depth(services: Mapping[str, Service], name: str, above: frozenset[str]) -> int:
    """Steps to a service that needs nothing; a circle is cut where it closes."""
    inner = above | {name}
    return max(
        (_depth(services, each, inner) + 1 for each in services[name].depends_on if each not in inner), default=0
    )


def _head() -> Markup:
    arrow = tag("path", d="M0 0L8 4L0 8z")
    marker = tag("marker", arrow, id="tip", markerWidth="8", markerHeight="8", refX="8", refY="4", orient="auto")
    return tag("defs", marker)


def _arrow(start: tuple[int, int], end: tuple[int, int], *, planned: bool) -> Markup:
    x1, y1 = start[0] + _BOX[0], start[1] + _BOX[1] // 2
    x2, y2 = end[0], end[1] + _BOX[1] // 2
    bend = max((x2 - x1) // 2, 40)
    path = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return tag("path", d=path, class_="needs later" if planned else "needs", marker_end="url(#tip)")


def _box(name: str, service: Service, place: tuple[int, int]) -> Markup:
    x, y = place
    content = join(
        tag("rect", x=x, y=y, width=_BOX[0], height=_BOX[1], rx=8),
        tag("text", service.title.th, x=x + 12, y=y + 20, class_="thai", lang="th"),
        tag("text", f"{service.title.en} · {name}", x=x + 12, y=y + 37, class_="small", lang="en"),
    )
    return tag("a", tag("g", content, class_=service.status), href=f"#{name}")
