"""Rules about all objects together: what each tenant's namespace and each wall must have beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gdcc.compliance.catalogue import Severity
from policies.rules.rule import Finding, Place, Refusal, Title
from policies.rules.view import NotKnownError, View
from policies.rules.walls import PREFIX

OPEN_NETWORK = Refusal(
    "a tenant's namespace without default deny, or a common service's",
    "add a NetworkPolicy with podSelector: {}, policyTypes [Ingress, Egress] and no rule",
    "ทุกเนมสเปซผู้เช่าและบริการกลางต้องมีนโยบายปฏิเสธทราฟฟิกทั้งเข้าและออก",
)
UNBOUND = Refusal(
    "admission policies without a binding", "bind each; unbound it does nothing", "นโยบายรับเข้าที่ไม่ถูกผูกไม่มีผล"
)


@dataclass(frozen=True)
class Lack:
    """What one object lacks beside it."""

    whose: Mapping[str, Any]
    finding: Finding


@dataclass(frozen=True)
class SetRule:
    """A rule about all objects together.

    Attributes:
        kinds: the kinds that it looks at.
        lacks: the objects that lack something, among all of a stack's or a cluster's.
    """

    id: str
    title: Title
    controls: tuple[str, ...]
    severity: Severity
    kinds: frozenset[str]
    lacks: Callable[[SetRule, Sequence[Mapping[str, Any]]], Iterator[Lack]]
    remediation: Title

    def look(self, manifests: Iterable[Mapping[str, Any]]) -> Iterator[Lack]:
        """Every object that lacks something."""
        yield from self.lacks(self, [one for one in manifests if one.get("kind") in self.kinds])

    def finding(self, path: str, refusal: Refusal, what: str, *, known: bool = True) -> Finding:
        """One of this rule."""
        message = f"{refusal.wrong}: {what}; {refusal.instead}"
        if not known:
            message = f"not known until the update, so whether it keeps to this is not either: {self.title.en}"
        return Finding(self.id, self.id, path, message, refusal.thai, known)


def denies_all(policy: Mapping[str, Any]) -> bool:
    """Whether a NetworkPolicy closes a whole namespace both ways.

    Raises:
        NotKnownError: only an update can tell.
    """
    spec = View(policy).at("spec")
    selector = spec.at("podSelector")
    everything = not any(selector.at(key).value for key in ("matchLabels", "matchExpressions"))
    both = {"Ingress", "Egress"} <= {one.value for one in spec.at("policyTypes").items()}
    return everything and both and not spec.at("ingress").value and not spec.at("egress").value


def _open_networks(rule: SetRule, manifests: Sequence[Mapping[str, Any]]) -> Iterator[Lack]:
    policies: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for each in manifests:
        if each["kind"] == "NetworkPolicy":
            policies[str(View(each).at("metadata", "namespace").raw)].append(each)
    for each in manifests:
        if each["kind"] != "Namespace" or not (_place(each).is_tenants or _place(each).label("service")):
            continue
        name = str(View(each).at("metadata", "name").or_(""))
        sure, doubt = False, False
        for policy in policies[name]:
            try:
                sure = sure or denies_all(policy)
            except NotKnownError:
                doubt = True
        if not sure:
            yield Lack(each, rule.finding("metadata.name", OPEN_NETWORK, name, known=not doubt))


def _place(namespace: Mapping[str, Any]) -> Place:
    labels = {key: str(one.raw) for key, one in View(namespace).at("metadata", "labels").entries()}
    return Place(labels)


def _unbound(rule: SetRule, manifests: Sequence[Mapping[str, Any]]) -> Iterator[Lack]:
    bound = {
        (each["kind"], View(each).at("spec", "policyName").raw)
        for each in manifests
        if each["kind"].endswith("PolicyBinding")
    }
    for each in manifests:
        name = str(View(each).at("metadata", "name").raw or "")
        if (
            each["kind"].endswith("Policy")
            and name.startswith(PREFIX)
            and (f"{each['kind']}Binding", name) not in bound
        ):
            yield Lack(each, rule.finding("metadata.name", UNBOUND, name))


SETS = (
    SetRule(
        "default-deny",
        Title("Each tenant's namespace denies all traffic by default", "ทุกเนมสเปซผู้เช่าปฏิเสธทราฟฟิกเป็นค่าเริ่มต้น"),
        ("GC-24",),
        Severity.CRITICAL,
        frozenset({"Namespace", "NetworkPolicy"}),
        _open_networks,
        Title(
            "Let the program make the namespace; `gdcc up` restores what is missing.",
            "ให้โปรแกรมสร้างเนมสเปซ หรือคืนค่าด้วย `gdcc up`",
        ),
    ),
    SetRule(
        "binding-of-walls",
        Title("Each admission policy of the platform is bound", "นโยบายรับเข้าของแพลตฟอร์มถูกผูกทุกตัว"),
        ("GC-23",),
        Severity.CRITICAL,
        frozenset(f"{sort}AdmissionPolicy{end}" for sort in ("Validating", "Mutating") for end in ("", "Binding")),
        _unbound,
        Title("Restore the binding with `gdcc up`.", "คืนค่า binding ด้วย `gdcc up`"),
    ),
)
"""All of them."""
