"""Approvals and the evidence that they are of: the chain checked, the pack found, and the next approval written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from gdcc.compliance.pack import Pack
from gdcc.errors import FindingError, GdccError
from gdcc.model.approval import FOLDER, Approval, content_hash, read_approvals
from gdcc.model.document import Document
from gdcc.model.problems import Problem, StackError
from gdcc.model.schema import modeline
from gdcc.model.source import parse
from gdcc.model.types import LocalizedName


@dataclass(frozen=True)
class Chain:
    """The approvals, in order, none of them broken."""

    approvals: tuple[Approval, ...]

    @property
    def tip(self) -> str:
        """Content hash of the last approval; empty without any. Whoever notes it elsewhere finds a chain cut short."""
        return self.approvals[-1].terms.content if self.approvals else ""

    def of(self, pack: Pack) -> Approval | None:
        """The last approval of a pack."""
        wanted = f"sha256:{pack.sha256}"
        return next((one for one in reversed(self.approvals) if one.terms.evidence == wanted), None)


def chain_of(root: Path, today: date, tip: str = "") -> Chain:
    """Reads the chain.

    Args:
        tip: the content hash that the last approval must have, or that one before it had; not checked when empty.

    Raises:
        StackError: it is broken; every break is named.
        FindingError: it does not hold the tip.
    """
    problems: list[Problem] = []
    approvals, _ = read_approvals(root, today, problems)
    if problems:
        raise StackError(problems)
    if tip and tip not in [one.terms.content for one in approvals]:
        raise FindingError(
            f"no approval in {FOLDER} has the content {tip}",
            "the chain was cut short or written anew; look into the project's history",
        )
    return Chain(tuple(approvals))


def verify(chain: Chain, packs: Sequence[tuple[Path, Pack]]) -> list[str]:
    """What is wrong between a chain and packs of evidence, one sentence each.

    Args:
        packs: read, so that each is whole in itself, with the place it was read from.
    """
    found = []
    for place, pack in packs:
        approval = chain.of(pack)
        if approval is None:
            found.append(f"{place}: sha256:{pack.sha256} is approved by nobody: it was changed, or is another run")
        elif approval.terms.records != len(pack.records):
            found.append(
                f"{place}: holds {len(pack.records)} records, and {approval.document.file} approves "
                f"{approval.terms.records}"
            )
        elif approval.terms.stack != pack.run.stack:
            found.append(
                f"{place}: of stack {pack.run.stack}, and {approval.document.file} is of {approval.terms.stack}"
            )
    return found


def proposal(
    chain: Chain, pack: Pack, name: str, email: str, today: date, note: LocalizedName | None
) -> tuple[str, str]:
    """The next approval, for who approves to read, commit and answer for.

    Returns:
        The file, relative to the project, and its text.

    Raises:
        GdccError: the pack is of a run that was narrowed, or is approved already.
    """
    if pack.run.filters:
        raise GdccError(
            "this run was narrowed to some controls, and an approval is of all",
            "run `gdcc comply` without --control and --framework",
        )
    if known := chain.of(pack):
        raise GdccError(f"{known.document.file} approves this evidence already", "nothing is left to do")
    number = len(chain.approvals) + 1
    file = f"{FOLDER}/{number:04d}.yaml"
    content: dict[str, object] = {
        "stack": pack.run.stack,
        "approver": {"name": name, "email": email},
        "approved": str(today),
        "evidence": f"sha256:{pack.sha256}",
        "records": len(pack.records),
    }
    if note:
        content["note"] = note.model_dump()
    if chain.approvals:
        content["previous"] = chain.tip
    document: Document = parse(_yaml(content).encode(), file)
    return file, f"{modeline(file)}\n{_yaml({**content, 'content': content_hash(document)})}"


def _yaml(content: dict[str, object]) -> str:
    # Quoted days: YAML 1.1, which other readers follow, makes a date of `2027-01-01`, and safe_dump quotes it for that.
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120)
