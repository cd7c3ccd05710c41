"""The catalogue's own style; nothing is fetched from anywhere."""

from __future__ import annotations

CSS = """
:root { color-scheme: light; --ink: #1c2430; --soft: #55606e; --line: #d5dbe3; --blue: #0b4f8a; --green: #1a7f37; }
body { margin: 0 auto; max-width: 1180px; padding: 24px; color: var(--ink); background: #fff;
  font: 15px/1.55 "Noto Sans Thai", "Sarabun", "Leelawadee UI", "Thonburi", system-ui, sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 32px 0 8px; } h4 { margin: 10px 0 2px; }
h3 { font-size: 18px; margin: 0; display: inline-block; } p { margin: 4px 0; }
.en, small { color: var(--soft); } small { display: block; font-weight: 400; font-size: 12.5px; }
code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; color: var(--blue); overflow-wrap: anywhere; }
.card { border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; margin: 12px 0; }
.card:target { border-color: var(--blue); box-shadow: 0 0 0 1px var(--blue); }
.state { float: right; color: var(--green); font-weight: 600; } .state .en { color: inherit; }
.example { border-left: 5px solid #c7bf9d; padding-left: 10px; font-size: 13.5px; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 8px 32px; margin-top: 8px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { border-bottom: 1px solid var(--line); padding: 6px 8px; text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid var(--ink); } td.number { text-align: right; font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: 11em minmax(0, 1fr); gap: 3px 12px; margin: 0; font-size: 13.5px; }
dt { grid-column: 1; font-weight: 600; } dd { grid-column: 2; margin: 0; } dt .en { font-weight: 400; }
dt .en, th .en, small .en { display: block; }
details { margin-top: 10px; } summary { cursor: pointer; font-weight: 600; }
.agencies { columns: 17em; font-size: 13px; padding-left: 18px; } .agencies li { break-inside: avoid; }
svg.graph { width: 100%; height: auto; border: 1px solid var(--line); border-radius: 10px; background: #fbfcfe; }
.graph rect { fill: #fff; stroke: #8c99a8; } .graph .available rect { fill: #eef4fb; stroke: var(--blue); }
.graph .planned rect { stroke-dasharray: 4 3; } .graph text { font-size: 14px; fill: var(--ink); }
.graph text.small { font-size: 11.5px; fill: var(--soft); } .graph .available .thai { font-weight: 700; }
.graph path.needs { fill: none; stroke: var(--blue); stroke-width: 1.5; stroke-opacity: .75; }
.graph path.later { stroke: #8c99a8; stroke-dasharray: 4 3; } .graph marker path { fill: #55606e; }
@media (max-width: 800px) { .columns { grid-template-columns: minmax(0, 1fr); } }
@media print { body { padding: 0; max-width: none; font-size: 11px; } .card, tr { break-inside: avoid; } }
"""
