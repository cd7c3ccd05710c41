"""The marketplace: what is declared of a service, who uses it, who stops without it, and how that is shown."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gdcc.cli import app
from gdcc.errors import FindingError, GdccError
from gdcc.model import PlanName, StackSettings, load_estate
from gdcc.model.binding import content_hash
from gdcc.services.graph import picture
from gdcc.services.impact import impact, stopping
from gdcc.services.market import listings, service_named
from gdcc.services.page import page

from ..model.conftest import REPOSITORY, TODAY, Project
from ..network.conftest import Shared
from ..network.conftest import shared as shared  # noqa: PLC0414 - pytest finds the fixture by its name here

ESTATE = load_estate(REPOSITORY, StackSettings(), TODAY)
AVAILABLE = {"identity", "notify", "payment", "e-saraban"}
PLANNED = {
    "e-signature", "e-certificate", "mail", "law-portal", "open-data", "document", "data-exchange",
    "citizen-portal", "business-portal", "foreigner-portal",
}  # fmt: skip
NOTIFY = "stacks/platform/services/notify.yaml"

CASES = {
    "a status": ("status: available", "status: live", "status", "not one of", "`available`"),
    "no owner": ("owner:\n  th: สำนักงานพัฒนารัฐบาลดิจิทัล (องค์การมหาชน)\n  en: Digital Government Development Agency\n", "",
                 "status", "an available service needs `owner`", "`status: planned`"),
    "a trial above live": ("{requests_per_minute: 30, per_month: 1000}", "{requests_per_minute: 601, per_month: 1000}",
                           "plans.trial.limits.requests_per_minute", "a trial may do more than is", "`600`"),
    "a plan of another name": ("  trial:\n", "  try:\n", "plans.try", "not one of", "`trial`"),
    "a zone of no tenants": ("[gin, dg-link, internet]", "[gin, management]", "zones[1]", "no tenant zone", ""),
    "a class that does not exist": ("เผยแพร่ภายในองค์กร, ลับ]", "เผยแพร่ภายในองค์กร, secret]", "data_classes[2]",
                                    "no data class", "`ลับมาก`"),
    "a path": ("path: /v2", "path: v2", "endpoints[0].path", "does not begin with `/`", "`/v2`"),
    "a promise beyond all": ("availability: 99.5", "availability: 100", "slo.availability", "less than 100", ""),
    "an unknown service needed": ("depends_on: [identity]", "depends_on: [identify]", "depends_on[0]",
                                  "no service is named `identify`", "`identity`"),
    "itself": ("depends_on: [identity]", "depends_on: [notify]", "depends_on[0]", "depends on itself", ""),
    "one that does not run": ("depends_on: [identity]", "depends_on: [mail]", "depends_on[0]", "`mail` is planned", ""),
    "a negative price": ("thb: 0.15", "thb: -1", "plans.live.price.thb", "at least 0", ""),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "field", "message", "remedy"), CASES.values(), ids=CASES)
def test_a_service_that_is_declared_wrongly_is_refused(
    project: Project, old: str, new: str, field: str, message: str, remedy: str
) -> None:
    path = project.root / NOTIFY
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    found = [problem for problem in project.problems() if problem.field == field]
    assert found, "\n".join(map(str, project.problems()))
    assert found[0].file == NOTIFY
    assert found[0].line > 0
    assert message in found[0].message
    assert remedy in found[0].suggestion


def test_one_person_does_not_approve_in_two_roles(project: Project) -> None:
    path = project.root / "stacks/platform/services/identity.yaml"
    path.write_text(path.read_text().replace("identity-security@", "identity-owner@"))
    (problem,) = [one for one in project.problems() if one.field.startswith("approvals")]
    assert problem.field == "approvals[1].email"
    assert "another person" in problem.suggestion


def test_all_that_the_plan_names_is_listed_and_the_four_that_run_can_be_bound() -> None:
    listed = {one.name: one.service.status for one in listings(ESTATE)}
    assert listed == dict.fromkeys(AVAILABLE, "available") | dict.fromkeys(PLANNED, "planned")
    assert [one.service.status for one in listings(ESTATE)] == ["available"] * 4 + ["planned"] * 10
    for one in listings(ESTATE):
        if one.name in AVAILABLE:
            assert one.service.example, "what is invented says so"
            assert all(contact.email.endswith(".example") for _, contact in one.service.contacts or ())
            assert all(endpoint.host.endswith(".example") for endpoint in one.service.endpoints)
            assert one.service.plans.keys() == set(PlanName)


def test_who_is_bound_who_waits_for_an_approval_and_who_waits_for_the_service_are_counted_apart() -> None:
    found = {one.name: one for one in listings(ESTATE)}
    notify = found["notify"]
    assert "rd" in notify.bound[PlanName.LIVE]
    assert "rd" not in notify.pending
    assert len(notify.pending) > 50
    assert not set(notify.pending) & set(notify.bound[PlanName.LIVE])
    mail = found["mail"]
    assert (mail.agencies, mail.pending) == ((), ())
    assert len(mail.awaiting) > 50


def test_what_needs_a_service_stops_with_it_through_others_too_and_a_circle_ends() -> None:
    services = {name: replace_needs(needs) for name, needs in
                {"a": (), "b": ("a",), "c": ("b",), "d": ("c", "d2"), "d2": ("d",), "e": ()}.items()}  # fmt: skip
    assert stopping(services, "a") == {"b": "a", "c": "b", "d": "c", "d2": "d"}
    assert stopping(services, "d") == {"d2": "d"}
    assert stopping(services, "e") == {}


def replace_needs(needs: tuple[str, ...]):  # type: ignore[no-untyped-def]
    return ESTATE.services["mail"].model_copy(update={"depends_on": needs})


def test_who_is_bound_to_what_stops_is_hit_also_through_another_service() -> None:
    rd = next(one for one in ESTATE.tenants if one.agency == "rd")
    others = tuple(one for one in rd.request.service_requests if one.name != "identity")
    without = replace(rd, request=rd.request.model_copy(update={"service_requests": others}))
    tenants = tuple(without if one is rd else one for one in ESTATE.tenants)
    found = impact(replace(ESTATE, tenants=tenants), "identity")
    assert found.services == dict.fromkeys(("e-saraban", "notify", "payment"), "identity"), "planned ones do not run"
    hit = {one.tenant.agency: one for one in found.bound}
    assert hit["rd"].because, "bound to a service that needs it"
    assert "identity" not in hit["rd"].because, "and not to itself"
    assert len(hit) > len(impact(ESTATE, "notify").bound)
    assert "prod" in [environment.value for environment in hit["rd"].environments]
    assert found.pending


def test_who_relies_on_data_of_one_that_is_hit_is_told_with_the_agreement(shared: Shared) -> None:
    terms = "environments: [prod]"
    shared.agree((terms, "environments: [dev]"))
    consumer = shared.root / "stacks/agencies/moph/ddc.yaml"
    consumer.write_text(consumer.read_text().replace("services:\n  - identity\n  - notify\n", ""))
    found = impact(shared.estate(), "identity")
    assert [one.tenant.agency for one in found.bound] == ["dms"]
    assert [(one.tenant.agency, one.because) for one in found.by_agreement] == [("ddc", ("dms-ddc-cases",))]
    shared.agree()
    assert impact(shared.estate(), "identity").by_agreement == (), "prod is not bound yet, so nothing of it stops"


def test_nobody_is_hit_by_what_nobody_uses() -> None:
    estate = replace(ESTATE, tenants=(), agreements=())
    found = impact(estate, "identity")
    assert (found.bound, found.by_agreement, found.pending) == ((), (), ())


def test_a_service_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(GdccError, match="no service is named `notfy`") as caught:
        service_named(ESTATE, "notfy")
    assert "`notify`" in caught.value.hint


@pytest.fixture
def here(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(project.root)
    return project


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["services", *arguments], catch_exceptions=False, env={"COLUMNS": "300"})
    assert result.exit_code == 0
    return result.stdout


def test_the_verb_lists_shows_and_answers_machines(here: Project) -> None:
    (line,) = [line for line in run().splitlines() if line.startswith("notify")]
    assert re.split(r"\s{2,}", line)[1:6] == ["available", "trial free, live 0.15 THB", "1", "-", "1"]
    told = {one["name"]: one for one in json.loads(run("--json"))}
    assert told["notify"]["bound"] == {"trial": ["ddc"], "live": []}
    assert told["notify"]["pending"] == ["ddc"]
    assert told["notify"]["plans"]["live"]["limits"]["per_month"] == 1_000_000
    shown = run("show", "notify")
    assert "live needs    service-owner: เจ้าของบริการ / Owner of the service" in shown
    assert json.loads(run("show", "notify", "--json")) == told["notify"]


def test_the_verb_tells_who_stops(here: Project) -> None:
    lines = run("impact", "identity").splitlines()
    assert lines[0] == "When identity stops:"
    assert "payment (needs identity)" in lines[1]
    assert lines[2] == "  1 agency (1 namespace) bound to what stops"
    told = json.loads(run("impact", "identity", "--json"))
    assert told["bound"] == [
        {"agency": "ddc", "tenant": "t7k2m9qx", "environments": ["dev"], "because": ["identity", "notify"]}
    ]


def test_the_verb_prints_what_is_approved_and_says_who_approves(here: Project) -> None:
    result = CliRunner().invoke(app, ["services", "hash", "ddc", "identity"], catch_exceptions=False)
    (tenant,) = here.estate().tenants
    assert result.stdout.strip() == content_hash(tenant, tenant.request.service_requests[0])
    assert "security <identity-security@dga.go.th.example>" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (("show", "notfy"), GdccError, "no service is named `notfy`"),
        (("impact", "notfy"), GdccError, "no service is named `notfy`"),
        (("hash", "ddd", "notify"), GdccError, "no agency is named `ddd`"),
        (("hash", "ddc", "payment"), FindingError, "`ddc` does not ask for `payment` in prod"),
    ],
)
def test_a_wrong_name_is_one_clear_error(
    here: Project, arguments: tuple[str, ...], kind: type[GdccError], message: str
) -> None:
    with pytest.raises(kind, match=re.escape(message)):
        CliRunner().invoke(app, ["services", *arguments], catch_exceptions=False)


class Read(HTMLParser):
    """Every tag closed, and what could lead out of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.leads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.add(value or "")
            if name in ("href", "src"):
                self.leads.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_catalogue_is_one_page_that_needs_nothing_else(here: Project, tmp_path: Path) -> None:
    target = tmp_path / "catalogue.html"
    assert f"wrote {target}" in run("--html", str(target)).replace("\n", "")
    html = target.read_text(encoding="utf-8")
    read = Read()
    read.feed(html)
    assert read.open == []
    assert read.ids >= AVAILABLE | PLANNED
    assert {lead.removeprefix("#") for lead in read.leads} == AVAILABLE | PLANNED, "all within the page"
    assert "<script" not in html
    assert html.count("ข้อมูลตัวอย่าง") == len(AVAILABLE)
    for name in AVAILABLE:
        title = ESTATE.services[name].title
        assert title.th in html
        assert title.en in html


def test_words_of_a_file_never_become_tags() -> None:
    notify = ESTATE.services["notify"]
    evil = notify.model_copy(update={"title": notify.title.model_copy(update={"th": "<script>ก", "en": "<b>x"})})
    estate = replace(ESTATE, services={**ESTATE.services, "notify": evil})
    html = page(estate, listings(estate)) + picture(estate.services)
    assert "<script>" not in html
    assert "<b>x" not in html
    assert "&lt;script&gt;" in html
