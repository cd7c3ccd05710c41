"""What a tenant is bound to, and everything that a request may get wrong about it."""

from __future__ import annotations

import pytest

from gdcc.model import DataClass, Environment, PlanName, StackSettings, asked_bindings, bindings, load_estate
from gdcc.model.binding import content_hash

from ..model.conftest import REPOSITORY, TODAY
from .conftest import Asking, approvals

DEV, PROD = Environment.DEV, Environment.PROD
ENTRY = "  - name: identity\n"

CASES = {
    "an unknown service": ("  - §identify\n", "services[0]", "no service is named `identify`", "`identity`"),
    "an unknown service in a group of fields": (
        "  - name: §identify\n", "services[0].name", "no service is named `identify`", "`identity`"),
    "an unknown plan": (ENTRY + "    plan: §trail\n", "services[0].plan", "not one of", "`trial`"),
    "an unknown field": (ENTRY + "    §redirects: []\n", "services[0].redirects", "no such field", "`redirect_uris`"),
    "a number": ("  - §5\n", "services[0]", "must be the name of a service", "`identity`"),
    "a planned service": ("  - §mail\n", "services[0]", "`mail` is planned", "`mail` under `awaits`"),
    "a zone that cannot reach it": (
        "  - §payment\n", "services[0]", "not reached from zone `gin`", "dg-link, internet"),
    "a higher class than the agency holds": (
        ENTRY + "    data_class: §ลับมาก\n", "services[0].data_class", "the highest class held is ลับ", "`ลับ`"),
    "live in dev": (
        ENTRY + "    environments: [dev]\n    plan: §live\n", "services[0].plan",
        "live credentials are refused in dev", "`trial`"),
    "trial in prod": (
        ENTRY + "    environments: [prod]\n    plan: §trial\n", "services[0].plan",
        "trial credentials are refused in prod", "`live`"),
    "an environment that the request has not": (
        ENTRY + "    environments: [dev, §uat]\n", "services[0].environments[1]",
        "not an environment of this request", "`dev`"),
    "a quota above the plan": (
        ENTRY + "    plan: trial\n    quota: {per_month: §10001}\n", "services[0].quota.per_month",
        "10,001 is above the plan `trial`, which allows 10,000", "at most `10000`"),
    "a quota that only the other plan allows": (
        ENTRY + "    quota: {requests_per_minute: §3000}\n", "services[0].quota.requests_per_minute",
        "above the plan `trial`", "an entry for each plan"),
    "no quota at all": (ENTRY + "    quota: {per_month: §0}\n", "services[0].quota.per_month", "at least 1", ""),
    "a service twice": ("  - identity\n  - §identity\n", "services[1]", "`identity` is listed twice", "it once"),
    "a client twice in one environment": (
        "  - {name: identity, environments: [dev]}\n  - §{name: identity, plan: trial}\n", "services[1]",
        "listed twice", "`environments` of its own"),
    "a redirect to somebody else": (
        ENTRY + "    redirect_uris: [§https://dms.dev.gdcc.go.th.example/callback]\n", "services[0].redirect_uris[0]",
        "`dms.dev.gdcc.go.th.example` is in no domain of this tenant", "`ddc.dev.gdcc.go.th.example`"),
    "a redirect that only ends alike": (
        ENTRY + "    redirect_uris: [§https://evilddc.dev.gdcc.go.th.example/]\n", "services[0].redirect_uris[0]",
        "in no domain of this tenant", "`ddc.dev.gdcc.go.th.example`"),
    "a redirect of production while only dev is bound": (
        ENTRY + "    plan: trial\n    redirect_uris: [§https://ddc.apps.gdcc.go.th.example/]\n",
        "services[0].redirect_uris[0]", "in no domain of this tenant", "`ddc.dev.gdcc.go.th.example`"),
    "a redirect without TLS": (
        ENTRY + "    redirect_uris: [§http://ddc.dev.gdcc.go.th.example/]\n", "services[0].redirect_uris[0]",
        "no https address", "https://"),
    "a redirect with a wildcard": (
        ENTRY + '    redirect_uris: [§"https://ddc.dev.gdcc.go.th.example/*"]\n', "services[0].redirect_uris[0]",
        "nobody has listed", "each address by itself"),
    "a redirect that hides its host": (
        ENTRY + '    redirect_uris: [§"https://ddc.dev.gdcc.go.th.example@evil.example/"]\n',
        "services[0].redirect_uris[0]", "more than a host and a path", "without"),
    "a redirect twice": (
        ENTRY + "    redirect_uris: [https://ddc.dev.gdcc.go.th.example/, §https://ddc.dev.gdcc.go.th.example/]\n",
        "services[0].redirect_uris[1]", "listed twice", "it once"),
    "a redirect where nobody logs in": (
        "  - name: notify\n    redirect_uris: §[https://ddc.dev.gdcc.go.th.example/]\n", "services[0].redirect_uris",
        "nobody logs in at `notify`", "credential is `client`"),
    "an approval of another role": (
        ENTRY + approvals("service-owner", "security").replace("role: security", "role: §securty"),
        "services[0].approvals[1].role", "no approval of `securty`", "`security`"),
    "an approval by somebody else": (
        ENTRY + approvals("service-owner").replace("email: ", "email: §").replace("identity-owner", "friend")
        + approvals("security").split("\n", 1)[1],
        "services[0].approvals[0].email", "`friend@dga.go.th.example` is not the `service-owner` of `identity`",
        "identity-owner@dga.go.th.example"),
    "an approval by who asks": (
        ENTRY + approvals("service-owner", email="director@ddc.go.th.example").replace("email: ", "email: §")
        + approvals("security").split("\n", 1)[1],
        "services[0].approvals[0].email", "who asks cannot approve", "identity-owner@dga.go.th.example"),
    "one who approves twice": (
        ENTRY + approvals("security", "service-owner", "service-owner").replace("role: service-owner", "role: §", 2)
        .replace("§", "service-owner", 1).replace("§", "§service-owner"),
        "services[0].approvals[2].role", "a second approval", "one of each role"),
    "an approval in the future": (
        ENTRY + approvals("service-owner").replace("2026-10-12", "§2027-01-01")
        + approvals("security").split("\n", 1)[1],
        "services[0].approvals[0].approved", "in the future", "the day it happened"),
}  # fmt: skip


