"""Properties of the reader, over whatever hypothesis invents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gdcc.model import StackError
from gdcc.model.document import UNPRINTABLE, Way
from gdcc.model.source import parse

FILE = "stacks/any.yaml"

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn"]), max_size=20).filter(
    lambda text: not UNPRINTABLE.search(text)
)
numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=20,
)
mappings = st.dictionaries(words, values, min_size=1, max_size=6)
yaml_ish = st.text(st.sampled_from("ab: -\n\t[]{}&*!|>'\"%@`#,?0x1.eกข\\~<"), max_size=60)


class Dumper(yaml.SafeDumper):
    """Quotes every text, because YAML 1.1, which PyYAML writes, and 1.2, which we read, differ on plain words."""


Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def must_end_well(content: bytes) -> None:
    try:
        positions, problems = parse(content, FILE).positions, None
    except StackError as error:
        positions, problems = {}, error.problems
    assert () in positions if problems is None else problems
    assert all(one.file == FILE and one.message for one in problems or ())


@given(st.binary(max_size=200))
@example(b"\xff\xfe")
def test_bytes_are_read_or_refused_and_never_crash(content: bytes) -> None:
    must_end_well(content)


@settings(max_examples=600)
@given(st.text(max_size=100) | yaml_ish)
@example("? ")
@example("&a")
@example("- ? : -")
@example('"\\ud800"')
def test_text_is_read_or_refused_and_never_crashes(text: str) -> None:
    must_end_well(text.encode("utf-8", "surrogatepass"))


@given(yaml_ish)
def test_the_parser_in_python_alone_ends_as_well(text: str) -> None:
    swap_loader(yaml.SafeLoader, lambda: must_end_well(text.encode()))


@given(mappings, st.booleans())
def test_what_is_written_as_yaml_reads_back_equal(data: dict[str, Any], flow: bool) -> None:
    text = yaml.dump(data, Dumper=Dumper, allow_unicode=True, default_flow_style=flow, sort_keys=False)
    assert parse(text.encode(), FILE).data == data


@given(mappings)
def test_positions_point_at_the_text_of_each_key_and_value(data: dict[str, Any]) -> None:
    lines = yaml.dump(data, Dumper=Dumper, allow_unicode=True, width=10_000, default_flow_style=False).split("\n")
    document = parse("\n".join(lines).encode(), FILE)
    for way, at in document.positions.items():
        if way and isinstance(way[-1], str):
            written = lines[at.key_line - 1][at.key_column - 1 :]
            assert written.startswith(('"', "? ")), "a key in quotes"
            assert yaml.safe_load(written[: closing(written)]) == way[-1]
        value = look_up(document.data, way)
        if isinstance(value, str):
            written = lines[at.line - 1][at.column - 1 :]
            assert yaml.safe_load(written[: closing(written)]) == value


def closing(text: str) -> int:
    """The index after the quote that closes the one `text` starts with."""
    index = 1
    while text[index] != '"':
        index += 2 if text[index] == "\\" else 1
    return index + 1


def look_up(data: Any, way: Way) -> Any:
    for step in way:
        data = data[step]
    return data


def swap_loader(loader: type, run: Callable[[], None]) -> None:
    from gdcc.model import source  # noqa: PLC0415 - only to swap it

    before = source._Loader
    source._Loader = loader
    try:
        run()
    finally:
        source._Loader = before
