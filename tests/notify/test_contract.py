"""The contract, spoken by its own client: notifications-python-client."""

from __future__ import annotations

import io
import uuid

import pytest
from notifications_python_client.errors import HTTPError

from tests.notify.office import CODE, THEIRS, WELCOME, Office
from tests.waiting import until

FILLED = {"name": "สมชาย", "day": "12 ธันวาคม"}


def refusal(error: HTTPError) -> tuple[int, str, str]:
    body = error.response.json()
    assert set(body) == {"status_code", "errors"}
    assert body["status_code"] == error.status_code
    first = body["errors"][0]
    return error.status_code, first["error"], " | ".join(one["message"] for one in body["errors"])


def test_an_email_arrives_and_its_status_says_so(served: Office) -> None:
    client = served.client()
    answer = client.send_email_notification("citizen@example.com", WELCOME, FILLED, reference="case-1")
    assert answer["content"] == {
        "subject": "นัดหมายของ สมชาย",
        "body": "เรียน สมชาย\n\nนัดวันที่ 12 ธันวาคม",
        "from_email": "notify@notify.example",
        "one_click_unsubscribe_url": None,
    }
    assert answer["template"]["version"] == 2
    assert answer["uri"] == f"{served.url}/v2/notifications/{answer['id']}"
    until(lambda: client.get_notification_by_id(answer["id"])["status"] == "delivered", 20, "delivery")
    (mail,) = [one for one in served.accepted() if answer["id"] in one["id"]]
    assert mail["to"] == ["citizen@example.com"]
    assert (mail["subject"], mail["body"]) == ("นัดหมายของ สมชาย", "เรียน สมชาย\n\nนัดวันที่ 12 ธันวาคม")
    seen = client.get_notification_by_id(answer["id"])
    assert (seen["email_address"], seen["reference"], seen["type"]) == ("citizen@example.com", "case-1", "email")
    assert seen["sent_at"]
    assert seen["completed_at"]


def test_the_english_text_is_sent_when_asked_for(served: Office) -> None:
    data = {"email_address": "a@example.com", "template_id": WELCOME, "personalisation": FILLED, "language": "en"}
    answer = served.client().post("/v2/notifications/email", data)
    assert answer["content"]["subject"] == "Appointment of สมชาย"


def test_unsubscribing_takes_one_click(served: Office) -> None:
    client = served.client()
    url = "https://ddc.example/unsubscribe?x=1"
    sent = client.send_email_notification("b@example.com", WELCOME, FILLED, one_click_unsubscribe_url=url)
    until(lambda: served.copies()[sent["id"]], 20, "delivery")
    headers = next(one["headers"] for one in served.accepted() if sent["id"] in one["id"])
    assert headers["List-Unsubscribe"] == f"<{url}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["Auto-Submitted"] == "auto-generated"


def test_a_refused_address_is_a_permanent_failure(served: Office) -> None:
    client = served.client()
    sent = client.send_email_notification("nobody@example.com", WELCOME, FILLED)
    until(lambda: client.get_notification_by_id(sent["id"])["status"] == "permanent-failure", 20, "the failure")


def test_a_deferred_address_is_tried_again(served: Office) -> None:
    client = served.client()
    sent = client.send_email_notification("later@example.com", WELCOME, FILLED)
    until(lambda: client.get_notification_by_id(sent["id"])["status"] == "delivered", 30, "the second attempt")
    assert served.copies()[sent["id"]] == 1
    outcomes = served.sql("SELECT outcome FROM attempts WHERE notification = %s ORDER BY number", sent["id"])
    assert [one for (one,) in outcomes] == ["deferred", "accepted"]


def test_test_keys_send_nothing_and_answer_as_the_simulated_recipient_asks(served: Office) -> None:
    client = served.client("test")
    expected = {
        "anybody@example.com": "delivered",
        "perm-fail@simulator.notify": "permanent-failure",
        "temp-fail@simulator.notify": "temporary-failure",
    }
    for address, status in expected.items():
        sent = client.send_email_notification(address, WELCOME, FILLED)
        assert client.get_notification_by_id(sent["id"])["status"] == status
        assert served.sql("SELECT count(*) FROM queue WHERE notification = %s", sent["id"]) == [(0,)]
        assert not served.copies()[sent["id"]]


