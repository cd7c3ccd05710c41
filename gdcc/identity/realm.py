"""The realm as data: what Keycloak should be, from the platform's decisions and from what agencies bind.

The result is in the shape of Keycloak's own RealmRepresentation, so that it can be read beside the Admin API's
documentation; it holds no secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gdcc.errors import GdccError
from gdcc.identity import names
from gdcc.identity.clients import PRIVATE_KEY_JWT, Application, client, scopes
from gdcc.identity.compact import compact, expanded
from gdcc.identity.flow import browser_flow
from gdcc.model import Environment, Tenant
from gdcc.model.identity import SERVICE, Identity, Upstream

PARTS = (
    *("realm", "userProfile", "roles", "clientScopes", "flow", "identityProviders"),
    *("organizations", "clientPolicies", "clients"),
)
"""In the order they are made; they are removed in the other."""
FAPI_PROFILE = "fapi-2-dpop-security-profile"
"""Keycloak's own client profile: FAPI 2.0 Security Profile (Final) with DPoP."""
FAPI_POLICY = "gdcc-high-value"
VAULT = "${vault.%s}"
"""Keycloak puts the content of the vault's file in place of this when it uses it."""


class ServiceBinding(Protocol):
    """What the realm needs to know of a binding; `gdcc.model.binding.Binding` is one."""

    @property
    def tenant(self) -> Tenant:
        """Who is bound."""

    @property
    def environment(self) -> Environment:
        """In which environment."""

    @property
    def service(self) -> str:
        """To which service."""

    @property
    def plan(self) -> str:
        """On which plan: trial or live."""

    @property
    def redirect_uris(self) -> tuple[str, ...]:
        """Where people may be sent back to."""


