"""The one family of errors that reaches a user: a message, what to do about it, and an exit code."""

from __future__ import annotations


class GdccError(Exception):
    """What went wrong, in a sentence a user can act on; the command line prints it without a traceback.

    Args:
        message: what is wrong, naming the file, host, verb or field.
        hint: what to do about it; one sentence or command.
    """

    exit_code = 2
    """1 for findings about what the user wrote; 2 for usage and environment."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class FindingError(GdccError):
    """What the user wrote or asked for is refused; the environment is fine."""

    exit_code = 1
