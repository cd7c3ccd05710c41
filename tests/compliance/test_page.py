"""The page in a real browser: with and without scripts, on paper, by keyboard, in Thai and in English."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from gdcc.compliance import reports
from gdcc.compliance.pack import Pack
from tests.browser import chromium

from .examples import Terms, first_namespace, looked, packed

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder = tmp_path_factory.mktemp("evidence")
    made = packed(folder, looked(waivers=[Terms(match=("namespace", first_namespace())).waiver()]))
    reports.write(folder, made)
    return made


@pytest.fixture(scope="module")
def page_file(pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    reports.write(folder, pack)
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def opened(browser: Any, page_file: Path) -> Iterator[Open]:
    """Opens the page; anything that it asks for or complains of fails the test."""
    contexts, wrong = [], []

    def open_(**options: Any) -> Any:
        context = browser.new_context(viewport={"width": 1200, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda one: one.url.startswith("file://") or wrong.append(f"asks for {one.url}"))
        page.on("console", lambda one: wrong.append(f"says {one.text}"))
        page.on("pageerror", lambda one: wrong.append(f"fails: {one}"))
        page.goto(page_file.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not wrong


def told(page: Any, pattern: str) -> None:
    """Waits until the filters have done their work."""
    expect(page.locator("output")).to_have_text(re.compile(pattern))


def visible(page: Any, selector: str) -> list[str]:
    return [one.inner_text() for one in page.locator(selector).all() if one.is_visible()]


def test_it_is_thai_first_and_switches_to_english_and_to_both(opened: Open) -> None:
    page = opened()
    heading = page.locator("h1")
    assert heading.inner_text() == "รายงานการตรวจมาตรการความมั่นคงปลอดภัย"
    assert page.evaluate("document.documentElement.lang") == "th"
    page.click("label[for=show-en]")
    assert heading.inner_text() == "Evidence of security controls"
    assert page.evaluate("document.documentElement.lang") == "en"
    page.click("label[for=show-both]")
    assert "รายงาน" in heading.inner_text()
    assert "Evidence" in heading.inner_text()


def test_without_scripts_it_is_complete_and_still_switches_language(opened: Open, pack: Pack) -> None:
    page = opened(java_script_enabled=False)
    assert len(visible(page, "article.control")) == 6
    assert not visible(page, ".filters")
    assert page.locator(".targets li").count() == len(pack.records)
    page.click("label[for=show-en]")
    assert page.locator("h1").inner_text() == "Evidence of security controls"
    page.locator("details:not([open]) summary").first.click()


def test_the_search_narrows_controls_and_counts_records(opened: Open) -> None:
    page = opened()
    page.fill("[name=words]", "gc-02")
    told(page, "^1 / 6 ")
    assert len(visible(page, "article.control")) == 1
    page.click("button[type=reset]")
    told(page, "^$")
    assert len(visible(page, "article.control")) == 6


@pytest.mark.parametrize(
    ("name", "value", "controls"),
    [
        ("state", "waived", ["GC-02"]),
        ("state", "manual", ["GC-04"]),
        ("framework", "pdpa", ["GC-03", "GC-05"]),
        ("ministry", "mof", ["GC-02", "GC-03"]),
    ],
)
def test_each_filter_shows_what_it_names(opened: Open, name: str, value: str, controls: list[str]) -> None:
    page = opened()
    page.select_option(f"[name={name}]", value)
    told(page, "controls")
    shown = [one.get_attribute("id") for one in page.locator("article.control").all() if one.is_visible()]
    assert sorted(shown) == controls


def test_a_ministrys_records_are_the_ones_that_the_summary_counts(opened: Open, pack: Pack) -> None:
    page = opened()
    page.select_option("[name=ministry]", "moph")
    told(page, "controls")
    expected = sum(record.target.ministry == "moph" for record in pack.records)
    assert f"· {expected} " in page.locator("output").inner_text()


def test_it_is_used_by_keyboard_alone(opened: Open) -> None:
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["width"] > 50, "the skip link shows itself when it has the focus"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "show-th"
    page.keyboard.press("ArrowRight")
    assert page.locator("h1").inner_text() == "Evidence of security controls"
    page.focus("[name=words]")
    page.keyboard.type("gc-04")
    told(page, "^1 / 6 ")
    summary = page.locator("details summary").first
    page.fill("[name=words]", "")
    told(page, "^$")
    summary.focus()
    was = page.locator("details").first.get_attribute("open")
    page.keyboard.press("Enter")
    assert page.locator("details").first.get_attribute("open") != was


def test_what_has_the_focus_is_seen(opened: Open) -> None:
    page = opened()
    page.focus("[name=words]")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_on_paper_there_are_no_controls_of_the_screen(opened: Open, tmp_path: Path) -> None:
    page = opened()
    page.emulate_media(media="print")
    assert not visible(page, ".filters")
    assert not visible(page, ".switch")
    assert len(visible(page, "article.control")) == 6
    paper = page.pdf(path=str(tmp_path / "report.pdf"))
    assert paper.startswith(b"%PDF")
    assert len(paper) > 20_000


def test_a_screen_reader_finds_landmarks_labels_and_headings_in_order(opened: Open) -> None:
    page = opened()
    for landmark in ("main", "header", "footer", "nav"):
        assert page.locator(f"body {landmark}").count() >= 1
    unlabelled = page.evaluate(
        "[...document.querySelectorAll('input, select, button')].filter((one) => "
        "!(one.labels && one.labels.length) && !one.textContent.trim()).map((one) => one.outerHTML)"
    )
    assert unlabelled == []
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map((one) => +one.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert page.evaluate("[...document.querySelectorAll('[id]')].length") == page.evaluate(
        "new Set([...document.querySelectorAll('[id]')].map((one) => one.id)).size"
    )
    dangling = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map((one) => one.hash.slice(1))"
        ".filter((id) => !document.getElementById(id))"
    )
    assert dangling == []


CONTRAST = """
() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((one) => {
      const part = one / 255; return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (one) => { for (; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (!colour.startsWith("rgba(") ) return colour; } return "rgb(255, 255, 255)"; };
  const faint = new Set(); let looked = 0;
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !one.offsetParent || one.closest(".quiet, .skip, script")) continue;
    looked += 1;
    const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faint.add(`${one.tagName}.${one.className} ${ratio.toFixed(2)}`);
  }
  return { looked, faint: [...faint] };
}
"""


@pytest.mark.parametrize("language", ["show-th", "show-en", "show-both"])
def test_every_text_has_the_contrast_that_wcag_aa_asks_for(opened: Open, language: str) -> None:
    page = opened()
    page.click(f"label[for={language}]")
    found = page.evaluate(CONTRAST)
    assert found["looked"] > 100
    assert found["faint"] == []


def test_it_fits_a_telephone(opened: Open) -> None:
    page = opened()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_script_in_a_name_does_not_run(opened: Open) -> None:
    page = opened()
    alerts: list[str] = []
    page.on("dialog", lambda one: (alerts.append(one.message), one.dismiss()))
    page.reload()
    assert "<script>alert('x')</script>" in page.locator("#GC-01").inner_text()
    assert alerts == []


def test_from_a_clause_to_its_evidence_it_is_two_steps(opened: Open) -> None:
    page = opened()
    page.fill("[name=words]", "PD 1")
    told(page, "controls")
    assert [one.get_attribute("id") for one in page.locator("article.control").all() if one.is_visible()] == [
        "GC-03",
        "GC-05",
    ]
    assert visible(page, "#GC-03 .group dd")
