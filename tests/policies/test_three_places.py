"""One example, three places: the pack in its process, the API server, the predicate for what is live."""

from __future__ import annotations

import json
from functools import cache

import pytest

from components.admission import walls
from policies.rules import RULES, Rule, findings
from tests.checkout import Checkout
from tests.escape.attack import Request
from tests.policies.conftest import Ground, Told
from tests.policies.examples import Example, estate, examples, parameters
from tests.policies.host import Said, of_examples, urn_of

pytestmark = pytest.mark.cluster

BY_ID = {rule.id: rule for rule in RULES}
TRIED = [each for each in examples() if not each.stored and not each.unknown]
LATER = [each for each in TRIED if each.path and not BY_ID[each.rule].denies(parameters())]


@cache
def said() -> Said:
    return of_examples(TRIED)


def params() -> list[object]:
    return [pytest.param(each, id=each.id) for each in TRIED]


@pytest.mark.parametrize("example", params())
def test_the_three_places_agree(example: Example, ground: Ground) -> None:
    rule = BY_ID[example.rule]
    own = f"policy {rule.id}: "
    heard = [text for text in said().violations[urn_of(example)] if text.startswith(own)]
    advised = [text for text in said().advice[urn_of(example)] if text.startswith(own)]
    found = findings(example.manifest, parameters(), example.place, rules=(rule,))
    assert [f"{own}{finding}" for finding in found] == [*heard, *advised], "pack and predicate"
    assert [finding.path for finding in found] == ([example.path] if example.path else [])
    if not rule.walls or not ground.tries(example.kind):
        return  # admission cannot ask it
    told = ground.try_out(example.manifest)
    if heard:
        assert told.stored is None, "the pack refuses it and the API server does not"
        assert refused_by(rule, example, told), told.message
        return
    assert told.stored is not None, told.message
    if advised:
        assert any(f"'gdcc-{wall}'" in told.warnings for wall in rule.walls)
        assert example.says in told.warnings
        return
    assert not any(f"'gdcc-{wall}'" in told.warnings for wall in rule.walls)
    live = findings(told.stored, parameters(), example.place, stored=True)
    assert live == [], "the API server stores what the live check refuses"


def refused_by(rule: Rule, example: Example, told: Told) -> bool:
    """By our wall in our words; or, of pods, by Kubernetes' own admission, which comes first."""
    if any(f"ValidatingAdmissionPolicy 'gdcc-{wall}'" in told.message for wall in rule.walls):
        return example.says in told.message
    if "disallowed by cluster policy" in told.message:  # the local API server runs without --allow-privileged
        return example.path.endswith("privileged")
    return example.kind == "Pod" and 'violates PodSecurity "restricted' in told.message


@pytest.mark.parametrize("example", [pytest.param(each, id=each.id) for each in LATER])
def test_from_its_day_on_a_rule_that_audits_now_is_refused(example: Example, ground: Ground) -> None:
    rule = BY_ID[example.rule]
    (name,) = rule.walls
    day = estate().admission.deny_from[name]  # type: ignore[index]
    (wall,) = (each for each in walls(estate().admission, day) if each.id == name)
    actions = list(wall.binding_spec().validation_actions or ())  # type: ignore[call-overload]
    with ground.binding(name, actions):
        ground.until_refused(example)
        told = ground.try_out(example.manifest)
        assert refused_by(rule, example, told), told.message


def test_the_engine_runs_the_pack_and_says_nothing_of_what_the_platform_makes(program: Checkout) -> None:
    seen = program.gdcc("preview", "--expect-no-changes").stdout
    assert "Policies:" not in seen


def test_the_engine_stops_on_a_violation_before_anything_changes(program: Checkout) -> None:
    entry = program.root / "__main__.py"
    before = entry.read_text()
    bad = next(each for each in TRIED if each.rule == "images" and each.path and each.kind == "Deployment")
    advised = next(each for each in LATER if each.kind == "Deployment")
    try:
        for name, example in (("strange", bad), ("writable", advised)):
            manifest = {**example.manifest, "metadata": {**example.manifest["metadata"], "name": name}}
            entry.write_text(
                "import json, pulumi_kubernetes as k8s\n"
                f"asked = json.loads({json.dumps(json.dumps(manifest))})\n"
                "k8s.apps.v1.Deployment(asked['metadata']['name'], metadata=asked['metadata'], spec=asked['spec'])\n"
                + before.replace("from __future__ import annotations\n", "")
            )
            if name == "strange":
                refused = program.gdcc("up", "--yes", status=1).stderr
                assert f"policy images: {bad.path}: {bad.says}" in refused
                assert "urn:pulumi:local::policies::" in refused
                assert "nothing was changed" in refused
            else:
                seen = program.gdcc("preview").stdout
                assert "Policies:" in seen
                assert f"policy read-only-root: {advised.path}: {advised.says}" in seen
    finally:
        entry.write_text(before)


def test_what_a_preview_could_not_know_is_judged_before_it_is_applied(program: Checkout, ground: Ground) -> None:
    entry = program.root / "__main__.py"
    before = entry.read_text()
    good = next(each for each in TRIED if each.rule == "images" and each.good and each.kind == "Deployment")
    body = {**good.manifest, "metadata": {**good.manifest["metadata"], "name": "later"}}
    entry.write_text(
        "import json, pulumi_kubernetes as k8s\n"
        f"asked = json.loads({json.dumps(json.dumps(body))})\n"
        "where = asked['metadata']['namespace']\n"
        "first = k8s.core.v1.ConfigMap('first', metadata={'name': 'first', 'namespace': where})\n"
        "image = first.metadata.uid.apply(lambda uid: f'docker.io/{uid}')\n"
        "asked['spec']['template']['spec']['containers'][0]['image'] = image\n"
        "k8s.apps.v1.Deployment('later', metadata=asked['metadata'], spec=asked['spec'])\n" + before
    )
    path = "spec.template.spec.containers[0].image"
    try:
        assert f".{path} can't be known during preview" in program.gdcc("preview").stdout
        refused = program.gdcc("up", "--yes", status=1).stderr
        assert f"policy images: {path}: not an image of the government's registry: docker.io/" in refused
        deployments = f"/apis/apps/v1/namespaces/{good.namespace}/deployments/later"
        assert not ground.actors["administrator"].send(Request("GET", deployments)).done
    finally:
        entry.write_text(before)
        program.gdcc("up", "--yes")
