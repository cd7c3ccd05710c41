"""What can be said of the playbooks without a host."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gdcc.nodes.checks import CHECKS
from tests.nodes.plays import PLAYBOOKS

ROLES = sorted((PLAYBOOKS / "roles").iterdir())
FILES = sorted(PLAYBOOKS.rglob("*.yml"))


def options(role: Path) -> dict[str, Any]:
    entries = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    return {name: option for entry in entries.values() for name, option in entry["options"].items()}


def test_there_is_a_role_for_each_topic() -> None:
    assert len(ROLES) >= 18


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_defaults_are_those_of_the_argument_specs(role: Path) -> None:
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
    assert defaults == {name: option["default"] for name, option in options(role).items()}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_option_is_prefixed_and_described(role: Path) -> None:
    for name, option in options(role).items():
        assert name.startswith(f"{role.name}_")
        assert option["description"].rstrip().endswith(".")


def test_nothing_ignores_errors_and_no_shell_is_used() -> None:
    assert len(FILES) > 40
    for file in FILES:
        text = file.read_text()
        assert "ignore_errors" not in text, file
        assert not re.search(r"^\s*(ansible\.builtin\.)?(shell|raw):", text, re.MULTILINE), file


def test_every_role_of_the_baseline_is_tagged_with_its_controls_and_audited_too() -> None:
    harden = yaml.safe_load((PLAYBOOKS / "harden.yml").read_text())[1]["roles"]
    audit = yaml.safe_load((PLAYBOOKS / "audit.yml").read_text())[1]["roles"]
    assert harden == audit
    for entry in harden:
        assert any(re.fullmatch(r"control_GC-[0-9]{2}", tag) for tag in entry["tags"]), entry


def test_every_control_that_is_checked_has_a_tag() -> None:
    harden = yaml.safe_load((PLAYBOOKS / "harden.yml").read_text())[1]["roles"]
    tags = {tag.removeprefix("control_") for entry in harden for tag in entry["tags"]}
    assert {check.control for check in CHECKS} <= tags


def test_preflight_knows_every_role() -> None:
    named = set(options(PLAYBOOKS / "roles/preflight")["preflight_roles"]["default"])
    assert named == {role.name for role in ROLES} - set()


def test_no_template_flushes_a_ruleset_or_touches_forwarding() -> None:
    text = (PLAYBOOKS / "roles/firewall/templates/firewall.nft.j2").read_text()
    rules = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert "flush" not in rules
    assert re.findall(r"hook (\w+)", rules) == ["input"]


def test_ansible_lint_finds_nothing_in_its_production_profile() -> None:
    lint = [str(Path(sys.executable).parent / "ansible-lint"), "--offline", "--profile", "production", "--nocolor", "."]
    done = subprocess.run(lint, cwd=PLAYBOOKS, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "Passed: 0 failure(s)" in done.stderr
