"""Where the project is: the folder that holds `Pulumi.yaml`."""

from __future__ import annotations

from pathlib import Path

from gdcc.errors import GdccError

MARKER = "Pulumi.yaml"


def project_root() -> Path:
    """The nearest folder at or above the working directory that holds `Pulumi.yaml`, else the one this package is in.

    Returns:
        An absolute path.

    Raises:
        GdccError: there is no such folder.
    """
    here = Path.cwd()
    checkout = Path(__file__).resolve().parent.parent
    for folder in (here, *here.parents, checkout):
        if (folder / MARKER).is_file():
            return folder
    raise GdccError(
        f"no {MARKER} in {here} or any folder above it",
        "run gdcc inside a checkout of the project",
    )
