"""Killed at any point: nothing lost, nothing twice; where a next hop cannot tell, exactly what is decided."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.notify.conftest import Database
from tests.notify.office import CHAT, CODE, LINE_ID, WELCOME, Office
from tests.waiting import until

FILLED = {"name": "x", "day": "y"}


def status(office: Office, notification: str) -> str:
    return str(office.sql("SELECT status FROM notifications WHERE id = %s", notification)[0][0])


def outcomes(office: Office, notification: str) -> list[str]:
    found = office.sql("SELECT outcome FROM attempts WHERE notification = %s ORDER BY number", notification)
    return [one for (one,) in found]


def send_and_die(office: Office, moment: str) -> str:
    """Sends one message whose worker is killed at that moment of the relay's conversation."""
    office.start("serve")
    sent = office.client().send_email_notification("a@example.com", WELCOME, FILLED)["id"]
    worker = office.start("worker", wait=False)
    office.order_kill(moment, worker)
    until(lambda: worker.running.poll() is not None, 60, "the kill")
    assert status(office, sent) != "delivered"
    return str(sent)


def test_killed_before_the_relay_has_it_a_message_is_sent_once(office: Office) -> None:
    sent = send_and_die(office, "rcpt")
    assert office.copies()[sent] == 0
    office.start("worker")
    until(lambda: status(office, sent) == "delivered", 30, "delivery")
    assert office.copies()[sent] == 1
    assert outcomes(office, sent) == ["accepted"], "nothing was begun before the kill"


def test_killed_between_the_relays_acceptance_and_its_answer_a_message_is_not_sent_again(office: Office) -> None:
    sent = send_and_die(office, "accepted")
    assert office.copies()[sent] == 1
    assert outcomes(office, sent) == [None], "the attempt was noted before it began and has no outcome"
    office.start("worker")
    until(lambda: status(office, sent) == "delivered", 30, "the journal's answer")
    time.sleep(1)
    assert office.copies()[sent] == 1
    assert outcomes(office, sent) == ["accepted"]


def test_begun_and_never_accepted_a_message_is_sent_again(office: Office) -> None:
    """The worker noted the attempt and died before the end of the data: the journal knows nothing of it."""
    office.start("serve")
    sent = office.client().send_email_notification("a@example.com", WELCOME, FILLED)["id"]
    office.sql("INSERT INTO attempts (notification, number) VALUES (%s, 1)", sent)
    office.start("worker")
    until(lambda: status(office, sent) == "delivered", 30, "delivery")
    assert outcomes(office, sent) == ["lost", "accepted"]
    assert office.copies()[sent] == 1


def test_without_a_journal_the_repetition_is_the_same_to_the_byte(office: Office) -> None:
    office.write("providers.yaml", office.providers(journal=False))
    sent = send_and_die(office, "accepted")
    office.start("worker")
    until(lambda: status(office, sent) == "delivered", 30, "delivery")
    first, second = (one for one in office.accepted() if sent in one["id"])
    assert first["id"] == second["id"]
    assert first["sha256"] == second["sha256"]
    assert outcomes(office, sent) == ["unknown", "accepted"]


def test_without_a_journal_it_may_fail_instead_of_being_sent_again(office: Office) -> None:
    office.write("providers.yaml", office.providers(journal=False, after_unknown="fail"))
    sent = send_and_die(office, "accepted")
    office.start("worker")
    until(lambda: status(office, sent) == "technical-failure", 30, "the failure")
    assert office.copies()[sent] == 1


def test_a_journal_that_cannot_be_read_decides_nothing(office: Office) -> None:
    sent = send_and_die(office, "accepted")
    journal = office.mailbox / "journal"
    journal.rename(office.mailbox / "away")
    office.start("worker")
    until(lambda: "journal's folder" in (office.folder / "worker.log").read_text(), 30, "the complaint")
    assert status(office, sent) == "sending"
    (office.mailbox / "away").rename(journal)
    until(lambda: status(office, sent) == "delivered", 30, "the journal's answer")
    assert office.copies()[sent] == 1


def test_noted_and_still_queued_a_message_is_not_sent_again(office: Office) -> None:
    """The worker died after it had noted the outcome and before the batch left the queue."""
    office.start("serve")
    office.start("worker")
    sent = office.client().send_email_notification("a@example.com", WELCOME, FILLED)["id"]
    until(lambda: status(office, sent) == "delivered", 30, "delivery")
    office.sql("INSERT INTO queue (notification) VALUES (%s) ON CONFLICT DO NOTHING", sent)
    until(lambda: office.sql("SELECT count(*) FROM queue") == [(0,)], 30, "the queue")
    assert office.copies()[sent] == 1


