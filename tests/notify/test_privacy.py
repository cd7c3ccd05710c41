"""Personal data: not in logs, not readable in the database, erased after its time."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
import requests

from gdcc.notify import journal
from gdcc.notify.log import event
from tests.notify.office import CODE, WELCOME, Office
from tests.waiting import until

NAMES = ("สมชาย-ลับ", "somchai-secret", "0898765432", "66898765432", "1234567890123", "๙๙๙๙")


def everything_happens(office: Office) -> list[str]:
    """Sends that go well, that fail at every stage, and that are refused."""
    client, token = office.client(), office.issuer.token()
    filled = {"name": NAMES[0], "day": NAMES[4]}
    sent = []
    for number, local in enumerate(("somchai-secret", "nobody-somchai-secret", "later-somchai-secret")):
        sent.append(
            client.send_email_notification(f"{local}@example.com", WELCOME, filled, reference=f"r{number}")["id"]
        )
    sent.append(client.send_sms_notification(NAMES[2], CODE, {"code": NAMES[5]})["id"])
    send = "/v2/notifications/email"
    for message in (
        {"email_address": "somchai-secret@", "template_id": WELCOME, "personalisation": filled},
        {"email_address": "somchai-secret@example.com", "template_id": WELCOME, "personalisation": {"name": NAMES[0]}},
        {"somchai-secret": NAMES[0], NAMES[2]: 1},
        {"email_address": "x\x00somchai-secret@example.com", "template_id": WELCOME, "personalisation": filled},
        {
            "email_address": "x@example.com",
            "template_id": WELCOME,
            "personalisation": {**filled, "name": "\ud800" + NAMES[0]},
        },
        {
            "email_address": "x@example.com",
            "template_id": WELCOME,
            "personalisation": filled,
            "reference": "\x00" + NAMES[0],
        },
    ):
        status, answer = office.ask(send, token, message)
        assert 400 <= status < 500, (status, answer)
    assert office.ask(f"/v2/notifications?status={NAMES[1]}", token)[0] == 400
    assert office.ask(f"/v2/notifications/{NAMES[1]}", token)[0] == 400
    assert office.ask(send, token + "somchai-secret", {})[0] == 403
    return sent


def test_nothing_personal_is_in_logs_or_metrics_or_readable_in_the_database(office: Office) -> None:
    office.start("serve")
    office.start("worker")
    sent = everything_happens(office)
    done = "SELECT count(*) FROM attempts WHERE notification = ANY(%s::uuid[]) AND outcome IS NOT NULL"
    until(lambda: office.sql(done, sent)[0][0] >= len(sent) + 1, 60, "every attempt")
    logs = "".join((office.folder / f"{role}.log").read_text("utf-8") for role in ("serve", "worker"))
    assert logs.count('"event": "attempt"') >= 3, "the failures are logged"
    assert logs.count('"event": "refused"') >= 6
    ports = office.ports.values()
    metrics = "".join(requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text for port in ports)
    assert "notify_accepted_total" in metrics
    assert "notify_handovers_total" in metrics
    rows = office.sql("SELECT row_to_json(n)::text || convert_from(sealed, 'UTF8') FROM notifications n")
    for where, text in (("logs", logs), ("metrics", metrics), ("database", "".join(one for (one,) in rows))):
        for name in NAMES:
            assert name not in text, (name, where)
            assert json.dumps(name)[1:-1] not in text, (name, where)
    for line in logs.splitlines():
        json.loads(line)


def test_recipients_and_bodies_are_erased_after_the_retention(office: Office) -> None:
    office.start("serve")
    client = office.client()
    old, new = (
        client.send_email_notification("a@example.com", WELCOME, {"name": "x", "day": one}, reference=f"r{one}")["id"]
        for one in ("1", "2")
    )
    worker = office.start("worker")
    until(lambda: office.sql("SELECT count(*) FROM queue") == [(0,)], 30, "delivery")
    worker.stop()
    office.sql("UPDATE notifications SET completed_at = now() - interval '8 days' WHERE id = %s", old)
    office.start("worker")
    until(lambda: client.get_notification_by_id(old)["email_address"] is None, 30, "the erasure")
    erased = client.get_notification_by_id(old)
    assert (erased["body"], erased["subject"], erased["status"]) == (None, None, "delivered")
    assert client.get_notification_by_id(new)["email_address"] == "a@example.com"
    again = client.send_email_notification("a@example.com", WELCOME, {"name": "x", "day": "1"}, reference="r1")
    assert again["id"] == old, "an erased message is still known by its reference, and is not sent again"


def test_the_journals_old_copies_are_removed(tmp_path: Path) -> None:
    for name in ("new", "cur", "tmp"):
        (tmp_path / name).mkdir()
    for name in ("new/old", "cur/old", "new/young"):
        (tmp_path / name).write_bytes(b"Message-ID: <x>\n\nbody")
    for name in ("new/old", "cur/old"):
        os.utime(tmp_path / name, (time.time() - 7200,) * 2)
    assert journal.prune(tmp_path, 1) == 2
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["young"]


def test_a_field_that_the_log_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="recipient"):
        event("x", recipient="a@example.com")
