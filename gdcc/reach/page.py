"""One self-contained page for people: the picture, the whole table, the list of ports, and the limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from gdcc.reach.difference import Difference
from gdcc.reach.landscape import Landscape
from gdcc.reach.ledger import ITSELF, Entry
from gdcc.reach.limits import limits
from gdcc.reach.markup import Markup, both, join, tag
from gdcc.reach.picture import MOST_ARROWS, picture
from gdcc.reach.report import by_port, line, summary
from gdcc.reach.style import CSS, SCRIPT

_TITLE = ("ใครเข้าถึงใคร", "Who reaches whom")
_THIS_ERA = 543
"""Years by which the calendar of Thai offices is ahead."""

_COLUMNS = (
    ("", "#"),
    ("จาก", "From"),
    ("ถึง", "To"),
    ("สภาพแวดล้อม", "Environments"),
    ("พอร์ต", "Ports"),
    ("บริการ", "Service"),
    ("เพราะ", "Because"),
    ("ประกาศใน", "Declared in"),
)
_PORT_COLUMNS = (
    ("โปรโตคอล", "Protocol"),
    ("พอร์ต", "Ports"),
    ("บริการ", "Service"),
    ("จาก", "From"),
    ("ถึง", "To"),
    ("ประกาศใน", "Declared in"),
)
_ENGLISH_TO_THAI = {"every agency": "ทุกหน่วยงาน", ITSELF: "ตัวเอง", "outside": "ภายนอก"}


def page(landscape: Landscape, entries: Sequence[Entry], change: Difference | None = None, revision: str = "") -> str:
    """The page.

    Args:
        landscape: what was computed.
        entries: the lines to show.
        change: what was opened and closed, if that was asked for.
        revision: since when.

    Returns:
        HTML that needs nothing from anywhere else, and no script to be read.
    """
    body = join(
        tag("header", tag("h1", both(*_TITLE)), _summary(landscape)),
        _change(change, revision) if change else "",
        _picture(landscape, entries),
        _table(landscape, entries),
        _ports(entries),
        _limits(landscape),
        tag("script", Markup(SCRIPT)),
    )
    head = join(
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", " / ".join(_TITLE)),
        tag("style", Markup(CSS)),
    )
    return f"<!doctype html>\n{tag('html', tag('head', head), tag('body', tag('main', body)), lang='th')}\n"


def _summary(landscape: Landscape) -> Markup:
    counted = summary(landscape)
    numbers = [counted[name] for name in ("agencies", "namespaces", "policies", "agreements")]
    thai = "{} หน่วยงาน {} เนมสเปซ {} นโยบายเครือข่าย {} ข้อตกลง".format(*numbers)
    english = "{} agencies, {} namespaces, {} network policies, {} agreements".format(*numbers)
    day = landscape.estate.today
    when = both(f"คำนวณ ณ วันที่ {_buddhist(day)} ก่อนนำขึ้นระบบ", f"Computed for {day}, before anything is applied", "p")
    return join(both(thai, english, "p"), when)


def _buddhist(day: date) -> str:
    return f"{day.day}/{day.month}/{day.year + _THIS_ERA}"


def _change(change: Difference, revision: str) -> Markup:
    since = both(f"สิ่งที่เปลี่ยนตั้งแต่ {revision}", f"Changed since {revision}", "h2")
    parts = [
        (change.opened, "opened", "เปิดเพิ่ม", "Opened"),
        (change.closed, "closed", "ปิดลง", "Closed"),
    ]
    told = [
        tag(
            "section",
            both(f"{thai}: {len(entries)}", f"{english}: {len(entries)}", "h3"),
            tag("ul", *(tag("li", line(entry)) for entry in entries)),
            class_=kind,
        )
        for entries, kind, thai, english in parts
    ]
    return join(since, *told)


def _picture(landscape: Landscape, entries: Sequence[Entry]) -> Markup:
    arrows = sum(entry.topic.agencies is not None for entry in entries)
    key = tag(
        "p",
        tag(
            "span", tag("b", "⟶ "), both("หน่วยงานหนึ่งเข้าถึงอีกหน่วยงานตามข้อตกลง", "one agency reaches another by agreement")
        ),
        tag("span", tag("i", "⟷ "), both("โซนเข้าถึงเกตเวย์ของแพลตฟอร์ม", "a zone and the platform's gateways")),
        class_="key",
    )
    more = both(
        f"ภาพแสดง {MOST_ARROWS} จาก {arrows} ลูกศร ตารางแสดงทั้งหมด ใช้ --from หรือ --to เพื่อดูหน่วยงานเดียว",
        f"The picture shows {MOST_ARROWS} of {arrows} arrows; the table has all. One agency alone: --from or --to.",
        "p",
    )
    heading = both("ภาพรวม", "Picture", "h2")
    return join(heading, key, picture(landscape, entries), more if arrows > MOST_ARROWS else "")


def _head(columns: Iterable[tuple[str, str]]) -> Markup:
    cells = (tag("th", both(thai, english), scope="col") for thai, english in columns)
    return tag("thead", tag("tr", *cells))


def _table(landscape: Landscape, entries: Sequence[Entry]) -> Markup:
    caption = both(
        "ในขอบเขตที่ถาม ไม่มีสิ่งอื่นที่เข้าถึงกันได้นอกจากรายการเหล่านี้ ตัวเลขตรงกับลูกศรในภาพ",
        "Of what was asked, nothing else is reachable. The numbers are those of the arrows.",
        "caption",
    )
    search = tag(
        "p",
        tag("label", both("ค้นหา", "Search"), " ", tag("input", type="search", aria_controls="lines")),
        " ",
        tag("output", aria_live="polite"),
        class_="search",
        hidden=True,
    )
    rows = (_row(landscape, entry, number) for number, entry in enumerate(entries, start=1))
    table = tag("table", caption, _head(_COLUMNS), tag("tbody", *rows), id="lines")
    return join(both("ตารางทั้งหมด", "The whole table", "h2"), search, tag("div", table, class_="wide"))


def _row(landscape: Landscape, entry: Entry, number: int) -> Markup:
    topic = entry.topic
    many = f"{entry.pairs} คู่ / pairs" if entry.pairs > 1 else ""
    because = (tag("small", rules) for rules in entry.because)
    return tag(
        "tr",
        tag("td", str(number)),
        tag("th", _name(landscape, entry.source), tag("small", topic.source_pods), scope="row"),
        tag("td", _name(landscape, topic.target), tag("small", topic.target_pods)),
        tag("td", ", ".join(entry.environments), tag("small", many)),
        tag("td", *(tag("div", str(one)) for one in str(topic.ports).split(", ")), class_="ports"),
        tag("td", topic.service),
        tag("td", *because, class_="because"),
        tag("td", tag("code", entry.declared_in), class_="file"),
        id=f"line-{number}",
    )


def _name(landscape: Landscape, words: str) -> Markup:
    """An agency's id with its names; other words with their Thai."""
    if words in landscape.by_id:
        title = landscape.parties[next(iter(landscape.by_id[words]))].title
        return join(words, tag("small", f"{title.th} / {title.en}"))
    thai = next((thai for english, thai in _ENGLISH_TO_THAI.items() if words.startswith(english)), "")
    return join(words, tag("small", thai, lang="th"))


def _ports(entries: Sequence[Entry]) -> Markup:
    rows = (
        tag(
            "tr",
            tag("td", protocol),
            tag("td", ports, class_="ports"),
            tag("td", entry.topic.service),
            tag("td", entry.source),
            tag("td", entry.topic.target),
            tag("td", tag("code", entry.declared_in), class_="file"),
        )
        for protocol, ports, entry in by_port(entries)
    )
    table = tag("table", _head(_PORT_COLUMNS), tag("tbody", *rows), id="ports")
    heading = both("พอร์ต โปรโตคอล และบริการ สำหรับผู้ตรวจสอบ", "Ports, protocols and services, for auditors", "h2")
    return join(heading, tag("div", table, class_="wide"))


def _limits(landscape: Landscape) -> Markup:
    items = (tag("li", both(limit.th, limit.en)) for limit in limits(landscape))
    return join(both("ข้อจำกัดของผลนี้", "Limits of this answer", "h2"), tag("ul", *items, class_="limits"))