@pytest.mark.parametrize(("services", "field", "message", "remedy"), CASES.values(), ids=CASES)
def test_it_is_refused_where_it_stands_with_what_to_write_instead(
    asking: Asking, services: str, field: str, message: str, remedy: str
) -> None:
    problem = asking.refused(services)
    assert problem.severity == "error"
    assert problem.field == field
    assert message in problem.message
    assert remedy in problem.suggestion


def test_the_classes_that_a_service_may_carry_bound_what_passes(asking: Asking) -> None:
    zone = ("zone: gin", "zone: gin")
    problem = asking.refused("  - §notify\n", ("data_class: ลับ\n", "data_class: ลับมาก\n"), zone)
    assert problem.message == "`notify` may carry เปิดเผย, เผยแพร่ภายในองค์กร, ลับ, not ลับมาก"
    assert problem.suggestion.startswith("`data_class: ลับ`")
    asking.ask(
        "  - identity\n  - name: notify\n    data_class: ลับ\n", ("data_class: ลับ\n", "data_class: ลับมาก\n"), zone
    )
    assert asking.project.problems() == []
    assert asking.bound()["notify", DEV].data_class is DataClass.CONFIDENTIAL


def test_a_service_without_the_tokens_that_it_takes_is_a_warning(asking: Asking) -> None:
    asking.ask("  - {name: identity, environments: [dev]}\n  - notify\n")
    (problem,) = asking.project.problems()
    assert (problem.severity, problem.field) == ("warning", "services[1]")
    assert problem.message == "`notify` takes tokens of `identity`, which is not asked for in prod"
    assert problem.suggestion == "`identity` under `services` too"


def test_a_name_alone_gives_a_trial_at_once_and_a_live_binding_that_waits(asking: Asking) -> None:
    asking.ask("  - identity\n")
    bound = asking.bound()
    assert {key[1]: one.plan for key, one in bound.items()} == {DEV: PlanName.TRIAL, PROD: PlanName.LIVE}
    assert not bound["identity", DEV].pending
    assert bound["identity", PROD].missing == ("service-owner", "security")
    assert [one.environment for one in bindings(asking.estate())] == [DEV]
    assert asking.project.problems() == [], "two hundred requests that wait are no mistakes"


def test_who_writes_about_production_hears_that_it_waits_and_for_whom(asking: Asking) -> None:
    asking.ask("  - name: identity\n" + approvals("service-owner"))
    (problem,) = asking.project.problems()
    assert (problem.severity, problem.field) == ("warning", "services[0].approvals")
    assert "prod is not bound until `security`" in problem.message
    assert "gdcc services hash ddc identity" in problem.suggestion
    assert asking.bound()["identity", PROD].missing == ("security",)


def test_all_approvals_of_this_very_content_bind_production(asking: Asking) -> None:
    asking.ask(ENTRY + approvals("service-owner", "security"))
    assert asking.project.problems() == []
    assert {one.environment for one in bindings(asking.estate())} == {DEV, PROD}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  - name: identity\n", "  - name: identity\n    quota: {per_month: 5}\n"),
        ("  - name: identity\n", "  - name: identity\n    redirect_uris: [https://ddc.apps.gdcc.go.th.example/]\n"),
        ("  - name: identity\n", "  - name: identity\n    data_class: เปิดเผย\n"),
        ("zone: gin\n", "zone: dg-link\n"),
        ("tenant: t7k2m9qx\n", "tenant: t0000000\n"),
        ("data_class: ลับ\n", "data_class: เผยแพร่ภายในองค์กร\n"),
    ],
)
def test_a_change_after_the_approval_makes_it_void(asking: Asking, old: str, new: str) -> None:
    path = asking.ask(ENTRY + approvals("service-owner", "security"))
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    problems = asking.project.problems()
    assert [problem.field for problem in problems] == [f"services[0].approvals[{index}].content" for index in (0, 1)]
    assert all("changed after the approval" in problem.message for problem in problems)


