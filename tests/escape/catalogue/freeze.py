"""A frozen tenant: whoever is investigated must not be able to change what is looked at."""

from __future__ import annotations

from tests.escape.attack import Request, attempt
from tests.escape.ground import FROZEN, here, made_of

_CONFIGURATIONS = here("configmaps", FROZEN)

ATTACKS = (
    attempt(
        "developer",
        "a-frozen-tenant-configures-its-application",
        Request("POST", _CONFIGURATIONS, made_of("v1", "ConfigMap")),
        "gdcc-freeze",
        says="ask who ordered the freeze",
    ),
    attempt(
        "developer",
        "a-frozen-tenant-deletes-what-is-looked-at",
        Request("DELETE", _CONFIGURATIONS),
        "gdcc-freeze",
        says="ask who ordered the freeze",
    ),
)
