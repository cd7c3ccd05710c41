"""Each thing that can be wrong with an agreement: told once, at its place, with what to write instead."""

from __future__ import annotations

from datetime import date

import pytest

from gdcc.model import StackError, State
from gdcc.network import render

from ..model.conftest import TODAY
from .conftest import CONSUMER, FILE, OFFERS, PROVIDER, SIGNATURES, TERMS, Shared

CASES = {
    "an unknown agency names the nearest": (
        ("provider: dms", "provider: §dmz"),
        "provider",
        "no agency is named `dmz`",
        "`dms`",
    ),
    "an agency that agrees with itself": (
        ("consumer: ddc", "consumer: §dms"),
        "consumer",
        "`dms` is the provider too",
        "another agency",
    ),
    "a service that the provider does not offer names the nearest": (
        ("service: case-reports", "service: §case-report"),
        "service",
        "`dms` offers no service named `case-report`",
        "`case-reports`",
    ),
    "a port that the service does not have": (
        ("[{port: 8443}]", "[§{port: 8444}]"),
        "ports[0]",
        "`case-reports` does not listen on 8444/TCP",
        "`8443/TCP`",
    ),
    "the right port of another protocol": (
        ("[{port: 8443}]", "[{port: 8443}, §{port: 9000}]"),
        "ports[1]",
        "does not listen on 9000/TCP",
        "`9000/UDP`",
    ),
    "a port that is none": (("[{port: 8443}]", "[{port: §70000}]"), "ports[0].port", "at most 65535", ""),
    "no port": (("[{port: 8443}]", "§[]"), "ports", "must not be empty", "at least one"),
    "a class that the service does not have": (
        ("data_class: เผยแพร่ภายในองค์กร", "data_class: §เปิดเผย"),
        "data_class",
        "the service gives data of the class เผยแพร่ภายในองค์กร",
        "`เผยแพร่ภายในองค์กร`",
    ),
    "an environment that not both have": (
        ("environments: [prod]", "environments: [§uat]"),
        "environments[0]",
        "`uat` is not an environment of both",
        "`dev`, `prod`",
    ),
    "an end before the start": (
        ("expires: 2028-12-31", "expires: §2025-12-31"),
        "expires",
        "before the first day, 2026-01-01",
        "a later day",
    ),
    "more than three years": (
        ("expires: 2028-12-31", "expires: §2029-01-02"),
        "expires",
        "more than 3 years after the first day",
        "`2029-01-01` at the latest",
    ),
    "a year of the Buddhist era": (
        ("expires: 2028-12-31", "expires: §2571-12-31"),
        "expires",
        "Buddhist",
        "`2028-12-31`",
    ),
    "no law": (("[พระราชบัญญัติโรคติดต่อ พ.ศ. 2558]", "§[]"), "legal_basis", "must not be empty", "at least one"),
    "no purpose": (
        ("[{th: เฝ้าระวังโรค, en: Disease surveillance}]", "§[]"),
        "purposes",
        "must not be empty",
        "at least one",
    ),
    "a contact without an address": (
        ("consumer: {name: กองดิจิทัล, email: desk@ddc.go.th.example}", "§consumer: {name: กองดิจิทัล}"),
        "contacts.consumer.email",
        "required",
        "`email:`",
    ),
    "an unknown field names the nearest": (
        ("starts: 2026-01-01", "§start: 2026-01-01\nstarts: 2026-01-01"),
        "start",
        "no such field",
        "`starts`",
    ),
    "a signature of the technical lead": (
        ("director@ddc.go.th.example", "§lead@ddc.go.th.example"),
        "signatures.consumer.email",
        "`lead@ddc.go.th.example` is the technical lead of `ddc`",
        "`director@ddc.go.th.example`",
    ),
    "a signature of a stranger": (
        ("director@dms.go.th.example", "§someone@dms.go.th.example"),
        "signatures.provider.email",
        "`someone@dms.go.th.example` is not the owner of `dms`",
        "`director@dms.go.th.example`",
    ),
    "one person for both": (
        ("director@ddc.go.th.example", "§Director@DMS.go.th.example"),
        "signatures.consumer.email",
        "the same person signs for both",
        "the owner of the consumer",
    ),
    "a signature of tomorrow": (
        ("signed: 2025-12-02", "signed: §2026-11-22"),
        "signatures.consumer.signed",
        "`2026-11-22` is in the future",
        "the day it happened",
    ),
    "a signature of something else": (
        ("signed: 2025-12-02, content: $HASH", "signed: 2025-12-02, content: §yes"),
        "signatures.consumer.content",
        "`yes` is no content hash",
        "the verb `hash`",
    ),
    "an unknown party that withdraws": (
        (
            "expires: 2028-12-31\n",
            "expires: 2028-12-31\nwithdrawn: {by: §dms, on: 2026-10-01, reason: {th: ก, en: a}}\n",
        ),
        "withdrawn.by",
        "not one of the values allowed",
        "`consumer`, `provider`",
    ),
}