def test_team_keys_reach_the_list_only_however_its_numbers_are_written(served: Office) -> None:
    team = served.client("team")
    assert team.send_email_notification("colleague@ddc.example", WELCOME, FILLED)["id"]
    assert team.send_sms_notification("+66 81 234 5678", CODE, {"code": "123"})["content"]["from_number"] == "GDCC"
    with pytest.raises(HTTPError) as caught:
        team.send_email_notification("citizen@example.com", WELCOME, FILLED)
    status, error, message = refusal(caught.value)
    assert (status, error) == (400, "BadRequestError")
    assert "team-only API key" in message


def test_notifications_are_listed_by_status_type_and_reference_page_by_page(served: Office) -> None:
    client = served.client("test", "mof/rd")
    wanted = [client.send_email_notification("x@example.com", THEIRS, {"name": str(one)})["id"] for one in range(260)]
    assert [one["id"] for one in client.get_all_notifications_iterator()] == wanted[::-1]
    assert len(client.get_all_notifications()["notifications"]) == 250
    assert client.get_all_notifications(status="failed")["notifications"] == []
    assert client.get_all_notifications(template_type="sms")["notifications"] == []
    named = client.send_email_notification("x@example.com", THEIRS, {"name": "y"}, reference="only-this")
    assert [one["id"] for one in client.get_all_notifications(reference="only-this")["notifications"]] == [named["id"]]
    with pytest.raises(HTTPError) as caught:
        client.get_all_notifications(status="lost")
    assert refusal(caught.value)[:2] == (400, "ValidationError")


def test_templates_are_the_agencys_own(served: Office) -> None:
    client = served.client()
    assert {one["type"] for one in client.get_all_templates()["templates"]} == {"email", "sms", "line"}
    assert [one["id"] for one in client.get_all_templates("sms")["templates"]] == [CODE]
    template = client.get_template(WELCOME)
    assert template["version"] == 2
    assert template["personalisation"] == {"name": {"required": True}, "day": {"required": True}}
    assert set(template["texts"]) == {"th", "en"}
    assert client.get_template_version(WELCOME, 1)["body"] == "เรียน ((name))"
    for call in (lambda: client.get_template(THEIRS), lambda: client.get_template_version(WELCOME, 9)):
        with pytest.raises(HTTPError) as caught:
            call()
        assert refusal(caught.value) == (404, "NoResultFound", "No result found")


def test_a_preview_sends_nothing_and_shows_markup_as_text(served: Office) -> None:
    before = served.sql("SELECT count(*) FROM notifications")
    preview = served.client().post_template_preview(WELCOME, {"name": "<b>x</b>", "day": "1"})
    assert preview["subject"] == "นัดหมายของ <b>x</b>"
    assert "&lt;b&gt;x&lt;/b&gt;" in preview["html"]
    assert served.sql("SELECT count(*) FROM notifications") == before


def test_received_texts_are_none(served: Office) -> None:
    assert list(served.client().get_received_texts_iterator()) == []


def test_letters_are_not_available_and_it_says_so(served: Office) -> None:
    client = served.client()
    calls = [
        lambda: client.send_precompiled_letter_notification("r", io.BytesIO(b"%PDF")),
        lambda: client.send_letter_notification(WELCOME, {"address_line_1": "x"}),
        lambda: client.get_pdf_for_letter(uuid.uuid4()),
    ]
    for call in calls:
        with pytest.raises(HTTPError) as caught:
            call()
        status, error, message = refusal(caught.value)
        assert (status, error) == (400, "BadRequestError")
        assert "not available" in message


def test_another_agencys_notification_is_not_found(served: Office) -> None:
    sent = served.client("test").send_email_notification("x@example.com", WELCOME, FILLED)
    for other in (served.client("test", "mof/rd"), served.client("live"), served.client("test", environment="dev")):
        with pytest.raises(HTTPError) as caught:
            other.get_notification_by_id(sent["id"])
        assert refusal(caught.value)[:2] == (404, "NoResultFound")


