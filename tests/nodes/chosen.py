"""Which of these tests a run has chosen, so that what is done for many at once is done for those alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def chosen_here(request: pytest.FixtureRequest) -> list[pytest.Item]:
    """Of this folder."""
    return [item for item in request.session.items if item.path.parent == HERE]


def chosen_params(request: pytest.FixtureRequest, name: str) -> list[Any]:
    """The values of a parameter of those in the module that asks; elsewhere its name means something else."""
    own = [item for item in chosen_here(request) if item.path == request.path and hasattr(item, "callspec")]
    return [item.callspec.params[name] for item in own if name in item.callspec.params]
