"""How several processes share the tests (`pytest -n 2`): what stands on the same thing stays together."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from xdist.scheduler import LoadScopeScheduling

APART = {"test_kubelet.py", "test_lab.py", "test_node_files.py", "test_roles.py"}
"""Of the node tests, those that need none of the hosts which the others share."""

FIRST = ("nodes", "engine", "test_readme.py", "compliance", "nodes-apart", "services", "identity", "tenancy", "notify")
"""What takes long begins first, so that no process is left with it at the end."""


def unit(nodeid: str) -> str:
    """A folder's tests, which share what starts slowly; of the node tests two parts, which share nothing."""
    _, folder, *below = PurePosixPath(nodeid.split("::", 1)[0]).parts
    return f"{folder}-apart" if folder == "nodes" and below[-1] in APART else folder


def place(nodeid: str) -> int:
    """For sorting."""
    found = unit(nodeid)
    return FIRST.index(found) if found in FIRST else len(FIRST)


class ByUnit(LoadScopeScheduling):
    """Each unit to one process, in the order in which they were collected."""

    def __init__(self, config: Any, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
