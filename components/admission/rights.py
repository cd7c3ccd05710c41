"""Rights: tenants get the platform's tenant roles in their own namespaces, and those roles stay what they are.

Kubernetes already lets nobody grant what he does not hold. These walls bind those who may grant: a deployer whose
credentials are stolen can neither widen a tenant's role nor give a tenant another one.
"""

from __future__ import annotations

from components.access import GROUP_PREFIX, READ, ROLES, cluster_role_name
from components.admission.namespaces import RESOURCES as NAMESPACES
from components.admission.wall import TENANT, Check, Matched, Scope, Wall, cel, is_one_of, namespace_label
from gdcc.model import Admission
from gdcc.model.admission import any_of
from policies.rules.rights import (
    CREDENTIAL,
    CREDENTIAL_VERBS,
    ESCALATING,
    ESCALATIONS,
    LOOSENING,
    MAKER,
    OTHER_CREDENTIALS,
    OTHER_PLACES,
    OTHER_ROLES,
    OTHER_SUBJECTS,
    TENANT_NAMESPACE,
    WIDER,
)

_RBAC = "rbac.authorization.k8s.io"
_MANY_TENANTS = (
    rf"^({GROUP_PREFIX}[a-z0-9-]+:({'|'.join(ROLES)})|system:serviceaccounts:{TENANT_NAMESPACE}"
    "|system:serviceaccounts|system:authenticated|system:unauthenticated)$"
)
"""Groups of tenants, and those that hold every tenant too."""
_ROLE_NAMES = tuple(map(cluster_role_name, ROLES))
_HERE = f"namespaceObject != null && {cel(TENANT)} in namespaceObject.metadata.?labels.orValue({{}})"


def bindings(admission: Admission) -> Wall:
    """A tenant's group gets its role in its namespaces, and nothing anywhere else."""
    group = f"{cel(GROUP_PREFIX)} + {namespace_label('agency')} + ':' + variables.role"
    return Wall(
        "bindings",
        "Tenants are bound to tenant roles, in their own namespaces",
        Scope.CLUSTER,
        (Matched(_RBAC, ("rolebindings", "clusterrolebindings")),),
        (
            Check(
                "other_roles",
                "variables.free || !variables.here || variables.sync != ''"
                f" || variables.role in {cel(list(ROLES))} ? [] : [object.roleRef.kind + ' ' + object.roleRef.name]",
                *OTHER_ROLES,
            ),
            Check(
                "other_subjects",
                "variables.free || !variables.here ? [] : variables.subjects.filter(subject, variables.sync != ''"
                " ? subject.kind != 'ServiceAccount' || subject.?namespace.orValue('') != 'svc-' + variables.sync"
                " || subject.name != variables.sync + '-sync'"
                f" : subject.kind != 'Group' || subject.name != {group})"
                ".map(subject, subject.kind + ' ' + subject.name)",
                *OTHER_SUBJECTS,
            ),
            Check(
                "other_places",
                "variables.free || variables.here || variables.rehearsed ? [] : variables.subjects.filter(subject,"
                f" subject.kind == 'Group' && subject.name.matches({cel(_MANY_TENANTS)})"
                " || subject.kind == 'ServiceAccount'"
                f" && subject.?namespace.orValue('').matches({cel(f'^{TENANT_NAMESPACE}$')})"
                " || subject.kind == 'User' && subject.name.matches("
                f"{cel(f'^system:(anonymous|serviceaccount:{TENANT_NAMESPACE}:.*)$')})"
                ").map(subject, subject.kind + ' ' + subject.name)",
                *OTHER_PLACES,
            ),
            Check(
                "other_credentials",
                "variables.free || variables.rehearsed ? [] : variables.sync != '' && !variables.here"
                " || variables.maker != '' && request.?namespace.orValue('') != 'svc-' + variables.maker"
                " ? [object.roleRef.kind + ' ' + object.roleRef.name]"
                " : variables.maker == '' ? [] : variables.subjects.filter(subject, subject.kind != 'ServiceAccount'"
                " || subject.?namespace.orValue('') != 'svc-' + variables.maker || subject.name != 'credentials')"
                ".map(subject, subject.kind + ' ' + subject.name)",
                *OTHER_CREDENTIALS,
            ),
        ),
        {
            # The API server writes its own default bindings at every start.
            "free": is_one_of(any_of(admission.administrators, admission.kubernetes)),
            "here": _HERE,
            # A namespace that is not there yet cannot be asked: its objects are tried in `default`, where none stays.
            "rehearsed": "request.?dryRun.orValue(false) && request.?namespace.orValue('') == 'default'",
            "role": f"object.roleRef.kind == 'ClusterRole' && object.roleRef.name in {cel(list(_ROLE_NAMES))}"
            f" ? object.roleRef.name.substring({len(cluster_role_name(''))}) : ''",
            # A common service writes the one credential of a tenant that is bound to it, and nobody else does.
            "sync": f"{_after(CREDENTIAL, 'object.roleRef', 'object.roleRef.name')}.replace('-', '')",
            # And makes its own Secrets in its own namespace.
            "maker": f"{_after(MAKER, 'object.roleRef', 'object.roleRef.name')}.replace('-', '')",
            "subjects": "object.?subjects.orValue([])",
        },
    )


