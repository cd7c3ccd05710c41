"""Who may ask: the ID service's tokens, API keys, and everything that is neither."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from notifications_python_client.errors import HTTPError

from gdcc.notify.keyring import service_id
from tests.notify.office import CODE, THEIRS, WELCOME, Office, bindings
from tests.waiting import until

SEND = "/v2/notifications/email"
MESSAGE = {
    "email_address": "citizen@example.com",
    "template_id": WELCOME,
    "personalisation": {"name": "x", "day": "y"},
}


def said(answer: tuple[int, Any]) -> str:
    status, body = answer
    assert body["status_code"] == status
    assert body["errors"][0]["error"] in ("AuthError", "BadRequestError", "ServiceUnavailableError", "RateLimitError")
    return str(body["errors"][0]["message"])


@pytest.mark.parametrize("kid", ["rsa", "pss", "ec"])
def test_a_token_of_the_id_service_is_enough(served: Office, kid: str) -> None:
    token = served.issuer.token(kid)
    status, answer = served.ask(SEND, token, MESSAGE)
    assert status == 201, answer
    assert served.ask(f"/v2/notifications/{answer['id']}", token)[1]["template"]["id"] == WELCOME


def unsigned(served: Office) -> str:
    parts = [{"alg": "none", "typ": "JWT", "kid": "rsa"}, served.issuer.claims()]
    return ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts) + "."


def confused(served: Office) -> str:
    """Signed by HS256 with the public key as its secret, as if the service took the token's word for the algorithm."""
    public = served.issuer.rsa.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return by_hand({"alg": "HS256", "typ": "JWT", "kid": "rsa"}, served.issuer.claims(), public)


def by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """PyJWT itself refuses to sign with a public key."""
    text = ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in (header, claims))
    signature = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def test_the_public_key_is_no_shared_secret_even_under_a_known_service_id(served: Office) -> None:
    public = served.issuer.rsa.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = {"iss": str(service_id("moph/ddc", "prod")), "iat": int(time.time())}
    token = by_hand({"alg": "HS256", "kid": "rsa"}, claims, public)
    assert served.ask(SEND, token, MESSAGE)[0] == 403


