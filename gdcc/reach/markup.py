"""HTML and SVG out of functions: what is not markup already is escaped, so no name in a file becomes a tag."""

from __future__ import annotations

from html import escape

VOID = ("meta", "input", "br")
"""Elements that have no end."""


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def tag(name: str, /, *content: str, **attributes: object) -> Markup:
    """An element.

    Args:
        name: of the element.
        content: escaped unless it is `Markup`.
        attributes: ``class_`` loses its underscore, ``aria_label`` turns it; None leaves one out, True has no value.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value not in (None, False))
    if name in VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*content)}</{name}>")


def join(*content: str) -> Markup:
    """One after the other."""
    return Markup("".join(one if isinstance(one, Markup) else escape(one, quote=False) for one in content))


def both(thai: str, english: str, name: str = "span") -> Markup:
    """Thai and English beside each other, each marked as what it is for screen readers."""
    return tag(name, tag("span", thai, lang="th"), " ", tag("span", english, lang="en", class_="en"))


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
