"""Everything secret comes from one mounted file of master keys; nothing secret is stored beside it.

API keys' secrets, the key that encrypts what is stored and the key of fingerprints are derived by HKDF (RFC 5869),
each for its purpose, so that the database and the bindings hold nothing that would let anybody in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gdcc.errors import GdccError

KEY_BYTES = 32
NAMESPACE = uuid.UUID("5a1f3c54-7a0e-5d0b-9c0d-6f0f3c6f2b11")
"""Of the ids of services: the same agency and environment has the same id everywhere."""


def service_id(agency: str, environment: str) -> uuid.UUID:
    """The contract's service id of an agency in an environment."""
    return uuid.uuid5(NAMESPACE, f"{agency}/{environment}")


class Keyring:
    """The master keys, and what is derived from them.

    Args:
        masters: 32 bytes each. The first is used for what is new; all are tried for what is old, so that a key is
            rotated by putting a new one first and removing the old one after the retention.
    """

    def __init__(self, masters: list[bytes]) -> None:
        if not masters or any(len(master) != KEY_BYTES for master in masters):
            raise ValueError(f"master keys are {KEY_BYTES} bytes each, and there is at least one")
        self._masters = masters
        self._box = MultiFernet([Fernet(base64.urlsafe_b64encode(_derive(one, "seal", 32))) for one in masters])
        self._print_keys = [_derive(master, "fingerprint", 32) for master in masters]

    @classmethod
    def read(cls, path: Path) -> Keyring:
        """Reads the mounted file: a key a line, 32 bytes in base64url; blank lines and ``#`` comments are skipped.

        Raises:
            GdccError: unreadable, or a line is no such key.
        """
        try:
            lines = path.read_text("ascii").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise GdccError(
                f"the master keys ({path.name}) cannot be read", "mount the file that holds them"
            ) from error
        masters = []
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            try:
                key = base64.urlsafe_b64decode(line.strip() + "=" * (-len(line.strip()) % 4))
            except (binascii.Error, ValueError):
                key = b""
            if len(key) != KEY_BYTES:
                raise GdccError(
                    f"{path.name}:{number}: not a key of {KEY_BYTES} bytes in base64url",
                    "make one with: openssl rand -base64 32 | tr '+/' '-_'",
                )
            masters.append(key)
        if not masters:
            raise GdccError(f"{path.name}: holds no key", "make one with: openssl rand -base64 32 | tr '+/' '-_'")
        return cls(masters)

    def seal(self, notification: uuid.UUID, content: dict[str, str]) -> bytes:
        """Encrypts what names or reaches a person (Fernet: AES-128-CBC with HMAC-SHA256)."""
        return self._box.encrypt(json.dumps([str(notification), content], ensure_ascii=False).encode())

    def open(self, notification: uuid.UUID, sealed: bytes) -> dict[str, str]:
        """What was sealed.

        Raises:
            ValueError: sealed with a key that is gone, altered, or moved here from another notification.
        """
        try:
            owner, content = json.loads(self._box.decrypt(sealed))
        except InvalidToken as error:
            raise ValueError("sealed with another key, or altered") from error
        if owner != str(notification):
            raise ValueError("sealed for another notification")
        return dict(content)

    def fingerprint(self, *parts: object) -> bytes:
        """A keyed hash of what was asked: tells a repetition, and nothing to whom the key is missing."""
        return self._print(self._print_keys[0], parts)

    def same(self, fingerprint: bytes, *parts: object) -> bool:
        """Whether that fingerprint was made of this, with any of the keys."""
        return any(hmac.compare_digest(self._print(key, parts), fingerprint) for key in self._print_keys)

    def secret(self, service: uuid.UUID, kind: str, generation: int) -> str:
        """The secret of an API key made now, in the form that the contract's clients cut off a key's end."""
        return next(self.secrets(service, kind, generation))

    def secrets(self, service: uuid.UUID, kind: str, generation: int) -> Iterator[str]:
        """That secret under each master key, the newest first."""
        for master in self._masters:
            yield str(uuid.UUID(bytes=_derive(master, f"api-key/{service}/{kind}/{generation}", 16)))

    @staticmethod
    def _print(key: bytes, parts: tuple[object, ...]) -> bytes:
        text = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
        return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _derive(master: bytes, purpose: str, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt=None, info=f"gdcc-notify/{purpose}".encode()).derive(master)
