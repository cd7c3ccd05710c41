"""The Secrets that are made in the cluster, and the gateway's configuration as Envoy itself reads it."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.services import gateway
from components.services.ground import NEEDED, Ground
from gdcc.engine.api import Api, ApiError
from gdcc.errors import GdccError
from gdcc.model import StackSettings, bindings, load_estate
from gdcc.programs.authority import Authority
from gdcc.programs.envoy import envoy_program
from gdcc.services.envoy import Gateway, configuration
from gdcc.services.recipe import RANDOM, Recipe, read, written
from gdcc.services.secrets import make

from ..model.conftest import REPOSITORY, TODAY

EVERYBODY = load_estate(REPOSITORY, StackSettings(agencies=("*",)), TODAY)
GROUND = Ground(EVERYBODY, dict.fromkeys(NEEDED, "image"))


class Shelf(Api):
    """An API server that knows Secrets alone."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def request(  # type: ignore[override]
        self, method: str, path: str, query: object = None, body: Any = None, **_: object
    ) -> tuple[int, dict[str, Any]]:
        if method == "PATCH":
            self.kept[path] = body
        if path not in self.kept:
            raise ApiError(404, {"message": "not found"}, f"{method} {path}")
        return 200, self.kept[path]


def test_a_secret_is_made_once_and_left_alone_afterwards() -> None:
    shelf = Shelf()
    recipes = [Recipe("one", {"password": RANDOM, "file": f"requirepass {RANDOM}\n"}), Recipe("two", {"key": RANDOM})]
    assert make(shelf, "svc-notify", recipes) == ["one", "two"]
    before = json.dumps(shelf.kept)
    assert make(shelf, "svc-notify", recipes) == []
    assert json.dumps(shelf.kept) == before
    one, two = (shelf.kept[f"/api/v1/namespaces/svc-notify/secrets/{name}"]["stringData"] for name in ("one", "two"))
    assert one["file"] == f"requirepass {one['password']}\n"
    assert one["password"] != two["key"]
    assert len(base64.urlsafe_b64decode(two["key"] + "=")) == 32, "as notify's master key must be"


def test_recipes_are_read_as_they_were_written_and_anything_else_is_refused_in_words() -> None:
    recipes = [Recipe("one", {"key": RANDOM})]
    assert read(written(recipes)) == recipes
    for text in ("", "{}", "[1]", '[{"name": "a"}]'):
        with pytest.raises(GdccError, match="no list of Secrets"):
            read(text)


@pytest.mark.parametrize("service", gateway.BEHIND)
def test_envoy_takes_the_configuration_for_everybody_who_is_bound(service: str, tmp_path: Path) -> None:
    wanted = gateway.gateway(service, GROUND)
    assert len(wanted.bound) >= 20
    first, *others = wanted.bound
    lower = replace(first, limits=first.limits.model_copy(update={"requests_per_minute": 7}))
    assert b"OK" in _validated(replace(wanted, bound=(lower, *others)), tmp_path)


def test_envoy_would_refuse_what_is_no_configuration(tmp_path: Path) -> None:
    wanted = gateway.gateway("notify", GROUND)
    wrong = replace(wanted, routes={"/v2?no=path": None})
    with pytest.raises(subprocess.CalledProcessError):
        _validated(wrong, tmp_path)


def test_nobody_else_is_named_in_the_gateways_rules() -> None:
    wanted = gateway.gateway("notify", GROUND)
    text = json.dumps(configuration(wanted))
    bound = {one.tenant.id for one in bindings(EVERYBODY) if one.service == "notify"}
    others = {tenant.id for tenant in EVERYBODY.tenants} - bound
    assert len(others) >= 20
    assert all(tenant in text for tenant in bound)
    assert not [tenant for tenant in others if tenant in text]


def test_a_gateway_that_nobody_is_bound_to_lets_nobody_in() -> None:
    wanted = replace(gateway.gateway("notify", GROUND), bound=())
    text = json.dumps(configuration(wanted))
    assert '"action": "ALLOW", "policies": {}' in text


def _validated(wanted: Gateway, folder: Path) -> bytes:
    authority = Authority.ensure(folder / "authority")
    certificate, key = authority.issue("gateway")
    (folder / "tls.crt").write_bytes(certificate.read_bytes())
    (folder / "tls.key").write_bytes(key.read_bytes())
    file = folder / "envoy.json"
    file.write_text(json.dumps(configuration(wanted, tls=str(folder), authority=str(authority.certificate))))
    command = [str(envoy_program()), "--mode", "validate", "-c", str(file)]
    return subprocess.run(command, check=True, capture_output=True).stdout
