"""The approvals of evidence: ``stacks/approvals/<NNNN>.yaml``, a chain in which each names the one before.

An approval says which evidence somebody has looked at and accepted, by the SHA-256 of its file. Each carries the
hash of the approval before it and of its own content, so that none can be changed, left out or put in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gdcc.model import signing
from gdcc.model.document import Document
from gdcc.model.folder import readable
from gdcc.model.problems import Problem
from gdcc.model.record import Context, Record, decode
from gdcc.model.signing import ContentHash, PastDay
from gdcc.model.types import LocalizedName
from gdcc.model.waiver import Person

FOLDER = "stacks/approvals"
_NAME = re.compile(r"[0-9]{4}")
_UNSIGNED = ("content",)


class ApprovalFile(Record):
    """การรับรองผลการตรวจ / Somebody has looked at the evidence and accepts it; the file's name is its number."""

    stack: Annotated[str, Field(min_length=1)]
    """สแตกที่ตรวจ / The stack that the evidence is of."""
    approver: Person
    """ผู้รับรอง / Who approves."""
    approved: PastDay
    """วันที่รับรอง / Day of the approval."""
    evidence: ContentHash
    """ค่าแฮชของไฟล์หลักฐาน / SHA-256 of the file ``evidence.jsonl`` that was looked at."""
    records: Annotated[int, Field(ge=1)]
    """จำนวนรายการหลักฐาน / How many records that file holds."""
    note: LocalizedName | None = None
    """หมายเหตุ / What the approver wants to be remembered."""
    previous: ContentHash | None = None
    """ค่าแฮชของการรับรองก่อนหน้า / ``content`` of the approval before; left out in the first only."""
    content: ContentHash
    """ค่าแฮชของการรับรองนี้ / Hash of everything else in this file, as ``gdcc comply approve`` prints it."""


def content_hash(document: Document) -> str:
    """What `content` has to be."""
    return signing.content_hash(document, _UNSIGNED)


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval and where each of its fields stands."""

    number: int
    terms: ApprovalFile
    document: Document

    @property
    def name(self) -> str:
        """Its number as the file's name writes it."""
        return f"{self.number:04d}"


def read_approvals(root: Path, today: date, problems: list[Problem]) -> tuple[list[Approval], list[Document]]:
    """Reads the approvals in their order, and adds every break of the chain to problems.

    Returns:
        The approvals whose files can be read, and the documents.
    """
    approvals: list[Approval] = []
    documents: list[Document] = []
    for name, document in readable(root / FOLDER, root, problems):
        documents.append(document)
        if not _NAME.fullmatch(name):
            problems.append(document.problem((), "the file's name is no number of four digits", "`0001.yaml`"))
            continue
        written = decode(ApprovalFile, document, Context(today))
        if isinstance(written, list):
            problems.extend(written)
        else:
            approvals.append(Approval(int(name), written, document))
    if len(approvals) == len(documents):  # a file that cannot be read is told of already, and breaks every link
        problems.extend(breaks(approvals))
    return approvals, documents


def breaks(approvals: Sequence[Approval]) -> Iterator[Problem]:
    """Where a chain is broken: a number that is missing, a content, a link or an order that is not right."""
    before: Approval | None = None
    for expected, approval in enumerate(approvals, start=1):
        written, problem = approval.terms, approval.document.problem
        if (actual := content_hash(approval.document)) != written.content:
            message = "changed after it was approved: the hash is of another content"
            yield problem(("content",), message, f"the content as it was approved (now it is `{actual}`)")
        if approval.number != expected:
            yield problem((), f"approval {expected:04d} is missing: it is the one after {expected - 1:04d}")
            return  # what follows has lost its order
        if before is None:
            if written.previous is not None:
                yield problem(("previous",), "the first approval has none before it", "the file without this field")
        elif written.previous != before.terms.content:
            message = f"not the content of {before.document.file}: one of the two was changed or put in between"
            yield problem(("previous",), message, f"`{before.terms.content}`, if this is the one after it")
        if before and written.approved < before.terms.approved:
            yield problem(
                ("approved",), f"before the approval {before.name}, of {before.terms.approved}", "a later day"
            )
        before = approval
