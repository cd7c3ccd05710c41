"""The picture: zones as areas, agencies as dots in them, and an arrow for whatever one agency opens to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, dist, hypot

from gdcc.model import LocalizedName, Zone
from gdcc.reach.landscape import Landscape
from gdcc.reach.ledger import Entry
from gdcc.reach.markup import Markup, join, tag
from gdcc.reach.parties import gateway

Point = tuple[float, float]

WIDTH = 1400
MOST_ARROWS = 300
"""More cannot be told apart; the table has them all."""
MOST_NUMBERS = 60

_MARGIN, _GAP, _HEAD, _ROW = 16, 22, 46, 21
_SIDE = 300
"""Width of the column of the platform's zones, at the right."""
_SPACE = 110
"""Between the areas and that column: room for the arrows to it."""
_LETTER = 6.6
"""Width of a letter of a label."""
_CLEAR = 22
"""Between two numbers, or a number and a dot."""
_WIDE = WIDTH - 2 * _MARGIN - _SIDE - _SPACE
"""Width of an area."""


@dataclass(frozen=True, slots=True)
class _Area:
    zone: Zone
    agencies: Sequence[str]
    top: float
    columns: int

    @property
    def height(self) -> float:
        return _HEAD + max(1, ceil(len(self.agencies) / self.columns)) * _ROW + 10

    def places(self) -> Iterator[tuple[str, Point]]:
        """Where each agency's dot is: down the columns, as one reads a list."""
        rows = max(1, ceil(len(self.agencies) / self.columns))
        for index, agency in enumerate(self.agencies):
            column, row = divmod(index, rows)
            yield agency, (_MARGIN + 18 + column * (_WIDE - 24) / self.columns, self.top + _HEAD + row * _ROW + 6)


def picture(landscape: Landscape, entries: Sequence[Entry]) -> Markup:
    """An SVG element of the whole estate; what it shows is also in the table, in words."""
    areas = list(_areas(landscape))
    platform = [zone for zone in landscape.estate.zones.values() if not zone.tenants]
    height = max((area.top + area.height for area in areas), default=0) + _MARGIN
    places = {agency: place for area in areas for agency, place in area.places()}
    told = [entry for entry in entries if entry.topic.agencies][:MOST_ARROWS]
    arrows = [_Arrow.of(entry, number, places) for number, entry in enumerate(told, start=1)]
    connected = {name for entry in told for name in entry.topic.agencies or ()}
    boxes = {zone.name: (zone, 60 + index * 110.0) for index, zone in enumerate(platform)}
    height = max(height, 60 + len(platform) * 110.0)
    return tag(
        "svg",
        tag("title", "ภาพเครือข่าย / The network", id="picture-title"),
        tag("desc", f"{len(areas)} zones, {len(places)} agencies, {len(arrows)} arrows", id="picture-desc"),
        _heads(),
        *(_area(area) for area in areas),
        *(_box(zone, top) for zone, top in boxes.values()),
        *_bridges(landscape, areas, boxes),
        tag("g", *(arrow.drawn() for arrow in arrows), class_="many" if len(arrows) > MOST_NUMBERS else None),
        *(_dot(landscape, agency, place, agency in connected) for agency, place in places.items()),
        *_numbers(arrows, places),
        viewBox=f"0 0 {WIDTH} {height:g}",
        role="img",
        aria_labelledby="picture-title picture-desc",
    )


def _areas(landscape: Landscape) -> Iterator[_Area]:
    top = float(_MARGIN)
    for zone in landscape.estate.zones.values():
        if not zone.tenants:
            continue
        ids = sorted(tenant.agency for tenant in landscape.estate.tenants if tenant.zone.name == zone.name)
        longest = max(map(len, ids), default=10)
        area = _Area(zone, ids, top, max(1, int((_WIDE - 24) / (longest * _LETTER + 26))))
        yield area
        top += area.height + _GAP


def _heads() -> Markup:
    """Arrowheads; an arrow's own colour cannot be inherited by one, so each kind has its own."""
    path = "M0 0 L8 4 L0 8 z"
    kinds = [
        tag(
            "marker",
            tag("path", d=path, class_=f"head-{kind}"),
            id=f"head-{kind}",
            viewBox="0 0 8 8",
            refX=7,
            refY=4,
            markerWidth=size,
            markerHeight=size,
            markerUnits="userSpaceOnUse",
            orient="auto-start-reverse",
        )
        for kind, size in (("agreement", 11), ("zone", 12))
    ]
    return tag("defs", *kinds)


def _titled(title: LocalizedName, x: float, y: float) -> Markup:
    return join(
        tag("text", title.th, x=x, y=y, class_="zone", lang="th"),
        tag("text", title.en, x=x, y=y + 16, class_="zone-en", lang="en"),
    )


def _area(area: _Area) -> Markup:
    shape = tag("rect", x=_MARGIN, y=area.top, width=_WIDE, height=area.height, rx=10, class_="area")
    return tag("g", shape, _titled(area.zone.title, _MARGIN + 12, area.top + 20))


