"""Who may use the service: the mounted file that follows from the bindings of all agencies; it holds no secret."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from gdcc.model.record import Record, wrong
from gdcc.notify.keyring import service_id

KeyKind = Literal["test", "team", "live"]
"""As in the contract: test delivers nowhere, team to the allow-list only, live to everybody."""
Plan = Literal["trial", "live"]


class Limits(Record):
    """What a plan allows."""

    requests_per_minute: int = Field(ge=1, le=1_000_000)
    """Requests to send, of each kind of key."""
    messages_per_month: int = Field(ge=0, le=1_000_000_000)
    """Messages accepted in a calendar month (UTC), of team and live keys together."""


class ApiKey(Record):
    """An API key of the contract; its secret is derived, not stored."""

    kind: KeyKind
    generation: int = Field(ge=1)
    """Raised to rotate; two generations listed are both valid."""


class Binding(Record):
    """One agency in one environment."""

    agency: str = Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")
    """``<ministry>/<agency>``, as the token's claim `agency` says it."""
    environment: str = Field(pattern=r"^[a-z0-9-]+$")
    plan: Plan
    keys: tuple[ApiKey, ...] = ()
    allowed: tuple[str, ...] = ()
    """E-mail addresses, telephone numbers and LINE ids that trial and team keys may write to."""

    @property
    def service(self) -> uuid.UUID:
        """The contract's service id."""
        return service_id(self.agency, self.environment)

    @model_validator(mode="after")
    def _live_plan(self) -> Self:
        for index, key in enumerate(self.keys):
            if key.kind == "live" and self.plan != "live":
                raise wrong("a trial plan has no live key", "`test` or `team`", ("keys", index, "kind"))
        return self


class BindingsFile(Record):
    """Everything bound to the service."""

    plans: dict[Plan, Limits]
    bindings: tuple[Binding, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        seen: set[uuid.UUID] = set()
        for index, one in enumerate(self.bindings):
            if one.plan not in self.plans:
                raise wrong(f"the plan `{one.plan}` has no limits", "them under `plans`", ("bindings", index, "plan"))
            if one.service in seen:
                message = f"`{one.agency}` is bound twice in `{one.environment}`"
                raise wrong(message, "it once", ("bindings", index, "agency"))
            seen.add(one.service)
        return self

    def of_service(self, service: uuid.UUID) -> Binding | None:
        """The binding with that service id."""
        return next((one for one in self.bindings if one.service == service), None)

    def of_agency(self, agency: str) -> Iterator[Binding]:
        """All bindings of an agency."""
        return (one for one in self.bindings if one.agency == agency)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, once that is proven."""

    binding: Binding
    kind: KeyKind
    limits: Limits

    @property
    def service(self) -> uuid.UUID:
        """The contract's service id."""
        return self.binding.service