WRONG = {
    "expired": (lambda o: o.issuer.token(exp=int(time.time()) - 60), "expired"),
    "wrong audience": (lambda o: o.issuer.token(aud="payment"), "audience"),
    "no audience": (lambda o: o.issuer.token(aud=None), "aud field"),
    "wrong issuer": (lambda o: o.issuer.token(iss="https://elsewhere.example/realms/gdcc"), "issuer"),
    "no expiry": (lambda o: o.issuer.token(exp=None), "exp field"),
    "not yet": (lambda o: o.issuer.token(nbf=int(time.time()) + 600), "not valid"),
    "unknown key id": (lambda o: o.issuer.token(kid="another"), "unknown key"),
    "known key id, another key": (lambda o: o.issuer.token(key=rsa.generate_private_key(65537, 2048)), "signature"),
    "key of another kind": (lambda o: o.issuer.token("rsa", "ES256", ec.generate_private_key(ec.SECP256R1())), "valid"),
    "other algorithm of the key": (lambda o: o.issuer.token("rsa", "PS256"), "valid"),
    "shared secret among the keys": (lambda o: o.issuer.token("shared", "RS256"), "not for signatures"),
    "algorithm none": (unsigned, "algorithm"),
    "public key as secret": (confused, "service id"),
    "no agency": (lambda o: o.issuer.token(agency=None), "agency"),
    "agency of another type": (lambda o: o.issuer.token(agency=["moph/ddc"]), "agency"),
    "plan that is none": (lambda o: o.issuer.token(plan="gold"), "plan"),
    "agency without a binding": (lambda o: o.issuer.token(agency="moph/fda"), "not bound"),
    "plan it is not bound with": (lambda o: o.issuer.token(agency="mof/rd", plan="trial"), "plan trial"),
    "environment it is not bound in": (lambda o: o.issuer.token(environment="staging"), "in staging"),
    "no token at all": (lambda o: "nonsense", "not a JSON Web Token"),
    "too long": (lambda o: o.issuer.token(padding="x" * 9000), "too long"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_token_is_refused_and_sends_nothing(served: Office, name: str) -> None:
    make, words = WRONG[name]
    before = served.sql("SELECT count(*) FROM notifications")
    answer = served.ask(SEND, make(served), MESSAGE)
    assert answer[0] == 403, answer
    assert words in said(answer)
    assert served.sql("SELECT count(*) FROM notifications") == before


def test_without_a_token_it_is_401(served: Office) -> None:
    for token in ("", " "):
        status, body = served.ask(SEND, token, MESSAGE)
        assert (status, body["errors"][0]["error"]) == (401, "AuthError")


def test_another_agencys_token_reads_and_uses_nothing_of_mine(served: Office) -> None:
    mine, theirs = served.issuer.token(), served.issuer.token(agency="mof/rd")
    _, sent = served.ask(SEND, mine, MESSAGE)
    assert served.ask(f"/v2/notifications/{sent['id']}", theirs)[0] == 404
    assert served.ask(f"/v2/template/{WELCOME}", theirs)[0] == 404
    assert served.ask(SEND, theirs, MESSAGE)[0] == 400
    assert sent["id"] not in [one["id"] for one in served.ask("/v2/notifications", theirs)[1]["notifications"]]
    assert served.ask(f"/v2/template/{THEIRS}", theirs)[0] == 200


def test_a_trial_token_reaches_the_list_only(served: Office) -> None:
    token = served.issuer.token(plan="trial")
    answer = served.ask(SEND, token, MESSAGE)
    assert answer[0] == 400
    assert "trial mode" in said(answer)
    assert served.ask(SEND, token, MESSAGE | {"email_address": "colleague@ddc.example"})[0] == 201


def signed(secret: str, service: uuid.UUID, **claims: Any) -> str:
    return jwt.encode({"iss": str(service), "iat": int(time.time())} | claims, secret, algorithm="HS256")


def test_api_keys_that_are_not_right_are_refused(served: Office) -> None:
    service = service_id("moph/ddc", "prod")
    good = served.keyring.secret(service, "live", 1)
    wrong = {
        "clock must be accurate": signed(good, service, iat=int(time.time()) - 60),
        "clock must be accurate to": signed(good, service, iat=int(time.time()) + 60),
        "API key not found": signed(str(uuid.uuid4()), service),
        "key not found": signed(served.keyring.secret(service, "live", 2), service),
        "service not found": signed(good, uuid.uuid4()),
        "API key": signed(good, service_id("mof/rd", "prod")),
        "right data type": jwt.encode({"iss": "me", "iat": 1}, good, algorithm="HS256"),
        "iss field": jwt.encode({"iat": 1}, good, algorithm="HS256"),
        "iat field": jwt.encode({"iss": str(service)}, good, algorithm="HS256"),
        "algorithm": jwt.encode({"iss": str(service), "iat": int(time.time())}, good * 2, algorithm="HS512"),
    }
    for words, token in wrong.items():
        answer = served.ask(SEND, token, MESSAGE)
        assert answer[0] == 403, (words, answer)
        assert words in said(answer)
    assert served.ask(SEND, signed(good, service), MESSAGE)[0] == 201


def test_a_live_key_of_a_trial_is_refused(served: Office) -> None:
    with pytest.raises(HTTPError) as caught:
        served.client("live", environment="dev").send_sms_notification("0812345678", CODE, {"code": "1"})
    assert caught.value.status_code == 403


def test_unbinding_and_rotation_take_effect_while_it_runs(office: Office) -> None:
    office.start("serve")
    old, token = office.client(), office.issuer.token(environment="prod")
    assert old.get_all_templates()["templates"]
    book = bindings()
    book["bindings"][0]["keys"] = [{"kind": "live", "generation": one} for one in (1, 2)]
    office.write("bindings.yaml", book)
    new = office.client()
    new.api_key = office.key(generation=2)[-36:]
    until(lambda: works(new), 20, "the second generation")
    assert works(old), "two generations are valid at a time"
    book["bindings"][0]["keys"] = [{"kind": "live", "generation": 2}]
    office.write("bindings.yaml", book)
    until(lambda: not works(old), 20, "the first generation's end")
    assert works(new)
    assert office.ask("/v2/templates", token)[0] == 200
    book["bindings"][0]["plan"] = "gold"
    office.write("bindings.yaml", book)
    until(lambda: "reload refused" in (office.folder / "serve.log").read_text(), 20, "the refusal of a wrong file")
    assert works(new), "a wrong file changes nothing"
    del book["bindings"][0]
    office.write("bindings.yaml", book)
    until(lambda: not works(new), 20, "the end of the binding")
    assert office.ask("/v2/templates", token)[0] == 403


def test_the_rate_and_the_month_are_limited(office: Office) -> None:
    book = bindings()
    book["plans"]["live"] = {"requests_per_minute": 1_000_000, "messages_per_month": 3}
    book["plans"]["trial"] = {"requests_per_minute": 4, "messages_per_month": 100}
    office.write("bindings.yaml", book)
    office.start("serve")
    token = office.issuer.token()
    references = [f"r{one}" for one in range(3)]
    for reference in references * 2:
        assert office.ask(SEND, token, MESSAGE | {"reference": reference})[0] == 201, "a repetition is not counted"
    assert office.ask(SEND, token, MESSAGE | {"email_address": "wrong"})[0] == 400
    status, body = office.ask(SEND, token, MESSAGE | {"reference": "r4"})
    assert (status, body["errors"][0]["error"]) == (429, "TooManyRequestsError")
    assert "for this month" in body["errors"][0]["message"]
    assert office.ask(SEND, token, MESSAGE | {"reference": "r0"})[0] == 201
    assert office.sql("SELECT count(*) FROM notifications") == [(3,)]
    assert office.sql("SELECT count(*) FROM queue") == [(3,)]
    assert office.client("test").send_email_notification("x@example.com", WELCOME, {"name": "x", "day": "y"})

    trial = office.issuer.token(plan="trial")
    if (left := 60 - time.time() % 60) < 15:  # the six requests belong into one minute
        time.sleep(left)
    codes = [office.ask(SEND, trial, MESSAGE | {"email_address": "colleague@ddc.example"})[0] for _ in range(6)]
    assert codes == [201] * 4 + [429] * 2
    status, body = office.ask(SEND, trial, MESSAGE)
    assert body["errors"][0]["error"] == "RateLimitError"
    assert office.ask("/v2/templates", trial)[0] == 200


def test_while_the_id_services_keys_are_out_of_reach_it_says_so(office: Office) -> None:
    office.changes["JWKS_URL"] = "http://127.0.0.1:9/certs"
    office.start("serve")
    answer = office.ask(SEND, office.issuer.token(), MESSAGE)
    assert answer[0] == 503
    assert "ID service" in said(answer)
    assert works(office.client()), "API keys need nobody else"


def works(client: Any) -> bool:
    try:
        client.get_all_templates()
    except HTTPError as error:
        if error.status_code != 403:
            raise
        return False
    return True