def test_a_killed_database_loses_nothing_and_sends_nothing_twice(office: Office, database: Database) -> None:
    office.start("serve")
    office.start("worker")
    token, accepted, asked = office.issuer.token(), {}, 0

    def send() -> None:
        nonlocal asked
        reference = f"r{len(accepted)}"
        message = {"email_address": f"{reference}@example.com", "template_id": WELCOME, "personalisation": FILLED}
        code, answer = office.ask("/v2/notifications/email", token, message | {"reference": reference})
        asked += 1
        assert code in (201, 503), answer
        if code == 201:
            accepted[reference] = answer["id"]

    def until_sent(count: int) -> None:
        while len(accepted) < count:
            send()

    until_sent(15)
    database.kill()
    try:
        send()
        assert len(accepted) == 15, "without the database nothing is accepted"
    finally:
        database.start()
    until_sent(30)
    assert asked > 30
    until(lambda: office.sql("SELECT count(*) FROM queue") == [(0,)], 60, "the queue")
    assert office.copies() == dict.fromkeys(accepted.values(), 1)


class Gateway:
    """A provider over HTTP as Kannel's sendsms: remembers what it was asked, answers as told."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.answers: list[int] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gateway.asked.append(parse_qs(urlsplit(self.path).query))
                code = gateway.answers.pop(0) if gateway.answers else 202
                if code == 0:  # takes it, and is gone before it answers
                    self.close_connection = True
                    return
                self.send_response(code)
                self.end_headers()
                self.wfile.write(b"0: Accepted for delivery")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Kannel's interface in apprise's words."""
        fields = ":to={recipient}&:message=text&:version=&:title=&:type=&-charset=UTF-8&-coding=2"
        return f"form://127.0.0.1:{self.server.server_port}/cgi-bin/sendsms?method=get&-username=u&{fields}"


@pytest.mark.parametrize(
    ("answers", "last", "asked", "noted"),
    [
        ([202], "delivered", 1, ["accepted"]),
        ([503, 202], "delivered", 2, ["deferred", "accepted"]),
        ([404], "permanent-failure", 1, ["refused"]),
        ([403, 202], "delivered", 2, ["deferred", "accepted"]),
        ([0], "technical-failure", 1, ["unknown"]),
    ],
)
def test_text_messages_follow_what_the_provider_answers(
    office: Office, answers: list[int], last: str, asked: int, noted: list[str]
) -> None:
    gateway = Gateway()
    gateway.answers = answers
    office.write("providers.yaml", office.providers(sms=gateway.url, line=gateway.url))
    office.start("serve")
    office.start("worker")
    sent = office.client().send_sms_notification("081-234-5678", CODE, {"code": "๑๒๓"})["id"]
    until(lambda: status(office, sent) == last, 40, last)
    assert len(gateway.asked) == asked
    assert gateway.asked[0]["to"] == ["+66812345678"]
    assert gateway.asked[0]["text"] == ["รหัสของท่านคือ ๑๒๓"]
    assert gateway.asked[0]["coding"] == ["2"]
    assert outcomes(office, sent) == noted
    gateway.server.shutdown()


def test_a_provider_that_is_down_is_tried_again_and_line_is_ours(office: Office) -> None:
    gateway = Gateway()
    office.write("providers.yaml", office.providers(line=gateway.url))  # SMS leads to a port where nobody listens
    office.start("serve")
    office.start("worker")
    client = office.client()
    text = client.send_sms_notification("0812345678", CODE, {"code": "1"})["id"]
    chat = {"line_id": LINE_ID, "template_id": CHAT, "personalisation": {"name": "สมชาย"}}
    line = client.post("/v2/notifications/line", chat)["id"]
    until(lambda: status(office, line) == "delivered", 40, "LINE")
    assert gateway.asked[0]["text"] == ["สวัสดี สมชาย"]
    assert client.get_notification_by_id(line)["line_id"] == LINE_ID
    until(lambda: "deferred" in outcomes(office, text), 40, "the first attempt")
    assert status(office, text) == "sending"
    assert json.dumps(outcomes(office, text)).count("unknown") == 0
    gateway.server.shutdown()


def test_one_that_fails_too_long_is_a_temporary_failure(office: Office) -> None:
    office.start("serve")
    sent = office.client().send_email_notification("never@example.com", WELCOME, FILLED)["id"]
    office.sql("UPDATE notifications SET created_at = now() - interval '73 hours' WHERE id = %s", sent)
    office.start("worker")
    until(lambda: status(office, sent) == "temporary-failure", 40, "the failure")
