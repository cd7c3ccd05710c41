"""A stand-in for the identity provider that people sign in with: OpenID Connect discovery on loopback, while asked.

The local API server has a real JWT authenticator (`config.AUTHENTICATION`), whose issuer is fictitious. Whoever holds
the cluster's authority may be that issuer for a moment, to show what the authenticator accepts and what it refuses. It
authenticates nobody, and is no part of the control plane.

Source: OpenID Connect Discovery 1.0; RFC 7515 (JWS), RFC 7517 (JWK), RFC 7518 (ES256), RFC 8176 (`amr`).
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gdcc.cluster import config, pki
from gdcc.cluster.state import Layout
from gdcc.errors import GdccError

_MINUTES = timedelta(minutes=10)


class Issuer:
    """Signs tokens, and serves the key that verifies them."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = os.urandom(8).hex()

    def token(self, subject: str, **claims: Any) -> str:
        """A token of ten minutes for the authenticator's audience."""
        now = int(time.time())
        body = {"iss": config.ISSUER, "aud": config.AUDIENCE, "sub": subject, "iat": now}
        body |= {"exp": now + int(_MINUTES.total_seconds()), **claims}
        header = {"alg": "ES256", "typ": "JWT", "kid": self._id}
        signed = f"{_base64(json.dumps(header).encode())}.{_base64(json.dumps(body).encode())}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_base64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def documents(self, address: str) -> Mapping[str, Mapping[str, Any]]:
        """What is served at an address, by path."""
        numbers = self._key.public_key().public_numbers()
        x, y = (_base64(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        key = {"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self._id, "x": x, "y": y}
        discovery = {
            "issuer": config.ISSUER,
            "jwks_uri": f"{address}/keys",
            "authorization_endpoint": f"{address}/none",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }
        return {config.DISCOVERY: discovery, "/keys": {"keys": [key]}}


@contextmanager
def serving(layout: Layout) -> Iterator[Issuer]:
    """Be the issuer while the block runs.

    Raises:
        GdccError: its port is another process's, or the control plane knows no issuer.
    """
    port = config.issuer_port(layout)
    if port is None:
        raise GdccError("the control plane knows no issuer", "run `gdcc cluster up`")
    issuer = Issuer()
    documents = issuer.documents(f"https://127.0.0.1:{port}")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = documents.get(self.path)
            body = json.dumps(found or {}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Nothing is worth a line."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise GdccError(f"port {port}, the issuer's, is taken: {error.strerror}", "free it and run it again") from error
    server.socket = _context(layout).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _context(layout: Layout) -> ssl.SSLContext:
    """A certificate of the cluster's authority, for minutes and never on disk."""
    leaf = pki.Leaf("issuer", pki.CLUSTER_CA, "gdcc-issuer", hosts=("127.0.0.1",), client=False)
    certificate, key = pki.pem(*pki.issue(layout.pki, leaf, _MINUTES))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    descriptor = os.memfd_create("issuer")  # the ssl module reads certificates from paths only
    try:
        os.write(descriptor, certificate + key)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return context


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
