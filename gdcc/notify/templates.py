"""Agencies' templates as mounted files: all of them, by agency and id. Their form is `gdcc.model.template`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

from gdcc.model.problems import Problem, StackError
from gdcc.model.template import Template, TemplatesFile
from gdcc.notify.mounted import load


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
