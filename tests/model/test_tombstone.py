"""Each thing that can be wrong with a tombstone: told once, at its place, with what to write instead."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import yaml

from gdcc.model import Estate, Problem, StackSettings, load_estate, validate
from gdcc.model.source import read
from gdcc.model.tombstone import Stage, content_hash
from gdcc.model.types import Environment
from gdcc.offboard.path import offboarding_of, offboardings

from .conftest import TODAY, Project

FILE = "stacks/tombstones/t7k2m9qx.yaml"
FREEZE = ("size: small\n", "size: small\nfrozen: {reason: {th: เลิก, en: end}, by: order 1/2569, until: 2026-12-31}\n")
TEXT = """\
# yaml-language-server: $schema=../schema/tombstone.schema.json
agency: ddc
reason: {th: ย้ายไประบบใหม่, en: Moved to a new system}
author: writer@ddc.go.th.example
drained: 2026-10-01
backup: {reference: vault 7 item 42, taken: 2026-10-02, restored: 2026-10-03}
retain_until: 2026-11-20
expires: 2026-12-31
approvals:
  - {name: ผู้อำนวยการ, email: director@ddc.go.th.example, approved: 2026-10-04, content: $HASH}
  - {name: CISO, email: ciso@gdcc.go.th.example, approved: 2026-10-05, content: $HASH}
