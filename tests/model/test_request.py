"""Each thing an official can get wrong in a request: told once, at its place, with what to write instead."""

from __future__ import annotations

import pytest

from .conftest import Project


def test_a_good_request_has_no_problem(project: Project) -> None:
    assert project.problems() == []


CASES = {
    "an unknown field names the nearest field": (
        "personal_data: true",
        "§personaldata: true\npersonal_data: true",
        "personaldata",
        "no such field",
        "`personal_data`",
    ),
    "an unknown field inside a contact names that contact's fields": (
        "  phone:",
        "  §fone:",
        "technical_lead.fone",
        "no such field",
        "`phone`",
    ),
    "a text where true or false belongs": (
        "personal_data: true",
        "personal_data: §yes",
        "personal_data",
        "true or false",
        "`true`",
    ),
    "a Thai yes where true or false belongs": (
        "personal_data: true",
        "personal_data: §ใช่",
        "personal_data",
        "true or false",
        "`true`",
    ),
    "a number where text belongs": ("name: ผู้อำนวยการ", "name: §42", "owner.name", "must be text, not `42`", '`"42"`'),
    "a single word where a list belongs": ("[dev, prod]", "§prod", "environments", "must be a list", "`- `"),
    "a word where a group belongs": (
        "impact:\n  confidentiality: high\n  integrity: medium\n  availability: low\n  reviewed: 2026-01-15",
        "impact: §high",
        "impact",
        "must be a group of fields",
        "indented",
    ),
    "a required field left out": ("kind: department\n", "", "kind", "required", "`kind:`"),
    "a required field left out of a group is reported at the group": (
        "owner:\n  name: ผู้อำนวยการ\n",
        "§owner:\n",
        "owner.name",
        "required",
        "`name:`",
    ),
    "an unknown zone": ("zone: gin", "zone: §gim", "zone", "no tenant zone is named `gim`", "`gin`"),
    "a zone that is not for tenants": ("zone: gin", "zone: §management", "zone", "no tenant zone", "`gin`"),
    "an unknown size": ("size: small", "size: §smal", "size", "no size is named `smal`", "`small`"),
    "an unknown service": ("- notify", "- §notifi", "services[1]", "no service is named `notifi`", "`notify`"),
    "a service asked for twice": ("- notify", "- §identity", "services[1]", "listed twice", "once"),
    "an unknown ministry": ("ministry: moph", "ministry: §mophh", "ministry", "no ministry is named", "`moph`"),
    "a ministry that is not the folder's": (
        "ministry: moph",
        "ministry: §mof",
        "ministry",
        "folder of `moph`",
        "`moph`",
    ),
    "an unknown kind of agency": (
        "kind: department",
        "kind: §departement",
        "kind",
        "not one of the values",
        "`department`",
    ),
    "an owner who is the technical lead": (
        "lead@ddc.go.th.example",
        "§Director@DDC.go.th.example",
        "technical_lead.email",
        "is the owner",
        "another person",
    ),
    "an impossible day": ("2026-01-15", "§2026-02-30", "impact.reviewed", "no day `2026-02-30`", "`2026-02-28`"),
    "an impossible month": ("2026-01-15", "§2026-13-01", "impact.reviewed", "no day", "a day that exists"),
    "a day of the Buddhist era": ("2026-01-15", "§2569-01-15", "impact.reviewed", "Buddhist", "`2026-01-15`"),
    "a day in another order": ("2026-01-15", "§15/01/2026", "impact.reviewed", "is no date", "year-month-day"),
    "a review in the future": ("2026-01-15", "§2026-12-01", "impact.reviewed", "in the future", "the day the review"),
    "a Thai data class misspelt": ("data_class: ลับ", "data_class: §ลัปมาก", "data_class", "is no data class", "`ลับมาก`"),
    "a data class in English": ("data_class: ลับ", "data_class: §top secret", "data_class", "Thai names", "`ลับที่สุด`"),
    "personal data in the open class": (
        "data_class: ลับ",
        "data_class: §เปิดเผย",
        "data_class",
        "personal data cannot be เปิดเผย",
        "`เผยแพร่ภายในองค์กร`",
    ),
    "personal data of low impact": (
        "high\n  integrity: medium\n  availability: low\n  reviewed: 2026-01-15\npersonal_data: true",
        "low\n  integrity: low\n  availability: low\n  reviewed: 2026-01-15\npersonal_data: §true",
        "personal_data",
        "at least medium",
        "`medium`",
    ),
    "a class that no machines of the zone may hold": (
        "data_class: ลับ\nzone: gin",
        "data_class: §ลับมาก\nzone: internet",
        "data_class",
        "zone `internet`",
        "`gin`",
    ),
    "an unknown impact level": ("integrity: medium", "integrity: §medum", "impact.integrity", "not one of", "`medium`"),
    "an unknown environment": ("[dev, prod]", "[dev, §prd]", "environments[1]", "not one of", "`prod`"),
    "an environment twice": ("[dev, prod]", "[dev, §dev]", "environments[1]", "listed twice", "once"),
    "no environment": ("[dev, prod]", "§[]", "environments", "must not be empty", "at least one"),
    "an environment that the size does not have": (
        "environments: [dev, prod]\nsize: small",
        "environments: [dev, §prod]\nsize: sandbox\nexpires: 2027-01-31",
        "environments[1]",
        "`sandbox` has no environment `prod`",
        "`dev`",
    ),
    "a sandbox without a last day": (
        "environments: [dev, prod]\nsize: small",
        "environments: [dev]\nsize: sandbox",
        "expires",
        "needs its last day",
        "`expires: ",
    ),
    "a last day for what does not expire": (
        "size: small",
        "size: small\nexpires: §2027-01-31",
        "expires",
        "only the size",
        "leave",
    ),
    "neither size nor quota": ("size: small\n", "", "quota", "neither a size nor a quota", "one of the two"),
    "both size and quota": (
        "size: small",
        "size: small\nquota:\n  §dev: {cpu: 4, memory: 8Gi, storage: 50Gi, pods: 5}\n"
        "  prod: {cpu: 4, memory: 8Gi, storage: 50Gi, pods: 5}",
        "quota",
        "both a size and a quota",
        "one of the two",
    ),
    "a quota for other environments": (
        "size: small",
        "quota:\n  §dev: {cpu: 4, memory: 8Gi, storage: 50Gi, pods: 5}",
        "quota",
        "not the environments",
        "dev, prod",
    ),
    "memory without a unit": (
        "[dev, prod]\nsize: small",
        "[dev]\nquota:\n  dev: {cpu: 4, memory: §8, storage: 50Gi, pods: 5}",
        "quota.dev.memory",
        "`8` has no unit",
        '`"8Gi"`',
    ),
    "memory with a unit of the wrong kind": (
        "[dev, prod]\nsize: small",
        "[dev]\nquota:\n  dev: {cpu: 4, memory: §8GB, storage: 50Gi, pods: 5}",
        "quota.dev.memory",
        "no unit that is known",
        '`"8Gi"`',
    ),
    "processor time that is none": (
        "[dev, prod]\nsize: small",
        "[dev]\nquota:\n  dev: {cpu: §4 cores, memory: 8Gi, storage: 50Gi, pods: 5}",
        "quota.dev.cpu",
        "no amount of processor time",
        '`"4"`',
    ),
    "too many pods": (
        "[dev, prod]\nsize: small",
        "[dev]\nquota:\n  dev: {cpu: 4, memory: 8Gi, storage: 50Gi, pods: §99999}",
        "quota.dev.pods",
        "at most 10000",
        "",
    ),
    "a tenant id of another form": ("t7k2m9qx", "§DDC-1", "tenant", "no tenant id", "`t7k2m9qx`"),
    "an address that is none": (
        "soc@ddc.go.th.example",
        "§soc at ddc",
        "security_contact.email",
        "no e-mail",
        "`name@domain`",
    ),
    "a telephone number that is none": ('"+66 2 000 0000"', "§call me", "technical_lead.phone", "no telephone", "+66"),
    "a Thai name in English": ("th: กรมควบคุมโรค", "th: §DDC", "names.th", "no Thai letter", "in Thai"),
    "an English name in Thai": ("en: Disease surveillance", "en: §เฝ้าระวัง", "purpose.en", "not English", "in English"),
    "an empty text": ("name: ผู้อำนวยการ", 'name: §"  "', "owner.name", "must not be empty", ""),
    "a value left out": ("zone: gin", "zone:§", "zone", "must be text, not empty", "text"),
}


