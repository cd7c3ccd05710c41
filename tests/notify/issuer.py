"""The ID service as notify sees it: keys over HTTP, and tokens signed with them."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm


class Issuer:
    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        published = [
            RSAAlgorithm.to_jwk(self.rsa.public_key(), as_dict=True) | {"kid": "rsa", "use": "sig", "alg": "RS256"},
            RSAAlgorithm.to_jwk(self.rsa.public_key(), as_dict=True) | {"kid": "pss", "use": "sig", "alg": "PS256"},
            ECAlgorithm.to_jwk(self.ec.public_key(), as_dict=True) | {"kid": "ec", "use": "sig", "alg": "ES256"},
            # A careless realm: a shared secret among the public keys.
            {
                "kty": "oct",
                "kid": "shared",
                "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
                "alg": "HS256",
                "use": "sig",
            },
        ]
        content = json.dumps({"keys": published}).encode()

        class Keys(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Keys)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.issuer = f"{self.url}/realms/gdcc"

    @property
    def jwks(self) -> str:
        return f"{self.issuer}/protocol/openid-connect/certs"

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": ["notify", "account"],
            "iat": now,
            "exp": now + 300,
            "sub": "service-account",
            "agency": "moph/ddc",
            "plan": "live",
        }
        return {name: value for name, value in (claims | changed).items() if value is not None}

    def token(self, kid: str = "rsa", algorithm: str = "", key: Any = None, **changed: Any) -> str:
        algorithm = algorithm or {"rsa": "RS256", "pss": "PS256", "ec": "ES256"}.get(kid, "RS256")
        signing = key or (self.ec if kid == "ec" else self.rsa)
        return jwt.encode(self.claims(**changed), signing, algorithm=algorithm, headers={"kid": kid})

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
