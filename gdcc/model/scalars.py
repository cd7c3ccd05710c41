"""The YAML 1.2 core schema: what an unquoted word means (chapter 10.3 of the specification).

YAML 1.1, which most Python readers follow, turns ``no`` into false, ``12:30`` into 750 and ``2027-01-01`` into a date;
in a file that officials write, all three are text.
"""

from __future__ import annotations

import math
import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {"": None, "~": None}
_WORDS |= dict.fromkeys(("null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_BASED = {"0o": (8, re.compile(r"0o[0-7]+\Z")), "0x": (16, re.compile(r"0x[0-9a-fA-F]+\Z"))}
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_LONGEST_NUMBER = 40


def resolve(word: str) -> Scalar:
    """Returns what an unquoted scalar means.

    Raises:
        ValueError: it is a number that no field could hold: infinite, or longer than 40 characters.
    """
    if word in _WORDS:
        return _WORDS[word]
    if word[0] not in "0123456789+-.":
        return word
    if _NOT_FINITE.match(word):
        raise ValueError("infinity and not-a-number are not values here")
    base, based = _BASED.get(word[:2], (10, _INTEGER))
    integer, fraction = based.match(word), _FLOAT.match(word)
    if not (integer or fraction):
        return word
    if len(word) > _LONGEST_NUMBER:
        raise ValueError(f"a number of {len(word)} characters")
    if integer:
        return int(word, base)
    number = float(word)
    if math.isinf(number):
        raise ValueError("a number too large to hold")
    return number
