"""A node's logs leave it over TLS, to who is really the collector, and are kept there for 90 days."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.nodes.certificates import Authority
from tests.nodes.conftest import Hosts
from tests.nodes.plays import play_roles

pytestmark = pytest.mark.nodes

COLLECTOR = "logs.test"
PORT = 6514
LOGS = "/var/log/gdcc-nodes"
DEADLINE = 120.0
"""Seconds; a connection that was refused is tried again after some."""


@dataclass
class Impostor:
    """Says that it is the collector, by a certificate of another authority; this machine's end of the node's link."""

    address: str
    refused: int = 0
    heard: bytes = b""

    def listen(self, certificate: Path, key: Path) -> Iterator[None]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with socket.create_server((self.address, PORT)) as server:
            server.settimeout(0.2)
            done = threading.Event()
            thread = threading.Thread(target=self._serve, args=(server, context, done))
            thread.start()
            yield
            done.set()
            thread.join()

    def _serve(self, server: socket.socket, context: ssl.SSLContext, done: threading.Event) -> None:
        while not done.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(5)
                try:
                    with context.wrap_socket(connection, server_side=True) as secured:
                        # TLS 1.3: the client may refuse after what is a handshake to the server.
                        self.heard += secured.recv(65536)
                except OSError:
                    pass
                self.refused += 1


@dataclass(frozen=True)
class Shipping:
    """A node, its collector, and one who says that it is."""

    hosts: Hosts
    node: str
    collector: str
    impostor: Impostor

    def send_to(self, address: str) -> None:
        """Let the collector's name lead elsewhere, and begin a new connection."""
        naming = f"sed -i '/ {COLLECTOR}$/d' /etc/hosts && echo '{address} {COLLECTOR}' >> /etc/hosts"
        self.hosts.shell(self.node, f"{naming} && systemctl restart rsyslog.service")

    def send_to_the_collector(self) -> None:
        self.send_to(next(one.address.host for one in self.hosts.lab.hosts if one.name == self.collector))

    def received(self, wanted: str) -> str:
        """What the collector has, once it has what is wanted."""
        end = time.monotonic() + DEADLINE
        command = f"cat {LOGS}/{self.node}.log 2>/dev/null || true"
        while wanted not in (said := self.hosts.shell(self.collector, command)) and time.monotonic() < end:
            time.sleep(1)
        assert wanted in said
        return said


def _give(hosts: Hosts, name: str, folder: str, **files: str) -> None:
    writes = [f"cat > {folder}/{file.replace('_', '.')} <<'END'\n{text}END" for file, text in files.items()]
    hosts.shell(name, "\n".join((f"mkdir -p {folder} && chmod 700 {folder}", *writes)))


@pytest.fixture(scope="module")
def shipping(
    hardened: Hosts, lane: dict[str, Future[Any]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shipping]:
    for job in lane.values():
        job.exception()  # waits: the fresh host is the jobs' until then
    hardened.begin_anew(hardened.fresh)
    node, collector, folder = hardened.hardened[1], hardened.fresh, tmp_path_factory.mktemp("shipping")
    authority, other = Authority("logs"), Authority("logs")
    certificate, key = authority.issue(COLLECTOR)
    _give(hardened, collector, "/etc/gdcc/collector", ca_crt=authority.certificate, tls_crt=certificate, tls_key=key)
    certificate, key = authority.issue(node)
    _give(hardened, node, "/etc/gdcc/ship", ca_crt=authority.certificate, tls_crt=certificate, tls_key=key)
    ships = {
        "journald_ship_to": COLLECTOR,
        "journald_ship_authority": "/etc/gdcc/ship/ca.crt",
        "journald_ship_certificate": "/etc/gdcc/ship/tls.crt",
        "journald_ship_key": "/etc/gdcc/ship/tls.key",
        "journald_ship_retry_seconds": 1,
    }
    played = play_roles(folder, hardened.inventory, {collector: ["collector"], node: ["journald"]}, ships)
    assert played.code == 0, played.output[-3000:]
    for path, text in zip((folder / "crt", folder / "key"), other.issue(COLLECTOR), strict=True):
        path.write_text(text)
    impostor = Impostor(next(one.address.ours for one in hardened.lab.hosts if one.name == node))
    with contextmanager(impostor.listen)(folder / "crt", folder / "key"):
        yield Shipping(hardened, node, collector, impostor)
    back = play_roles(folder, hardened.inventory, {node: ["journald"]})
    assert back.code == 0, back.output[-3000:]
    hardened.shell(node, f"test ! -e /etc/rsyslog.d/60-gdcc-ship.conf && sed -i '/ {COLLECTOR}$/d' /etc/hosts")


def test_a_line_of_a_node_is_found_at_the_collector(shipping: Shipping) -> None:
    shipping.send_to_the_collector()
    shipping.hosts.shell(shipping.node, "logger --tag gdcc-test first-line")
    shipping.received("first-line")


def test_one_with_a_certificate_of_another_authority_gets_nothing_and_nothing_is_lost(shipping: Shipping) -> None:
    shipping.send_to(shipping.impostor.address)
    shipping.hosts.shell(shipping.node, "logger --tag gdcc-test second-line")
    end = time.monotonic() + DEADLINE
    while shipping.impostor.refused < 2 and time.monotonic() < end:
        time.sleep(0.2)
    assert shipping.impostor.refused >= 2, "it was called, and called again"
    shipping.send_to_the_collector()
    shipping.received("second-line")
    assert shipping.impostor.heard == b""


def test_who_shows_no_certificate_is_not_heard(shipping: Shipping) -> None:
    line = "<14>Jan  1 00:00:00 {node} gdcc-test: {text}\\n"
    plain = line.format(node=shipping.node, text="plain-line")
    nameless = line.format(node=shipping.node, text="nameless-line")
    by_tls = f"openssl s_client -quiet -CAfile /etc/gdcc/ship/ca.crt -connect {COLLECTOR}:{PORT}"
    shipping.hosts.shell(shipping.node, f"bash -c \"printf '{plain}' > /dev/tcp/{COLLECTOR}/{PORT}\" || true")
    shipping.hosts.shell(shipping.node, f"(printf '{nameless}'; sleep 1) | {by_tls} || true")
    shipping.hosts.shell(shipping.node, "logger --tag gdcc-test last-line")
    said = shipping.received("last-line")
    assert "plain-line" not in said
    assert "nameless-line" not in said


def test_the_collector_keeps_logs_for_90_days(shipping: Shipping) -> None:
    said = shipping.hosts.shell(shipping.collector, "logrotate --debug /etc/logrotate.conf 2>&1")
    ours = said[said.index(f"rotating pattern: {LOGS}/*.log") :]
    assert "after 1 days (90 rotations)" in ours.splitlines()[0]
    # What is older goes when the file is rotated, and what is not stays.
    day = 86400
    old, kept = (f"{LOGS}/gone.test.log-$(date -d @$(($(date +%s) - {days * day})) +%Y%m%d).gz" for days in (95, 80))
    made = f"echo line > {LOGS}/gone.test.log; for f in {old} {kept}; do echo x | gzip > $f; done; "
    dated = f"touch -d '95 days ago' {old}; touch -d '80 days ago' {kept}; "
    rotated = "logrotate --force --state /run/state /etc/logrotate.d/gdcc-collect; "
    shipping.hosts.shell(shipping.collector, made + dated + rotated)
    assert shipping.hosts.shell(shipping.collector, f"ls {old} 2>/dev/null || true") == ""
    shipping.hosts.shell(shipping.collector, f"test -e {kept}")
