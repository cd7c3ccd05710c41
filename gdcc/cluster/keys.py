"""The keys that seal Secrets: their configuration, and when each was made."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gdcc.cluster.disk import write_private
from gdcc.cluster.state import Layout
from gdcc.errors import GdccError

ENCRYPTION, MADE = "encryption.json", "encryption-keys.json"

Key = Mapping[str, str]
"""`name` and `secret`, 32 bytes in base64, as EncryptionConfiguration has it."""


def ensure(layout: Layout) -> None:
    """Make the first key where there is none; a new one would make what is stored unreadable."""
    if not (layout.config / ENCRYPTION).exists():
        write(layout, [new_key("key1")])


def new_key(name: str) -> Key:
    """A key of that name."""
    return {"name": name, "secret": base64.b64encode(secrets.token_bytes(32)).decode()}


def read(layout: Layout) -> list[Key]:
    """The keys, the one that seals first.

    Raises:
        GdccError: the configuration is not ours.
    """
    try:
        configuration = json.loads((layout.config / ENCRYPTION).read_bytes())
        return list(configuration["resources"][0]["providers"][0]["secretbox"]["keys"])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise GdccError(
            f"{layout.config / ENCRYPTION} holds no keys that seal Secrets",
            "put the file back from a copy: without it what is stored cannot be read",
        ) from error


def write(layout: Layout, keys: Sequence[Key]) -> None:
    """Replace the configuration; the first key seals, all of them open."""
    made = _made(layout)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_private(layout.config / MADE, _json({key["name"]: made.get(key["name"], now) for key in keys}))
    write_private(layout.config / ENCRYPTION, _json(_configuration(keys)))


def created(layout: Layout) -> tuple[str, datetime]:
    """The name of the key that seals, and when it was made.

    Raises:
        GdccError: as `read`.
    """
    name = read(layout)[0]["name"]
    made = _made(layout).get(name)
    if made:
        return name, datetime.fromisoformat(made)
    # Made before times were noted: the file was written with it.
    return name, datetime.fromtimestamp((layout.config / ENCRYPTION).stat().st_mtime, UTC)


def _configuration(keys: Sequence[Key]) -> dict[str, Any]:
    """Secrets are sealed with XSalsa20-Poly1305; `identity` only lets the server read what an older one left."""
    secretbox = {"keys": [dict(key) for key in keys]}
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": [{"secretbox": secretbox}, {"identity": {}}]}],
    }


def _made(layout: Layout) -> dict[str, str]:
    path: Path = layout.config / MADE
    try:
        return {str(name): str(time) for name, time in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _json(contents: Mapping[str, Any]) -> bytes:
    return json.dumps(contents, indent=2).encode()