def _box(zone: Zone, top: float) -> Markup:
    left = WIDTH - _MARGIN - _SIDE
    shape = tag("rect", x=left, y=top, width=_SIDE, height=76, rx=10, class_="box")
    return tag("g", shape, _titled(zone.title, left + 12, top + 28))


def _bridges(landscape: Landscape, areas: Sequence[_Area], boxes: Mapping[str, tuple[Zone, float]]) -> Iterator[Markup]:
    """Lines between a zone of agencies and one of the platform's, with a head at each end that is reached."""
    start, end = _MARGIN + _WIDE, WIDTH - _MARGIN - _SIDE
    for place, area in enumerate(areas):
        inside = landscape.in_zone(area.zone.name)
        for index, (name, (_, top)) in enumerate(boxes.items()):
            way = frozenset({gateway(name)})
            out = any(landscape.matrix.parts(inside, way))
            into = any(landscape.matrix.parts(way, inside))
            if not (out or into):
                continue
            y1 = area.top + area.height / 2 + (index - (len(boxes) - 1) / 2) * 16
            y2 = top + 38 + (place - (len(areas) - 1) / 2) * 16
            yield tag(
                "path",
                tag("title", f"{area.zone.name} {'↔' if out and into else '→' if out else '←'} {name}"),
                d=f"M{start:g} {y1:g} C{start + 60:g} {y1:g} {end - 60:g} {y2:g} {end:g} {y2:g}",
                class_="bridge",
                marker_end="url(#head-zone)" if out else None,
                marker_start="url(#head-zone)" if into else None,
            )


def _dot(landscape: Landscape, agency: str, place: Point, connected: bool) -> Markup:
    x, y = place
    name = next(iter(landscape.by_id[agency]))
    title = landscape.parties[name].title
    return tag(
        "g",
        tag("title", f"{title.th} / {title.en}"),
        tag("circle", cx=f"{x:g}", cy=f"{y:g}", r=4.5 if connected else 3),
        tag("text", agency, x=f"{x + 9:g}", y=f"{y + 4:g}"),
        class_="agency connected" if connected else "agency",
    )


@dataclass(frozen=True, slots=True)
class _Arrow:
    """A curve from one agency to another: its ends, and the point that it bends to."""

    entry: Entry
    number: int
    start: Point
    bend: Point
    end: Point

    @classmethod
    def of(cls, entry: Entry, number: int, places: Mapping[str, Point]) -> _Arrow:
        source, target = entry.topic.agencies or ("", "")
        start, end = places[source], places[target]
        return cls(entry, number, start, _bend(start, end), end)

    def at(self, part: float) -> Point:
        """A point on the curve; 0 is its start, 1 its end."""
        rest = 1 - part
        x, y = (
            rest * rest * self.start[axis] + 2 * rest * part * self.bend[axis] + part * part * self.end[axis]
            for axis in (0, 1)
        )
        return x, y

    def drawn(self) -> Markup:
        (x1, y1), (cx, cy), (x2, y2) = self.start, self.bend, self.end
        length = hypot(x2 - cx, y2 - cy) or 1
        tip_x, tip_y = x2 - (x2 - cx) / length * 6, y2 - (y2 - cy) / length * 6
        return tag(
            "path",
            tag("title", self.title),
            d=f"M{x1:.1f} {y1:.1f} Q{cx:.1f} {cy:.1f} {tip_x:.1f} {tip_y:.1f}",
            class_="agreement",
            marker_end="url(#head-agreement)",
        )

    @property
    def title(self) -> str:
        topic = self.entry.topic
        return f"{self.number}. {self.entry.source} → {topic.target}: {topic.ports}, {topic.service}"


def _numbers(arrows: Sequence[_Arrow], places: Mapping[str, Point]) -> Iterator[Markup]:
    """A number on each arrow that leads to its line of the table, where it hides neither a dot nor another number."""
    if len(arrows) > MOST_NUMBERS:
        return
    taken = {place for arrow in arrows for name in arrow.entry.topic.agencies or () for place in (places[name],)}
    for arrow in arrows:
        spots = [arrow.at(part) for part in (0.5, 0.44, 0.56, 0.38, 0.62, 0.3, 0.7)]
        x, y = next((spot for spot in spots if all(dist(spot, other) > _CLEAR for other in taken)), spots[0])
        taken.add((x, y))
        yield tag(
            "a",
            tag("title", arrow.title),
            tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=8, class_="number"),
            tag("text", str(arrow.number), x=f"{x:.1f}", y=f"{y + 3.5:.1f}", class_="number"),
            href=f"#line-{arrow.number}",
        )


def _bend(start: Point, end: Point) -> Point:
    """The point that an arrow bends to: aside, so that one there and one back do not lie on each other."""
    (x1, y1), (x2, y2) = start, end
    length = dist(start, end) or 1
    away = min(70, length / 4)
    aside, along = (y2 - y1) / length * away, (x2 - x1) / length * away
    middle_x, middle_y = (x1 + x2) / 2, (y1 + y2) / 2
    if _MARGIN + 30 < middle_x - aside < _WIDE:
        return middle_x - aside, middle_y + along
    return middle_x + aside, middle_y - along  # to the other side, rather than out of the areas
