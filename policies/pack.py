"""The rules as policies of Pulumi's CrossGuard; only `__main__` makes a `PolicyPack` of them, which serves for ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyComplianceFramework,
    PolicyProviderResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from gdcc.network import DOMAIN
from policies.rules import RULES, SETS, UNKNOWN, Finding, Parameters, Place, Rule, SetRule, findings
from policies.rules.rule import Title
from policies.rules.view import NotKnownError, View, dotted

KIND = "kind:"
"""Begins the tags that say which kinds of Kubernetes objects a policy is about; it has nothing to say of others."""
TOMBSTONE = f"{DOMAIN}/tombstone"
_KUBERNETES = "kubernetes:"


def policies(parameters: Parameters, places: Mapping[str, Place], default_namespace: str = "default") -> list[Policy]:
    """Every rule as a policy.

    Args:
        places: the namespaces of tenants, by name.
        default_namespace: where objects go that name none (`kubernetes:namespace`).
    """
    by_object = [_of_object(rule, parameters, places, default_namespace) for rule in RULES]
    return [*by_object, _protection(), *(_of_all(rule) for rule in SETS)]


def _of_object(
    rule: Rule, parameters: Parameters, places: Mapping[str, Place], default_namespace: str
) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if _kind(args.resource_type) not in rule.kinds:
            return
        manifest = plain(args.props)
        try:
            place = places.get(_namespace(manifest, args.provider, default_namespace), Place())
        except NotKnownError as unknown:
            raise UnknownValueError(UNKNOWN_STRING_VALUE, [dotted(unknown.path)]) from None
        _report(findings(manifest, parameters, place, rules=(rule,)), report)

    level = EnforcementLevel.MANDATORY if rule.denies(parameters) else EnforcementLevel.ADVISORY
    return ResourceValidationPolicy(validate=validate, enforcement_level=level, **_metadata(rule))


def _of_all(rule: SetRule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        manifests, urns = [], {}
        for each in args.resources:
            if _kind(each.resource_type) in rule.kinds:
                manifests.append(plain(each.props))
                urns[id(manifests[-1])] = each.urn
        unknown = []
        for lack in rule.look(manifests):
            if lack.finding.known:
                report(str(lack.finding), urns[id(lack.whose)])
            else:
                unknown.append(lack.finding.path)
        if unknown:
            raise UnknownValueError(UNKNOWN_STRING_VALUE, [", ".join(unknown)])

    return StackValidationPolicy(validate=validate, enforcement_level=EnforcementLevel.MANDATORY, **_metadata(rule))


def _protection() -> ResourceValidationPolicy:
    """The resource option `protect` is in no manifest, so that only this place can see it."""
    title = Title("A tenant's namespace is protected until a tombstone lifts it", "เนมสเปซผู้เช่าถูกป้องกันจนกว่าจะมีใบอนุมัติลบ")

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if _kind(args.resource_type) != "Namespace" or args.opts.protect:
            return
        metadata = View(plain(args.props)).at("metadata")
        if metadata.at("labels", f"{DOMAIN}/tenant").raw is None:
            return
        if metadata.at("annotations", TOMBSTONE).raw is None:
            report(
                "options.protect: a tenant's namespace that a mistake could delete; set protect=True, or write a"
                " tombstone in stacks/tombstones/ | ให้ตั้ง protect=True หรือมีใบอนุมัติลบใน stacks/tombstones/",
                None,
            )

    return ResourceValidationPolicy(
        "protection",
        f"{title.en} / {title.th}",
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
        display_name=title.en,
        severity=Severity.CRITICAL,
        framework=_framework(("GC-09",)),
        tags=["GC-09", f"{KIND}Namespace"],
        remediation_steps="Register the namespace with protect=True. / ลงทะเบียนเนมสเปซด้วย protect=True",
    )


def _metadata(rule: Rule | SetRule) -> dict[str, Any]:
    return {
        "name": rule.id,
        "description": f"{rule.title.en} / {rule.title.th}",
        "display_name": rule.title.en,
        "severity": Severity(rule.severity.value),
        "framework": _framework(rule.controls),
        "tags": [*rule.controls, *(f"{KIND}{kind}" for kind in sorted(rule.kinds))],
        "remediation_steps": f"{rule.remediation.en} / {rule.remediation.th}",
        "url": (rule.url or None) if isinstance(rule, Rule) else None,
    }


def _framework(controls: Sequence[str]) -> PolicyComplianceFramework:
    return PolicyComplianceFramework(name="Controls of the government cloud", reference=", ".join(controls))


def _report(found: Sequence[Finding], report: Callable[[str, str | None], None]) -> None:
    """Violations first; then what only the update can tell, which Pulumi shows as advice."""
    for finding in found:
        if finding.known:
            report(str(finding), None)
    unknown = list(dict.fromkeys(finding.path for finding in found if not finding.known))
    if unknown:
        raise UnknownValueError(UNKNOWN_STRING_VALUE, [", ".join(unknown)])


def _kind(resource_type: str) -> str:
    """The kind of a Kubernetes object; "" for any other resource. A `...Patch` is no whole object: walls judge it."""
    return resource_type.rpartition(":")[2] if resource_type.startswith(_KUBERNETES) else ""


def _namespace(manifest: Mapping[str, Any], provider: PolicyProviderResource | None, default: str) -> str:
    """Where an object goes: where it says, or its provider's, or the configured namespace."""
    named = View(manifest).at("metadata", "namespace").value
    if named is None and provider is not None:
        named = View(plain(provider.props)).at("namespace").value
    return str(named or default)


def plain(value: Any) -> Any:
    """Properties as plain data, with `UNKNOWN` for what cannot be known during a preview."""
    if isinstance(value, Mapping):
        return {key: _known(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_known(value, index) for index in range(len(value))]
    if isinstance(value, float) and value.is_integer():  # Pulumi's wire has no integers
        return int(value)
    return value


def _known(inside: Any, key: str | int) -> Any:
    try:
        return plain(inside[key])
    except UnknownValueError:
        return UNKNOWN
