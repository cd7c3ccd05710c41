"""The policy pack in a real policy host: as `pulumi preview --policy-pack policies` starts it."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest

from gdcc.engine.policy import Pack, own_pack
from gdcc.errors import GdccError
from policies.pack import policies
from policies.places import places
from policies.rules import RULES, SETS
from tests.checkout import REPOSITORY
from tests.policies.examples import Example, estate, examples, parameters, where
from tests.policies.host import PACK, Said, of_examples, program, recorded, registered, urn_of

ASKED = [pytest.param(example, id=example.id) for example in examples() if not example.stored]
BY_ID = {rule.id: rule for rule in RULES}


@cache
def said() -> Said:
    return of_examples(example for example in examples() if not example.stored)


@pytest.mark.parametrize("example", ASKED)
def test_the_pack_says_of_an_example_what_is_written_there(example: Example) -> None:
    own = f"policy {example.rule}: "
    stops = [text for text in said().violations[urn_of(example)] if text.startswith(own)]
    advises = [text for text in said().advice[urn_of(example)] if text.startswith(own)]
    if example.unknown:
        assert stops == [], "what is not known is no violation"
        (text,) = advises
        assert "can't be known during preview" in text
        assert f".{example.unknown}" in text
        return
    if not example.path:
        assert (stops, advises) == ([], [])
        return
    (text,) = stops if BY_ID[example.rule].denies(parameters()) else advises
    assert text.startswith(f"{own}{example.path}: ")
    assert example.says in text


def test_only_the_entry_point_makes_a_policy_pack() -> None:
    makers = [
        path.relative_to(REPOSITORY).as_posix()
        for folder in ("policies", "gdcc", "components")
        for path in (REPOSITORY / folder).rglob("*.py")
        if any(
            isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PolicyPack"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    ]
    assert makers == ["policies/__main__.py"]


def test_each_policy_carries_what_pulumi_shows_of_it() -> None:
    made = policies(parameters(), places(estate()))
    assert len(made) == len(RULES) + len(SETS) + 1
    for policy in made:
        assert policy.severity
        assert policy.display_name
        assert policy.framework
        assert (policy.framework.reference or "").startswith("GC-")
        assert policy.remediation_steps
        assert any((tag.startswith("kind:")) for tag in policy.tags or ())


def namespace(name: str = "tq0example-dev", **annotations: str) -> dict[str, Any]:
    labels = {
        "gdcc.go.th/tenant": "tq0example",
        "gdcc.go.th/environment": "dev",
        "gdcc.go.th/data-class": "internal",
        "gdcc.go.th/pool": "government",
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    metadata = {"name": name, "labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def network(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "tq0example-dev"}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


CLOSED = network("default-deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})


def test_a_tenants_namespace_is_protected_or_has_a_tombstone() -> None:
    unprotected = registered(namespace(), "unprotected")
    protected = registered(namespace(), "protected", protect=True)
    buried = registered(namespace(**{"gdcc.go.th/tombstone": "a hash"}), "buried")
    others = registered({**namespace(), "metadata": {"name": "others"}}, "others")
    heard = Said([unprotected, protected, buried, others, registered(CLOSED, "closed")])
    assert [urn for urn, texts in heard.violations.items() if texts] == [unprotected.urn]
    assert "policy protection: options.protect" in heard.violations[unprotected.urn][0]


@pytest.mark.parametrize(
    "spec",
    [
        {"podSelector": {}, "policyTypes": ["Ingress"]},
        {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress", "Egress"]},
        {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{}]},
    ],
    ids=["ingress alone", "some pods alone", "a rule that opens"],
)
def test_a_tenants_namespace_without_default_deny_stops_an_update(spec: dict[str, Any]) -> None:
    mine = registered(namespace(), "mine", protect=True)
    heard = Said([mine, registered(network("half", spec), "half")])
    (text,) = heard.violations[mine.urn]
    assert text.startswith("policy default-deny: metadata.name: a tenant's namespace without default deny")


def test_a_wall_without_its_binding_stops_an_update() -> None:
    wall = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "gdcc-host"},
        "spec": {"failurePolicy": "Fail"},
    }
    alone = registered(wall, "alone")
    assert "policy binding-of-walls" in Said([alone]).violations[alone.urn][0]


def test_an_object_whose_namespace_is_not_known_yet_is_neither_passed_nor_refused() -> None:
    bad = next(each for each in examples() if each.rule == "host" and each.path)
    manifest = {**bad.manifest, "metadata": {"name": "example", "namespace": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}}
    somewhere = registered(manifest, "somewhere")
    heard = Said([somewhere])
    assert heard.violations[somewhere.urn] == []
    assert any("metadata.namespace" in text for text in heard.advice[somewhere.urn])


def test_what_is_not_a_tenants_is_left_alone() -> None:
    bad = next(each for each in examples() if each.rule == "host" and each.path)
    elsewhere = registered({**bad.manifest, "metadata": {"name": "a", "namespace": "kube-system"}}, "elsewhere")
    nowhere = registered({**bad.manifest, "metadata": {"name": "a"}}, "nowhere")
    heard = Said([elsewhere, nowhere])
    assert not any(heard.violations.values())
    assert heard.asked == 2


def test_a_pack_of_somebody_else_is_asked_about_everything(tmp_path: Path) -> None:
    made = _pack(
        tmp_path,
        "from pulumi_policy import *\n"
        "def look(args, report):\n"
        "    report(f'{args.resource_type} {args.opts.protect}')\n"
        "def all(args, report):\n"
        "    report(str(len(args.resources)))\n"
        "PolicyPack('own', [ResourceValidationPolicy('each', 'Each', look, EnforcementLevel.MANDATORY),"
        " StackValidationPolicy('all-of-it', 'All', all)])\n",
    )
    metadata = {"name": "a", "namespace": where("dev")}
    one = registered({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}, "a")
    heard = Said([one], made)
    assert heard.violations[one.urn] == ["policy each: kubernetes:core/v1:ConfigMap False"]
    assert [text for texts in heard.advice.values() for text in texts] == ["policy all-of-it: 1"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no policy pack in"),
        ({"PulumiPolicy.yaml": "runtime: nodejs\n"}, "is written for nodejs"),
        ({"PulumiPolicy.yaml": "runtime: python\n", "__main__.py": "raise ValueError('not today')"}, "not today"),
        ({"PulumiPolicy.yaml": "runtime: python\n", "__main__.py": "pass"}, "does not start"),
    ],
    ids=["no pack", "another language", "it fails", "it serves nothing"],
)
def test_a_pack_that_cannot_answer_is_one_clear_error(files: dict[str, str], message: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(GdccError, match=message):
        _judge(tmp_path)


def test_a_policy_that_fails_stops_everything(tmp_path: Path) -> None:
    made = _pack(
        tmp_path,
        "from pulumi_policy import *\n"
        "def look(args, report):\n"
        "    raise ValueError('out of my depth')\n"
        "PolicyPack('own', [ResourceValidationPolicy('each', 'Each', look)])\n",
    )
    with pytest.raises(GdccError, match="out of my depth"):
        _judge(made)


def test_a_project_runs_its_own_pack() -> None:
    assert own_pack(REPOSITORY) == (PACK,)
    assert own_pack(REPOSITORY / "docs") == ()


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs util-linux' setpriv")
def test_a_pack_ends_with_the_run_that_started_it_also_when_that_is_killed() -> None:
    script = (
        "import sys, time; from pathlib import Path; from gdcc.engine.policy import Pack;"
        " from gdcc.engine.program import Program;"
        f" root = Path({str(REPOSITORY)!r});"
        " pack = Pack(root / 'policies', Program(root, 'gdcc', 'test', {}), preview=True);"
        " print(pack._process.pid, flush=True); time.sleep(600)"
    )
    run = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    pack = psutil.Process(int(run.stdout.readline()))
    assert pack.is_running()
    run.kill()
    run.wait()
    pack.wait(timeout=10)


def _pack(folder: Path, text: str) -> Path:
    (folder / "PulumiPolicy.yaml").write_text("runtime: python\n")
    (folder / "__main__.py").write_text(text)
    return folder


def _judge(folder: Path) -> None:
    pack = Pack(folder, program(), preview=True)
    try:
        pack.judge(recorded([registered(namespace(), "one")]))
    finally:
        pack.close()
