"""What operators and agencies write: settings, keys, providers, bindings, templates; all that is wrong, at once."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from gdcc.errors import GdccError
from gdcc.model.problems import StackError
from gdcc.notify.bindings import BindingsFile
from gdcc.notify.keyring import Keyring, service_id
from gdcc.notify.migrate import migrate, migrations
from gdcc.notify.mounted import load
from gdcc.notify.providers import ProvidersFile
from gdcc.notify.refusal import Refusal
from gdcc.notify.rendering import LONGEST_SMS, placeholders, render
from gdcc.notify.settings import settings
from gdcc.notify.templates import Library
from tests.notify.conftest import Database, make_office
from tests.notify.issuer import Issuer
from tests.notify.office import TEMPLATES, WELCOME, Office, answers, bindings
from tests.waiting import until


def test_every_setting_that_is_missing_or_wrong_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(GdccError) as caught:
        settings(
            {
                "NOTIFY_LISTEN": "8080",
                "NOTIFY_ISSUER": "keycloak",
                "NOTIFY_RETENTION_DAYS": "0",
                "NOTIFY_COURIERS": "many",
                "NOTIFY_TEMPLATES_DIR": str(tmp_path / "nowhere"),
                "NOTIFY_JWKS_URL_FILE": str(tmp_path / "nowhere"),
                "NOTIFY_DATABSE_URL": "x",
            }
        )
    told = caught.value.message
    for words in (
        "NOTIFY_DATABSE_URL: there is no such setting",
        "NOTIFY_DATABASE_URL: is not set",
        "NOTIFY_MASTER_KEYS_FILE: is not set",
        "NOTIFY_LISTEN: no host:port",
        "NOTIFY_ISSUER: no http",
        "NOTIFY_RETENTION_DAYS: not a whole number from 1 to 365",
        "NOTIFY_COURIERS: not a whole number",
        "NOTIFY_TEMPLATES_DIR: there is no such folder",
        "NOTIFY_JWKS_URL_FILE: that file cannot be read",
    ):
        assert words in told


def test_a_secret_setting_comes_by_a_file_and_is_never_shown(office: Office, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://u:top-secret@127.0.0.1:1/x\n")
    environment = office.environment() | {"NOTIFY_DATABASE_URL_FILE": str(secret)}
    del environment["NOTIFY_DATABASE_URL"]
    assert "top-secret" in settings({k: v for k, v in environment.items() if k.startswith("NOTIFY_")}).database_url
    environment["NOTIFY_COURIERS"] = "0"
    answer = subprocess.run(
        [sys.executable, "-m", "gdcc.notify", "migrate"], env=environment, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 2
    assert "NOTIFY_COURIERS" in answer.stderr
    assert "top-secret" not in answer.stderr + answer.stdout
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("command", [["--help"], ["settings"], ["check"]])
def test_the_commands_explain_themselves(office: Office, command: list[str]) -> None:
    answer = office.run(*command)
    assert answer.returncode == 0, answer.stderr
    assert ("NOTIFY_DATABASE_URL" in answer.stdout) == (command == ["settings"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["serve", "--port", "1"], "--port"),
        (["key", "moph/ddc", "prod", "gold"], "test, team or live"),
        (["wrong"], "wrong"),
    ],
)
def test_wrong_usage_is_one_error(office: Office, arguments: list[str], words: str) -> None:
    answer = office.run(*arguments)
    assert answer.returncode == 2
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_database_that_is_down_or_newer_is_said_in_a_sentence(office: Office) -> None:
    answer = office.run("migrate", NOTIFY_DATABASE_URL="postgresql://x@127.0.0.1:9/x")
    assert (answer.returncode, "out of reach" in answer.stderr) == (2, True)
    assert migrate(office.database) == [], "applied already, by the fixture"
    office.sql("INSERT INTO schema_migrations VALUES (9999, 'x', 'x')")
    answer = office.run("migrate")
    assert (answer.returncode, "9999" in answer.stderr) == (2, True)
    office.sql("UPDATE schema_migrations SET number = 1 WHERE number = 0")
    office.sql("DELETE FROM schema_migrations WHERE number = 9999")
    office.sql("UPDATE schema_migrations SET sha256 = 'x'")
    with pytest.raises(GdccError, match="changed after it was applied"):
        migrate(office.database)


def test_migrations_that_run_at_the_same_time_are_applied_once(database: Database) -> None:
    fresh = database.fresh()
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: migrate(fresh), range(4)))
    assert sorted(len(one) for one in applied) == [0, 0, 0, len(migrations())]


def test_a_taken_port_is_said_in_a_sentence(office: Office) -> None:
    office.changes["LISTEN"] = f"127.0.0.1:{office.relay_port}"
    answer = office.run("serve")
    assert (answer.returncode, "cannot listen" in answer.stderr) == (2, True)


def test_sigterm_ends_both_in_order(office: Office) -> None:
    for role in ("serve", "worker"):
        process = office.start(role)
        process.stop()
        assert '"event": "stopped"' in process.log.read_text()
        assert "Traceback" not in process.log.read_text()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, unshare and setpriv")
def test_it_runs_as_nobody_with_a_read_only_root(database: Database, issuer: Issuer, relay: tuple[int, Path]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="notify-office-"))  # pytest's own folders are private to root
    folder.chmod(0o755)
    offices = make_office(folder / "office", database, issuer, relay)
    office = next(offices)
    confine = "mount --make-rprivate / && mount -o remount,bind,ro / && ! touch /etc/x 2>/dev/null"
    drop = "exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs"
    command = ["unshare", "-m", "sh", "-c", f"{confine} && {drop} {sys.executable} -m gdcc.notify serve"]
    running = subprocess.Popen(command, env=office.environment() | {"HOME": "/nonexistent"})
    try:
        until(lambda: running.poll() is not None or answers(f"{office.url}/readyz"), 120, "notify")
        assert office.client("test").send_email_notification("x@example.com", WELCOME, {"name": "x", "day": "y"})
        assert set(psutil.Process(running.pid).uids()) == {65534}
    finally:
        running.kill()
        running.wait()
        offices.close()
        shutil.rmtree(folder)


# Keys


def test_what_is_sealed_opens_with_old_keys_and_only_for_its_notification() -> None:
    old, new = b"o" * 32, b"n" * 32
    mine, other = uuid.uuid4(), uuid.uuid4()
    sealed = Keyring([old]).seal(mine, {"to": "ก"})
    assert Keyring([new, old]).open(mine, sealed) == {"to": "ก"}
    for ring, notification in ((Keyring([new]), mine), (Keyring([old]), other)):
        with pytest.raises(ValueError, match="sealed"):
            ring.open(notification, sealed)
    assert Keyring([new, old]).same(Keyring([old]).fingerprint("a", {"x": 1, "y": 2}), "a", {"y": 2, "x": 1})
    assert not Keyring([new]).same(Keyring([old]).fingerprint("a"), "a")


def test_each_key_has_a_secret_of_its_own_in_the_clients_form() -> None:
    ring = Keyring([b"k" * 32])
    one, two = service_id("moph/ddc", "prod"), service_id("moph/ddc", "dev")
    secrets = {
        ring.secret(service, kind, number) for service in (one, two) for kind in ("test", "live") for number in (1, 2)
    }
    assert len(secrets) == 8
    assert all(len(secret) == 36 for secret in secrets)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "holds no key"), (b"short\n", ":1: not a key"), (b"# c\n\n" + b"\xff\n", "cannot be read")],
)
def test_a_wrong_file_of_master_keys_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content)
    with pytest.raises(GdccError, match=words):
        Keyring.read(path)
    path.write_bytes(b"# newest first\n" + base64.urlsafe_b64encode(b"x" * 32).rstrip(b"=") + b"\n")
    assert Keyring.read(path)


# Files


def problems(tmp_path: Path, model: Any, data: object) -> str:
    path = tmp_path / "file.yaml"
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False))
    with pytest.raises(StackError) as caught:
        load(path, model)
    return caught.value.message


def test_wrong_bindings_are_told_with_their_place(tmp_path: Path) -> None:
    book = bindings()
    book["bindings"][1]["keys"].append({"kind": "live", "generation": 1})
    told = problems(tmp_path, BindingsFile, book)
    assert told.startswith("file.yaml:")
    assert "a trial plan has no live key" in told
    book = bindings()
    book["bindings"].append(book["bindings"][0])
    assert "bound twice" in problems(tmp_path, BindingsFile, book)
    book = bindings()
    del book["plans"]["trial"]
    assert "has no limits" in problems(tmp_path, BindingsFile, book)


@pytest.mark.parametrize(
    ("email", "sms", "words"),
    [
        ("json://x", None, "no address of a mail relay"),
        (None, "form://x/y", "{recipient}"),
        (None, "nonsense://x/{recipient}", "no address that apprise knows"),
    ],
)
def test_wrong_providers_are_told_and_their_passwords_are_not(
    tmp_path: Path, email: str | None, sms: str | None, words: str
) -> None:
    data: dict[str, Any] = {}
    if email:
        data["email"] = {"url": email, "address": "a@b.example", "name": "x"}
    if sms:
        data["sms"] = {"url": f"{sms}?password=top-secret", "sender": "x"}
    told = problems(tmp_path, ProvidersFile, data)
    assert words in told
    assert "top-secret" not in told


def test_wrong_templates_are_told_with_their_place(tmp_path: Path) -> None:
    good = json.dumps(TEMPLATES["moph-ddc.yaml"], ensure_ascii=False)
    changes = {
        "which the other language has": ("on ((day))", "on day"),
        "an e-mail has a subject": ('"subject": "นัด", ', ""),
        "versions are not 1, 2, 3": ('"version": 2', '"version": 3'),
        "a time without its zone": ("2026-11-02T09:00:00+07:00", "2026-11-02T09:00:00"),
        "sms has no subject": ('{"body": "รหัส', '{"subject": "x", "body": "รหัส'),
    }
    for words, (old, new) in changes.items():
        assert old in good
        (tmp_path / "t.yaml").write_text(good.replace(old, new))
        with pytest.raises(StackError) as caught:
            Library.read(tmp_path)
        assert words in caught.value.message
        assert caught.value.message.startswith("t.yaml:")
    for name in ("t.yaml", "u.yaml"):
        (tmp_path / name).write_text(good)
    with pytest.raises(StackError, match=r"is taken in t\.yaml"):
        Library.read(tmp_path)


# Words


def test_placeholders_ignore_case_and_spacing_as_in_the_contract() -> None:
    assert placeholders("((First name)) ((first_name)) ((b??yes (no)))") == ("First name", "b")
    assert render("((A b))", "x ((a_B))", {"AB": "1"}, "email").body == "x 1"


@pytest.mark.parametrize(
    ("value", "shown"), [("yes", "in"), (True, "in"), ("ใช่", "in"), ("no", ""), (False, ""), ("", "")]
)
def test_a_conditional_shows_its_words_only_for_yes(value: object, shown: str) -> None:
    assert render(None, "a((x??in))", {"x": value}, "email").body == f"a{shown}"


def test_lists_are_points_in_mail_and_words_in_texts() -> None:
    assert render(None, "a ((x))", {"x": ["1", "", "2"]}, "email").body == "a \n\n* 1\n* 2"
    assert render(None, "a ((x))", {"x": ["1", "2"]}, "sms").body == "a 1, 2"


def test_a_value_neither_opens_a_header_nor_fills_another_placeholder() -> None:
    rendered = render("((a))", "((a)) ((b))", {"a": "x\r\nBcc: y ((b))", "b": "z"}, "email")
    assert rendered.subject == "x Bcc: y ((b))"
    assert rendered.body == "x\r\nBcc: y ((b)) z"


def test_too_long_or_empty_messages_are_refused() -> None:
    for text, words in (("x" * (LONGEST_SMS + 1), "character count"), ("  ", "empty")):
        with pytest.raises(Refusal) as caught:
            render(None, "((a))", {"a": text}, "sms")
        assert words in caught.value.messages[0]
