"""Envoy as a process: ready when its admin interface says so, ended with the site."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from gdcc.cluster import process
from gdcc.cluster.progress import Report
from gdcc.errors import GdccError
from gdcc.programs import Site, envoy

pytestmark = pytest.mark.services


def _bootstrap(folder: Path, admin: int) -> Path:
    file = folder / "envoy.json"
    address = {"socket_address": {"address": "127.0.0.1", "port_value": admin}}
    file.write_text(json.dumps({"admin": {"address": address}}))
    return file


def test_it_starts_answers_and_stops(tmp_path: Path) -> None:
    port, site = process.free_port(()), Site(tmp_path / "site", attached=True)
    folder = site.root / "envoy"
    folder.mkdir()
    site.start(envoy(_bootstrap(folder, port), port), Report())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5) as answer:
        assert json.load(answer)["state"] == "LIVE"
    site.stop_all()
    assert process.comes_free(port)


def test_a_configuration_it_does_not_take_is_one_error_with_its_reason(tmp_path: Path) -> None:
    port, site = process.free_port(()), Site(tmp_path / "site", attached=True)
    folder = site.root / "envoy"
    folder.mkdir()
    file = folder / "envoy.json"
    file.write_text('{"no_such_field": 1}')
    with pytest.raises(GdccError, match="no_such_field"):
        site.start(envoy(file, port), Report())
