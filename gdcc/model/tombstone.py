"""A tombstone: leave to remove a tenant or some of its environments for good, ``stacks/tombstones/<tenant id>.yaml``.

Nothing that holds a tenant's data goes without one. It is filled in as the offboarding proceeds (drained, backed up,
kept), and takes effect once two people other than its author have approved its content and the retention has passed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from gdcc.model import signing
from gdcc.model.document import Document
from gdcc.model.record import Record, wrong
from gdcc.model.signing import ContentHash, PastDay
from gdcc.model.types import Day, DnsLabel, Email, Environment, LocalizedName, SetOf, Text

APPROVERS = 2
"""People who approve, none of them the author."""
LONGEST_WINDOW = 90
"""Days between the end of the retention and the expiry: a leave to delete does not lie around."""

_UNSIGNED = ("approvals", "deleted")


class Stage(StrEnum):
    """How far an offboarding has come; each stage says what comes next (`gdcc offboard`)."""

    FROZEN = "frozen"
    DRAINED = "drained"
    RETAINED = "retained"
    REMOVABLE = "removable"
    """Approved, and the retention has passed: its namespaces are no longer protected."""
    EXPIRED = "expired"
    """Was not removed in time; must be approved anew."""
    DELETED = "deleted"


def content_hash(document: Document) -> str:
    """What the approvers sign: everything but approvals and the note of the deletion."""
    return signing.content_hash(document, _UNSIGNED)


class Backup(Record):
    """สำเนาข้อมูลสำรอง / The copy that outlives the tenant."""

    reference: Text
    """ที่เก็บและรหัสของสำเนา / Where it is and how it is identified; never a credential."""
    taken: PastDay
    """วันที่สำรอง / Day it was taken."""
    restored: PastDay
    """วันที่ทดสอบกู้คืน / Day a restore of it was tried."""

    @field_validator("restored")
    @classmethod
    def _after_it_was_taken(cls, restored: date, info: ValidationInfo[Any]) -> date:
        taken = info.data.get("taken")
        if taken and restored < taken:
            raise wrong(f"`{restored}` is before the backup was taken, {taken}", "the day a restore of it was tried")
        return restored


class Approval(Record):
    """การอนุมัติ / One person's approval of this very content."""

    name: Text
    """ชื่อหรือตำแหน่งผู้อนุมัติ / Name or position."""
    email: Email
    approved: PastDay
    """วันที่อนุมัติ / Day of the approval."""
    content: ContentHash
    """ค่าแฮชของเนื้อหาที่อนุมัติ / Hash of the content approved: ``gdcc offboard hash FILE``."""


def _two_people(approvals: tuple[Approval, ...], info: ValidationInfo[Any]) -> tuple[Approval, ...]:
    seen = {str(info.data.get("author")).casefold(): "wrote this tombstone"}
    for index, approval in enumerate(approvals):
        person = approval.email.casefold()
        if person in seen:
            remedy = f"{APPROVERS} people other than the author"
            raise wrong(f"`{approval.email}` {seen[person]}", remedy, at=(index, "email"))
        seen[person] = "has approved already"
    return approvals


class TombstoneFile(Record):
    """การเลิกใช้คลาวด์ของหน่วยงาน / Leave to remove a tenant; the file's name is the tenant's id."""

    agency: DnsLabel
    """รหัสหน่วยงาน / The agency's id: the name of its request's file."""
    environments: SetOf[Environment] = ()
    """สภาพแวดล้อมที่จะลบ (เว้นว่าง คือทั้งหมด) / Environments to remove; the whole tenant by default."""
    reason: LocalizedName
    """เหตุผล / Why."""
    author: Email
    """ผู้จัดทำ / Who writes this; cannot approve it."""
    drained: PastDay | None = None
    """วันที่หยุดงานทั้งหมดแล้ว / Day since which nothing runs there any more."""
    backup: Annotated[Backup | None, Field(validate_default=True)] = None
    """สำเนาข้อมูลสำรอง / The copy that is kept."""
    retain_until: Annotated[Day | None, Field(validate_default=True)] = None
    """วันสุดท้ายที่เก็บข้อมูลไว้บนคลาวด์ / Last day on which the tenant's own data stays where it is."""
    expires: Day | None = None
    """วันสุดท้ายที่ลบได้ / Last day on which it may be removed under this tombstone."""
    approvals: Annotated[tuple[Approval, ...], AfterValidator(_two_people)] = ()
    """การอนุมัติ / By two people other than the author."""
    deleted: PastDay | None = None
    """วันที่ลบแล้ว / Noted afterwards; from then on the file is a record, and the tenant's id is never used again."""

    @field_validator("backup")
    @classmethod
    def _of_what_stands_still(cls, backup: Backup | None, info: ValidationInfo[Any]) -> Backup | None:
        drained = info.data.get("drained")
        if backup and drained is None and "drained" in info.data:
            raise wrong("a backup of what still runs misses what is written after it", "`drained` first")
        if backup and drained and backup.taken < drained:
            what = f"taken on {backup.taken}, before the tenant was drained on {drained}"
            raise wrong(what, "the day of a backup taken after that", at=("taken",))
        return backup

    @field_validator("retain_until")
    @classmethod
    def _after_the_backup(cls, retain_until: date | None, info: ValidationInfo[Any]) -> date | None:
        backup = info.data.get("backup")
        if "backup" in info.data and (backup is None) != (retain_until is None):
            if backup is None:
                raise wrong("a retention without a backup", "`backup` too")
            raise wrong("a backup without a retention", "`retain_until`, the last day the data stays where it is")
        if backup and retain_until and retain_until < backup.restored:
            raise wrong(f"`{retain_until}` is before the restore was tried", f"`{backup.restored}` or later")
        return retain_until

    @field_validator("expires")
    @classmethod
    def _within_its_window(cls, expires: date | None, info: ValidationInfo[Any]) -> date | None:
        retain_until = info.data.get("retain_until")
        if expires is None or "retain_until" not in info.data:
            return expires
        if retain_until is None:
            raise wrong("an expiry without a retention", "`retain_until` too")
        last = retain_until + timedelta(days=LONGEST_WINDOW)
        if not retain_until < expires <= last:
            raise wrong(
                f"`{expires}` is not within {LONGEST_WINDOW} days after the retention",
                f"a day from `{retain_until + timedelta(days=1)}` to `{last}`",
            )
        return expires

    def missing(self) -> Iterator[str]:
        """What it still lacks, in the order in which it is filled in."""
        for name in ("drained", "backup", "retain_until", "expires"):
            if getattr(self, name) is None:
                yield name
        if (lacking := APPROVERS - len(self.approvals)) > 0:
            yield f"{lacking} of {APPROVERS} approvals"

    def stage(self, today: date) -> Stage:
        """How far the offboarding has come by a day."""
        if self.deleted:
            return Stage.DELETED
        if self.expires and self.expires < today:
            return Stage.EXPIRED
        if self.retain_until is None:
            return Stage.DRAINED if self.drained else Stage.FROZEN
        return Stage.RETAINED if today <= self.retain_until or any(self.missing()) else Stage.REMOVABLE
