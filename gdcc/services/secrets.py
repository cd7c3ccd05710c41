"""Secrets of the common services, made inside the cluster and seen by nobody: ``python -m gdcc.services.secrets FILE``.

FILE says which Secrets there should be, as `Recipe` writes it; it holds no value. What exists is left alone, so running
it again changes nothing. It needs `get`, `create` and `patch` on exactly these names.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from gdcc.console import err, out
from gdcc.engine.api import Api, ApiError, connect
from gdcc.errors import GdccError
from gdcc.identity.incluster import FOLDER, in_cluster
from gdcc.services.recipe import RANDOM, Recipe, read

MANAGER = "gdcc-credentials"
"""Who owns the fields (Kubernetes server-side apply)."""
BYTES = 32


def make(api: Api, namespace: str, recipes: Sequence[Recipe]) -> list[str]:
    """Makes those that are missing; returns their names.

    Raises:
        GdccError: the API server refuses, or does not answer.
    """
    made = []
    for recipe in recipes:
        path = f"/api/v1/namespaces/{namespace}/secrets/{recipe.name}"
        try:
            api.request("GET", path)
            continue
        except ApiError as error:
            if error.status != 404:
                raise
        value = secrets.token_urlsafe(BYTES)
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": recipe.name,
                "namespace": namespace,
                "labels": {"app.kubernetes.io/managed-by": MANAGER},
            },
            "stringData": {key: content.replace(RANDOM, value) for key, content in recipe.files.items()},
        }
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
        api.request("PATCH", path, query, manifest, content_type="application/apply-patch+yaml")
        made.append(recipe.name)
    return made


def main(file: str) -> None:
    """Make what the file says, in the pod's own namespace."""
    inside = in_cluster()
    if not inside:
        hint = "start it with: kubectl create job --from=cronjob/credentials"
        raise GdccError("this runs in a pod of the cluster", hint)
    namespace = (FOLDER / "namespace").read_text("utf-8").strip()
    made = make(connect(inside), namespace, read(Path(file).read_text("utf-8")))
    out.print("made:", ", ".join(made) or "nothing, all are there", markup=False)


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "/etc/gdcc/credentials/secrets.json")
    except GdccError as error:
        err.print(f"error: {error.message}\n  {error.hint}", markup=False)
        sys.exit(error.exit_code)