@pytest.mark.parametrize(("change", "field", "message", "remedy"), CASES.values(), ids=CASES)
def test_it_is_refused(shared: Shared, change: tuple[str, str], field: str, message: str, remedy: str) -> None:
    problem = shared.refused(change)
    assert (problem.field, problem.severity) == (field, "error"), str(problem)
    assert message in problem.message, str(problem)
    assert remedy in problem.suggestion, str(problem)
    with pytest.raises(StackError):
        shared.estate()


def test_a_good_agreement_has_no_problem_and_is_active(shared: Shared) -> None:
    assert shared.project.problems() == []
    (agreement,) = shared.estate().agreements
    assert agreement.state(TODAY) is State.ACTIVE
    assert (agreement.provider.agency, agreement.consumer.agency) == ("dms", "ddc")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{port: 8443}", "{port: 9000, protocol: UDP}"),
        ("Disease surveillance", "Anything at all"),
        ("environments: [prod]", "environments: [dev, prod]"),
        ("expires: 2028-12-31", "expires: 2028-12-30"),
        ("desk@ddc", "other@ddc"),
    ],
)
def test_whatever_is_changed_after_signing_is_refused_at_both_signatures(shared: Shared, old: str, new: str) -> None:
    shared.agree(after_signing=(old, new))
    problems = shared.project.problems()
    assert [one.field for one in problems] == ["signatures.provider.content", "signatures.consumer.content"]
    for problem in problems:
        assert problem.severity == "error"
        assert "changed after signing" in problem.message
        assert "a new approval of `sha256:" in problem.suggestion
    with pytest.raises(StackError):
        shared.estate()


def test_comments_line_breaks_and_the_order_of_fields_are_not_part_of_what_is_signed(shared: Shared) -> None:
    moved = TERMS.replace("provider: dms\nconsumer: ddc\n", "") + "consumer: ddc # the second party\n\nprovider: dms\n"
    text = (shared.root / FILE).read_text()
    shared.project.write(FILE, text.replace(TERMS, moved))
    assert shared.project.problems() == []


def test_data_above_what_the_consumer_may_hold_is_refused(shared: Shared) -> None:
    path = shared.root / CONSUMER
    path.write_text(path.read_text().replace("data_class: ลับ", "data_class: เผยแพร่ภายในองค์กร"))
    path = shared.root / PROVIDER
    path.write_text(path.read_text().replace("data_class: เผยแพร่ภายในองค์กร", "data_class: ลับ"))
    problem = shared.refused(("data_class: เผยแพร่ภายในองค์กร", "data_class: §ลับ"))
    assert problem.message == "ลับ, and `ddc` may hold เผยแพร่ภายในองค์กร at most"
    assert "a service of a lower class" in problem.suggestion


def test_a_provider_that_offers_nothing_is_told_where_to_offer_it(shared: Shared) -> None:
    path = shared.root / PROVIDER
    path.write_text(path.read_text().replace(OFFERS, ""))
    problem = shared.refused(("service: case-reports", "service: §case-reports"))
    assert problem.suggestion == f"one that {PROVIDER} lists in `offers`"


def test_agencies_without_a_common_environment_are_told(shared: Shared) -> None:
    path = shared.root / CONSUMER
    path.write_text(path.read_text().replace("[dev, prod]", "[uat]"))
    problem = shared.refused(("environments: [prod]\n", ""), ("consumer: ddc", "consumer: §ddc"))
    assert "no environment in common" in problem.message


def test_everything_wrong_is_told_at_once(shared: Shared) -> None:
    shared.agree(
        ("service: case-reports", "service: case"),
        ("environments: [prod]", "environments: [uat]"),
        ("director@ddc", "lead@ddc"),
        after_signing=("Case reports", "Other reports"),
    )
    fields = [problem.field for problem in shared.project.problems()]
    assert fields == [
        "service",
        "environments[0]",
        "signatures.provider.content",
        "signatures.consumer.email",
        "signatures.consumer.content",
    ]


@pytest.mark.parametrize(
    ("left", "missing"),
    [("provider", "consumer"), ("consumer", "provider"), ("", "provider and the consumer")],
    ids=["by the provider alone", "by the consumer alone", "by nobody"],
)
def test_unsigned_it_is_pending_a_warning_and_opens_nothing(shared: Shared, left: str, missing: str) -> None:
    kept = [line for line in SIGNATURES.splitlines(keepends=True) if left and f"  {left}:" in line]
    shared.agree((SIGNATURES, "signatures:\n" + "".join(kept) if kept else ""))
    problem = shared.project.problem()
    assert (problem.severity, problem.field) == ("warning", "signatures")
    assert problem.message == f"not signed by the {missing}: nothing is opened"
    assert "gdcc agreements hash" in problem.suggestion
    estate = shared.estate()
    assert estate.agreements[0].state(TODAY) is State.PENDING
    assert not [policy for policy in render(estate) if policy.name.startswith("agreement-")]


