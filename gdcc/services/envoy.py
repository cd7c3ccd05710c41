"""The gateway's configuration: an Envoy bootstrap (v3 API) for one common service, as data; no secret is in it.

Before the service stand, in this order: the check of the ID service's token (RS256, PS256 or ES256 by its JWKS; `iss`,
`aud`, `exp`), the check that the token's `tenant`, `environment` and `plan` are bound, and the limit of the binding.
Claims are read from what the token check itself notes, never from headers, which anybody can send. The names of filters
and fields are Envoy's: https://www.envoyproxy.io/docs/envoy/latest/api-v3/api.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gdcc.model import Binding
from gdcc.network.gateway import GATEWAY_PORT

Json = dict[str, Any]

ADMIN_PORT = 9901
"""On loopback: whoever reaches it can end the gateway."""
HEALTH_PORT = 9902
"""What the kubelet and the metrics collector may ask, and nothing else of the admin interface."""
TLS_FOLDER = "/etc/gdcc/tls"
"""The gateway's own certificate (`tls.crt`, `tls.key`)."""
AUTHORITY = "/etc/gdcc/authority/ca.crt"
"""By which the certificates of the services behind are verified."""
LARGEST_BODY = 32 * 1024 * 1024
"""Bytes of a request; more is answered with 413."""
_LARGEST_PROGRAM = 1_000_000
"""RE2 instructions of one expression; five a tenant. Envoy's own limit of 100 is for patterns of strangers."""
_RUNTIME = dict.fromkeys(("re2.max_program_size.error_level", "re2.max_program_size.warn_level"), _LARGEST_PROGRAM)
_CLAIMS = ("tenant", "environment", "plan")
_JWT = "envoy.filters.http.jwt_authn"
_PAYLOAD = "claims"
_TYPE = "type.googleapis.com/envoy."
_HTTP = "extensions.filters.http"


@dataclass(frozen=True)
class Upstream:
    """A service behind the gateway; its name is looked up in the cluster's DNS."""

    host: str
    port: int
    tls: bool = True


@dataclass(frozen=True)
class Check:
    """How tokens are checked.

    Attributes:
        issuer: `iss`.
        audience: what `aud` must hold.
        jwks: where the ID service is.
        path: of its key set there.
    """

    issuer: str
    audience: str
    jwks: Upstream
    path: str


@dataclass(frozen=True)
class Gateway:
    """One service's gateway.

    Attributes:
        service: its id.
        bound: who may use it.
        routes: where requests go, by the beginning of their path; None while nothing runs there: they are answered
            with 503, which says so. Other paths are answered with 404.
        check: None where the service itself is what people log in with.
        replicas: by which limits are divided, since each replica counts for itself.
    """

    service: str
    bound: Sequence[Binding]
    routes: Mapping[str, Upstream | None]
    check: Check | None
    replicas: int


def configuration(gateway: Gateway, *, tls: str = TLS_FOLDER, authority: str = AUTHORITY) -> Json:
    """The bootstrap file.

    Args:
        gateway: what it stands before.
        tls: folder of its certificate and key.
        authority: file of the certificate authorities of what is behind.
    """
    clusters = [_cluster("admin", Upstream("127.0.0.1", ADMIN_PORT, tls=False), authority)]
    clusters += [_cluster(one.host, one, authority) for one in dict.fromkeys(filter(None, gateway.routes.values()))]
    clusters += [_cluster("identity", gateway.check.jwks, authority)] if gateway.check else []
    return {
        "node": {"id": f"gateway-{gateway.service}", "cluster": "svc-gateway"},
        "layered_runtime": {"layers": [{"name": "limits", "static_layer": _RUNTIME}]},
        "admin": {"address": _address("127.0.0.1", ADMIN_PORT)},
        "static_resources": {"listeners": [_front(gateway, tls), _health()], "clusters": clusters},
    }


def _front(gateway: Gateway, tls: str) -> Json:
    certificate = {"certificate_chain": _file(f"{tls}/tls.crt"), "private_key": _file(f"{tls}/tls.key")}
    context = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificates": [certificate],
        "alpn_protocols": ["h2", "http/1.1"],
    }
    routes = [_route(gateway.service, path, upstream) for path, upstream in gateway.routes.items()]
    manager = {
        **_manager(gateway.service, [*_filters(gateway), _router()], routes),
        "use_remote_address": True,  # X-Forwarded-For is ours; what a client wrote there is not believed
        "server_header_transformation": "PASS_THROUGH",
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "request_headers_timeout": "10s",
        "stream_idle_timeout": "60s",
        "common_http_protocol_options": {"idle_timeout": "300s", "headers_with_underscores_action": "REJECT_REQUEST"},
        "access_log": [_access_log()],
    }
    secured = {"name": "tls", "typed_config": _typed("extensions.transport_sockets.tls.v3.DownstreamTlsContext",
               {"common_tls_context": context})}  # fmt: skip
    return _listener("front", GATEWAY_PORT.port, manager, secured)


