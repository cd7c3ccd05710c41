"""Errors in the contract's shape: ``{"status_code": 400, "errors": [{"error": "BadRequestError", "message": ""}]}``."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import JSONResponse


class Refusal(Exception):  # noqa: N818  what the caller gets, as much as an error
    """A request that is not carried out.

    Args:
        status: of HTTP.
        error: the contract's name of the error.
        messages: what is wrong, one for each thing; no personal data, since clients log them.
        retry_after: seconds after which the same request may succeed.
    """

    def __init__(self, status: int, error: str, messages: str | Sequence[str], retry_after: int = 0) -> None:
        self.status = status
        self.error = error
        self.messages = [messages] if isinstance(messages, str) else list(messages)
        self.retry_after = retry_after
        super().__init__(f"{status} {error}")

    def response(self) -> JSONResponse:
        """The answer."""
        body = {
            "status_code": self.status,
            "errors": [{"error": self.error, "message": message} for message in self.messages],
        }
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after else {}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(body, self.status, headers)


def bad_request(message: str) -> Refusal:
    """What was asked cannot be done, however well it is written."""
    return Refusal(400, "BadRequestError", message)


def invalid(*messages: str) -> Refusal:
    """A field is missing or malformed; each message begins with its name."""
    return Refusal(400, "ValidationError", messages)


def forbidden(message: str) -> Refusal:
    """The credential is not accepted."""
    return Refusal(403, "AuthError", message)


def not_found() -> Refusal:
    """Nothing there, or nothing that belongs to the caller."""
    return Refusal(404, "NoResultFound", "No result found")


def unavailable(message: str) -> Refusal:
    """Something behind the service is down; the same request may be repeated."""
    return Refusal(503, "ServiceUnavailableError", message, retry_after=5)
