"""The ledger as one self-contained page: a bar for each pool and resource, readable without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from gdcc.capacity.ledger import GOAL_VCPU, RESOURCES, UNITS, Account, Ledger, figure

_TITLES = {"cpu": "หน่วยประมวลผล / processors", "memory": "หน่วยความจำ / memory", "storage": "พื้นที่จัดเก็บ / storage"}
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#0f172a;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:right;padding:.3rem .5rem;border-bottom:1px solid #cbd5e1}
th:first-child,td:first-child{text-align:left}svg{display:block;width:100%;height:1.4rem}caption{text-align:left;font-weight:600}
th:last-child{width:25%}
.zone td:first-child{padding-left:1.5rem;color:#475569}
"""


def page(ledger: Ledger) -> str:
    """The page, Thai and English beside each other."""
    share = ledger.vcpu / GOAL_VCPU
    body = [
        "<h1>กำลังของคลาวด์กลางภาครัฐ / Capacity of the government cloud</h1>",
        f"<p>{ledger.vcpu:,.0f} vCPU จากเป้าหมาย {GOAL_VCPU:,} / of the goal of {GOAL_VCPU:,}: {share:.0%}</p>",
        _bar(min(share, 1), f"vCPU: {share:.0%}", _REACHED if share >= 1 else _PLAIN),
    ]
    for resource in RESOURCES:
        body.append(f"<h2>{_TITLES[resource]} ({UNITS[resource][0]})</h2>")
        body += _table(ledger, resource)
    return (
        '<!doctype html><html lang="th"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>gdcc capacity</title><style>{_STYLE}</style></head><body>{''.join(body)}</body></html>\n"
    )


_PLAIN, _TIGHT, _REACHED = "#1d4ed8", "#b91c1c", "#15803d"
_HEADS = (
    "กลุ่มเครื่อง / pool",
    "มี / there is",
    "สัญญาได้ / may be promised",
    "ขอ / asked",
    "ให้แล้ว / granted",
    "เหลือ / free",
    "ขอต่อสัญญาได้ / asked of promised",
)


def _table(ledger: Ledger, resource: str) -> Iterator[str]:
    heads = "".join(f'<th scope="col">{head}</th>' for head in _HEADS)
    yield f"<table><thead><tr>{heads}</tr></thead><tbody>"
    for pool in ledger.pools:
        used = pool.asked[resource] / pool.promised[resource] if pool.promised[resource] else 0
        yield _row(pool, resource, _bar(min(used, 1), f"{pool.name}: {used:.0%}"))
        for zone in ledger.zones[pool.name]:
            yield _row(zone, resource, "")
    yield "</tbody></table>"


def _row(account: Account, resource: str, bar: str) -> str:
    def cell(amounts: dict[str, int] | None) -> str:
        return f"<td>{figure(resource, amounts[resource]) if amounts else ''}</td>"

    kind = "" if account.promised else ' class="zone"'
    amounts = (account.there_is, account.promised, account.asked, account.granted, account.free)
    return f"<tr{kind}><td>{escape(account.name)}</td>{''.join(map(cell, amounts))}<td>{bar}</td></tr>"


def _bar(share: float, label: str, colour: str = "") -> str:
    colour = colour or (_TIGHT if share > 0.9 else _PLAIN)
    return (
        f'<svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{escape(label)}">'
        '<rect width="100" height="8" fill="#e2e8f0"/>'
        f'<rect width="{share * 100:.1f}" height="8" fill="{colour}"/></svg>'
    )
