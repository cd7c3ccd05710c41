"""The proof on one machine: the real software of the ID service and of Notify, with the arguments, variables and files
of the pods that the real API server has, used by agencies from the binding to the end.

What stands in: this machine's own software for the images (Debian's PostgreSQL, Envoy from PyPI, Keycloak from Maven
Central), one pod of each workload, certificates of an authority of this run, a relay in Python, and Kannel's own test
program for an operator's SMS centre. Network policies are not enforced here; `tests/network` and `tests/reach` are
about them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import uuid
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt
import psutil
import pytest
import requests
from playwright.sync_api import Page, Route

from gdcc.cluster import Cluster
from gdcc.cluster.progress import Report
from gdcc.engine.api import Api, connect
from gdcc.errors import GdccError
from gdcc.identity.server import Server
from gdcc.model import load_estate, load_settings
from gdcc.pods import Machine
from gdcc.pods.images import stand_in
from gdcc.programs.postgres import postgres_programs
from gdcc.services.running import Running
from tests.browser import chromium
from tests.checkout import REPOSITORY, Checkout
from tests.identity.oidc import totp
from tests.services.office import APPOINTMENT, CODE, KEYCLOAK, TELEPHONE, Office, application_pod, named
from tests.waiting import until

pytestmark = [pytest.mark.services, pytest.mark.cluster]

CALLBACK = "https://app.ddc.dev.gdcc.go.th.example/callback"
PASSWORD = "ดอกราชพฤกษ์ 2569 บาน"
LIFE = 60
"""Seconds of an access token in this run; the platform's is five minutes."""
LEEWAY = 30
"""Seconds of clock skew that the gateway allows."""
PATIENCE = 90
"""Seconds for what comes about in its own time."""


def _asked(root: Path) -> None:
    """What these agencies ask for: a place to return to, and a small quota for one of them."""
    shutil.copytree(REPOSITORY / "stacks/notify", root / "stacks/notify")
    request = root / "stacks/agencies/moph/ddc.yaml"
    returning = f"services:\n  - name: identity\n    redirect_uris: [{CALLBACK}]\n  - notify\n"
    _change(request, "services:\n  - identity\n  - notify\n", returning)
    small = "services:\n  - identity\n  - name: notify\n    quota: {requests_per_minute: 10}\n"
    _change(root / "stacks/agencies/moph/dms.yaml", "services:\n  - identity\n  - notify\n", small)
    _change(root / "stacks/platform/identity.yaml", "access_token: 5m", f"access_token: {LIFE}s")
    for service, limit in (("identity", 60), ("notify", 30)):
        path = root / f"stacks/platform/services/{service}.yaml"
        _change(path, f"limits: {{requests_per_minute: {limit}, ", "limits: {requests_per_minute: 600, ")


def _change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))


def _tenant(checkout: Checkout, agency: str) -> str:
    text = (checkout.root / f"stacks/agencies/{agency}.yaml").read_text()
    found = re.search(r"^tenant: (\S+)", text, re.MULTILINE)
    assert found
    return found[1]


def _forget(api: Api) -> None:
    """What was made in the cluster and is not the stack's: the services' own Secrets, and what a test needed."""
    for space in ("svc-identity", "svc-notify", "svc-gateway"):
        for one in api.request("GET", f"/api/v1/namespaces/{space}/secrets")[1]["items"]:
            api.request("DELETE", f"/api/v1/namespaces/{space}/secrets/{one['metadata']['name']}")
    for one in api.request("GET", "/api/v1/configmaps", {"fieldSelector": "metadata.name=authority"})[1]["items"]:
        api.request("DELETE", f"/api/v1/namespaces/{one['metadata']['namespace']}/configmaps/authority")