def test_the_same_reference_and_content_is_the_same_message(served: Office) -> None:
    client = served.client()
    first = client.send_email_notification("same@example.com", WELCOME, FILLED, reference="same")
    again = client.send_email_notification(
        "same@example.com", WELCOME, dict(reversed(FILLED.items())), reference="same"
    )
    assert again == first
    until(lambda: served.copies()[first["id"]], 20, "delivery")
    assert served.client("test").send_email_notification("x@example.com", WELCOME, FILLED, reference="same") != first


def test_the_same_reference_with_other_content_is_refused(served: Office) -> None:
    client = served.client()
    client.send_email_notification("ref@example.com", WELCOME, FILLED, reference="taken")
    for address, filled in (("other@example.com", FILLED), ("ref@example.com", {**FILLED, "day": "another"})):
        with pytest.raises(HTTPError) as caught:
            client.send_email_notification(address, WELCOME, filled, reference="taken")
        assert refusal(caught.value)[:2] == (409, "ConflictError")


@pytest.mark.parametrize(
    ("address", "template", "filled", "error", "words"),
    [
        ("x@example.com", WELCOME, {"name": "x"}, "BadRequestError", "Missing personalisation: day"),
        ("x@example.com", WELCOME, None, "BadRequestError", "Missing personalisation: name, day"),
        ("x@example.com", "9623563f-45d4-482e-a09c-11a6b76fc379", {}, "BadRequestError", "Template not found"),
        ("x@example.com", THEIRS, {"name": "x"}, "BadRequestError", "Template not found"),
        ("x@example.com", CODE, {"code": "x"}, "BadRequestError", "sms template is not suitable for email"),
        ("x@example.com", "no-uuid", {}, "ValidationError", "template_id is not a valid UUID"),
        ("x@example.com", WELCOME, {"name": {"file": "x"}}, "ValidationError", "sending files is not available"),
        ("x@example.com", WELCOME, ["x"], "ValidationError", "personalisation is not of type object"),
        ("no address", WELCOME, {}, "ValidationError", "email_address Not a valid email address"),
        ("a@example.com\r\nBcc: b@example.com", WELCOME, {}, "ValidationError", "Not a valid email address"),
        ("a@localhost", WELCOME, {}, "ValidationError", "Not a valid email address"),
        (7, WELCOME, {}, "ValidationError", "email_address is not of type string"),
    ],
)
def test_a_wrong_request_is_refused_in_the_contracts_words(
    served: Office, address: str, template: str, filled: object, error: str, words: str
) -> None:
    with pytest.raises(HTTPError) as caught:
        served.client().send_email_notification(address, template, filled)
    assert refusal(caught.value)[:2] == (400, error)
    assert words in refusal(caught.value)[2]


@pytest.mark.parametrize("number", ["12", "02-123-4567", "+66 2 123 4567", "081234567a", "", "+0812345678"])
def test_a_wrong_telephone_number_is_refused(served: Office, number: str) -> None:
    with pytest.raises(HTTPError) as caught:
        served.client().send_sms_notification(number, CODE, {"code": "1"})
    assert refusal(caught.value)[:2] == (400, "ValidationError")


def test_everything_wrong_with_a_request_is_told_at_once(served: Office) -> None:
    with pytest.raises(HTTPError) as caught:
        served.client().post(
            "/v2/notifications/email",
            {"email": "x@example.com", "personalisation": 1, "email_reply_to_id": "x", "reference": ""},
        )
    messages = refusal(caught.value)[2]
    for words in ("email_address is a required", "template_id is a required", "Additional properties", "(email was",
                  "personalisation is not", "email_reply_to_id is not available", "reference is not"):  # fmt: skip
        assert words in messages


def test_what_is_no_json_or_too_large_or_elsewhere_is_answered_in_the_contracts_shape(served: Office) -> None:
    token = served.issuer.token()
    send = "/v2/notifications/email"
    assert served.ask(send, token, b"{")[0] == 400
    assert served.ask(send, token, b"[" * 100_000)[0] == 400
    assert served.ask(send, token, b"[]")[0] == 400
    status, body = served.ask(send, token, b'"' + b"x" * 400_000 + b'"')
    assert (status, body["status_code"]) == (413, 413)
    for path, method in (("/v2/nothing", "GET"), (send, "PUT")):
        status, body = served.ask(path, token, method=method)
        assert status in (404, 405)
        assert body["errors"]
