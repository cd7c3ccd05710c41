"""An application's side: signs its assertions, proves with PKCE, asks for tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import requests

from gdcc.identity.secrets import CLIENT_ID, ISSUER, KEY_ID, PRIVATE_KEY, TOKEN_ENDPOINT


@dataclass
class Application:
    """Has what the tenant's Secret holds, and nothing else."""

    data: dict[str, str]
    authority: Path
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        return _base64url(hashlib.sha256(self.verifier.encode()).digest())

    def assertion(self) -> dict[str, str]:
        """Who it is (RFC 7523)."""
        now = int(time.time())
        claims = {
            "iss": self.data[CLIENT_ID],
            "sub": self.data[CLIENT_ID],
            "aud": self.data[ISSUER],
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + 30,
        }
        signed = jwt.encode(claims, self.data[PRIVATE_KEY], algorithm="ES256", headers={"kid": self.data[KEY_ID]})
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        return {"client_assertion_type": kind, "client_assertion": signed}

    def post(self, **form: str) -> requests.Response:
        whole = self.assertion() | form
        return requests.post(self.data[TOKEN_ENDPOINT], data=whole, verify=str(self.authority), timeout=30)

    def token(self) -> requests.Response:
        """As itself."""
        return self.post(grant_type="client_credentials")

    def claims(self, token: str, audience: str) -> dict[str, object]:
        """What a service reads, after it has checked signature, issuer, audience and end."""
        return verified(token, self.data[ISSUER], audience, self.authority)

    def authorization_url(self, redirect_uri: str, **other: str) -> str:
        """Where it sends a person."""
        query = {
            "response_type": "code",
            "client_id": self.data[CLIENT_ID],
            "redirect_uri": redirect_uri,
            "scope": "openid",
            "state": "s",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        url = f"{self.data[ISSUER]}/protocol/openid-connect/auth"
        return str(requests.Request("GET", url, params=query | other).prepare().url)


def verified(token: str, issuer: str, audience: str, authority: Path) -> dict[str, object]:
    keys = requests.get(f"{issuer}/protocol/openid-connect/certs", verify=str(authority), timeout=30).json()["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    key = jwt.PyJWK(next(one for one in keys if one["kid"] == kid))
    return dict(jwt.decode(token, key, algorithms=["ES256"], issuer=issuer, audience=audience))


def totp(secret: str, at: float | None = None) -> str:
    """A one-time password (RFC 6238): SHA-1, six digits, 30 seconds."""
    key = base64.b32decode(secret.replace(" ", "").upper() + "=" * (-len(secret.replace(" ", "")) % 8))
    counter = struct.pack(">Q", int((time.time() if at is None else at) // 30))
    digest = hmac.new(key, counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06d}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
