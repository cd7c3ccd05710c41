"""Who asks: a token of the ID service, or a token that a client of the contract signed with its API key.

The algorithm named in a token's header only chooses the way; each way has its own keys and algorithms, so that a public
key is never used as a shared secret (RFC 8725, 3.1) and `none` leads nowhere.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable

import jwt

from gdcc.notify.bindings import BindingsFile, Caller, KeyKind
from gdcc.notify.keyring import Keyring
from gdcc.notify.refusal import Refusal, forbidden, unavailable

SIGNED = ("RS256", "PS256", "ES256")
CLOCK = 30
"""Seconds by which clocks may differ; the contract's."""
LONGEST_TOKEN = 8192
KEY_SECONDS = 60.0
"""After which a key is looked up again, in a set that is fetched every 5 minutes: a withdrawn one ends with it."""


class Identity:
    """Checks the Authorization header.

    Args:
        keyring: derives the secrets of API keys.
        bindings: who is bound now.
        issuer: of the ID service's tokens.
        audience: what they must be for.
        jwks_url: where its keys are; asked again at most every 30 s for keys that are not known.
    """

    def __init__(
        self, keyring: Keyring, bindings: Callable[[], BindingsFile], issuer: str, audience: str, jwks_url: str
    ) -> None:
        self._keyring = keyring
        self._bindings = bindings
        self._issuer = issuer
        self._audience = audience
        self._jwks = jwt.PyJWKClient(jwks_url, timeout=5)
        self._keys: dict[str, tuple[float, jwt.PyJWK]] = {}

    async def caller(self, authorization: str) -> Caller:
        """Proves who asks.

        Raises:
            Refusal: 401 without a token, 403 with one that is not accepted, 503 while the ID service's keys are out
                of reach.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(401, "AuthError", "Unauthorized: authentication token must be provided")
        if len(token) > LONGEST_TOKEN:
            raise forbidden("Invalid token: too long")
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise forbidden("Invalid token: not a JSON Web Token") from error
        if header.get("alg") == "HS256":
            return self._by_key(token)
        if header.get("alg") in SIGNED:
            return await self._by_id_service(token, header.get("kid"))
        raise forbidden(f"Invalid token: algorithm used is not HS256 (API keys) or {', '.join(SIGNED)} (ID service)")

    def _by_key(self, token: str) -> Caller:
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.InvalidTokenError as error:
            raise forbidden("Invalid token: not a JSON Web Token") from error
        if "iss" not in claims:
            raise forbidden("Invalid token: iss field not provided")
        try:
            service = uuid.UUID(str(claims["iss"]))
        except ValueError as error:
            raise forbidden("Invalid token: service id is not the right data type") from error
        bindings = self._bindings()
        binding = bindings.of_service(service)
        if binding is None:
            raise forbidden("Invalid token: service not found")
        for key in binding.keys:
            for secret in self._keyring.secrets(service, key.kind, key.generation):
                try:
                    proven = jwt.decode(
                        token, secret, algorithms=["HS256"], options={"require": ["iss", "iat"], "verify_iat": False}
                    )
                except jwt.MissingRequiredClaimError as error:
                    raise forbidden(f"Invalid token: {error.claim} field not provided") from error
                except jwt.ExpiredSignatureError as error:
                    raise forbidden("Invalid token: expired") from error
                except jwt.InvalidTokenError:
                    continue
                made = proven["iat"]
                if not isinstance(made, int | float) or abs(time.time() - made) > CLOCK:
                    raise forbidden(f"Error: Your system clock must be accurate to within {CLOCK} seconds")
                return Caller(binding, key.kind, bindings.plans[binding.plan])
        raise forbidden("Invalid token: API key not found")

    async def _by_id_service(self, token: str, kid: object) -> Caller:
        if not isinstance(kid, str):
            raise forbidden("Invalid token: kid field not provided")
        try:
            key = await self._key(kid)
        except jwt.PyJWKClientConnectionError as error:
            raise unavailable("The ID service's keys are out of reach; try again") from error
        except (jwt.PyJWKClientError, jwt.PyJWKSetError) as error:
            raise forbidden("Invalid token: signed with an unknown key") from error
        if key.algorithm_name not in SIGNED:
            raise forbidden("Invalid token: signed with a key that is not for signatures of the ID service")
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                leeway=CLOCK,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise forbidden("Invalid token: expired") from error
        except jwt.InvalidAudienceError as error:
            raise forbidden(f"Invalid token: its audience is not {self._audience}") from error
        except jwt.InvalidIssuerError as error:
            raise forbidden("Invalid token: of another issuer") from error
        except jwt.MissingRequiredClaimError as error:
            raise forbidden(f"Invalid token: {error.claim} field not provided") from error
        except jwt.InvalidTokenError as error:
            raise forbidden("Invalid token: signature or claims are not valid") from error
        return self._bound(claims)

    async def _key(self, kid: str) -> jwt.PyJWK:
        """A key of the ID service; its parsing and a possible question over the network are spared for a minute."""
        until, key = self._keys.get(kid, (0.0, None))
        if key is None or until < time.monotonic():
            key = await asyncio.to_thread(self._jwks.get_signing_key, kid)
            self._keys[kid] = time.monotonic() + KEY_SECONDS, key
        return key

    def _bound(self, claims: dict[str, object]) -> Caller:
        """The binding that the token's claims mean: agency and plan, and the environment where several fit."""
        agency, plan, environment = claims.get("agency"), claims.get("plan"), claims.get("environment")
        if not isinstance(agency, str) or plan not in ("trial", "live"):
            raise forbidden("Invalid token: needs the claims agency, and plan (trial or live)")
        bindings = self._bindings()
        bound = list(bindings.of_agency(agency))
        if not bound:
            raise forbidden(f"{agency} is not bound to this service")
        fitting = [one for one in bound if one.plan == plan and environment in (None, one.environment)]
        if not fitting:
            where = f" in {environment}" if environment else ""
            raise forbidden(f"{agency} is not bound to this service with the plan {plan}{where}")
        if len(fitting) > 1:
            raise forbidden(
                f"Invalid token: {agency} is bound in several environments, so it needs the claim environment"
            )
        # A token of a trial plan may do what a team key may: reach people who agreed to be on the list.
        kind: KeyKind = "live" if plan == "live" else "team"
        return Caller(fitting[0], kind, bindings.plans[fitting[0].plan])