@pytest.mark.parametrize(
    ("old", "new"),
    [("en: Disease surveillance\n", "en: Surveillance\n"), ("size: small\n", "size: medium\n"), ("# yaml", "#  yaml")],
)
def test_what_was_not_approved_may_change(asking: Asking, old: str, new: str) -> None:
    path = asking.ask(ENTRY + approvals("service-owner", "security"))
    path.write_text(path.read_text().replace(old, new, 1))
    assert not [problem for problem in asking.project.problems() if problem.severity == "error"]
    assert PROD in {one.environment for one in bindings(asking.estate())}


def test_each_environment_has_its_own_quota_and_addresses(asking: Asking) -> None:
    asking.ask(
        "  - name: identity\n"
        "    environments: [dev]\n"
        "    quota: {requests_per_minute: 10}\n"
        "    redirect_uris: [https://ddc.dev.gdcc.go.th.example/callback]\n"
        "  - name: identity\n"
        "    environments: [prod]\n"
        "    redirect_uris: [https://app.ddc.apps.gdcc.go.th.example/callback]\n"
    )
    bound = asking.bound()
    dev, prod = bound["identity", DEV], bound["identity", PROD]
    assert (dev.limits.requests_per_minute, dev.limits.per_month) == (10, 10_000), "the plan's, where less is not asked"
    assert prod.limits.requests_per_minute == 3_000
    assert dev.redirect_uris == ("https://ddc.dev.gdcc.go.th.example/callback",)
    assert prod.redirect_uris == ("https://app.ddc.apps.gdcc.go.th.example/callback",)


def test_one_list_of_addresses_is_divided_by_the_domains_of_the_environments(asking: Asking) -> None:
    uris = "https://ddc.dev.gdcc.go.th.example/, https://ddc.apps.gdcc.go.th.example/"
    asking.ask(f"  - name: identity\n    redirect_uris: [{uris}]\n")
    bound = asking.bound()
    assert bound["identity", DEV].redirect_uris == ("https://ddc.dev.gdcc.go.th.example/",)
    assert bound["identity", PROD].redirect_uris == ("https://ddc.apps.gdcc.go.th.example/",)


def test_a_plan_that_the_request_has_no_environment_for_is_refused(asking: Asking) -> None:
    problem = asking.refused("  - name: identity\n    plan: §live\n", ("[dev, prod]", "[dev]"))
    assert "the plan `live` is for prod" in problem.message


def test_everything_wrong_is_told_at_once(asking: Asking) -> None:
    asking.ask(
        "  - mail\n  - payment\n  - {name: identity, environments: [dev], plan: live, quota: {per_month: 99999}}\n"
    )
    fields = {problem.field for problem in asking.project.problems()}
    assert fields == {"services[0]", "services[1]", "services[2].plan", "services[2].quota.per_month"}


def test_waiting_for_what_is_there_already_is_told(asking: Asking) -> None:
    asking.ask("  - identity\nawaits: [mail, notify]\n")
    (problem,) = asking.project.problems()
    assert (problem.severity, problem.field) == ("warning", "awaits[1]")
    assert "`notify` under `services`" in problem.suggestion


def test_the_hash_is_of_what_is_written_and_not_of_how(asking: Asking) -> None:
    asking.ask("  - identity\n")
    (tenant,) = asking.estate().tenants
    short = content_hash(tenant, tenant.request.service_requests[0])
    asking.ask("  - {name: identity, environments: [prod], plan: live}\n")
    (tenant,) = asking.estate().tenants
    assert content_hash(tenant, tenant.request.service_requests[0]) == short


def test_the_real_requests_bind_hundreds_of_trials_and_a_few_live_and_nothing_that_is_planned() -> None:
    estate = load_estate(REPOSITORY, StackSettings(), TODAY)
    asked = list(asked_bindings(estate))
    bound = list(bindings(estate))
    assert len(asked) > 900
    assert {one.service for one in bound} == {"identity", "notify", "payment", "e-saraban"}
    assert sum(one.plan is PlanName.LIVE for one in bound) >= 3
    assert sum(one.plan is PlanName.TRIAL for one in bound) > 500
    for one in bound:
        assert (one.plan is PlanName.LIVE) == (one.environment is PROD)
        assert one.tenant.zone.name in one.about.zones
        assert one.data_class in one.about.data_classes
    assert not any(one.data_class is DataClass.TOP_SECRET for one in asked), "ลับที่สุด never travels"
