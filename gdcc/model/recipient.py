"""Whom a message is for: checked and brought into one form, in stack files and in what applications ask for."""

from __future__ import annotations

import re

# RFC 5321's dot-atom and a domain of two labels or more: what the mail relays of the field take. No quoted names.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")
_TOP = re.compile(r"([A-Za-z]{2,63}|xn--[A-Za-z0-9-]{2,59})\Z")
_LINE = re.compile(r"[UCR][0-9a-f]{32}\Z")
_FILLING = re.compile(r"[\s().\u200b\u00a0-]")


def email(written: str) -> str:
    """An e-mail address (RFC 5321); a domain in Thai becomes its ASCII form (IDNA).

    Raises:
        ValueError: it is none; why.
    """
    local, at, domain = written.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        domain = ""
    labels = domain.split(".")
    fits = at and len(local) <= 64 and len(domain) <= 253 and len(labels) >= 2 and _LOCAL.match(local)
    if not (fits and all(_LABEL.match(label) for label in labels) and _TOP.match(labels[-1])):
        raise ValueError("Not a valid email address")
    return f"{local}@{domain}"


def phone(written: str) -> str:
    """A telephone number in E.164 form; ``08x-xxx-xxxx`` and other Thai numbers get +66.

    Raises:
        ValueError: it is none; why.
    """
    bare = _FILLING.sub("", written)
    if not re.fullmatch(r"\+?[0-9]+", bare):
        raise ValueError("Must not contain letters or symbols")
    if bare.startswith("00"):
        bare = "+" + bare[2:]
    elif re.fullmatch(r"0[689][0-9]{8}", bare):
        bare = "+66" + bare[1:]
    elif re.fullmatch(r"66[689][0-9]{8}", bare):
        bare = "+" + bare
    if re.fullmatch(r"\+66[0-9]+", bare) and not re.fullmatch(r"\+66[689][0-9]{8}", bare):
        raise ValueError("Not a Thai mobile number")
    if not re.fullmatch(r"\+[1-9][0-9]{7,14}", bare):
        raise ValueError("Not enough or too many digits")
    return bare


def line(written: str) -> str:
    """A LINE user, group or room id.

    Raises:
        ValueError: it is none; why.
    """
    if not _LINE.match(written.strip()):
        raise ValueError("Not a LINE id: U, C or R and 32 hexadecimal digits")
    return written.strip()


FORMS = (email, phone, line)
