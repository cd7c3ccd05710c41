"""How people log in: one step for each level of assurance, as a tree of Keycloak's authenticators."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from gdcc.identity import names
from gdcc.model.identity import Assurance, Identity

Node = dict[str, Any]
"""`requirement` with either `authenticator` (and `config`) or `flow` (a title) and its `steps`."""

ALIAS = "gdcc-browser"
"""How the alias of our flow begins; which of two is in force, the realm says."""


def browser_flow(identity: Identity) -> Node:
    """The flow of a browser.

    A session's cookie is enough while the level asked for still holds in it. Otherwise a password (level 1); for what
    is above, a one-time password and, where a level asks for it, an account made for an identified person. Officials
    give a second factor at any level. Who has none yet sets one up on the way.
    """
    levels = identity.assurance
    steps = [_level(1, levels[0], _step("auth-username-password-form"))]
    for number, (before, level) in enumerate(pairwise(levels), start=2):
        inner = []
        if level.aal > before.aal:
            inner.append(_step("auth-otp-form"))
        if level.ial > before.ial:
            inner += _identified(number, level.ial)
        steps.append(_level(number, level, *inner))
    second = [_title(number, level) for number, level in enumerate(levels, start=1) if level.aal == 2]
    steps.append(_officials(identity.official_role, second[:1]))
    return {
        "alias": ALIAS,
        "steps": [
            _step("auth-cookie", "ALTERNATIVE"),
            _step("identity-provider-redirector", "ALTERNATIVE"),
            {"requirement": "ALTERNATIVE", "flow": "forms", "steps": steps},
        ],
    }


def _step(authenticator: str, requirement: str = "REQUIRED", **config: str) -> Node:
    step: Node = {"requirement": requirement, "authenticator": authenticator}
    return step | {"config": config} if config else step


def _title(number: int, level: Assurance) -> str:
    return f"level {number} {level.name}"


def _level(number: int, level: Assurance, *steps: Node) -> Node:
    holds = {"loa-condition-level": str(number), "loa-max-age": str(level.again_after.value)}
    condition: Node = {
        "requirement": "REQUIRED",
        "authenticator": "conditional-level-of-authentication",
        "config": holds,
    }
    return {"requirement": "CONDITIONAL", "flow": _title(number, level), "steps": [condition, *steps]}


def _identified(number: int, ial: int) -> list[Node]:
    """Nobody passes whose account says less."""
    accepted = f"[{ial}-3]"
    condition = {"attribute_name": names.IAL, "attribute_expected_value": accepted, "regex": "true", "not": "true"}
    deny: Node = {
        "requirement": "CONDITIONAL",
        "flow": f"level {number} not identified",
        "steps": [
            {"requirement": "REQUIRED", "authenticator": "conditional-user-attribute", "config": condition},
            _step("deny-access-authenticator"),
        ],
    }
    return [deny, _step("allow-access-authenticator")]


def _officials(role: str, second_factor: list[str]) -> Node:
    """A one-time password, unless the level asked for has brought one already."""
    steps = [_step("conditional-user-role", condUserRole=role, negate="false")]
    steps += [
        _step("conditional-sub-flow-executed", flow_to_check=title, check_result="not-executed")
        for title in second_factor
    ]
    return {"requirement": "CONDITIONAL", "flow": "officials", "steps": [*steps, _step("auth-otp-form")]}