@pytest.fixture(scope="module")
def office(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    if os.geteuid():
        pytest.skip("namespaces need root")
    report = Report()
    for image in ("keycloak", "kannel", "postgresql", "envoy"):
        try:
            stand_in(image, report)
        except GdccError as error:
            pytest.skip(f"{error.message}: {error.hint}")
    folder = tmp_path_factory.mktemp("proof")
    root = folder / "checkout"
    root.mkdir()
    agencies = ("moph/ddc", "moph/dms", "moph/fda")
    checkout = Checkout.make(root, *agencies, project=f"p{uuid.uuid4().hex[:8]}", services=True)
    checkout.environment["KUBECONFIG"] = str(cluster.kubeconfig)
    _asked(root)
    try:
        checkout.gdcc("up", "--yes")
        api, estate = connect(cluster.kubeconfig), load_estate(root, load_settings(root, "local"))
        with Machine(folder / "pods", api, report) as machine:
            running = Running(machine, api, estate, ("identity", "notify"), report)
            running.start()
            with named(running):
                yield Office(running, checkout, api)
    finally:
        _forget(connect(cluster.kubeconfig))
        checkout.gdcc("destroy", "--yes")


@pytest.fixture(scope="module")
def ddc(office: Office) -> str:
    return _tenant(office.checkout, "moph/ddc")


@pytest.fixture(scope="module")
def dms(office: Office) -> str:
    return _tenant(office.checkout, "moph/dms")


@pytest.fixture(scope="module")
def fda(office: Office) -> str:
    return _tenant(office.checkout, "moph/fda")


@pytest.fixture(scope="module")
def early(office: Office, ddc: str) -> str:
    """A token that is over when its test comes."""
    return office.token(ddc)


def test_the_programs_run_as_their_pods_say(office: Office) -> None:
    by_user = {}
    for pod in office.running.pods.values():
        process = psutil.Process(office.running.machine.pid(pod) or 0)
        by_user[pod.id] = (process.uids().effective, pod.user)
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE), pod.id
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE), pod.id
        assert "ro" in next(
            line for line in Path(f"/proc/{process.pid}/mounts").read_text().splitlines() if line.split()[1] == "/"
        ).split()[3].split(",")
    assert all(found == asked for found, asked in by_user.values()), by_user
    assert len(by_user) == 7


def test_an_application_gets_a_token_that_says_whose_it_is(office: Office, ddc: str, early: str) -> None:
    application = office.application(ddc)
    assert application.data["issuer"] == "https://identity.services.gdcc.go.th.example:8443/realms/gdcc"
    claims = application.claims(office.token(ddc), "notify")
    told = {name: claims[name] for name in ("agency", "tenant", "environment", "plan")}
    assert told == {"agency": "moph/ddc", "tenant": ddc, "environment": "dev", "plan": "trial"}


def test_a_message_arrives_in_the_mailbox_in_thai(office: Office, ddc: str) -> None:
    answer = office.send(office.token(ddc), "first")
    assert answer.status_code == 201, answer.text
    (mail,) = until(office.mail, PATIENCE, "the mail")
    assert mail["subject"] == "นัดหมายรับวัคซีนวันที่ 1 ธันวาคม"
    assert "เรียน สมชาย" in mail["text"]
    path = f"/notifications/{answer.json()['id']}"
    until(lambda: office.notify("GET", path, office.token(ddc)).json()["status"] == "delivered", PATIENCE, "delivery")


def test_the_readmes_program_sends_its_message_as_a_pod_of_the_agency(office: Office, ddc: str) -> None:
    program = re.search(r"^```python\n(.*?)^```$", (REPOSITORY / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert program
    namespace = f"{ddc}-dev"
    trusted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "authority"}}
    data = {"ca.crt": office.running.authority.certificate.read_text()}
    office.api.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body={**trusted, "data": data})
    pod = application_pod(namespace, ["python", "-c", program[1]])
    told = office.running.machine.job(pod)
    assert told.startswith("201 "), told
    assert "กรุณางดอาหาร" in told
    again = office.running.machine.job(pod)
    assert json.loads(again[4:])["id"] == json.loads(told[4:])["id"], "the reference is the same"


def test_a_text_message_arrives_through_kannel(office: Office, ddc: str) -> None:
    body = {"phone_number": TELEPHONE, "template_id": CODE, "personalisation": {"code": "4711", "minutes": "5"}}
    answer = office.notify("POST", "/notifications/sms", office.token(ddc), body)
    assert answer.status_code == 201, answer.text
    assert office.running.outside is not None
    messages = office.running.outside.messages
    until(lambda: "66812345678 ucs-2" in messages.read_text(errors="replace"), PATIENCE, "the text message")


def test_what_is_sent_again_under_its_reference_is_the_same_message(office: Office, ddc: str) -> None:
    first, again = (office.send(office.token(ddc), "once").json()["id"] for _ in range(2))
    assert first == again


# Refused ------------------------------------------------------------------------------------------------------------


def test_without_a_token_or_with_a_made_up_one_the_gateway_refuses(office: Office) -> None:
    assert office.send("", "none").status_code == 401
    assert office.send("eyJhbGciOiJub25lIn0.e30.", "none").status_code == 401


