"""The oracle, once for all tests of this folder, and the real estate."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from gdcc.model import Estate, StackSettings, load_estate
from gdcc.reach.commands import EXAMPLES, reach
from gdcc.reach.landscape import Landscape, survey
from tests.checkout import REPOSITORY, Checkout

from .oracle import Oracle, build

Run = Callable[..., Result]
AGREEMENT = "stacks/agreements/dopa-rd-population.yaml"


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    running = Oracle(build())
    yield running
    running.close()


@pytest.fixture(scope="session")
def estate() -> Estate:
    """The estate of ``stacks/``, all of it."""
    return load_estate(REPOSITORY, StackSettings(agencies=("*",)))


@pytest.fixture(scope="session")
def landscape(estate: Estate) -> Landscape:
    return survey(estate)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with three agencies and one agreement: `rd` uses the population data of `dopa`; `ddc` nothing."""
    root = tmp_path / "project"
    root.mkdir()
    Checkout.make(root, "mof/rd", "moi/dopa", "moph/ddc")
    (root / AGREEMENT).parent.mkdir()
    shutil.copy(REPOSITORY / AGREEMENT, root / AGREEMENT)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def run(project: Path) -> Run:
    app = typer.Typer()
    app.command(epilog=EXAMPLES)(reach)
    app.command("other")(lambda: None)
    return lambda *arguments: CliRunner().invoke(app, ["reach", *arguments])
