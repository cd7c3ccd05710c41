"""A wall: one topic of what the API server refuses, as data that becomes a ValidatingAdmissionPolicy.

Every check of a wall is a CEL expression that lists what is wrong: names, images, ports. An empty list passes; anything
in it is told to the tenant with what to do instead, in English and Thai.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

import pulumi_kubernetes as k8s

from components.labels import DOMAIN
from gdcc.model.admission import Identities

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
WRITES: tuple[Operation, ...] = ("CREATE", "UPDATE")
CHANGES: tuple[Operation, ...] = ("CREATE", "UPDATE", "DELETE")

TENANT = f"{DOMAIN}/tenant"
"""The label that makes a namespace a tenant's; only the platform sets it, which the wall `namespaces` sees to."""


class Scope(Enum):
    """Where a wall stands."""

    TENANTS = "in the namespaces of tenants"
    CLUSTER = "everywhere: what it is about is in no namespace, or must not leave the tenants' either"


@dataclass(frozen=True)
class Matched:
    """Resources of one API group, subresources included, in every version that is served."""

    group: str
    resources: tuple[str, ...]
    operations: tuple[Operation, ...] = WRITES
    namespaced: bool | None = None
    """Whether only namespaced (or only cluster-wide) ones are meant, where `*` stands for the resources."""


@dataclass(frozen=True)
class Check:
    """One thing that a wall looks for.

    Attributes:
        name: a CEL identifier, unique in the wall.
        finds: a CEL expression: the list of what is wrong, as strings.
        wrong: what is wrong with them, in English.
        instead: what to do instead, in English.
        thai: both, briefly, in Thai.
        choices: a CEL expression: the list of what this tenant may write there, told after `instead`; if any.
    """

    name: str
    finds: str
    wrong: str
    instead: str
    thai: str
    choices: str = ""

    @property
    def message(self) -> str:
        """The CEL expression of what the tenant reads; the server allows no line breaks in it."""
        parts = [cel(f"{self.wrong}: "), f"variables.{self.name}.join(', ')", cel(f"; {self.instead}")]
        parts += [cel(": "), f"{self.choices}.join(', ')"] if self.choices else []
        return " + ".join([*parts, cel(f" | {self.thai}")])

    @property
    def summary(self) -> str:
        """What is read when the findings cannot be put into words."""
        return f"{self.wrong}; {self.instead} | {self.thai}"


@dataclass(frozen=True)
class Wall:
    """What is matched, what is looked for, and the CEL variables in between; the name of both objects is `name`."""

    id: str
    title: str
    scope: Scope
    matched: tuple[Matched, ...]
    checks: tuple[Check, ...]
    variables: Mapping[str, str]
    denies: bool = True
    """Else it only warns and leaves a mark in the audit log: a rule that comes later than tenants did begins so."""

    @property
    def name(self) -> str:
        """Of the policy and of its binding."""
        return f"gdcc-{self.id}"

    def policy_spec(self) -> k8s.admissionregistration.v1.ValidatingAdmissionPolicySpecArgs:
        """The policy; what it cannot decide is refused."""
        api = k8s.admissionregistration.v1
        variables = {**self.variables, **{check.name: check.finds for check in self.checks}}
        return api.ValidatingAdmissionPolicySpecArgs(
            failure_policy="Fail",
            match_constraints=constraints(self.matched, self.scope),
            variables=[api.VariableArgs(name=name, expression=text) for name, text in variables.items()],
            validations=[
                api.ValidationArgs(
                    expression=f"size(variables.{check.name}) == 0",
                    message=check.summary,
                    message_expression=check.message,
                    reason="Forbidden",
                )
                for check in self.checks
            ],
        )

    def binding_spec(self) -> k8s.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpecArgs:
        """The binding, without which the policy does nothing; a refusal is in the audit log too."""
        return k8s.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpecArgs(
            policy_name=self.name, validation_actions=["Deny", "Audit"] if self.denies else ["Audit", "Warn"]
        )


def constraints(matched: Sequence[Matched], scope: Scope) -> k8s.admissionregistration.v1.MatchResourcesArgs:
    """What a policy is asked about: the same objects whichever version of their API a client speaks."""
    api = k8s.admissionregistration.v1
    of_tenants = k8s.meta.v1.LabelSelectorArgs(
        match_expressions=[k8s.meta.v1.LabelSelectorRequirementArgs(key=TENANT, operator="Exists")]
    )
    return api.MatchResourcesArgs(
        match_policy="Equivalent",
        namespace_selector=of_tenants if scope is Scope.TENANTS else k8s.meta.v1.LabelSelectorArgs(),
        object_selector=k8s.meta.v1.LabelSelectorArgs(),
        resource_rules=[
            api.NamedRuleWithOperationsArgs(
                api_groups=[each.group],
                api_versions=["*"],
                operations=list(each.operations),
                resources=list(each.resources),
                scope={None: "*", True: "Namespaced", False: "Cluster"}[each.namespaced],
            )
            for each in matched
        ],
    )


def cel(value: Any) -> str:
    """A value as a CEL literal; JSON's strings, lists and maps are CEL's too."""
    return json.dumps(value, ensure_ascii=False)


def is_one_of(identities: Identities) -> str:
    """CEL: whether the request comes from one of these, by exact name.

    Users are compared with users and groups with groups: else someone whose user name is that of a group would be it.
    """
    by_user = f"request.userInfo.username in {cel(list(identities.users))}"
    by_group = f"request.userInfo.?groups.orValue([]).exists(group, group in {cel(list(identities.groups))})"
    parts = [part for part, names in ((by_user, identities.users), (by_group, identities.groups)) if names]
    return f"({' || '.join(parts)})" if parts else "false"


SUBRESOURCE = "request.?subResource.orValue('')"
"""CEL: the subresource of the request, empty for the object itself."""
WHAT = f"(request.resource.resource + ({SUBRESOURCE} == '' ? '' : '/' + {SUBRESOURCE}))"
"""CEL: what the request is about, as `kubectl` names it."""
DOING = "(request.operation.lowerAscii() + ' ' + " + WHAT + ")"
"""CEL: what the request does, for messages."""


def namespace_label(name: str) -> str:
    """CEL: a label of the request's namespace, empty if it has none."""
    return f"namespaceObject.metadata.?labels[{cel(f'{DOMAIN}/{name}')}].orValue('')"