def test_another_agency_sees_nothing_and_sends_nothing_in_this_ones_name(office: Office, ddc: str, dms: str) -> None:
    mine = office.send(office.token(ddc), "mine").json()["id"]
    theirs = office.token(dms)
    assert office.notify("GET", f"/notifications/{mine}", theirs).status_code == 404
    refused = office.send(theirs, "theirs")
    assert refused.status_code == 400
    assert "template" in refused.text.lower()
    assert office.notify("GET", f"/template/{APPOINTMENT}", theirs).status_code == 404


def test_a_token_for_other_services_is_refused_at_the_gateway(office: Office, fda: str) -> None:
    """Wrong audience: this agency may log people in, and has not bound Notify."""
    refused = office.send(office.token(fda), "audience")
    assert refused.status_code == 403
    assert "Audiences in Jwt are not allowed" in refused.text


def test_over_its_rate_an_agency_waits_and_another_does_not(office: Office, ddc: str, dms: str) -> None:
    theirs, ours = office.token(dms), office.token(ddc)
    seen = [office.notify("GET", "/templates", theirs).status_code for _ in range(20)]
    assert seen[0] == 200
    assert 429 in seen
    assert office.notify("GET", "/templates", ours).status_code == 200


def test_only_the_realm_is_shown_and_nothing_of_the_administrators(office: Office) -> None:
    place, authority = office.running.places()["identity"], str(office.running.authority.certificate)
    for path in ("/admin/", "/realms/master/.well-known/openid-configuration", "/metrics", "/health", "/"):
        answer = requests.get(f"https://{place.host}:{place.port}{path}", verify=authority, timeout=30)
        assert answer.status_code == 404, path
    known = f"https://{place.host}:{place.port}/realms/gdcc/.well-known/openid-configuration"
    assert requests.get(known, verify=authority, timeout=30).json()["issuer"].endswith("/realms/gdcc")


# People -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(office: Office) -> Iterator[Page]:
    """A browser that finds the ID service by its name, and is shown the application's page without leaving here."""
    names = ",".join(f"MAP {one.host} {one.address}" for one in office.running.places().values())

    def arrived(route: Route) -> None:
        route.fulfill(body="arrived")

    with chromium(f"--host-resolver-rules={names}") as browser:
        context = browser.new_context(ignore_https_errors=True, locale="th-TH")
        context.route("https://app.ddc.dev.gdcc.go.th.example/**", arrived)
        yield context.new_page()


def _official(office: Office) -> str:
    """An account as the agency's administrator makes one: a person with a password."""
    space = office.api.request("GET", "/api/v1/namespaces/svc-identity/secrets/keycloak-sync")[1]["data"]
    secret = b64decode(space["client-secret"]).decode()
    server, name = (
        Server(f"https://{KEYCLOAK}:8443", "gdcc-sync", secret, office.running.authority.certificate),
        f"p{uuid.uuid4().hex[:8]}",
    )
    credential = {"type": "password", "value": PASSWORD, "temporary": False}
    about = {"firstName": "สมชาย", "lastName": "ใจดี", "email": f"{name}@ddc.go.th.example", "emailVerified": True}
    server.post("gdcc/users", {"username": name, "enabled": True, "credentials": [credential], **about})
    return name


def test_a_person_logs_in_through_the_gateway_and_steps_up_to_the_level_that_is_asked_for(
    office: Office, ddc: str, page: Page
) -> None:
    application, person = office.application(ddc), _official(office)

    def tokens() -> dict[str, object]:
        page.wait_for_url(f"{CALLBACK}?**")
        code = parse_qs(urlsplit(page.url).query)["code"][0]
        answer = application.post(
            grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=application.verifier
        )
        assert answer.status_code == 200, answer.text
        return application.claims(answer.json()["id_token"], application.data["client-id"])

    page.goto(application.authorization_url(CALLBACK))
    assert page.locator("html").get_attribute("lang") == "th"
    page.fill("#username", person)
    page.fill("#password", PASSWORD)
    page.click("#kc-login")
    assert tokens()["acr"] == "ial1-aal1"
    page.goto(application.authorization_url(CALLBACK, acr_values="ial1-aal2"))
    page.click("#mode-manual")
    page.fill("#totp", totp(page.inner_text("#kc-totp-secret-key")))
    page.click("#saveTOTPBtn")
    assert tokens()["acr"] == "ial1-aal2"


