"""Where words for people go: results to stdout, progress and errors to stderr; colour respects NO_COLOR."""

from __future__ import annotations

from rich.console import Console

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)
