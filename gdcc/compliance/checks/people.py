"""Checks of how people come in: through OpenID Connect, with a second factor, each under a name of one's own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from gdcc.cluster import config, issuer
from gdcc.cluster.members import APISERVER
from gdcc.compliance.check import Check, Observation, Scene, Unreachable
from gdcc.compliance.checks.plane import Plane, on_plane
from gdcc.compliance.checks.see import Stranger, cluster, few, verdict
from gdcc.compliance.evidence import State
from gdcc.errors import GdccError

_FLAG = "authentication-config"
_FACTORS = ("amr", "acr")
"""Claims that tell how somebody signed in: RFC 8176; OpenID Connect Core 1.0."""
_PERSONAL = ("sub", "email", "oid", "preferred_username")
_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_PATIENCE = 25.0
"""Seconds for the API server to find the issuer's keys; it looks every 10 s until it has seen them once."""


@on_plane("a token without a second factor is refused", f"the file of --{_FLAG}")
def oidc_mfa(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """The rule in the configuration, and then two real tokens, of which one lacks the second factor."""
    target, expected = (
        cluster(scene, APISERVER),
        "people come with OpenID Connect, and one without a second factor is refused",
    )
    command = f"the file of --{_FLAG}"
    authenticators = _authenticators(plane)
    lax = [each["issuer"]["url"] for each in authenticators if not _asks_for_factor(each)]
    if not authenticators or lax:
        said = f"no rule asks for a second factor of {few(lax)}" if lax else "no authenticator for people"
        yield verdict(False, target, expected, said, command)
        return
    if isinstance(scene.api, Unreachable) or authenticators[0]["issuer"]["url"] != config.ISSUER:
        yield Observation(
            State.MANUAL, target, expected, "the rule is there; only a person can sign in to try it", command
        )
        return
    try:
        with issuer.serving(plane.layout) as stand_in:
            both = stand_in.token("gdcc-comply", amr=["pwd", "mfa"]), stand_in.token("gdcc-comply", amr=["pwd"])
            accepted, refused = _try(Stranger(scene.api), *both)
    except GdccError as error:
        yield Observation(State.NOT_RUN, target, expected, error.message, command)
        return
    said = f"with a second factor: {accepted}; without: {refused}"
    yield verdict(
        accepted == 201 and refused == 401, target, expected, said, f"curl -H 'Authorization: Bearer TOKEN' {_REVIEW}"
    )


def _try(nobody: Stranger, strong: str, weak: str) -> tuple[int, int]:
    """What the server answers to who has a second factor, once it knows the issuer, and to who has none."""
    began = time.monotonic()
    while (accepted := _present(nobody, strong)) == 401 and time.monotonic() - began < _PATIENCE:
        time.sleep(0.3)
    return accepted, _present(nobody, weak)


def _present(nobody: Stranger, token: str) -> int:
    body = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}).encode()
    return nobody.request("POST", _REVIEW, body, "application/json", token)[0]


def _authenticators(plane: Plane) -> list[Mapping[str, Any]]:
    return list((plane.file(_FLAG) or {}).get("jwt") or ())


def _asks_for_factor(authenticator: Mapping[str, Any]) -> bool:
    rules = authenticator.get("claimValidationRules") or ()
    return any(
        rule.get("claim") in _FACTORS or any(f"claims.{name}" in rule.get("expression", "") for name in _FACTORS)
        for rule in rules
    )


@on_plane("a user name is one person's", f"the file of --{_FLAG}")
def individual_usernames(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """Which claim becomes the user name that the audit log holds."""
    names = [(each.get("claimMappings") or {}).get("username") or {} for each in _authenticators(plane)]
    claims = [name.get("claim") or name.get("expression", "").removeprefix("claims.") for name in names]
    shared = [claim for claim in claims if claim not in _PERSONAL]
    yield verdict(
        bool(claims) and not shared,
        cluster(scene, APISERVER),
        f"the user name is a claim that is one person's: {', '.join(_PERSONAL)}",
        f"the user name is {few(shared or claims)}" if claims else "no authenticator for people",
        f"the file of --{_FLAG}",
    )


CHECKS = (Check("oidc-mfa", oidc_mfa), Check("individual-usernames", individual_usernames))
