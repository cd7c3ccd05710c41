"""The rules as checks of compliance: of what the program registers, and of what is live.

A check yields a record for what is registered, one for each tenant's namespace that holds something to judge, one for
each object that breaks a rule, and one for the wall that has to refuse the like.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gdcc.compliance.check import Check, Look, Observation, Scene, Unreachable
from gdcc.compliance.evidence import State, Target
from policies import guarding, probe
from policies.granting import credential_bindings
from policies.objects import Ground, Objects, Owned, Serving, ground_of, home, shown
from policies.rules import RULES, SETS, Finding, Place, Rule, findings
from policies.rules.sets import SetRule

_MOST = 20
"""Objects told one by one in a namespace; the rest are counted with the last."""
_BY_ID = {rule.id: rule for rule in RULES}
_SETS_BY_ID = {rule.id: rule for rule in SETS}
RENDERED = "gdcc preview"

OF_SERVICES = frozenset(
    {
        *("host", "privileges", "seccomp", "pod-security", "read-only-root", "limits", "tokens"),
        *("images", "digests", "pull", "drivers", "storage", "services", "hostnames", "roles", "default-deny"),
    }
)
"""Rules that common services' namespaces are asked too; the others are about whose a namespace is, or bound tenants."""

Judged = Mapping[str, Sequence[tuple[Mapping[str, Any], Sequence[Finding]]]]
"""Per tenant's namespace, the objects that rules are about, each with what they say; "" for the cluster itself."""