def test_a_place_to_return_to_that_is_not_the_tenants_is_refused(office: Office, ddc: str, page: Page) -> None:
    answer = page.goto(office.application(ddc).authorization_url("https://evil.example/callback"))
    assert answer is not None
    assert answer.status == 400


# Going on -----------------------------------------------------------------------------------------------------------


def test_keys_are_rotated_and_an_application_that_has_not_noticed_keeps_working(office: Office, ddc: str) -> None:
    before = office.application(ddc)
    office.running.job("svc-identity", "identity-rotate", "--client", before.data["client-id"])
    after = office.application(ddc)
    assert after.data["key-id"] != before.data["key-id"]
    for application in (before, after):
        assert application.token().status_code == 200


def test_the_nightly_copy_of_a_database_can_be_read(office: Office) -> None:
    machine = office.running.machine
    office.running.job("svc-notify", "postgres-backup")
    (copy,) = (machine.folder / "claims/svc-notify/postgres-backup").glob("*.dump")
    listed = subprocess.run(
        [postgres_programs(Report()) / "pg_restore", "--list", copy], capture_output=True, text=True, check=True
    )
    assert "TABLE DATA public notification" in listed.stdout, listed.stdout


def test_nothing_is_lost_or_sent_twice_when_the_database_is_killed(office: Office, ddc: str) -> None:
    running = office.running
    database = running.pods["svc-notify-postgres"]
    arrived = len(until(office.mail, PATIENCE, "the mail"))
    accepted, token = 0, office.token(ddc)
    for number in range(23):
        if number == 10:
            psutil.Process(running.machine.pid(database) or 0).kill()
        if number == 13:
            assert any("svc-notify-postgres" in line for line in running.refresh())
        reference, day = f"kill-{number}", f"{number} ธันวาคม"
        if not 10 <= number < 13:
            until(
                lambda reference=reference, day=day: office.send(token, reference, day).status_code == 201,
                PATIENCE,
                "the database",
            )
            accepted += 1
        else:  # while it is away nothing is accepted that is not kept
            assert office.send(token, reference, day).status_code >= 500
    until(lambda: len(office.mail()) >= arrived + accepted, PATIENCE, "all that was accepted")
    time.sleep(3)
    subjects = [one["subject"] for one in office.mail()][arrived:]
    assert len(office.mail()) == arrived + accepted, subjects
    days = [one["subject"] for one in office.mail() if re.search(r"\d+ ธันวาคม$", one["subject"])]
    for number in (*range(2, 10), *range(13, 23)):
        assert days.count(f"นัดหมายรับวัคซีนวันที่ {number} ธันวาคม") == 1


def test_who_unbinds_is_refused_at_once_with_the_token_still_good(office: Office, ddc: str) -> None:
    token = office.token(ddc)
    assert office.notify("GET", "/templates", token).status_code == 200
    request = office.checkout.root / "stacks/agencies/moph/ddc.yaml"
    _change(request, f"    redirect_uris: [{CALLBACK}]\n  - notify\n", f"    redirect_uris: [{CALLBACK}]\n")
    done = office.apply()
    assert any("svc-gateway-notify" in line for line in done), done
    assert office.notify("GET", "/templates", token).status_code == 403
    renewed = office.notify("GET", "/templates", office.token(ddc))
    assert renewed.status_code == 403
    assert "Audiences in Jwt are not allowed" in renewed.text


def test_an_expired_token_is_refused(office: Office, early: str) -> None:
    ends = jwt.decode(early, options={"verify_signature": False})["exp"]
    time.sleep(max(0.0, ends + LEEWAY + 2 - time.time()))
    refused = office.send(early, "late")
    assert refused.status_code == 401
    assert "expired" in refused.text


def test_who_unbinds_from_the_id_service_loses_key_and_client(office: Office, dms: str) -> None:
    application = office.application(dms)
    request = office.checkout.root / "stacks/agencies/moph/dms.yaml"
    _change(request, "services:\n  - identity\n  - name: notify\n    quota: {requests_per_minute: 10}\n", "")
    office.apply()
    assert application.token().status_code in (400, 401)
    gone = f"/api/v1/namespaces/{dms}-dev/secrets"
    until(lambda: not [one for one in office.api.request("GET", gone)[1]["items"]
                       if one["metadata"]["name"] == "service-identity"], PATIENCE, "the end of its key")  # fmt: skip
