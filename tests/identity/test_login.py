"""People log in at an application through a real browser: code flow, PKCE, and stepping up to a higher level."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page, Route

from gdcc.identity import Realm
from gdcc.model import Environment, Estate, Tenant
from tests.browser import chromium
from tests.identity.conftest import Bound, Identities, Shelf, desired
from tests.identity.oidc import Application, totp

pytestmark = pytest.mark.services

CALLBACK = "https://app.ddc.example/callback"
PASSWORD = "ดอกราชพฤกษ์ 2569 บาน"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser without cookies. It is shown the application's page without leaving the machine."""
    context = browser.new_context(ignore_https_errors=True, locale="th-TH")

    def arrived(route: Route) -> None:
        route.fulfill(body="arrived")

    context.route("https://app.ddc.example/**", arrived)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def kept() -> Shelf:
    return Shelf()


@pytest.fixture(scope="module")
def synced(identities: Identities, estate: Estate, tenants: dict[str, Tenant], kept: Shelf) -> Realm:
    bound = Bound(tenants["ddc"], Environment.DEV, "identity", redirect_uris=(CALLBACK,))
    wanted = desired(identities, estate, f"r{uuid.uuid4().hex[:8]}", bound)
    identities.sync(wanted, kept)
    return wanted


@pytest.fixture
def application(identities: Identities, synced: Realm, tenants: dict[str, Tenant], kept: Shelf) -> Application:
    return Application(kept.data[f"{tenants['ddc'].id}-dev/service-identity"], identities.keycloak.authority)


def _person(identities: Identities, realm: Realm, *, official: bool = False, ial: str = "") -> str:
    """Makes an account; the person has a password and no second factor yet."""
    server, name = identities.server(), f"p{uuid.uuid4().hex[:8]}"
    credential = {"type": "password", "value": PASSWORD, "temporary": False}
    about = {"firstName": "สมชาย", "lastName": "ใจดี", "email": f"{name}@example.go.th", "emailVerified": True}
    attributes = {"attributes": {"ial": [ial]}} if ial else {}
    user = server.post(
        f"{realm.name}/users", {"username": name, "enabled": True, "credentials": [credential], **about, **attributes}
    )
    if official:
        role = server.get(f"{realm.name}/roles/official")
        server.post(f"{realm.name}/users/{user}/role-mappings/realm", [role])
    return name


def _sign_in(page: Page, person: str, password: str = PASSWORD) -> None:
    page.fill("#username", person)
    page.fill("#password", password)
    page.click("#kc-login")


def _enrol(page: Page) -> str:
    """Sets up a one-time password as a person without a camera does; returns its secret."""
    page.click("#mode-manual")
    secret = page.inner_text("#kc-totp-secret-key").replace(" ", "")
    page.fill("#totp", totp(secret))
    page.click("#saveTOTPBtn")
    return secret