@dataclass(frozen=True)
class Asked:
    """What a check asks: rules about each object, and rules about all together.

    Attributes:
        within: a part of a path that findings must have; "" for all of them.
    """

    id: str
    rules: tuple[str, ...]
    sets: tuple[str, ...] = ()
    within: str = ""

    @property
    def expected(self) -> str:
        """What should be."""
        titles = [_BY_ID[rule].title.en for rule in self.rules] + [_SETS_BY_ID[rule].title.en for rule in self.sets]
        sort = " (containers for debugging)" if self.within else ""
        return "; ".join(titles) + sort

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of objects that it is about."""
        if self.within:
            return frozenset({"Pod"})
        found = [rule.kinds for rule in self._rules] + [rule.kinds for rule in self._sets]
        return frozenset[str]().union(*found)

    @property
    def _rules(self) -> tuple[Rule, ...]:
        return tuple(_BY_ID[rule] for rule in self.rules)

    @property
    def _of_services(self) -> tuple[tuple[Rule, ...], frozenset[str]]:
        """What is asked of common services, and the kinds that it is about."""
        rules = tuple(rule for rule in self._rules if rule.id in OF_SERVICES)
        sets = [rule.kinds for rule in self._sets if rule.id in OF_SERVICES]
        return rules, frozenset[str]().union(*sets, *(rule.kinds for rule in rules))

    @property
    def _sets(self) -> tuple[SetRule, ...]:
        return tuple(_SETS_BY_ID[rule] for rule in self.sets)

    def look(self, scene: Scene) -> Iterator[Observation]:
        """Everything that it sees."""
        ground = ground_of(scene)
        yield self._rendered(scene, ground)
        if isinstance(ground.live, Unreachable):
            yield Observation(State.NOT_RUN, _cluster(scene), self.expected, ground.live.reason, self._command())
            return
        yield from self._live(scene, ground, ground.live)
        for rule in self._rules:
            if rule.id in probe.PROBED and not self.within:
                yield self._probed(rule, scene, ground, ground.live)
        if self.id in BESIDES:
            yield from BESIDES[self.id](scene)

    def _rendered(self, scene: Scene, ground: Ground) -> Observation:
        """What the program asks for, in one record: it is refused as a whole."""
        judged = self._judged(scene.rendered, ground, stored=False)
        wrong = [f"{shown(manifest)}: {found}" for each in judged.values() for manifest, said in each for found in said]
        count = sum(len(each) for each in judged.values())
        target = Target(kind="platform", name=f"{scene.stack}/program")
        if not count:
            return Observation(State.NOT_APPLICABLE, target, self.expected, "it registers none such", RENDERED)
        actual = _few(wrong) if wrong else f"{count} objects are as they should be"
        return Observation(State.FAIL if wrong else State.PASS, target, self.expected, actual, RENDERED)

    def _live(self, scene: Scene, ground: Ground, live: Objects) -> Iterator[Observation]:
        judged = self._judged(live.of_kinds(self.kinds), ground, stored=True)
        for name, owned in ground.owned.items():
            yield from self._of(owned.target, owned, judged.get(name, ()), name)
        if not OF_SERVICES.isdisjoint((*self.rules, *self.sets)):
            for name, serving in ground.serving.items():
                yield from self._of(serving.target, serving, judged.get(name, ()), name)
        if "" in judged:
            yield from self._of(_cluster(scene), None, judged[""], "")

    def _of(
        self,
        target: Target,
        owned: Owned | Serving | None,
        judged: Sequence[tuple[Mapping[str, Any], Sequence[Finding]]],
        namespace: str,
    ) -> Iterator[Observation]:
        command = self._command(namespace)
        if not judged:
            nothing = "there is nothing of the kind"
            yield Observation(State.NOT_APPLICABLE, target, self.expected, nothing, command)
            return
        bad = [(manifest, said) for manifest, said in judged if said]
        if not bad:
            actual = f"{len(judged)} objects are as they should be"
            yield Observation(State.PASS, target, self.expected, actual, command)
        for index, (manifest, said) in enumerate(bad[:_MOST], 1):
            named = owned.object(manifest) if owned else Target(kind="object", name=shown(manifest))
            more = f"; and {len(bad) - _MOST} more objects" if index == _MOST and len(bad) > _MOST else ""
            actual = _few([str(found) for found in said]) + more
            yield Observation(State.FAIL, named, self.expected, actual, _one(manifest))

    def _judged(self, manifests: Iterable[Mapping[str, Any]], ground: Ground, *, stored: bool) -> Judged:
        kept = [each for each in manifests if each.get("kind") in self.kinds]
        lacking: dict[int, list[Finding]] = defaultdict(list)
        for rule in self._sets:
            for lack in rule.look(kept):
                lacking[id(lack.whose)].append(lack.finding)
        judged: dict[str, list[tuple[Mapping[str, Any], Sequence[Finding]]]] = defaultdict(list)
        of_all, (of_services, services_kinds) = self._rules, self._of_services
        for manifest in kept:
            owned = ground.owned.get(home(manifest)) or ground.serving.get(home(manifest))
            if home(manifest) and owned is None:
                continue
            if isinstance(owned, Serving) and manifest["kind"] not in services_kinds:
                continue
            if self.within and not (manifest.get("spec") or {}).get(self.within):
                continue
            place = owned.place if owned else Place()
            rules = of_services if isinstance(owned, Serving) else of_all
            said = findings(manifest, ground.parameters, place, stored=stored, rules=rules)
            said = [found for found in said if found.known and self.within in found.path]
            judged[home(manifest)].append((manifest, [*said, *lacking[id(manifest)]]))
        return judged

    def _probed(self, rule: Rule, scene: Scene, ground: Ground, live: Objects) -> Observation:
        target = _cluster(scene, f"walls/{'+'.join(rule.walls)}")
        expected = f"{rule.title.en}: the API server refuses what does not keep to it"
        name, owned = next(iter(ground.owned.items()), ("", None))
        command = f"kubectl create --dry-run=server -n {name} (a Deployment that breaks {rule.id})"
        if owned is None:
            return Observation(State.NOT_APPLICABLE, target, expected, "there is no tenant", command)
        if not rule.denies(ground.parameters):
            days = ", ".join(str(ground.parameters.admission.deny_from[wall]) for wall in rule.walls)  # type: ignore[index]
            return Observation(
                State.NOT_APPLICABLE, target, expected, f"it audits and warns, and denies from {days} on", command
            )
        asked = probe.forbidden(rule.id, ground.parameters, name, owned.namespace.tenant.agency)
        said = probe.refusal(live.api, asked)
        state = State.PASS if said else State.FAIL
        return Observation(state, target, expected, f"refused: {said}" if said else "it is let pass", command)

    def _command(self, namespace: str = "") -> str:
        kinds = ",".join(sorted(kind.lower() for kind in self.kinds))
        return f"kubectl get {kinds} {f'-n {namespace}' if namespace else '-A'} -o yaml"


def _cluster(scene: Scene, part: str = "") -> Target:
    return Target(kind="cluster", name=f"{scene.stack}/{part}" if part else scene.stack)


def _one(manifest: Mapping[str, Any]) -> str:
    metadata = manifest["metadata"]
    inside = f" -n {metadata['namespace']}" if metadata.get("namespace") else ""
    return f"kubectl get {manifest['kind'].lower()} {metadata['name']}{inside} -o yaml"


def _few(things: Sequence[str]) -> str:
    more = f" (and {len(things) - 3} more)" if len(things) > 3 else ""
    return "; ".join(things[:3]) + more


_WORKLOADS = tuple(rule.id for rule in RULES if "CronJob" in rule.kinds)

ASKED = (
    Asked("data-class", ("data-class",)),
    Asked("secret-pools", ("data-pool", "placement")),
    Asked("pod-security-restricted", ("namespaces", "pod-security")),
    Asked("host-isolation", ("host",)),
    Asked("non-root", ("privileges",)),
    Asked("seccomp", ("seccomp",)),
    Asked("read-only-root", ("read-only-root",)),
    Asked("resource-limits", ("limits", "classes")),
    Asked("image-sources", ("images", "digests", "pull")),
    Asked("ephemeral-containers", _WORKLOADS, within="ephemeralContainers"),
    Asked("admission-walls", ("walls", "bound-walls"), ("binding-of-walls",)),
    Asked("default-deny", (), ("default-deny",)),
    Asked("no-wildcard", ("bindings", "roles")),
    Asked("token-mounts", ("tokens", "secrets")),
)
BESIDES: Mapping[str, Look] = {**guarding.BESIDES, "no-wildcard": credential_bindings}
"""What they look at besides their rules, by id."""
CHECKS: tuple[Check, ...] = (*(Check(asked.id, asked.look) for asked in ASKED), *guarding.CHECKS)
"""All of them; ids as in ``policies/catalogue``."""