def test_expired_it_is_a_warning_and_its_rules_are_withdrawn(shared: Shared) -> None:
    problem = shared.refused(("expires: 2028-12-31", "expires: §2026-11-20"))
    assert (problem.severity, problem.field) == ("warning", "expires")
    assert problem.message == "expired on 2026-11-20: its traffic is closed"
    estate = shared.estate()
    assert estate.agreements[0].state(TODAY) is State.EXPIRED
    assert not [policy for policy in render(estate) if policy.name.startswith("agreement-")]


STATES = {
    "the day before it starts": (("starts: 2026-01-01", "starts: 2026-11-22"), State.NOT_YET),
    "its first day": (("starts: 2026-01-01", "starts: 2026-11-21"), State.ACTIVE),
    "its last day": (("expires: 2028-12-31", "expires: 2026-11-21"), State.ACTIVE),
    "the day before it is withdrawn": (
        (
            "expires: 2028-12-31\n",
            "expires: 2028-12-31\nwithdrawn: {by: provider, on: 2026-11-22, reason: {th: ก, en: a}}\n",
        ),
        State.ACTIVE,
    ),
    "the day it is withdrawn": (
        (
            "expires: 2028-12-31\n",
            "expires: 2028-12-31\nwithdrawn: {by: provider, on: 2026-11-21, reason: {th: ก, en: a}}\n",
        ),
        State.WITHDRAWN,
    ),
}


@pytest.mark.parametrize(("change", "state"), STATES.values(), ids=STATES)
def test_on_a_day_it_opens_its_traffic_or_not(shared: Shared, change: tuple[str, str], state: State) -> None:
    shared.agree(change)
    assert shared.project.problems() == []
    estate = shared.estate()
    assert estate.agreements[0].state(TODAY) is state
    opened = [policy for policy in render(estate) if policy.name.startswith("agreement-")]
    assert len(opened) == (2 if state is State.ACTIVE else 0)


def test_a_party_withdraws_without_undoing_the_signatures(shared: Shared) -> None:
    text = (shared.root / FILE).read_text()
    shared.project.write(
        FILE, text + "withdrawn: {by: consumer, on: 2026-11-01, reason: {th: เลิกใช้, en: No longer used}}\n"
    )
    assert shared.project.problems() == []
    assert shared.estate().agreements[0].state(TODAY) is State.WITHDRAWN


def test_what_is_over_stays_as_a_record_after_its_service_has_gone(shared: Shared) -> None:
    path = shared.root / PROVIDER
    path.write_text(path.read_text().replace(OFFERS, ""))
    shared.agree(("expires: 2028-12-31", "expires: 2026-11-20"), after_signing=("dms.go.th.example", "gone.example"))
    assert shared.project.problem().severity == "warning"
    path.unlink()
    assert shared.project.problem().severity == "warning"


def test_a_new_owner_takes_the_agreement_over_by_signing_it(shared: Shared) -> None:
    path = shared.root / CONSUMER
    path.write_text(path.read_text().replace("director@ddc", "successor@ddc"))
    problem = shared.project.problem()
    assert (problem.file, problem.field) == (FILE, "signatures.consumer.email")
    assert "`successor@ddc.go.th.example`" in problem.suggestion


def test_a_stack_without_one_of_the_parties_opens_nothing_and_is_not_stopped(shared: Shared) -> None:
    assert shared.project.estate("moph/ddc").agreements == ()


def test_a_request_with_problems_of_its_own_is_not_blamed_on_the_agreement(shared: Shared) -> None:
    path = shared.root / PROVIDER
    path.write_text(path.read_text().replace("zone: gin", "zone: gim"))
    assert shared.project.problem().file == PROVIDER


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("stacks/agreements/A b.yaml", "the file's name is no id"),
        ("stacks/agreements/readme.txt", "not a .yaml file"),
        ("stacks/agreements/moph/x.yaml", "a folder where only files belong"),
    ],
)
def test_what_is_out_of_place_is_told(shared: Shared, file: str, message: str) -> None:
    shared.project.write(file, (shared.root / FILE).read_text())
    assert message in shared.project.problem().message


def test_a_file_that_is_no_yaml_is_told_once(shared: Shared) -> None:
    shared.project.write(FILE, "provider: [")
    assert "not readable as YAML" in shared.project.problem().message


def test_a_leap_days_agreement_ends_three_years_later(shared: Shared) -> None:
    shared.agree(("starts: 2026-01-01", "starts: 2024-02-29"), ("expires: 2028-12-31", "expires: 2027-02-28"))
    assert shared.project.problems() == []
    assert shared.estate().agreements[0].terms.expires == date(2027, 2, 28)
