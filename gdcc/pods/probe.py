"""Readiness, asked as a kubelet asks: over HTTP or HTTPS (whose certificate it does not verify), TCP, or a command."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

_PATIENCE = 5.0


def ready(probe: Mapping[str, Any] | None, address: str, execute: Callable[[list[str]], bool]) -> bool:
    """Whether a container is; one without a probe always is.

    Args:
        probe: Kubernetes' Probe.
        address: of the pod.
        execute: runs a command in the container.
    """
    if not probe:
        return True
    if "exec" in probe:
        return execute(list(probe["exec"]["command"]))
    try:
        if "httpGet" in probe:
            return _http(probe["httpGet"], address)
        with socket.create_connection((address, int(probe["tcpSocket"]["port"])), _PATIENCE):
            return True
    except (OSError, HTTPException):
        return False


def _http(asked: Mapping[str, Any], address: str) -> bool:
    port = int(asked["port"])
    if asked.get("scheme") == "HTTPS":
        unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        connection: HTTPConnection = HTTPSConnection(address, port, timeout=_PATIENCE, context=unverified)
    else:
        connection = HTTPConnection(address, port, timeout=_PATIENCE)
    try:
        connection.request("GET", asked["path"])
        return 200 <= connection.getresponse().status < 400
    finally:
        connection.close()
