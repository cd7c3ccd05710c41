"""Keys of applications: made here, the public half registered, the private half for the tenant's Secret only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

from gdcc.identity.clients import ALGORITHM

Jwk = dict[str, Any]
"""A public key (RFC 7517); its `kid` is its thumbprint (RFC 7638)."""


@dataclass(frozen=True)
class KeyPair:
    """A private key and what is registered of it.

    Attributes:
        private: PEM (PKCS 8); in no `repr`.
        public: with `kid`, `use` and `alg`.
    """

    private: str = field(repr=False)
    public: Jwk

    @property
    def id(self) -> str:
        """The thumbprint."""
        return str(self.public["kid"])

    @classmethod
    def make(cls) -> KeyPair:
        """A new key on the curve P-256."""
        return _pair(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def read(cls, pem: str) -> KeyPair | None:
        """The pair of a private key; None when the text is no private key on P-256."""
        try:
            key = serialization.load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError):
            return None
        fits = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
        return _pair(key) if fits and isinstance(key, ec.EllipticCurvePrivateKey) else None


@dataclass(frozen=True)
class Made:
    """When a key was made.

    Attributes:
        id: the key's.
        at: seconds since the epoch.
    """

    id: str
    at: int


def key_set(keys: Sequence[Jwk]) -> str:
    """A JSON Web Key Set, newest first."""
    return json.dumps({"keys": list(keys)}, sort_keys=True, separators=(",", ":"))


def read_key_set(text: str) -> list[Jwk]:
    """The keys of a set; empty when it is none."""
    try:
        return [dict(one) for one in json.loads(text)["keys"]]
    except (ValueError, KeyError, TypeError):
        return []


def record(made: Sequence[Made]) -> str:
    """What the sync notes of the keys it made."""
    return json.dumps([[one.id, one.at] for one in made], separators=(",", ":"))


def read_record(text: str) -> list[Made]:
    """What `record` wrote; empty when it is not that."""
    try:
        return [Made(str(key), int(at)) for key, at in json.loads(text)]
    except (ValueError, TypeError):
        return []


def _pair(key: ec.EllipticCurvePrivateKey) -> KeyPair:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    required = json.dumps({name: public[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    thumbprint = base64url_encode(hashlib.sha256(required.encode()).digest()).decode()
    whole = {**public, "kid": thumbprint, "use": "sig", "alg": ALGORITHM}
    return KeyPair(private.decode(), {name: value for name, value in whole.items() if name != "key_ops"})
