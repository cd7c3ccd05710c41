"""Verbs of a command that are loaded when they are used: a verb waits for its own imports and not for the others'."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


@dataclass(frozen=True)
class Verb:
    """Where a verb is, and what the list of verbs says of it without looking there.

    Attributes:
        name: as it is typed.
        module: that has it.
        attribute: there: a function, or a `typer.Typer` with verbs of its own.
        help: its first sentence, the same as there.
        examples: attribute with the text under the help of a function.
    """

    name: str
    module: str
    attribute: str
    help: str
    examples: str = ""

    def load(self) -> Any:
        """The whole verb, as Click has it."""
        there = import_module(self.module)
        found: typer.Typer | Callable[..., Any] = getattr(there, self.attribute)
        mounted = typer.Typer(rich_markup_mode=None)
        if isinstance(found, typer.Typer):
            mounted.add_typer(found, name=self.name)
        else:
            mounted.command(self.name, epilog=getattr(there, self.examples) if self.examples else None)(found)
        return get_group(mounted).commands[self.name]


class _Later(TyperCommand):
    """Stands in the list of verbs; whoever uses it gets the real one."""

    def __init__(self, verb: Verb) -> None:
        super().__init__(verb.name, help=verb.help, rich_markup_mode=None)
        self._verb = verb

    def make_context(self, *given: Any, **named: Any) -> Any:
        return self._verb.load().make_context(*given, **named)


def group_of(verbs: Iterable[Verb]) -> type[TyperGroup]:
    """The class of a group that has these verbs, in this order; for `typer.Typer(cls=...)`."""
    listed = tuple(verbs)

    class Verbs(TyperGroup):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.commands.update({verb.name: _Later(verb) for verb in listed})

    return Verbs