def _tokens(page: Page, application: Application) -> dict[str, str]:
    """What the application gets for the code that the browser brought."""
    page.wait_for_url(f"{CALLBACK}?**")
    code = parse_qs(urlsplit(page.url).query)["code"][0]
    answer = application.post(
        grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=application.verifier
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _claims(tokens: dict[str, str], application: Application) -> dict[str, object]:
    return application.claims(tokens["id_token"], application.data["client-id"])


def test_a_person_logs_in_with_a_password_and_the_token_says_so(
    identities: Identities, synced: Realm, application: Application, page: Page
) -> None:
    page.goto(application.authorization_url(CALLBACK))
    assert page.locator("html").get_attribute("lang") == "th", "the pages are in Thai"
    _sign_in(page, _person(identities, synced))
    claims = _claims(_tokens(page, application), application)
    assert (claims["acr"], claims["agency"]) == ("ial1-aal1", "moph/ddc")


def test_a_wrong_password_leads_nowhere(
    identities: Identities, synced: Realm, application: Application, page: Page
) -> None:
    page.goto(application.authorization_url(CALLBACK))
    _sign_in(page, _person(identities, synced), "not the password")
    page.wait_for_selector("#input-error, [id^=input-error]")
    assert "code=" not in page.url


def test_stepping_up_asks_for_a_second_factor_and_the_token_says_so(
    identities: Identities, synced: Realm, application: Application, page: Page
) -> None:
    person = _person(identities, synced)
    page.goto(application.authorization_url(CALLBACK))
    _sign_in(page, person)
    assert _claims(_tokens(page, application), application)["acr"] == "ial1-aal1"
    page.goto(application.authorization_url(CALLBACK, acr_values="ial1-aal2"))
    assert page.locator("#password").count() == 0, "the password of this session still holds"
    secret = _enrol(page)
    assert _claims(_tokens(page, application), application)["acr"] == "ial1-aal2"
    page.context.clear_cookies()
    page.goto(application.authorization_url(CALLBACK, acr_values="ial1-aal2"))
    _sign_in(page, person)
    page.wait_for_selector("#otp")
    page.fill("#otp", totp(secret, time.time() + 30))  # the one before was used, and none is good twice
    page.click("#kc-login")
    assert _claims(_tokens(page, application), application)["acr"] == "ial1-aal2"


def test_an_official_always_needs_a_second_factor(
    identities: Identities, synced: Realm, application: Application, page: Page
) -> None:
    page.goto(application.authorization_url(CALLBACK))
    _sign_in(page, _person(identities, synced, official=True))
    page.wait_for_selector("#mode-manual")
    assert "code=" not in page.url
    _enrol(page)
    _tokens(page, application)


def test_an_official_who_steps_up_gives_the_second_factor_once(
    identities: Identities, synced: Realm, application: Application, page: Page
) -> None:
    page.goto(application.authorization_url(CALLBACK, acr_values="ial1-aal2"))
    _sign_in(page, _person(identities, synced, official=True))
    _enrol(page)
    assert _claims(_tokens(page, application), application)["acr"] == "ial1-aal2"


@pytest.mark.parametrize(("ial", "passes"), [("", False), ("1", False), ("2", True), ("3", True)])
def test_the_level_of_identified_people_is_reached_only_by_them(
    identities: Identities, synced: Realm, application: Application, page: Page, ial: str, passes: bool
) -> None:
    claims = '{"id_token":{"acr":{"essential":true,"values":["ial2-aal2"]}}}'
    page.goto(application.authorization_url(CALLBACK, claims=claims))
    _sign_in(page, _person(identities, synced, ial=ial))
    if passes:
        _enrol(page)
        told = _claims(_tokens(page, application), application)
        assert (told["acr"], told["ial"]) == ("ial2-aal2", ial)
    else:
        page.wait_for_selector("#kc-error-message")
        assert "code=" not in page.url


@pytest.mark.parametrize(
    "uri", ["https://evil.example/callback", f"{CALLBACK}/more", f"{CALLBACK}?x=1", "http://app.ddc.example/callback"]
)
def test_a_redirect_uri_that_is_not_exactly_a_registered_one_is_refused(
    application: Application, page: Page, uri: str
) -> None:
    answer = page.goto(application.authorization_url(uri))
    assert answer is not None
    assert answer.status == 400
    assert "localhost" in page.url, "the browser was not sent there"


def test_a_request_without_pkce_is_refused(application: Application) -> None:
    url = re.sub(r"&code_challenge(_method)?=[^&]*", "", application.authorization_url(CALLBACK))
    answer = requests.get(url, verify=str(application.authority), allow_redirects=False, timeout=30)
    told = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert told["error"] == ["invalid_request"]
    assert "code" not in told


def test_a_code_is_worth_nothing_without_the_verifier(
    identities: Identities, synced: Realm, application: Application, page: Page
) -> None:
    page.goto(application.authorization_url(CALLBACK))
    _sign_in(page, _person(identities, synced))
    page.wait_for_url(f"{CALLBACK}?**")
    code = parse_qs(urlsplit(page.url).query)["code"][0]
    thief = Application(application.data, application.authority)
    answer = thief.post(grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=thief.verifier)
    assert answer.status_code == 400


def test_guessing_locks_the_account_for_a_while(
    identities: Identities, synced: Realm, application: Application, page: Page
) -> None:
    person = _person(identities, synced)
    page.goto(application.authorization_url(CALLBACK))
    for _ in range(synced.parts["realm"]["failureFactor"]):
        _sign_in(page, person, "wrong")
        time.sleep(1.1)  # faster ones are locked out even sooner
    _sign_in(page, person)
    page.wait_for_selector("#password")
    assert "code=" not in page.url
    user = identities.server().get(f"{synced.name}/users", username=person)[0]["id"]
    assert identities.server().get(f"{synced.name}/attack-detection/brute-force/users/{user}")["disabled"]


def test_logins_and_acts_of_administrators_are_in_the_log(identities: Identities, synced: Realm) -> None:
    server = identities.server()
    assert {"LOGIN", "LOGIN_ERROR", "CODE_TO_TOKEN"} <= {
        one["type"] for one in server.get(f"{synced.name}/events", max=500)
    }
    acts = server.get(f"{synced.name}/admin-events", max=500)
    assert {"USER", "CLIENT"} <= {one["resourceType"] for one in acts}
    assert "PRIVATE KEY" not in str(acts)
