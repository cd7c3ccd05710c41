"""A client for each tenant and environment: how it identifies itself, where people return to, what its tokens say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from gdcc.errors import FindingError
from gdcc.identity import names
from gdcc.model import Environment, Tenant
from gdcc.model.identity import SERVICE, Identity

Authentication = Literal["private_key_jwt", "client_secret_jwt", "client_secret_basic"]
"""How a client identifies itself (OpenID Connect Core 1.0, section 9); the first unless an application cannot."""
AUTHENTICATORS: dict[Authentication, str] = {
    "private_key_jwt": "client-jwt",
    "client_secret_jwt": "client-secret-jwt",
    "client_secret_basic": "client-secret",
}
PRIVATE_KEY_JWT: Authentication = "private_key_jwt"
ALGORITHM = "ES256"
"""Of client assertions and tokens (RFC 7518); one of those that FAPI 2.0 allows."""
_BUILT_IN = ("acr", "basic", "email", "profile", "service_account")
"""Keycloak's own client scopes that every client gets; `roles` and `web-origins` are left out: they widen tokens."""
PEOPLE = "assurance"
"""The client scope that tells how surely a person is identified."""


@dataclass(frozen=True)
class Application:
    """A tenant's application in one environment.

    Attributes:
        services: it is bound to.
        plan: trial or live.
        redirect_uris: exact; none for an application that only acts for itself.
        authentication: how it identifies itself.
    """

    tenant: Tenant
    environment: Environment
    services: tuple[str, ...]
    plan: str
    redirect_uris: tuple[str, ...] = ()
    authentication: Authentication = PRIVATE_KEY_JWT

    def high_value(self, identity: Identity) -> bool:
        """Whether it must keep to FAPI 2.0."""
        rule = identity.high_value
        valuable = set(self.services) & set(rule.services) or self.tenant.request.data_class in rule.data_classes
        return self.environment is Environment.PROD and bool(valuable)


def client(application: Application, identity: Identity) -> dict[str, Any]:
    """In the shape of Keycloak's ClientRepresentation, without keys: those are made by the sync."""
    tenant, environment = application.tenant, application.environment
    people = SERVICE in application.services and bool(application.redirect_uris)
    high_value = application.high_value(identity)
    attributes = {
        names.MANAGED: "true",
        names.TARGET: names.secret(tenant, environment),
        names.PROFILE: "fapi2" if high_value else "standard",
        "pkce.code.challenge.method": "S256",
        "token.endpoint.auth.signing.alg": ALGORITHM,
        "access.token.signed.response.alg": ALGORITHM,
        "id.token.signed.response.alg": ALGORITHM,
        "dpop.bound.access.tokens": str(high_value).lower(),
        "require.pushed.authorization.requests": str(high_value).lower(),
        # None of these is left to what Keycloak's console may have put there.
        "oauth2.device.authorization.grant.enabled": "false",
        "oidc.ciba.grant.enabled": "false",
        "standard.token.exchange.enabled": "false",
        "client_credentials.use_refresh_token": "false",
        "post.logout.redirect.uris": "+",
        "backchannel.logout.session.required": "true",
        "backchannel.logout.revoke.offline.tokens": "false",
        "minimum.acr.value": identity.high_value.acr if high_value else "",
    }
    if high_value:  # Keycloak's FAPI profile fills in PS256 where these are not said
        attributes |= dict.fromkeys(("user.info.response.signature.alg", "request.object.signature.alg"), ALGORITHM)
    if application.authentication == PRIVATE_KEY_JWT:
        attributes |= {"use.jwks.string": "true", "use.jwks.url": "false"}
    else:
        attributes["token.endpoint.auth.signing.alg"] = "HS256"
    _check(application, high_value=high_value)
    return {
        "clientId": names.client_id(tenant, environment),
        "name": f"{tenant.request.names.th} / {tenant.request.names.en} ({environment.value})",
        "enabled": True,
        "protocol": "openid-connect",
        "publicClient": False,
        "bearerOnly": False,
        "clientAuthenticatorType": AUTHENTICATORS[application.authentication],
        "standardFlowEnabled": people,
        "implicitFlowEnabled": False,
        "directAccessGrantsEnabled": False,
        "serviceAccountsEnabled": True,
        "fullScopeAllowed": False,
        "consentRequired": high_value,  # Keycloak's FAPI profile asks people whether the application may
        "frontchannelLogout": False,
        "redirectUris": sorted(application.redirect_uris) if people else [],
        "webOrigins": [],
        "attributes": {name: value for name, value in attributes.items() if value},
        "defaultClientScopes": sorted([*_BUILT_IN, PEOPLE, *map(names.audience_scope, application.services)]),
        "optionalClientScopes": ["organization"],
        "protocolMappers": [
            claim(names.AGENCY, names.agency(tenant)),
            claim(names.ENVIRONMENT, environment.value),
            claim(names.PLAN, application.plan),
            claim(names.TENANT, tenant.id),
        ],
    }


def claim(name: str, value: str) -> dict[str, Any]:
    """A claim that is the same in every token of a client; nobody who logs in can change it."""
    where = dict.fromkeys(("access.token.claim", "id.token.claim", "introspection.token.claim"), "true")
    config = {"claim.name": name, "claim.value": value, "jsonType.label": "String", **where}
    return _mapper(name, "oidc-hardcoded-claim-mapper", config)


def _check(application: Application, *, high_value: bool) -> None:
    who = names.client_id(application.tenant, application.environment)
    if high_value and application.authentication != PRIVATE_KEY_JWT:
        raise FindingError(
            f"{who} must keep to FAPI 2.0 and cannot have a shared secret", "take it out of `shared_secrets`"
        )
    for uri in application.redirect_uris:
        if not uri.startswith("https://") or "*" in uri:
            raise FindingError(f"{who}: the redirect URI {uri} is not exact", "`https://`, and no `*`")


def scopes(services: Iterable[str]) -> list[dict[str, Any]]:
    """Our own client scopes: one for each service that a token may be meant for, and one about people."""
    return [
        _scope(PEOPLE, "ระดับการพิสูจน์ตัวตน / How surely a person is identified", _person_claim()),
        *(
            _scope(names.audience_scope(one), f"ใช้บริการ {one} / Use of the service {one}", _audience(one))
            for one in services
        ),
    ]


def _scope(name: str, description: str, mapper: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "description": description,
        "protocol": "openid-connect",
        "attributes": {
            names.MANAGED: "true",
            "include.in.token.scope": "true",
            "display.on.consent.screen": "false",
        },
        "protocolMappers": [mapper],
    }


def _mapper(name: str, kind: str, config: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config}


def _person_claim() -> dict[str, Any]:
    where = dict.fromkeys(("access.token.claim", "id.token.claim", "introspection.token.claim"), "true")
    config = {"user.attribute": names.IAL, "claim.name": names.IAL, "jsonType.label": "String", **where}
    return _mapper(names.IAL, "oidc-usermodel-attribute-mapper", config)


def _audience(service: str) -> dict[str, Any]:
    config = {"included.custom.audience": service, "access.token.claim": "true", "introspection.token.claim": "true"}
    return _mapper("audience", "oidc-audience-mapper", config)