"""


def bury(project: Project, *changes: tuple[str, str], frozen: bool = True) -> str:
    """Freeze the tenant and write a tombstone with these changes, approved as it then is."""
    if frozen:
        project.request(FREEZE)
    text = TEXT
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new)
    path = project.write(FILE, text.replace("§", "").replace("$HASH", "sha256:" + "0" * 64))
    text = text.replace("$HASH", content_hash(read(path, project.root)))
    path.write_text(text.replace("§", ""))
    return text


def errors(project: Project, today: date = TODAY) -> list[Problem]:
    return [one for one in validate(project.root, today=today).problems if one.severity == "error"]


def estate(project: Project, today: date = TODAY) -> Estate:
    return load_estate(project.root, StackSettings(), today=today)


CASES = {
    "the author approves": (
        ("email: director@ddc.go.th.example", "email: §Writer@DDC.go.th.example"),
        "approvals[0].email",
        "wrote this tombstone",
        "2 people other than the author",
    ),
    "one person approves twice": (
        ("email: ciso@gdcc.go.th.example", "email: §director@ddc.go.th.example"),
        "approvals[1].email",
        "has approved already",
        "2 people other than the author",
    ),
    "an approval of tomorrow": (
        ("approved: 2026-10-05", "approved: §2026-11-22"),
        "approvals[1].approved",
        "`2026-11-22` is in the future",
        "the day it happened",
    ),
    "an approval of something else": (
        ("approved: 2026-10-05, content: $HASH", "approved: 2026-10-05, content: §yes"),
        "approvals[1].content",
        "`yes` is no content hash",
        "the verb `hash`",
    ),
    "a backup of what still runs": (
        ("drained: 2026-10-01\nbackup: {", "backup: §{"),
        "backup",
        "a backup of what still runs misses",
        "`drained` first",
    ),
    "a backup from before it was drained": (
        ("taken: 2026-10-02", "taken: §2026-09-30"),
        "backup.taken",
        "before the tenant was drained on 2026-10-01",
        "a backup taken after that",
    ),
    "a restore from before the backup": (
        ("restored: 2026-10-03", "restored: §2026-10-01"),
        "backup.restored",
        "`2026-10-01` is before the backup was taken",
        "the day a restore of it was tried",
    ),
    "a retention that ends before the restore": (
        ("retain_until: 2026-11-20", "retain_until: §2026-10-02"),
        "retain_until",
        "before the restore was tried",
        "`2026-10-03` or later",
    ),
    "an expiry before the retention ends": (
        ("expires: 2026-12-31", "expires: §2026-11-20"),
        "expires",
        "not within 90 days after the retention",
        "`2026-11-21` to `2027-02-18`",
    ),
    "an expiry long after the retention": (
        ("expires: 2026-12-31", "expires: §2027-12-31"),
        "expires",
        "not within 90 days after the retention",
        "`2026-11-21` to `2027-02-18`",
    ),
    "a deletion of tomorrow": (
        ("approvals:\n", "deleted: §2026-11-22\napprovals:\n"),
        "deleted",
        "is in the future",
        "the day it happened",
    ),
    "an unknown field": (("drained:", "§draind:"), "draind", "there is no such field", "`drained`"),
    "an environment that it has not": (
        ("reason:", "environments: [§uat]\nreason:"),
        "environments[0]",
        "`ddc` has no environment `uat`",
        "`dev`, `prod`",
    ),
    "a freeze that ends before it does": (
        ("expires: 2026-12-31", "expires: §2027-01-01"),
        "expires",
        "the freeze of `ddc` ends on 2026-12-31",
        "`until: 2027-01-01` under `frozen`",
    ),
    "another agency's name": (
        ("agency: ddc", "agency: §dms"),
        "agency",
        "this tenant is the one of `ddc`",
        "`ddc`",
    ),
}


@pytest.mark.parametrize(("change", "field", "message", "remedy"), CASES.values(), ids=CASES)
def test_it_is_refused(project: Project, change: tuple[str, str], field: str, message: str, remedy: str) -> None:
    # An environment that is not there is told before the retention has passed; afterwards it may have gone already.
    later = [("retain_until: 2026-11-20", "retain_until: 2026-12-01")] if field == "environments[0]" else []
    text = bury(project, change, *later)
    found = [one for one in errors(project) if one.field == field]
    assert len(found) == 1, errors(project)
    marked = text.index("§")
    place = (FILE, text.count("\n", 0, marked) + 1, marked - text.rfind("\n", 0, marked))
    assert (found[0].file, found[0].line, found[0].column) == place, str(found[0])
    assert message in found[0].message, str(found[0])
    assert remedy in found[0].suggestion, str(found[0])


def test_a_change_after_the_approvals_makes_both_void(project: Project) -> None:
    bury(project)
    assert errors(project) == []
    path = project.root / FILE
    path.write_text(path.read_text().replace("vault 7 item 42", "vault 7 item 43"))
    assert [one.field for one in errors(project)] == ["approvals[0].content", "approvals[1].content"]
    assert all("changed after it was approved" in one.message for one in errors(project))


def test_a_tenant_that_is_not_frozen_is_not_removed(project: Project) -> None:
    bury(project, frozen=False)
    (problem,) = errors(project)
    assert "`ddc` is not frozen" in problem.message
    assert "`frozen` into stacks/agencies/moph/ddc.yaml" in problem.suggestion


def test_it_is_in_force_from_the_day_after_the_retention_to_its_last_day(project: Project) -> None:
    bury(project)

    def removable(day: date) -> set[str]:
        asked = estate(project, day)
        return {environment.value for environment in asked.removals(asked.tenants[0])}

    assert removable(date(2026, 11, 20)) == set()
    assert removable(date(2026, 11, 21)) == {"dev", "prod"}
    assert removable(date(2026, 12, 31)) == {"dev", "prod"}
    assert removable(date(2027, 1, 1)) == set()


@pytest.mark.parametrize(
    "lacking",
    [
        ("drained: 2026-10-01\nbackup: {reference: vault 7 item 42, taken: 2026-10-02, restored: 2026-10-03}\n"
         "retain_until: 2026-11-20\nexpires: 2026-12-31\n", ""),
        ("expires: 2026-12-31\n", ""),
        ("  - {name: CISO, email: ciso@gdcc.go.th.example, approved: 2026-10-05, content: $HASH}\n", ""),
    ],
    ids=["everything", "an expiry", "an approval"],
)  # fmt: skip
def test_one_that_lacks_something_removes_nothing_and_stops_nothing(project: Project, lacking: tuple[str, str]) -> None:
    approvals = TEXT[TEXT.index("approvals:") :]
    drop = [] if "CISO" in lacking[0] else [(approvals, "")]
    bury(project, *drop, lacking)
    asked = estate(project)
    assert asked.removals(asked.tenants[0]) == {}
    assert asked.tombstones[0].stage(TODAY) in (Stage.FROZEN, Stage.RETAINED)


def test_one_environment_goes_without_a_freeze_and_the_others_stay_protected(project: Project) -> None:
    bury(project, ("reason:", "environments: [dev]\nreason:"), frozen=False)
    asked = estate(project)
    assert set(asked.removals(asked.tenants[0])) == {Environment.DEV}


def test_a_request_removed_too_early_is_told_and_the_stack_stops(project: Project) -> None:
    project.request(file="stacks/agencies/moph/dms.yaml")
    other = project.root / "stacks/agencies/moph/dms.yaml"
    other.write_text(other.read_text().replace("t7k2m9qx", "t7k2m9qy"))
    bury(project, ("retain_until: 2026-11-20", "retain_until: 2026-12-01"))
    (project.root / "stacks/agencies/moph/ddc.yaml").unlink()
    (problem,) = errors(project)
    assert problem.message == "no request of `ddc` is there, and it may not be removed yet (retained until 2026-12-01)"
    assert "the request back into stacks/agencies" in problem.suggestion


def test_a_date_that_passes_never_stops_the_others(project: Project) -> None:
    project.request(file="stacks/agencies/moph/dms.yaml")
    other = project.root / "stacks/agencies/moph/dms.yaml"
    other.write_text(other.read_text().replace("t7k2m9qx", "t7k2m9qy"))
    bury(project)
    for days in (0, 10, 60, 1000):
        assert errors(project, TODAY + timedelta(days=days)) == []
    (project.root / "stacks/agencies/moph/ddc.yaml").unlink()
    for days in (0, 10, 60, 1000):
        assert errors(project, TODAY + timedelta(days=days)) == []


def test_the_id_of_a_deleted_tenant_is_never_used_again(project: Project) -> None:
    bury(project, ("approvals:\n", "deleted: 2026-11-21\napprovals:\n"))
    (problem,) = errors(project)
    assert (problem.file, problem.field) == ("stacks/agencies/moph/ddc.yaml", "tenant")
    assert "was deleted on 2026-11-21" in problem.message
    assert problem.suggestion == "a new id"


def test_each_step_of_the_path_says_what_comes_next(project: Project) -> None:
    def coming() -> tuple[str | None, str]:
        one = offboarding_of(estate(project), "ddc")
        assert one is not None
        return (one.next.name, " ".join(one.next.how)) if one.next else (None, "")

    seen = [coming()]
    project.request(FREEZE)
    seen.append(coming())
    keys = ["drained", "backup", "retain_until", "expires", "approvals"]
    whole = yaml.safe_load(TEXT.replace("$HASH", "sha256:" + "0" * 64))
    for upto in range(len(keys) - 1):
        part = {key: value for key, value in whole.items() if key not in keys[upto + 1 :]}
        if keys[upto] == "backup":
            continue  # a backup comes with its retention
        project.write(FILE, "# yaml-language-server: $schema=../schema/tombstone.schema.json\n" + yaml.safe_dump(part))
        seen.append(coming())
    bury(project)
    seen.append(coming())
    bury(project, ("approvals:\n", "deleted: 2026-11-21\napprovals:\n"))
    project.request(("t7k2m9qx", "t7k2m9qy"), ("environments: [dev, prod]", "environments: [prod]"))
    asked = offboardings(estate(project))
    seen.append((asked[0].next.name if asked[0].next else None, ""))
    assert [name for name, _ in seen] == ["frozen", "drained", "backed up", "approved", "approved", "deleted", None]
    assert "put `frozen`" in seen[0][1]
    assert "kubectl -n t7k2m9qx-dev scale" in seen[1][1]
    assert "gdcc offboard hash stacks/tombstones/t7k2m9qx.yaml" in seen[3][1]
    assert "gdcc up" in seen[5][1]
    assert "remove stacks/agencies/moph/ddc.yaml" in seen[5][1]