def _filters(gateway: Gateway) -> list[Json]:
    buffer = _filter("buffer", f"{_HTTP}.buffer.v3.Buffer", {"max_request_bytes": LARGEST_BODY})
    if gateway.check is None:
        return [_total(gateway), buffer]
    return [_token(gateway.check), _bound(gateway.bound), _limit(gateway), buffer]


def _token(check: Check) -> Json:
    key_set = {"uri": f"https://{check.jwks.host}:{check.jwks.port}{check.path}", "cluster": "identity",
               "timeout": "5s"}  # fmt: skip
    provider = {
        "issuer": check.issuer,
        "audiences": [check.audience],
        "remote_jwks": {"http_uri": key_set, "cache_duration": "60s", "async_fetch": {"fast_listener": True}},
        "forward": True,
        "payload_in_metadata": _PAYLOAD,
        "require_expiration": True,
        "clock_skew_seconds": 30,
    }
    rules = [{"match": {"prefix": "/"}, "requires": {"provider_name": "identity"}}]
    config = {"providers": {"identity": provider}, "rules": rules}
    return _filter("jwt_authn", f"{_HTTP}.jwt_authn.v3.JwtAuthentication", config)


def _bound(bound: Sequence[Binding]) -> Json:
    """One policy for each environment, with its tenants in one expression: about 10 bytes a binding (RE2, linear)."""
    tenants: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in bound:
        tenants[one.environment.value, one.plan.value].add(one.tenant.id)
    policies = {
        f"{environment}-{plan}": {
            "permissions": [{"any": True}],
            "principals": [
                {"and_ids": {"ids": [
                    _claim("environment", {"exact": environment}),
                    _claim("plan", {"exact": plan}),
                    _claim("tenant", {"safe_regex": {"regex": "|".join(sorted(ids))}}),
                ]}}
            ],
        }
        for (environment, plan), ids in sorted(tenants.items())
    }  # fmt: skip
    # Without any policy Envoy's ALLOW refuses everybody, which is right while nobody is bound.
    return _filter("rbac", f"{_HTTP}.rbac.v3.RBAC", {"rules": {"action": "ALLOW", "policies": policies}})


def _claim(name: str, matcher: Json) -> Json:
    path = [{"key": _PAYLOAD}, {"key": name}]
    wanted = {"filter": _JWT, "path": path, "value": {"string_match": matcher}}
    return {"sourced_metadata": {"metadata_matcher": wanted, "metadata_source": "DYNAMIC"}}


def _limit(gateway: Gateway) -> Json:
    """A bucket for each binding: one rule for each plan, whose buckets Envoy makes as bindings come, and those beside.

    The descriptor of a binding with a limit of its own is tried first, since it names the tenant.
    """
    usual = {one.plan: one.about.plans[one.plan].limits.requests_per_minute for one in gateway.bound}
    special = [one for one in gateway.bound if one.limits.requests_per_minute != usual[one.plan]]
    descriptors = [
        {"entries": _entries(one.tenant.id, one.environment.value, one.plan.value),
         "token_bucket": _bucket(one.limits.requests_per_minute, gateway.replicas)}
        for one in special
    ] + [
        {"entries": _entries("", "", plan.value), "token_bucket": _bucket(limit, gateway.replicas)}
        for plan, limit in sorted(usual.items())
    ]  # fmt: skip
    actions = [
        {"metadata": {"descriptor_key": name, "source": "DYNAMIC",
                      "metadata_key": {"key": _JWT, "path": [{"key": _PAYLOAD}, {"key": name}]}}}
        for name in _CLAIMS
    ]  # fmt: skip
    most = {"max_dynamic_descriptors": max(20, len(gateway.bound))} if gateway.bound else {}
    config = _rate(gateway) | {"descriptors": descriptors, "rate_limits": [{"actions": actions}]} | most
    return _filter("local_ratelimit", f"{_HTTP}.local_ratelimit.v3.LocalRateLimit", config)


