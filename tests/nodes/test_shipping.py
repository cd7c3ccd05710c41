"""A node's logs leave it over TLS, to who is really the collector, and are kept there for 90 days."""

from __future__ import annotations

import base64
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
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


class Road:
    """Where the collector's name leads a node: this machine, which passes bytes on, or says that it is the collector.

    Test hosts reach this machine only. What passes is kept, to see that nobody on the way can read it.
    """

    def __init__(self, address: str, collector: str, impostor: ssl.SSLContext) -> None:
        self.address = address
        self.honest = True
        self.passed = b""
        self.refused = 0
        self.heard = b""
        self._collector = collector
        self._impostor = impostor
        self._done = threading.Event()

    @contextmanager
    def open(self) -> Iterator[None]:
        with socket.create_server((self.address, PORT)) as server, ThreadPoolExecutor() as pool:
            server.settimeout(0.2)
            pool.submit(self._serve, server, pool)
            yield
            self._done.set()

    def _serve(self, server: socket.socket, pool: ThreadPoolExecutor) -> None:
        while not self._done.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            pool.submit(self._pass_on if self.honest else self._pretend, connection)

    def _pass_on(self, connection: socket.socket) -> None:
        with connection, socket.create_connection((self._collector, PORT)) as further:
            ends = {connection: further, further: connection}
            while not self._done.is_set():
                for ready in select.select(list(ends), [], [], 0.2)[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    self.passed += data
                    ends[ready].sendall(data)

    def _pretend(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        try:
            with self._impostor.wrap_socket(connection, server_side=True) as secured:
                # TLS 1.3: a client may refuse after what is a handshake to the server.
                self.heard += secured.recv(65536)
        except OSError:
            connection.close()
        self.refused += 1


@dataclass(frozen=True)
class Shipping:
    """A node, its collector, and the road between them."""

    hosts: Hosts
    node: str
    collector: str
    road: Road

    def connect(self, *, honest: bool) -> None:
        """Begin a new connection to the collector, or to who says that it is."""
        self.road.honest = honest
        self.hosts.shell(self.node, "systemctl restart rsyslog.service")

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
    impostor = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    impostor.load_cert_chain(folder / "crt", folder / "key")
    addresses = {one.name: one.address for one in hardened.lab.hosts}
    road = Road(addresses[node].ours, addresses[collector].host, impostor)
    hardened.shell(node, f"echo '{road.address} {COLLECTOR}' >> /etc/hosts")
    with road.open():
        yield Shipping(hardened, node, collector, road)
    back = play_roles(folder, hardened.inventory, {node: ["journald"]})
    assert back.code == 0, back.output[-3000:]
    hardened.shell(node, f"test ! -e /etc/rsyslog.d/60-gdcc-ship.conf && sed -i '/ {COLLECTOR}$/d' /etc/hosts")


def test_a_line_of_a_node_is_found_at_the_collector_and_nobody_between_can_read_it(shipping: Shipping) -> None:
    shipping.connect(honest=True)
    shipping.hosts.shell(shipping.node, "logger --tag gdcc-test first-line")
    shipping.received("gdcc-test: first-line")
    assert len(shipping.road.passed) > 1000
    assert b"first-line" not in shipping.road.passed


def test_one_with_a_certificate_of_another_authority_gets_nothing_and_nothing_is_lost(shipping: Shipping) -> None:
    shipping.connect(honest=False)
    shipping.hosts.shell(shipping.node, "logger --tag gdcc-test second-line")
    end = time.monotonic() + DEADLINE
    while shipping.road.refused < 2 and time.monotonic() < end:
        time.sleep(0.2)
    assert shipping.road.refused >= 2, "it was called, and called again"
    shipping.connect(honest=True)
    shipping.received("gdcc-test: second-line")
    assert shipping.road.heard == b""


def test_who_shows_no_certificate_is_not_heard(shipping: Shipping) -> None:
    def told(text: str) -> str:
        # Not as it is: sudo logs what it is asked to run, and that line is shipped, too.
        line = f"<14>Jan  1 00:00:00 {shipping.node} gdcc-test: {text}\n"
        return f"echo {base64.b64encode(line.encode()).decode()} | base64 --decode"

    by_tls = f"openssl s_client -quiet -CAfile /etc/gdcc/ship/ca.crt -connect {COLLECTOR}:{PORT}"
    shipping.hosts.shell(shipping.node, f"bash -c '{told('plain-line')} > /dev/tcp/{COLLECTOR}/{PORT}' || true")
    shipping.hosts.shell(shipping.node, f"({told('nameless-line')}; sleep 1) | timeout 10 {by_tls} || true")
    shipping.hosts.shell(shipping.node, "logger --tag gdcc-test last-line")
    said = shipping.received("gdcc-test: last-line")
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
