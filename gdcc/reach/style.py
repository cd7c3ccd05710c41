"""The page's own style and script; nothing is fetched from anywhere."""

from __future__ import annotations

CSS = """
:root { color-scheme: light; --ink: #1c2430; --soft: #55606e; --line: #d5dbe3; --blue: #0b4f8a; --red: #b3261e; }
body { margin: 0 auto; max-width: 1440px; padding: 24px; color: var(--ink); background: #fff;
  font: 15px/1.55 "Noto Sans Thai", "Sarabun", "Leelawadee UI", "Thonburi", system-ui, sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 19px; margin: 32px 0 8px; }
.en { color: var(--soft); } p { margin: 4px 0; } code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; }
svg { width: 100%; height: auto; border: 1px solid var(--line); border-radius: 10px; background: #fbfcfe; }
svg text { font: 11px "Noto Sans Thai", "Sarabun", system-ui, sans-serif; fill: var(--ink); }
svg .area { fill: #eef4fb; stroke: #a9c1dc; } svg .box { fill: #f3f1e8; stroke: #c7bf9d; }
svg .zone { font-size: 15px; font-weight: 700; } svg .zone-en { font-size: 12px; fill: var(--soft); }
svg .box ~ .zone { font-size: 13.5px; }
svg .agency text { paint-order: stroke; stroke: #eef4fb; stroke-width: 3px; stroke-linejoin: round; }
svg .agency circle { fill: #8c99a8; } svg .agency text { fill: #4a5563; }
svg .connected circle { fill: var(--blue); } svg .connected text { fill: var(--ink); font-weight: 700; }
svg path.agreement { fill: none; stroke: var(--red); stroke-width: 1.6; stroke-opacity: .75; }
svg path.bridge { fill: none; stroke: #8d8256; stroke-width: 2; stroke-opacity: .7; }
svg .head-agreement { fill: var(--red); } svg .head-zone { fill: #8d8256; }
svg circle.number { fill: #fff; stroke: var(--red); } svg text.number { text-anchor: middle; font-size: 10px; }
svg path.agreement:hover { stroke-width: 3.5; stroke-opacity: 1; }
svg .many path.agreement { stroke-width: 1; stroke-opacity: .3; }
.key span { margin-right: 22px; } .key b { color: var(--red); } .key i { color: #8d8256; font-style: normal; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
caption { text-align: left; padding: 4px 0; color: var(--soft); }
th, td { border-bottom: 1px solid var(--line); padding: 6px 8px; text-align: left; vertical-align: top; }
thead th { position: sticky; top: 0; background: #fff; border-bottom: 2px solid var(--ink); }
tbody th { font-weight: 600; } tr:target { background: #fff3d6; }
td small, th small { color: var(--soft); display: block; font-weight: 400; }
td.file { overflow-wrap: anywhere; min-width: 220px; } td.ports { white-space: nowrap; }
td.because { min-width: 190px; }
.opened, .closed { border-left: 6px solid var(--red); padding-left: 10px; } .closed { border-color: #1a7f37; }
input { font: inherit; padding: 6px 10px; width: min(100%, 420px); border: 1px solid var(--soft); border-radius: 6px; }
.limits li { margin: 2px 0; }
@media print {
  @page { size: A3 landscape; margin: 12mm; }
  body { padding: 0; max-width: none; font-size: 11px; } .search { display: none; } thead th { position: static; }
  thead { display: table-header-group; } tr, svg { break-inside: avoid; } table { font-size: 10px; }
}
"""

SCRIPT = """
const box = document.querySelector(".search"), input = box.querySelector("input"), count = box.querySelector("output");
const rows = [...document.querySelectorAll("#lines tbody tr")];
box.hidden = false;
input.addEventListener("input", () => {
  const words = input.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    shown += !row.hidden;
  }
  count.textContent = words.length ? `${shown} / ${rows.length}` : "";
});
"""
"""The search; without it the page lacks the search and nothing else."""