def _total(gateway: Gateway) -> Json:
    """Who logs in shows no token yet: the sum of all bindings' limits is what the service takes in a minute."""
    return _filter("local_ratelimit", f"{_HTTP}.local_ratelimit.v3.LocalRateLimit", _rate(gateway))


def _rate(gateway: Gateway) -> Json:
    every = sum(one.limits.requests_per_minute for one in gateway.bound)
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return {
        "stat_prefix": "limit",
        "token_bucket": _bucket(max(every, 1), gateway.replicas),
        "filter_enabled": always,
        "filter_enforced": always,
        "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
        "status": {"code": "TooManyRequests"},
    }


def _bucket(limit: int, replicas: int) -> Json:
    share = -(-limit // replicas)
    return {"max_tokens": share, "tokens_per_fill": share, "fill_interval": "60s"}


def _entries(*values: str) -> list[Json]:
    return [{"key": name, **({"value": value} if value else {})} for name, value in zip(_CLAIMS, values, strict=True)]


def _route(service: str, path: str, upstream: Upstream | None) -> Json:
    match = {"path_separated_prefix": path} if path.strip("/") else {"prefix": "/"}
    if upstream is None:
        body = f'{{"error":"{service} is bound, and not in operation yet at {path}"}}'
        return {"match": match, "direct_response": {"status": 503, "body": {"inline_string": body}}}
    return {"match": match, "route": {"cluster": upstream.host, "timeout": "30s"}}


def _health() -> Json:
    """Readiness and metrics, by their exact paths."""
    routes = [{"match": {"path": path}, "route": {"cluster": "admin"}} for path in ("/ready", "/stats/prometheus")]
    return _listener("health", HEALTH_PORT, _manager("health", [_router()], routes))


def _listener(name: str, port: int, manager: Json, secured: Json | None = None) -> Json:
    kind = "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    chain: Json = {"filters": [{"name": "http", "typed_config": _typed(kind, manager)}]}
    if secured:
        chain["transport_socket"] = secured
    return {
        "name": name,
        "address": _address("0.0.0.0", port),  # noqa: S104 - in a pod; the network's rules say who reaches it
        "per_connection_buffer_limit_bytes": 32_768,
        "filter_chains": [chain],
    }


def _manager(name: str, filters: list[Json], routes: list[Json]) -> Json:
    hosts = [{"name": name, "domains": ["*"], "routes": routes}]
    return {
        "stat_prefix": name,
        "http_filters": filters,
        "route_config": {"name": name, "virtual_hosts": hosts},
    }


def _cluster(name: str, upstream: Upstream, authority: str) -> Json:
    address = {"endpoint": {"address": _address(upstream.host, upstream.port)}}
    made: Json = {
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [address]}]},
    }
    if upstream.tls:
        names = [{"san_type": "DNS", "matcher": {"exact": upstream.host}}]
        trusted = {"trusted_ca": _file(authority), "match_typed_subject_alt_names": names}
        context = {"sni": upstream.host, "common_tls_context": {"validation_context": trusted}}
        kind = "extensions.transport_sockets.tls.v3.UpstreamTlsContext"
        made["transport_socket"] = {"name": "tls", "typed_config": _typed(kind, context)}
    return made


def _access_log() -> Json:
    """Who asked what, when and with which answer; neither queries nor tokens, which carry personal data."""
    claim = f"%DYNAMIC_METADATA({_JWT}:{_PAYLOAD}:{{}})%".format
    fields = {
        "time": "%START_TIME%",
        "method": "%REQ(:METHOD)%",
        "path": "%PATH(NQ)%",
        "status": "%RESPONSE_CODE%",
        "why": "%RESPONSE_CODE_DETAILS%",
        "ms": "%DURATION%",
        "from": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "request": "%REQ(X-REQUEST-ID)%",
        **{name: claim(name) for name in _CLAIMS},
    }
    kind = "extensions.access_loggers.stream.v3.StdoutAccessLog"
    return {"name": "stdout", "typed_config": _typed(kind, {"log_format": {"json_format": fields}})}


def _router() -> Json:
    return _filter("router", f"{_HTTP}.router.v3.Router", {})


def _filter(name: str, kind: str, config: Mapping[str, Any]) -> Json:
    return {"name": f"envoy.filters.http.{name}", "typed_config": _typed(kind, config)}


def _typed(kind: str, config: Mapping[str, Any]) -> Json:
    return {"@type": f"{_TYPE}{kind}", **config}


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}


def _file(path: str) -> Json:
    return {"filename": path}
