"""The shape of a rule: what it looks at, what it finds wrong, and which controls that answers.

A rule is asked in three places: of what a Pulumi program registers (`policies/__main__.py`), of what the API server is
sent (`components.admission` makes its walls of the same refusals and parameters), and of what is live
(`policies.live`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from gdcc.compliance.catalogue import Enforcement, Severity
from gdcc.model import Admission, Estate
from policies.rules.view import NotKnownError, View, dotted

PSS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
"""Kubernetes' Pod Security Standards."""


class Refusal(NamedTuple):
    """What is read where something is refused; admission walls take it as it stands."""

    wrong: str
    """What is wrong, in English."""
    instead: str
    """What to write instead, in English."""
    thai: str
    """Both, briefly, in Thai."""


class Title(NamedTuple):
    """What a rule asks for."""

    en: str
    th: str


@dataclass(frozen=True)
class Place:
    """The namespace that an object is in, as admission sees it; its labels are the platform's."""

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """One of the platform's labels; "" where there is none."""
        return self.labels.get(f"gdcc.go.th/{name}", "")

    @property
    def is_tenants(self) -> bool:
        """Whether it is a tenant's: most rules are about those alone."""
        return bool(self.label("tenant"))


@dataclass(frozen=True)
class Parameters:
    """What the rules of one estate go by: data of `stacks/`, the same that the admission walls are made from.

    Attributes:
        pools: per pool of machines, the data classes it carries, as labels.
        today: the day by which a rule denies or only audits.
    """

    admission: Admission
    pools: Mapping[str, frozenset[str]]
    today: date

    @classmethod
    def of(cls, estate: Estate) -> Parameters:
        """Those of an estate."""
        pools = {name: frozenset(one.label for one in pool.data_classes) for name, pool in estate.pools.items()}
        return cls(estate.admission, pools, estate.today)


@dataclass(frozen=True)
class Subject:
    """What a rule looks at.

    Attributes:
        place: the namespace it is in; of a Namespace, itself.
        stored: whether it is as the API server keeps it, with defaults filled in.
    """

    manifest: View
    place: Place
    parameters: Parameters
    stored: bool = False

    @property
    def admission(self) -> Admission:
        """What tenants may use."""
        return self.parameters.admission

    @property
    def kind(self) -> str:
        """Of the object."""
        return str(self.manifest.at("kind").or_(""))


class Hit(NamedTuple):
    """Something wrong: where, and in a word what."""

    where: View
    what: str


@dataclass(frozen=True)
class Test:
    """One thing that a rule looks for: the counterpart of one check of a wall.

    Attributes:
        name: of the wall's check, if there is one.
        refusal: what is read; may depend on the parameters.
        parts: the parts of an object that are judged one by one, so that one unknown value hides nothing else.
        judge: what is wrong with a part.
        choices: what may be written there, told after the refusal.
    """

    __test__ = False  # nothing for pytest

    name: str
    refusal: Callable[[Admission], Refusal]
    parts: Callable[[Subject], Iterable[View]]
    judge: Callable[[View, Subject], Iterable[Hit]]
    choices: Callable[[Subject], tuple[str, ...]] = lambda _: ()


@dataclass(frozen=True)
class Finding:
    """What a rule says of one field.

    Attributes:
        rule: the rule's id.
        test: which of its tests.
        path: the field, as JSONPath.
        message: what is wrong and what to write instead.
        thai: the same, briefly.
        known: False where only an update can tell; that is neither a violation nor a pass.
    """

    rule: str
    test: str
    path: str
    message: str
    thai: str
    known: bool = True

    def __str__(self) -> str:
        return f"{self.path}: {self.message} | {self.thai}"


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        controls: what it answers, by id (`policies/catalogue`).
        kinds: the kinds of objects it is about.
        walls: the admission walls that ask the same; none where admission cannot.
        everywhere: whether it is about objects outside the namespaces of tenants too.
        url: where the standard that it follows is published; "" where there is none.
        only_stored: whether the API server fills in what it looks at, so that only stored objects can be judged.
    """

    id: str
    title: Title
    controls: tuple[str, ...]
    severity: Severity
    kinds: frozenset[str]
    tests: tuple[Test, ...]
    remediation: Title
    walls: tuple[str, ...] = ()
    everywhere: bool = False
    url: str = ""
    only_stored: bool = False

    def enforcement(self, admission: Admission) -> Enforcement:
        """How strictly it is meant; `audit` becomes mandatory on a day."""
        later = any(wall in admission.deny_from for wall in self.walls)
        return Enforcement.AUDIT if later else Enforcement.MANDATORY

    def denies(self, parameters: Parameters) -> bool:
        """Whether a violation stops an update today."""
        return all(parameters.admission.denies(wall, parameters.today) for wall in self.walls)

    def applies(self, subject: Subject) -> bool:
        """Whether the rule is about an object at all."""
        if subject.kind not in self.kinds or (self.only_stored and not subject.stored):
            return False
        return self.everywhere or subject.place.is_tenants

    def look(self, subject: Subject) -> Iterator[Finding]:
        """Everything wrong with an object, and everything that cannot be told yet."""
        if not self.applies(subject):
            return
        for test in self.tests:
            yield from self._try(test, subject)

    def _try(self, test: Test, subject: Subject) -> Iterator[Finding]:
        try:
            for part in test.parts(subject):
                try:
                    for where, what in test.judge(part, subject):
                        yield self._finding(test, subject, where, what)
                except NotKnownError as unknown:
                    yield self._unknown(test, unknown)
        except NotKnownError as unknown:
            yield self._unknown(test, unknown)

    def _finding(self, test: Test, subject: Subject, where: View, what: str) -> Finding:
        wrong, instead, thai = test.refusal(subject.admission)
        choices = ", ".join(test.choices(subject))
        message = f"{wrong}: {what}; {instead}" + (f": {choices}" if choices else "")
        return Finding(self.id, test.name, dotted(where.path), message, thai)

    def _unknown(self, test: Test, unknown: NotKnownError) -> Finding:
        message = f"not known until the update, so whether it keeps to this is not either: {self.title.en}"
        return Finding(self.id, test.name, dotted(unknown.path), message, "ยังไม่ทราบค่าจนกว่าจะติดตั้งจริง", known=False)


def always(refusal: Refusal) -> Callable[[Admission], Refusal]:
    """A refusal that depends on no parameter."""
    return lambda _: refusal


def subject_of(
    manifest: Mapping[str, Any], parameters: Parameters, place: Place | None = None, *, stored: bool = False
) -> Subject:
    """What rules look at: a Namespace is its own place."""
    if manifest.get("kind") == "Namespace":
        place = _itself(View(manifest))
    return Subject(View(manifest), place or Place(), parameters, stored)


def _itself(manifest: View) -> Place:
    metadata = manifest.at("metadata")
    labels = {key: str(one.raw) for key, one in metadata.at("labels").entries()}
    annotations = {key: str(one.raw) for key, one in metadata.at("annotations").entries()}
    return Place(labels, annotations)
