"""JSON Schemas of the files in ``stacks/``, so that editors complete and check while an official writes.

Generated from the models and from the names the platform declares today; ``gdcc schema`` writes them.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from gdcc.errors import GdccError
from gdcc.model.admission import Admission
from gdcc.model.agency import AgencyRequest
from gdcc.model.agreement import AgreementFile
from gdcc.model.approval import ApprovalFile
from gdcc.model.catalogue import read_catalogue
from gdcc.model.document import Document
from gdcc.model.identity import Identity
from gdcc.model.images import ImagesFile
from gdcc.model.platform import CapacityFile, MinistriesFile
from gdcc.model.problems import Problem, StackError
from gdcc.model.record import NAMES_KEY, Record
from gdcc.model.relay import NotifyFile
from gdcc.model.service import Service
from gdcc.model.stack import OURS, StackFile, StackSettings
from gdcc.model.template import TemplatesFile
from gdcc.model.tombstone import TombstoneFile
from gdcc.model.waiver import WaiverFile
from gdcc.model.zone import ZonesFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = "stacks/schema"

_MODELS: dict[str, type[Record]] = {
    "admission": Admission,
    "agency": AgencyRequest,
    "agreement": AgreementFile,
    "approval": ApprovalFile,
    "capacity": CapacityFile,
    "identity": Identity,
    "images": ImagesFile,
    "ministries": MinistriesFile,
    "notify": NotifyFile,
    "service": Service,
    "stack": StackFile,
    "templates": TemplatesFile,
    "tombstone": TombstoneFile,
    "waiver": WaiverFile,
    "zones": ZonesFile,
}
_KINDS = (
    (re.compile(r"stacks/agencies/.+"), "agency"),
    (re.compile(r"stacks/agreements/.+"), "agreement"),
    (re.compile(r"stacks/approvals/.+"), "approval"),
    (re.compile(r"stacks/notify/.+"), "templates"),
    (re.compile(r"stacks/platform/services/.+"), "service"),
    (re.compile(r"stacks/tombstones/.+"), "tombstone"),
    (re.compile(r"stacks/waivers/.+"), "waiver"),
    (re.compile(r"stacks/platform/(admission|zones|capacity|identity|images|ministries|notify)\.yaml"), ""),
    (re.compile(r"stacks/Pulumi\..+\.yaml"), "stack"),
)


def schema_of(kind: str, names: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one kind of file.

    Args:
        kind: a key of `_MODELS`: agency, agreement, approval, ...
        names: the names that exist, as `Catalogue.names` gives them; they become the values an editor offers.
    """
    schema: dict[str, Any] = _finished(_MODELS[kind].model_json_schema(), names)
    if kind == "stack":
        ours = _finished(StackSettings.model_json_schema(), names)["properties"]
        schema["properties"]["config"] |= {
            "properties": ours,
            # Other namespaces belong to Pulumi's providers; in ours a key that nobody reads is a mistake.
            "propertyNames": {"anyOf": [{"enum": list(ours)}, {"pattern": f"^(?!{OURS})[^:\\s]+(:[^:\\s]+)+$"}]},
        }
    return {"$schema": DIALECT, **schema}


def rendered(root: Path) -> dict[str, str]:
    """Every schema's path, relative to the project, and its text.

    Raises:
        StackError: the platform's files have problems, so the names are not known.
    """
    problems: list[Problem] = []
    names = read_catalogue(root, date.max, problems).names()
    if problems:
        raise StackError(problems)
    return {
        f"{FOLDER}/{kind}.schema.json": json.dumps(schema_of(kind, names), ensure_ascii=False, indent=2) + "\n"
        for kind in _MODELS
    }


def outdated(root: Path) -> list[str]:
    """The schemas that `gdcc schema` would change, relative to the project."""
    return [path for path, text in rendered(root).items() if _current(root / path) != text]


def write(root: Path) -> list[str]:
    """Brings the schemas up to date, each replaced in one step; returns those that changed.

    Raises:
        StackError: the platform's files have problems.
        GdccError: the disk is full or refuses; the schemas that were there are whole.
    """
    changed = []
    for path, text in rendered(root).items():
        if _current(root / path) != text:
            _replace(root / path, text)
            changed.append(path)
    return changed


def modeline(file: str) -> str:
    """The first line that a file needs for editors to find its schema; empty if none is known for it.

    Args:
        file: relative to the project.
    """
    for pattern, kind in _KINDS:
        if pattern.fullmatch(file):
            name = kind or Path(file).stem
            up = "../" * (file.count("/") - 1)
            return f"# yaml-language-server: $schema={up}schema/{name}.schema.json"
    return ""


def modeline_problem(document: Document) -> Problem | None:
    """A warning if editors would not find the file's schema."""
    wanted = modeline(document.file)
    if document.first_line == wanted:
        return None
    message = "the first line does not name the schema, so editors cannot help"
    return Problem(document.file, 1, 1, "", message, f"`{wanted}`", "warning")


def _finished(node: Any, names: Mapping[str, Collection[str]]) -> Any:
    """Puts in the names that a field may refer to; drops the titles that pydantic makes of Python's own names."""
    if isinstance(node, list):
        return [_finished(one, names) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _finished(value, names)
        for key, value in node.items()
        if key != NAMES_KEY and not (key == "title" and isinstance(value, str))
    }
    if NAMES_KEY in node:
        kept["enum"] = list(names[node[NAMES_KEY]])
    return kept


def _current(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return ""
    except OSError as error:
        raise GdccError(f"{path.name} cannot be read: {error}", "check the file's permissions") from error


def _replace(path: Path, text: str) -> None:
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as stream:
            temporary = stream.name
            stream.write(text)
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise GdccError(
            f"{FOLDER}/{path.name} cannot be written: {reason}", "free some space and run it again"
        ) from error
