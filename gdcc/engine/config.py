"""A stack's configuration as Pulumi keeps it: `Pulumi.yaml`, `Pulumi.<stack>.yaml`, and secrets under a passphrase."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from gdcc.engine.program import Program
from gdcc.errors import GdccError
from gdcc.model import read_stack_file
from gdcc.model.source import parse

_ITERATIONS = 1_000_000
"""Rounds of PBKDF2 in Pulumi's passphrase secrets provider, format v1."""
_CHECK = "pulumi"
"""What a stack's `encryptionsalt` holds under the right passphrase."""


def load_program(root: Path, stack: str) -> Program:
    """The project's program with the configuration of one stack, its secrets decrypted in memory.

    Raises:
        GdccError: there is no such stack, or its secrets cannot be read.
        StackError: the stack's file has problems.
    """
    project = parse((root / "Pulumi.yaml").read_bytes(), "Pulumi.yaml").data
    content = read_stack_file(root, stack)
    written = content.get("config")
    crypter = _Crypter(stack, content)
    config: dict[str, str] = {}
    secret_keys = []
    for key, value in (written if isinstance(written, Mapping) else {}).items():
        plain, is_secret = crypter.opened(value)
        config[key] = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
        if is_secret:
            secret_keys.append(key)
    name = project.get("name") if isinstance(project, dict) else None
    if not isinstance(name, str):
        raise GdccError("Pulumi.yaml names no project", "Give it a line `name: gdcc`.")
    return Program(root, name, stack, config, tuple(secret_keys))


class _Crypter:
    """Opens the values of one stack's file; asks for the passphrase only when there is a secret."""

    def __init__(self, stack: str, content: Mapping[str, Any]) -> None:
        self._stack = stack
        self._provider = content.get("secretsprovider") or "passphrase"
        self._salt = content.get("encryptionsalt")
        self._cipher: AESGCM | None = None

    def opened(self, value: Any) -> tuple[Any, bool]:
        """A configuration value with all that is encrypted in it decrypted, and whether there was any."""
        if isinstance(value, Mapping):
            if set(value) == {"secure"} and isinstance(value["secure"], str):
                return self._decrypt(value["secure"]), True
            items = {key: self.opened(item) for key, item in value.items()}
            return {key: item for key, (item, _) in items.items()}, any(secret for _, secret in items.values())
        if isinstance(value, list):
            entries = [self.opened(item) for item in value]
            return [item for item, _ in entries], any(secret for _, secret in entries)
        return value, False

    def _decrypt(self, text: str) -> str:
        self._cipher = self._cipher or self._unlocked()
        try:
            version, nonce, sealed = text.split(":")
            if version != "v1":
                raise self._error(f"a secret in it has the format {version!r}, and only v1 is known")
            return self._cipher.decrypt(base64.b64decode(nonce), base64.b64decode(sealed), None).decode()
        except (ValueError, InvalidTag, binascii.Error) as error:
            raise self._error("a secret in it is damaged") from error

    def _unlocked(self) -> AESGCM:
        if self._provider != "passphrase" or not isinstance(self._salt, str):
            raise self._error(f"its secrets are kept by {self._provider!r}, which only the Pulumi CLI can ask")
        try:
            salt, nonce, sealed = _fields(self._salt)
            key = PBKDF2HMAC(SHA256(), 32, salt, _ITERATIONS).derive(_passphrase(self._stack).encode())
            cipher = AESGCM(key)
            if cipher.decrypt(nonce, sealed, None).decode() != _CHECK:
                raise self._error("the passphrase is wrong")
        except (ValueError, binascii.Error) as error:
            raise self._error("its encryptionsalt is damaged") from error
        except InvalidTag as error:
            raise self._error("the passphrase is wrong") from error
        return cipher

    def _error(self, message: str) -> GdccError:
        return GdccError(
            f"stacks/Pulumi.{self._stack}.yaml: {message}",
            "Set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the stack's passphrase.",
        )


def _fields(salt: str) -> tuple[bytes, bytes, bytes]:
    """The salt, nonce and sealed check of `v1:<salt>:v1:<nonce>:<sealed>`."""
    outer, encoded, inner, nonce, sealed = salt.split(":")
    if (outer, inner) != ("v1", "v1"):
        raise ValueError(salt)
    return base64.b64decode(encoded), base64.b64decode(nonce), base64.b64decode(sealed)


def _passphrase(stack: str) -> str:
    if "PULUMI_CONFIG_PASSPHRASE" in os.environ:
        return os.environ["PULUMI_CONFIG_PASSPHRASE"]
    if path := os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise GdccError(
                f"PULUMI_CONFIG_PASSPHRASE_FILE: {error.strerror}: {path}", "Name a file that you can read."
            ) from error
    raise GdccError(
        f"stacks/Pulumi.{stack}.yaml holds secrets, and no passphrase is given",
        "Set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the stack's passphrase.",
    )
