"""Offboarding: ``stacks/tombstones/`` read, each tenant found, everything wrong with a tombstone told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gdcc.errors import GdccError
from gdcc.model.agency import Notice
from gdcc.model.document import Document
from gdcc.model.estate import Tenant, Tombstone
from gdcc.model.folder import records, to_be_signed
from gdcc.model.problems import Problem, nearest
from gdcc.model.tombstone import Stage, TombstoneFile, content_hash
from gdcc.model.tree import AgencyFile

FOLDER = "stacks/tombstones"


@dataclass
class Offboarding:
    """Reads the tombstones and follows their references, each once.

    Attributes:
        agencies: every request there is, so that an agency of another stack is not taken for one that has gone.
        tenants: those that are built.
        today: the day that dates are judged by.
        problems: what is wrong is added here.
    """

    agencies: Sequence[AgencyFile]
    tenants: Sequence[Tenant]
    today: date
    problems: list[Problem]

    def __post_init__(self) -> None:
        self.documents: list[Document] = []

    def read(self, root: Path, requests: Sequence[Document]) -> Iterator[Tombstone]:
        """The tombstones by tenant id, of tenants that have gone too; none whose file has problems.

        Args:
            requests: the requests read, for where a tenant's id is claimed again.
        """
        tenants = {tenant.id: tenant for tenant in self.tenants}
        names = {file.agency for file in self.agencies}
        listed = records(root / FOLDER, root, TombstoneFile, self.today, self.problems, self.documents)
        for name, written, document in listed:
            stage = written.stage(self.today)
            tenant = tenants.get(name)
            found = [*_approvals(written, document)]
            if stage is Stage.DELETED:
                self._used_again(name, written, document, requests)
            elif tenant:
                found += _living(written, stage, tenant)
            elif written.agency not in names:
                found += _gone(written, stage, names)
            elif any(one.agency == written.agency for one in self.tenants):
                ids = {one.agency: one.id for one in self.tenants}
                message = f"the tenant of `{written.agency}` is `{ids[written.agency]}`, and this file is `{name}`"
                found.append(Notice(("agency",), message, f"the file as `{ids[written.agency]}.yaml`"))
            self.problems.extend(document.problem(*each) for each in found)
            for notice in _notices(written, stage, self.today):
                self.problems.append(document.problem(*notice, severity="warning"))
            if not found:
                yield Tombstone(name, written, content_hash(document), document.file)

    def _used_again(
        self, tenant: str, written: TombstoneFile, document: Document, requests: Sequence[Document]
    ) -> None:
        for request in requests:
            data: Mapping[str, object] = request.data if isinstance(request.data, dict) else {}
            partly = set(written.environments)
            asked = data.get("environments")
            again = not partly or (isinstance(asked, list) and any(one.value in asked for one in partly))
            if data.get("tenant") == tenant and again:
                message = f"`{tenant}` was deleted on {written.deleted} ({document.file}), and ids are never used again"
                remedy = "a new id" if not partly else "another environment"
                way = ("environments",) if partly else ("tenant",)
                self.problems.append(request.problem(way, message, remedy))


def to_approve(file: Path, root: Path, today: date) -> str:
    """The hash that the approvers of a tombstone sign; the rest of the tree may have problems.

    Raises:
        StackError: the tombstone has problems of its own.
        GdccError: the file is not a tombstone, or is not complete, so that nobody should approve it yet.
    """
    written, document = to_be_signed(file, root, FOLDER, TombstoneFile, today, "a tombstone")
    if lacking := [name for name in written.missing() if not name.endswith("approvals")]:
        raise GdccError(
            f"{document.file} lacks {', '.join(lacking)}", "complete it first: the approval covers all of it"
        )
    return content_hash(document)


def _approvals(written: TombstoneFile, document: Document) -> Iterator[Notice]:
    current = content_hash(document)
    for index, approval in enumerate(written.approvals):
        if approval.content != current:
            what = "changed after it was approved: the hash is of another content"
            remedy = f"the content as it was approved, or a new approval of `{current}`"
            yield Notice(("approvals", index, "content"), what, remedy)


def _living(written: TombstoneFile, stage: Stage, tenant: Tenant) -> Iterator[Notice]:
    """What is wrong with the tombstone of a tenant that is there."""
    if written.agency != tenant.agency:
        message = f"this tenant is the one of `{tenant.agency}`"
        yield Notice(("agency",), message, f"`{tenant.agency}`")
    has = [one.value for one in tenant.quota]
    for index, environment in enumerate(written.environments):
        if environment not in tenant.quota and stage not in (Stage.REMOVABLE, Stage.EXPIRED):
            message = f"`{tenant.agency}` has no environment `{environment.value}`"
            yield Notice(("environments", index), message, nearest("", has))
    if written.environments or stage is Stage.EXPIRED:
        return
    frozen = tenant.request.frozen
    last = written.expires or written.retain_until
    if frozen is None:
        message = f"`{tenant.agency}` is not frozen, so it may still write"
        yield Notice((), message, f"`frozen` into {tenant.source} first")
    elif last and frozen.until < last:
        message = f"the freeze of `{tenant.agency}` ends on {frozen.until}, before this tombstone does"
        yield Notice(("expires",), message, f"`until: {last}` under `frozen` in {tenant.source}")


def _gone(written: TombstoneFile, stage: Stage, names: set[str]) -> Iterator[Notice]:
    """A tenant whose request was removed before it might be; a date that has passed is left to the engine's guard."""
    if stage not in (Stage.REMOVABLE, Stage.EXPIRED):
        lacks = ", ".join(written.missing()) or f"retained until {written.retain_until}"
        near = nearest(written.agency, names)
        remedy = "the request back into stacks/agencies until this tombstone is in force"
        message = f"no request of `{written.agency}` is there, and it may not be removed yet ({lacks})"
        yield Notice(("agency",), message, f"{near}, or {remedy}" if near.count("`") == 2 else remedy)


def _notices(written: TombstoneFile, stage: Stage, today: date) -> Iterator[Notice]:
    if stage is Stage.EXPIRED:
        message = f"expired on {written.expires}: nothing is removed under it"
        yield Notice(("expires",), message, "`deleted` if it is gone, else a later day, approved anew")
    elif stage is Stage.RETAINED and written.retain_until and written.retain_until < today:
        missing = " and ".join(written.missing())
        yield Notice(("approvals",), f"lacks {missing}: nothing is removed", "what `gdcc offboard` says comes next")
