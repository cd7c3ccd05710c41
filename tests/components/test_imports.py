"""The program says what should be; how it is brought about is not loaded with it."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import components

PROGRAM = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(*(name for name in sys.modules if name.startswith(("gdcc.engine", "gdcc.cluster", "kubernetes."))))
"""


def test_whoever_loads_all_components_loads_nothing_of_an_engine() -> None:
    names = [one.name for one in pkgutil.walk_packages(components.__path__, "components.")]
    assert len(names) > 30
    done = subprocess.run([sys.executable, "-c", PROGRAM, *names], check=True, capture_output=True, text=True)
    assert done.stdout.split() == [], "the Pulumi CLI runs the same program without the embedded engine"