@pytest.mark.parametrize(("old", "new", "field", "message", "suggestion"), CASES.values(), ids=CASES)
def test_it_is_refused(project: Project, old: str, new: str, field: str, message: str, suggestion: str) -> None:
    if "§" in new:
        problem = project.refused(old, new)
    else:  # the field is not there: reported at the head of the file
        project.request((old, new))
        problem = project.problem()
        assert (problem.line, problem.column) == (2, 1)
    assert problem.field == field
    assert message in problem.message, str(problem)
    assert suggestion in problem.suggestion, str(problem)
    assert problem.severity == "error"


def test_all_problems_are_told_at_once(project: Project) -> None:
    project.request(
        ("zone: gin", "zone: gim"),
        ("size: small", "size: smal"),
        ("- notify", "- notifi"),
        ("2026-01-15", "2026-02-30"),
        ("lead@ddc.go.th.example", "director@ddc.go.th.example"),
        ("kind: department", "kind: ministry"),
        ("personal_data: true", "personaldata: true"),
    )
    project.request(("zone: gin", "zone: nowhere"), ("t7k2m9qx", "t0000000"), file="stacks/agencies/moph/dms.yaml")
    problems = project.problems()
    assert [(one.file.rsplit("/")[-1], one.field) for one in problems] == [
        ("ddc.yaml", "personal_data"),
        ("ddc.yaml", "kind"),
        ("ddc.yaml", "technical_lead.email"),
        ("ddc.yaml", "impact.reviewed"),
        ("ddc.yaml", "personaldata"),
        ("ddc.yaml", "zone"),
        ("ddc.yaml", "size"),
        ("ddc.yaml", "services[1]"),
        ("dms.yaml", "zone"),
    ], "in the order of the files and lines"


def test_an_expired_sandbox_is_a_warning_that_stops_nothing(project: Project) -> None:
    project.request(
        ("environments: [dev, prod]\nsize: small", "environments: [dev]\nsize: sandbox\nexpires: 2026-10-31")
    )
    problem = project.problem()
    assert (problem.severity, problem.field) == ("warning", "expires")
    assert "expired on 2026-10-31" in problem.message
    assert len(project.estate().tenants) == 1


def test_an_impact_review_of_more_than_three_years_ago_is_a_warning(project: Project) -> None:
    project.request(("2026-01-15", "2023-11-01"))
    problem = project.problem()
    assert (problem.severity, problem.field) == ("warning", "impact.reviewed")


@pytest.mark.parametrize("word", ["no", "off", "12:30", "1_000", "2027-01-01"])
def test_words_that_yaml_1_1_converts_stay_text(project: Project, word: str) -> None:
    project.request(("name: ผู้อำนวยการ", f"name: {word}"))
    assert project.estate().tenants[0].request.owner.name == word