@dataclass(frozen=True)
class Realm:
    """What should be.

    Attributes:
        parts: by name of `PARTS`, each in the shape of Keycloak's representation.
        issuer: `iss` of every token.
        rotate_after: seconds after which a key is due for rotation.
        grace: seconds for which a former key is accepted.
    """

    parts: Mapping[str, Any]
    issuer: str
    rotate_after: int
    grace: int

    @property
    def name(self) -> str:
        """Of the realm."""
        return str(self.parts["realm"]["realm"])

    def rendered(self) -> str:
        """As JSON for a ConfigMap: the same bytes for the same realm."""
        keys = {"rotateAfterSeconds": self.rotate_after, "graceSeconds": self.grace}
        clients = compact(self.parts["clients"])
        contents = {"issuer": self.issuer, "keys": keys, **self.parts, "clients": clients}
        return json.dumps(contents, ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @classmethod
    def read(cls, text: str, source: str) -> Realm:
        """The realm that `rendered` wrote.

        Raises:
            GdccError: the text is something else.
        """
        try:
            contents = json.loads(text)
            keys = contents["keys"]
            parts = {part: contents[part] for part in PARTS} | {"clients": expanded(contents["clients"])}
            return cls(parts, contents["issuer"], int(keys["rotateAfterSeconds"]), int(keys["graceSeconds"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise GdccError(f"{source} is no realm of ours: {error}", "make it by `gdcc identity render`") from error


def realm(identity: Identity, bindings: Iterable[ServiceBinding]) -> Realm:
    """What Keycloak should be; the same for the same input, whatever the order of bindings.

    Args:
        identity: the platform's decisions.
        bindings: those in force. Who is not bound to the ID service itself has no client: there is no way to it, and
            no Secret for a key.

    Raises:
        FindingError: an application may not have what it would get.
    """
    applications = _applications(identity, bindings)
    bound = sorted({service for one in applications for service in one.services})
    tenants = {one.tenant.id: one.tenant for one in applications}
    parts = {
        "realm": _settings(identity),
        "userProfile": {"attributes": [_ial_attribute()]},
        "roles": [_role(identity)],
        "clientScopes": scopes(bound),
        "flow": browser_flow(identity),
        "identityProviders": [_provider(one) for one in identity.upstreams],
        "organizations": [_organization(tenants[one]) for one in sorted(tenants)],
        "clientPolicies": [_fapi_policy()],
        "clients": [client(one, identity) for one in applications],
    }
    keys = identity.keys
    return Realm(parts, identity.issuer, keys.rotate_after.value, keys.grace.value)


def _applications(identity: Identity, bindings: Iterable[ServiceBinding]) -> Sequence[Application]:
    """One for each tenant and environment that is bound to the ID service; for all that it is bound to."""
    shared = {(one.tenant, one.environment): one.method for one in identity.shared_secrets}
    found: dict[tuple[str, str], list[ServiceBinding]] = {}
    for one in bindings:
        found.setdefault((one.tenant.id, one.environment.value), []).append(one)
    return [
        Application(
            tenant=group[0].tenant,
            environment=group[0].environment,
            services=tuple(sorted({one.service for one in group})),
            plan=str(group[0].plan),
            redirect_uris=tuple(sorted({uri for one in group for uri in one.redirect_uris})),
            authentication=shared.get((group[0].tenant.id, group[0].environment), PRIVATE_KEY_JWT),
        )
        for _, group in sorted(found.items())
        if any(one.service == SERVICE for one in group)
    ]


def _settings(identity: Identity) -> dict[str, Any]:
    sessions, passwords, kept = identity.sessions, identity.passwords, identity.events.kept.value
    levels = {level.name: number for number, level in enumerate(identity.assurance, start=1)}
    return {
        "realm": identity.realm,
        "enabled": True,
        "displayName": f"{identity.title.th} / {identity.title.en}",
        "sslRequired": "all",
        "internationalizationEnabled": True,
        "supportedLocales": ["en", "th"],
        "defaultLocale": "th",
        "organizationsEnabled": True,
        "registrationAllowed": False,
        "resetPasswordAllowed": False,
        "editUsernameAllowed": False,
        "rememberMe": False,
        "duplicateEmailsAllowed": False,
        "passwordPolicy": f"length({passwords.length}) and notUsername and notEmail"
        + (f" and passwordHistory({passwords.history})" if passwords.history else ""),
        "bruteForceProtected": True,
        "permanentLockout": False,
        "failureFactor": passwords.failures,
        "waitIncrementSeconds": passwords.wait.value,
        "maxFailureWaitSeconds": passwords.longest_wait.value,
        "otpPolicyType": "totp",
        "otpPolicyAlgorithm": "HmacSHA1",  # the one that every authenticator application knows (RFC 6238)
        "otpPolicyInitialCounter": 0,
        "otpPolicyLookAheadWindow": 1,
        "otpPolicyDigits": 6,
        "otpPolicyPeriod": 30,
        "otpPolicyCodeReusable": False,
        "defaultSignatureAlgorithm": "ES256",
        "accessTokenLifespan": sessions.access_token.value,
        "accessCodeLifespan": sessions.code.value,
        "ssoSessionIdleTimeout": sessions.idle.value,
        "ssoSessionMaxLifespan": sessions.longest.value,
        "revokeRefreshToken": True,
        "refreshTokenMaxReuse": 0,
        "eventsEnabled": True,
        "eventsExpiration": kept,
        "eventsListeners": ["jboss-logging"],
        "adminEventsEnabled": True,
        "adminEventsDetailsEnabled": True,
        "attributes": {
            names.MANAGED: "true",
            "acr.loa.map": json.dumps(levels, separators=(",", ":")),
            "adminEventsExpiration": str(kept),
        },
    }


def _ial_attribute() -> dict[str, Any]:
    """What `ial` says of a person; administrators and identity providers set it, never the person."""
    return {
        "name": names.IAL,
        "displayName": "IAL",
        "validations": {"options": {"options": ["1", "2", "3"]}},
        "permissions": {"view": ["admin", "user"], "edit": ["admin"]},
        "multivalued": False,
    }


def _role(identity: Identity) -> dict[str, Any]:
    return {
        "name": identity.official_role,
        "description": "เจ้าหน้าที่ของรัฐ ต้องยืนยันตัวตนสองปัจจัย / An official: always asked for a second factor",
        "attributes": {names.MANAGED: ["true"]},
    }


def _organization(tenant: Tenant) -> dict[str, Any]:
    """One for each agency; its name is the tenant's id, which is never used again for another."""
    return {
        "name": tenant.id,
        "alias": tenant.id,
        "enabled": True,
        "description": f"{tenant.request.names.th} / {tenant.request.names.en}",
        "attributes": {names.MANAGED: ["true"], names.AGENCY: [names.agency(tenant)]},
    }


def _provider(upstream: Upstream) -> dict[str, Any]:
    """A broker; listed and switched off until the upstream has admitted us."""
    config = {
        names.MANAGED: "true",
        "pkceEnabled": "true",
        "pkceMethod": "S256",
        "validateSignature": str(upstream.configured).lower(),
        "useJwksUrl": str(upstream.configured).lower(),
        "defaultScope": " ".join(upstream.scopes),
        "syncMode": "FORCE",
    }
    settings = {
        "issuer": upstream.issuer,
        "authorizationUrl": upstream.authorization_url,
        "tokenUrl": upstream.token_url,
        "jwksUrl": upstream.jwks_url,
        "clientId": upstream.client_id,
        "clientSecret": VAULT % upstream.secret if upstream.secret else None,
    }
    config |= {name: value for name, value in settings.items() if value}
    return {
        "alias": upstream.name,
        "providerId": "oidc",
        "displayName": f"{upstream.title.th} / {upstream.title.en}",
        "enabled": upstream.configured,
        "hideOnLogin": not upstream.configured,
        "trustEmail": False,
        "storeToken": False,
        "config": config,
        # Keycloak keeps mappers apart; the sync does too.
        "mappers": [
            {
                "name": names.IAL,
                "identityProviderMapper": "hardcoded-attribute-idp-mapper",
                "config": {"attribute": names.IAL, "attribute.value": str(upstream.ial), "syncMode": "FORCE"},
            }
        ],
    }


def _fapi_policy() -> dict[str, Any]:
    wanted = json.dumps([{"key": names.PROFILE, "value": "fapi2"}], separators=(",", ":"))
    condition = {"condition": "client-attributes", "configuration": {"is-negative-logic": False, "attributes": wanted}}
    return {
        "name": FAPI_POLICY,
        "description": "แอปพลิเคชันที่มีผลกระทบสูง / High-value applications: FAPI 2.0 with DPoP",
        "enabled": True,
        "conditions": [condition],
        "profiles": [FAPI_PROFILE],
    }
