"""Agencies' templates: mounted files, each with its versions, in Thai and English."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from gdcc.model.problems import Problem, StackError
from gdcc.model.record import Record, wrong
from gdcc.notify.mounted import load
from gdcc.notify.rendering import placeholders

Channel = Literal["email", "sms", "line"]
Language = Literal["th", "en"]
Words = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]


def _zoned(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise wrong("a time without its zone", "`2026-11-01T09:00:00+07:00`")
    return moment


class Text(Record):
    """The words in one language; ``((name))`` is a placeholder, ``((name??words))`` shows words if it is yes."""

    subject: Annotated[str, StringConstraints(min_length=1, max_length=998)] | None = None
    """For e-mail; RFC 5322 allows 998 characters to a line."""
    body: Words

    @property
    def placeholders(self) -> tuple[str, ...]:
        """In the order of reading, each once."""
        return placeholders(f"{self.subject or ''}\n{self.body}")


class Version(Record):
    """A version never changes once it is in use; a change is a new one."""

    version: int = Field(ge=1)
    created: Annotated[datetime, AfterValidator(_zoned)]
    texts: dict[Language, Text] = Field(min_length=1)

    @property
    def language(self) -> Language:
        """What is used unless the request asks for another: Thai if there is Thai."""
        return "th" if "th" in self.texts else "en"

    @model_validator(mode="after")
    def _same_placeholders(self) -> Self:
        used = {language: set(text.placeholders) for language, text in self.texts.items()}
        for language, names in used.items():
            if missing := sorted(set().union(*used.values()) - names):
                message = f"has no `(({missing[0]}))`, which the other language has"
                raise wrong(message, "the same placeholders in both", ("texts", language))
        return self


class Template(Record):
    """One template with all its versions."""

    id: str = Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
    name: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    type: Channel
    versions: tuple[Version, ...] = Field(min_length=1)

    @property
    def newest(self) -> Version:
        """The one that is sent."""
        return self.versions[-1]

    def version(self, number: int) -> Version | None:
        """The version of that number."""
        return next((one for one in self.versions if one.version == number), None)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if [one.version for one in self.versions] != list(range(1, len(self.versions) + 1)):
            raise wrong("versions are not 1, 2, 3, ...", "them in that order, none left out", ("versions",))
        for index, version in enumerate(self.versions):
            for language, text in version.texts.items():
                if (text.subject is None) == (self.type == "email"):
                    message = "an e-mail has a subject" if self.type == "email" else f"{self.type} has no subject"
                    raise wrong(message, at=("versions", index, "texts", language))
        return self


class TemplatesFile(Record):
    """The templates of one agency, the same in all its environments."""

    agency: str = Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")
    templates: tuple[Template, ...]


class Library:
    """All templates, by agency and id."""

    def __init__(self, files: Iterator[TemplatesFile]) -> None:
        self._templates: dict[str, dict[uuid.UUID, Template]] = {}
        for file in files:
            shelf = self._templates.setdefault(file.agency, {})
            shelf.update({uuid.UUID(one.id): one for one in file.templates})

    @classmethod
    def read(cls, folder: Path) -> Library:
        """Reads every ``*.yaml`` of the mounted folder.

        Raises:
            StackError: everything wrong in all of them.
        """
        problems: list[Problem] = []
        files: list[TemplatesFile] = []
        taken: dict[str, str] = {}
        for path in sorted(folder.glob("*.yaml")):
            try:
                file = load(path, TemplatesFile)
            except StackError as error:
                problems.extend(error.problems)
                continue
            for one in file.templates:
                if one.id in taken:
                    problems.append(Problem(path.name, 0, 0, "", f"the id {one.id} is taken in {taken[one.id]}"))
                taken[one.id] = path.name
            files.append(file)
        if problems:
            raise StackError(problems)
        return cls(iter(files))

    def of(self, agency: str) -> list[Template]:
        """An agency's templates, by name."""
        return sorted(self._templates.get(agency, {}).values(), key=lambda one: one.name)

    def find(self, agency: str, template: uuid.UUID) -> Template | None:
        """One template, if it is that agency's."""
        return self._templates.get(agency, {}).get(template)
