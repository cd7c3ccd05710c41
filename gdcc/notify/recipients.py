"""Whom a message is for: checked and brought into one form."""

from __future__ import annotations

import re

from gdcc.notify.refusal import invalid

# RFC 5321's dot-atom and a domain of two labels or more: what the mail relays of the field take. No quoted names.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_TOP = re.compile(r"([A-Za-z]{2,63}|xn--[A-Za-z0-9-]{2,59})\Z")
_LINE = re.compile(r"[UCR][0-9a-f]{32}\Z")
_FILLING = re.compile(r"[\s().\u200b\u00a0-]")


def email(written: str) -> str:
    """An e-mail address (RFC 5321); a domain in Thai becomes its ASCII form (IDNA).

    Raises:
        Refusal: it is none.
    """
    local, at, domain = written.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        domain = ""
    labels = domain.split(".")
    fits = at and len(local) <= 64 and len(domain) <= 253 and len(labels) >= 2 and _LOCAL.match(local)
    if not (fits and all(_LABEL.match(label) for label in labels) and _TOP.match(labels[-1])):
        raise invalid("email_address Not a valid email address")
    return f"{local}@{domain}"


def phone(written: str) -> str:
    """A telephone number in E.164 form; ``08x-xxx-xxxx`` and other Thai numbers get +66.

    Raises:
        Refusal: it is none.
    """
    bare = _FILLING.sub("", written)
    if not re.fullmatch(r"\+?[0-9]+", bare):
        raise invalid("phone_number Must not contain letters or symbols")
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    elif re.fullmatch(r"0[689][0-9]{8}", bare):
        bare = "+66" + bare[1:]
    elif re.fullmatch(r"66[689][0-9]{8}", bare):
        bare = "+" + bare
    if re.fullmatch(r"\+66[0-9]+", bare) and not re.fullmatch(r"\+66[689][0-9]{8}", bare):
        raise invalid("phone_number Not a Thai mobile number")
    if not re.fullmatch(r"\+[1-9][0-9]{7,14}", bare):
        raise invalid("phone_number Not enough or too many digits")
    return bare


def line(written: str) -> str:
    """A LINE user, group or room id.

    Raises:
        Refusal: it is none.
    """
    if not _LINE.match(written.strip()):
        raise invalid("line_id Not a LINE id: U, C or R and 32 hexadecimal digits")
    return written.strip()


FIELDS = {"email": ("email_address", email), "sms": ("phone_number", phone), "line": ("line_id", line)}
"""Per channel the field of the request and its check."""

_SIMULATED = {
    "temp-fail@simulator.notify": "temporary-failure",
    "perm-fail@simulator.notify": "permanent-failure",
    "+447700900003": "temporary-failure",
    "+447700900002": "permanent-failure",
    "U" + "0" * 31 + "3": "temporary-failure",
    "U" + "0" * 31 + "2": "permanent-failure",
}


def simulated(recipient: str) -> str:
    """The status that a test key's message ends with; the contract names who fails, the LINE ids are ours."""
    return _SIMULATED.get(recipient, "delivered")