def roles(admission: Admission) -> Wall:
    """What a role that tenants have may hold, and one for credentials; other roles reach no tenant.

    Who may grant those for credentials may write any Secret wherever he binds them, if they are let to grow.
    """
    guarded = [*NAMESPACES, *(name for each in admission.guarded for name in each.resources)]
    verbs = {resource: list(allowed) for resource, allowed in CREDENTIAL_VERBS.items()}
    named = "rule.?apiGroups.orValue([]).exists(group, rule.?resources.orValue([]).exists(resource, "
    return Wall(
        "roles",
        "Tenants' roles hold no wildcard, no escalation and no write on what bounds them",
        Scope.CLUSTER,
        (Matched(_RBAC, ("roles", "clusterroles")),),
        (
            Check(
                "escalations",
                "variables.rules.filter(rule, (rule.verbs + rule.?resources.orValue([]) + rule.?apiGroups.orValue([])"
                f").exists(word, word.contains('*') || word in {cel(list(ESCALATING))}))"
                ".map(rule, rule.verbs.join('+') + ' ' + rule.?resources.orValue([]).join('+'))"
                " + (has(object.aggregationRule) && variables.bound ? ['aggregationRule'] : [])",
                *ESCALATIONS,
            ),
            Check(
                "loosening",
                f"variables.rules.filter(rule, rule.verbs.exists(verb, !(verb in {cel(list(READ))}))"
                f" && {named}(resource + (group == '' ? '' : '.' + group)) in {cel(guarded)})))"
                ".map(rule, rule.verbs.join('+') + ' ' + rule.?resources.orValue([]).join('+'))",
                *LOOSENING,
            ),
            Check(
                "wider",
                "variables.free || variables.credential == '' && !variables.making ? [] : object.?rules.orValue([])"
                ".filter(rule, !(rule.?apiGroups.orValue([]) == [''] && rule.?resources.orValue([]).size() == 1"
                f" && rule.resources[0] in {cel(verbs)}"
                f" && rule.verbs.all(verb, verb in {cel(verbs)}[rule.resources[0]])"
                " && (variables.making ? rule.resources == ['secrets'] && rule.?resourceNames.orValue([]).size() > 0"
                " : rule.?resourceNames.orValue([]) == ['service-' + variables.credential])))"
                ".map(rule, rule.verbs.join('+') + ' ' + rule.?resources.orValue([]).join('+'))"
                " + (has(object.aggregationRule) ? ['aggregationRule'] : [])",
                *WIDER,
            ),
        ),
        {
            "free": is_one_of(any_of(admission.administrators, admission.kubernetes)),
            "credential": _after(CREDENTIAL),
            "making": f"{_after(MAKER)} != ''",
            "bound": f"!variables.free && ({_HERE} || object.metadata.name in {cel(list(_ROLE_NAMES))})",
            "rules": "variables.bound ? object.?rules.orValue([]) : []",
        },
    )


def _after(prefix: str, role: str = "object", name: str = "object.metadata.name") -> str:
    """CEL for what a ClusterRole's name has after a prefix; "" for other roles."""
    return f"({role}.kind == 'ClusterRole' && {name}.startsWith({cel(prefix)}) ? {name}.substring({len(prefix)}) : '')"
