"""From the parser's events to plain data and positions, refusing on the way what a stack file never needs.

Building from events, with a stack of its own, means that nothing in a file can construct, refer, merge or recurse.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from gdcc.model.document import UNPRINTABLE, Position, Way, clip
from gdcc.model.problems import MOST_PROBLEMS, Problem
from gdcc.model.scalars import resolve

DEEPEST_NESTING = 32
MOST_ITEMS = 1000
"""Of one list or group of fields."""

_Mark = tuple[int, int]


class Halt(Exception):  # noqa: N818 - it ends the reading, the problem is already noted
    """Reading on would only multiply the problem just noted."""


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is still open."""

    container: dict[str, object] | list[object]
    way: Way
    key: str | None = None
    key_mark: _Mark = (1, 1)


class Assembly:
    """Takes events in order; afterwards ``data``, ``positions`` and ``problems`` are complete."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.data: object = None
        self.positions: dict[Way, Position] = {}
        self.problems: list[Problem] = []
        self._frames: list[_Frame] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Adds one event.

        Raises:
            Halt: the file is refused as a whole; the reason is in ``problems``.
        """
        start = event.start_mark
        mark = (start.line + 1, start.column + 1) if start else (1, 1)
        match event:
            case yaml.AliasEvent():
                self._note(mark, f"`*{event.anchor}` refers to another place in the file", "the value itself")
                raise Halt
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    self._note(mark, "a second document after `---`", "one document per file")
                    raise Halt
            case yaml.ScalarEvent():
                self._refuse_decoration(event, mark)
                self._scalar(event, mark)
            case yaml.MappingStartEvent():
                self._open({}, event, mark)
            case yaml.SequenceStartEvent():
                self._open([], event, mark)
            case yaml.CollectionEndEvent():
                self._frames.pop()

    def _note(self, mark: _Mark, message: str, suggestion: str = "", field: str = "") -> None:
        self.problems.append(Problem(self.file, *mark, clip(field), clip(message), clip(suggestion)))
        if len(self.problems) >= MOST_PROBLEMS:
            raise Halt

    def _refuse_decoration(self, event: yaml.NodeEvent, mark: _Mark) -> None:
        if event.anchor is not None:
            self._note(mark, f"the anchor `&{event.anchor}`", "the value in full wherever it is needed")
            raise Halt  # anchors are how a small file becomes a huge one
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._note(mark, f"the type tag `{tag}`", "the value without it")

    def _scalar(self, event: yaml.ScalarEvent, mark: _Mark) -> None:
        word: str = event.value
        plain: bool = event.implicit[0]
        if hidden := UNPRINTABLE.search(word):
            self._note(mark, f"the invisible control character U+{ord(hidden[0]):04X}", "the text without it")
        frame = self._frames[-1] if self._frames else None
        if frame is not None and isinstance(frame.container, dict) and frame.key is None:
            self._key(frame, word, mark, plain=plain)
            return
        value: object = word
        if plain:
            try:
                value = resolve(word)
            except ValueError as error:
                self._note(mark, str(error), "a number the field can hold, or text in quotes")
        self._place(value, mark)

    def _key(self, frame: _Frame, word: str, mark: _Mark, *, plain: bool) -> None:
        assert isinstance(frame.container, dict)  # noqa: S101 - only a mapping has keys
        if plain and word == "<<":
            self._note(mark, "the merge key `<<`", "the fields themselves")
        elif plain and not _is_text(word):
            self._note(mark, f"the key `{word}` is not text", f'`"{word}"` in quotes')
        elif word in frame.container:
            first = self.positions[(*frame.way, word)].key_line
            self._note(mark, f"written twice, first on line {first}", "it once", field=word)
        frame.key, frame.key_mark = word, mark

    def _open(self, container: dict[str, object] | list[object], event: yaml.NodeEvent, mark: _Mark) -> None:
        self._refuse_decoration(event, mark)
        frame = self._frames[-1] if self._frames else None
        if frame is not None and isinstance(frame.container, dict) and frame.key is None:
            self._note(mark, "a list or mapping used as a key", "text as the key")
            raise Halt
        if len(self._frames) >= DEEPEST_NESTING:
            self._note(mark, f"nested more than {DEEPEST_NESTING} levels deep", "the fields of the schema")
            raise Halt
        self._frames.append(_Frame(container, self._place(container, mark)))

    def _place(self, value: object, mark: _Mark) -> Way:
        """Puts a value where the open container expects it; returns the way to it."""
        if not self._frames:
            self.data = value
            self.positions[()] = Position(*mark, *mark)
            return ()
        frame = self._frames[-1]
        if len(frame.container) >= MOST_ITEMS:
            self._note(mark, f"more than {MOST_ITEMS} items", "fewer")
            raise Halt
        if isinstance(frame.container, list):
            way: Way = (*frame.way, len(frame.container))
            frame.container.append(value)
            self.positions[way] = Position(*mark, *mark)
            return way
        assert frame.key is not None  # noqa: S101 - the grammar gives a key first
        way = (*frame.way, frame.key)
        frame.container[frame.key] = value
        self.positions[way] = Position(*mark, *frame.key_mark)
        frame.key = None
        return way


def _is_text(word: str) -> bool:
    try:
        return isinstance(resolve(word), str)
    except ValueError:
        return False
