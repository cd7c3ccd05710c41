"""Keycloak's Admin API as the sync uses it: by python-keycloak, with errors that people can act on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from requests import Response

from gdcc.errors import GdccError

PAGE = 200
TIMEOUT = 30
"""Seconds for one answer."""
_ADMIN_REALM = "master"


class ServerError(GdccError):
    """Keycloak refused a request.

    Attributes:
        status: the HTTP status code.
    """

    def __init__(self, status: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status


class Server:
    """A connection as one administrator of Keycloak; it signs in when first used, and again when its token ends.

    Args:
        url: where Keycloak is, such as `https://id.example`.
        client_id: of the client in the realm `master` that acts for us.
        secret: that client's.
        authority: a file of certificate authorities, PEM; the system's own by default.
    """

    def __init__(self, url: str, client_id: str, secret: str, authority: Path | None = None) -> None:
        from keycloak import KeycloakOpenIDConnection  # noqa: PLC0415 - slow to load

        self.url = url.rstrip("/")
        self._connection = KeycloakOpenIDConnection(
            server_url=f"{self.url}/",
            realm_name=_ADMIN_REALM,
            client_id=client_id,
            client_secret_key=secret,
            grant_type="client_credentials",
            verify=str(authority) if authority else True,
            timeout=TIMEOUT,
        )

    def get(self, path: str, **query: str | int) -> Any:
        """What is at a path under `admin/realms`; None when there is nothing."""
        answer = self._send("get", path, query=query)
        return None if answer.status_code == 404 else self._checked("GET", path, answer).json()

    def every(self, path: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """All items of a list that comes in pages."""
        first = 0
        while page := self.get(path, first=first, max=PAGE, **query):
            yield from page
            if len(page) < PAGE:
                return
            first += PAGE

    def post(self, path: str, body: Any) -> str:
        """Make something; returns the id that Keycloak gave it, or nothing."""
        answer = self._checked("POST", path, self._send("post", path, json.dumps(body)))
        return str(answer.headers.get("Location", "")).rpartition("/")[2]

    def put(self, path: str, body: Any = None) -> None:
        """Replace something."""
        self._checked("PUT", path, self._send("put", path, json.dumps(body if body is not None else {})))

    def delete(self, path: str) -> None:
        """Remove something; gone already is fine."""
        answer = self._send("delete", path)
        if answer.status_code != 404:
            self._checked("DELETE", path, answer)

    def _send(
        self, verb: str, path: str, data: str | None = None, query: Mapping[str, str | int] | None = None
    ) -> Response:
        from keycloak import exceptions as refused  # noqa: PLC0415 - slow to load

        whole = f"admin/realms/{path}" if path else "admin/realms"
        try:
            send = getattr(self._connection, f"raw_{verb}")
            answer: Response = send(whole, **(query or {})) if data is None else send(whole, data=data)
        except refused.KeycloakAuthenticationError as error:
            raise ServerError(
                401, f"{self.url} does not accept our credentials", "check the client's id and secret in realm master"
            ) from error
        except refused.KeycloakConnectionError as error:
            raise self._unreachable(error.__cause__ or error) from error
        except refused.KeycloakError as error:
            raise self._unreachable(error) from error
        return answer

    def _unreachable(self, why: BaseException) -> GdccError:
        return GdccError(
            f"the ID service at {self.url} does not answer: {_short(why)}",
            "wait until it is up, then run it again: it goes on from what is done",
        )

    def _checked(self, verb: str, path: str, answer: Response) -> Response:
        if answer.status_code < 400:
            return answer
        try:
            told = answer.json()
            reason = told.get("errorMessage") or told.get("error_description") or told.get("error") or ""
        except (ValueError, AttributeError):
            reason = ""
        status = answer.status_code
        if status in (502, 503, 504):
            raise self._unreachable(GdccError(f"HTTP {status}"))
        hints = {
            401: "check the client's id and secret in realm master",
            403: "give the client the role `admin` in realm master, or the roles of this realm",
            409: "somebody changed it at the same moment: run it again",
        }
        message = f"the ID service refuses {verb} {path}: {reason or f'HTTP {status}'}"
        raise ServerError(status, message, hints.get(status, ""))


def _short(why: BaseException) -> str:
    """The innermost reason, without the addresses of objects that libraries put into theirs."""
    while isinstance(inner := getattr(why, "reason", None) or why.__cause__ or why.__context__, BaseException):
        why = inner
    text = str(why) or type(why).__name__
    return text.rpartition(">: ")[2] if ">: " in text else text
