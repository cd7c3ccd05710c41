"""Debian's Chromium, which tests drive through Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")

# Without the background-networking flags Chromium looks for hosts of its own at every start.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium(*flags: str) -> Iterator[Browser]:
    """A browser of one's own, which ends with the block; without one on this machine the test is skipped."""
    if not CHROMIUM.exists():
        pytest.skip("no Chromium: install Debian's package `chromium`")
    with sync_playwright() as playwright:
        path = Path(__file__).with_name("still_chromium.py")
        running = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        yield running
        running.close()
