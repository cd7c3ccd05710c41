"""Signatures of malware come from the agency's own mirror."""

from __future__ import annotations

import base64
import functools
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.nodes.conftest import SIGNATURE, Hosts
from tests.nodes.plays import play_roles

pytestmark = pytest.mark.nodes

MARKER = "gdcc-test-string-like-eicar"
KEPT = "/var/lib/clamav"


@dataclass(frozen=True)
class Mirror:
    """A mirror that one hardened host takes its signatures from."""

    hosts: Hosts
    node: str
    folder: Path


@pytest.fixture(scope="module")
def mirror(hardened: Hosts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    host = hardened.lab.hosts[2]
    folder = tmp_path_factory.mktemp("mirror")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer((host.address.ours, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://{host.address.ours}:{server.server_port}"
        variables = {"malware_mirror": url, "malware_databases": [f"{url}/gdcc.cud"]}
        played = play_roles(folder, hardened.inventory, {host.name: ["malware"]}, variables)
        assert played.code == 0, played.output[-3000:]
        hardened.shell(host.name, f"systemctl stop clamav-freshclam.service; rm -f {KEPT}/*")
        yield Mirror(hardened, host.name, folder)
        server.shutdown()
    back = play_roles(folder, hardened.inventory, {host.name: ["malware"]})
    assert back.code == 0, back.output[-3000:]
    hardened.shell(host.name, SIGNATURE)
    assert "Mirror http" not in hardened.shell(host.name, "cat /etc/clamav/freshclam.conf")


@pytest.fixture(scope="module")
def database(mirror: Mirror) -> bytes:
    """A database made by ClamAV's own tool, on the host, since that has the tool."""
    made = "/run/gdcc-signatures"
    hexadecimal = MARKER.encode().hex()
    script = (
        f"rm -rf {made} && mkdir {made} && cd {made} && echo none > COPYING && "
        f"echo 'Gdcc.Test.Mirror:0:*:{hexadecimal}' > gdcc.ndb && "
        "printf 'gdcc\\n\\n' | sigtool --unsigned --build=gdcc.cud --cvd-version=1 --no-cdiff --datadir=."
        " && echo && base64 --wrap=0 gdcc.cud"
    )
    return base64.b64decode(mirror.hosts.shell(mirror.node, script).splitlines()[-1])


def test_the_scan_finds_by_a_database_of_the_mirror_what_it_did_not_know(mirror: Mirror, database: bytes) -> None:
    hosts, node = mirror.hosts, mirror.node
    hosts.shell(node, f"printf '%s' '{MARKER}' > /home/gdccops/bad.bin")
    (mirror.folder / "gdcc.cud").write_bytes(database)
    said = hosts.shell(node, "freshclam --stdout --update-db=custom")
    assert "gdcc.cud updated" in said
    state = hosts.shell(node, "systemctl start gdcc-malware.service; systemctl is-failed gdcc-malware.service")
    assert "failed" in state
    assert "Gdcc.Test.Mirror" in hosts.shell(node, "journalctl --unit gdcc-malware.service --no-pager")
    hosts.shell(node, "rm /home/gdccops/bad.bin && systemctl reset-failed gdcc-malware.service")


def test_a_database_that_clamav_has_not_signed_is_not_taken_for_clamavs(mirror: Mirror, database: bytes) -> None:
    hosts, node = mirror.hosts, mirror.node
    (mirror.folder / "daily.cvd").write_bytes(database)
    once = "sed 's/^MaxAttempts.*/MaxAttempts 1/' /etc/clamav/freshclam.conf > /run/freshclam.conf"
    said = hosts.shell(node, f"{once} && ! freshclam --stdout --config-file=/run/freshclam.conf --update-db=daily")
    assert "Can't verify database integrity" in said
    assert "daily" not in hosts.shell(node, f"ls {KEPT}")
