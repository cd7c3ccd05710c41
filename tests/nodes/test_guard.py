"""Twenty ways to lock an operator out: the host lets its operator in again by itself, within its deadline.

In each, whoever runs Ansible is killed as soon as the change is in force, so that nothing but the host's own timer can
help. Where the change is refused before it takes effect, that is seen instead.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gdcc.nodes import machine
from tests.nodes.chosen import chosen_params
from tests.nodes.conftest import Hosts
from tests.nodes.plays import command, environment, play

DEADLINE = 8
"""Seconds of the timer; four times as many where a loaded machine took longer than that to change anything."""

SECOND_CONNECTION = "Open a second connection"


@dataclass(frozen=True)
class Fault:
    role: str
    variables: Mapping[str, Any]
    refused: str = ""
    """What the play says, where the change never takes effect."""


def sshd(**options: str) -> Fault:
    return Fault("ssh", {"ssh_extra_settings": options})


FAULTS = {
    "keys are looked for elsewhere": sshd(AuthorizedKeysFile="/nonexistent/%u"),
    "a group nobody is in": sshd(AllowGroups="nogroup"),
    "another user alone": sshd(AllowUsers="nobody"),
    "the operator is denied": sshd(DenyUsers="gdccops"),
    "the operator's group is denied": sshd(DenyGroups="sudo"),
    "keys are not accepted": sshd(PubkeyAuthentication="no"),
    "the kind of key is not accepted": sshd(PubkeyAcceptedAlgorithms="rsa-sha2-512"),
    "every key is revoked": sshd(RevokedKeys="/etc/shadow"),
    "another port": sshd(Port="2222"),
    "loopback only": sshd(ListenAddress="127.0.0.1"),
    "every command is another": sshd(ForceCommand="/bin/false"),
    "a root that is not there": sshd(ChrootDirectory="/nonexistent"),
    "no sessions": sshd(MaxSessions="0"),
    "a host key nobody knows": sshd(HostKey="/etc/ssh/ssh_host_rsa_key", HostKeyAlgorithms="rsa-sha2-512"),
    "a password besides the key": sshd(AuthenticationMethods="publickey,password", PasswordAuthentication="yes"),
    "the firewall closes the port": Fault("firewall", {"firewall_ssh_port": 2222}),
    "the firewall lets others in": Fault("firewall", {"firewall_ssh_sources": ["192.0.2.0/24"]}),
    "the firewall lets nobody in": Fault("firewall", {"firewall_ssh_sources": ["203.0.113.7/32"]}),
    "no host key": Fault("ssh", {"ssh_extra_settings": {"HostKey": "/nonexistent"}}, "was taken back"),
    "ciphers that do not exist": Fault("ssh", {"ssh_extra_settings": {"Ciphers": "none@example"}}, "was taken back"),
    "an option that does not exist": Fault("ssh", {"ssh_extra_settings": {"LetIn": "yes"}}, "was taken back"),
    "a network that is none": Fault("firewall", {"firewall_ssh_sources": ["300.0.0.0/8"]}, "was taken back"),
    "the operator is in no group that may": Fault("ssh", {"ssh_allow_groups": ["wheel"]}, "is in none of the groups"),
}

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  become: true
  vars: {{ansible_facts: {{}}, ansible_pipelining: true}}
  roles: [{role}]
"""


@dataclass(frozen=True)
class Outcome:
    output: str
    locked_out: bool
    in_time: bool
    before: str
    after: str
    armed: str


def _state(hosts: Hosts, name: str) -> str:
    return hosts.shell(
        name, "sha256sum /etc/ssh/sshd_config.d/* /etc/gdcc/* && /usr/sbin/sshd -T && nft list table inet gdcc_host"
    )


def _inflict(hosts: Hosts, name: str, fault: Fault, folder: Path, before: str, deadline: int = DEADLINE) -> Outcome:
    host = next(one for one in hosts.lab.hosts if one.name == name)
    playbook = folder / f"{fault.role}.yml"
    playbook.write_text(PLAYBOOK.format(role=fault.role))
    variables = {**fault.variables, "guard_seconds": deadline}
    arguments = command(playbook, hosts.inventory, "--limit", name, variables=variables)
    output, locked_out, late, began = [], False, False, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gdcc-") as sockets:
        run = subprocess.Popen(
            arguments,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environment(sockets),
            start_new_session=True,
        )
        assert run.stdout
        for line in run.stdout:
            output.append(line)
            if "Start the timer" in line:
                began = time.monotonic()
            if SECOND_CONNECTION in line and not fault.refused:
                os.killpg(run.pid, signal.SIGKILL)
                late = time.monotonic() - began > deadline - 3
                locked_out = not machine.answers(host, hosts.lab.layout)
                break
        run.stdout.close()
        run.wait()
    while not machine.answers(host, hosts.lab.layout) and time.monotonic() - began < 6 * deadline:
        time.sleep(0.3)
    seconds = time.monotonic() - began
    # The timer may not have ended where the fault did not lock out after all.
    for _ in range(2 * deadline):
        armed = hosts.shell(name, "systemctl is-active gdcc-restore.timer gdcc-restore.service || true").split()
        if "active" not in armed and "activating" not in armed:
            break
        time.sleep(1)
    after = _state(hosts, name)
    if late and not locked_out and deadline == DEADLINE:  # the timer was faster than the change
        return _inflict(hosts, name, fault, folder, before, 4 * DEADLINE)
    return Outcome("".join(output), locked_out, seconds <= 3 * deadline, before, after, " ".join(armed))


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, hardened: Hosts, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Outcome]:
    """Of each fault whose test was chosen; the hosts side by side, and on each one fault after another."""
    folder = tmp_path_factory.mktemp("faults")
    chosen = chosen_params(request, "fault")

    def on(name: str, faults: list[str]) -> dict[str, Outcome]:
        place, found = folder / name, {}
        place.mkdir()
        state = _state(hardened, name)
        for fault in faults:
            found[fault] = _inflict(hardened, name, FAULTS[fault], place, state)
            state = found[fault].after
        return found

    names = hardened.hardened
    with ThreadPoolExecutor() as pool:
        parts = [pool.submit(on, name, chosen[number :: len(names)]) for number, name in enumerate(names)]
        return {fault: outcome for part in parts for fault, outcome in part.result().items()}


def test_at_least_twenty_faults_are_tried() -> None:
    assert len(FAULTS) >= 20


@pytest.mark.nodes
@pytest.mark.parametrize("fault", FAULTS)
def test_the_operator_gets_in_again(outcomes: dict[str, Outcome], fault: str) -> None:
    outcome, refused = outcomes[fault], FAULTS[fault].refused
    if refused:
        assert refused in outcome.output
    else:
        assert outcome.locked_out, f"the fault locks nobody out:\n{outcome.output}"
        assert outcome.in_time
    assert outcome.after == outcome.before
    assert "active" not in outcome.armed.split()


@pytest.mark.nodes
def test_a_host_that_reboots_in_the_middle_lets_its_operator_in_again(hardened: Hosts, tmp_path: Path) -> None:
    name = hardened.hardened[0]
    host = hardened.lab.hosts[0]
    before = _state(hardened, name)
    path = "/etc/ssh/sshd_config.d/00-gdcc.conf"
    arm = tmp_path / "arm.yml"
    arm.write_text(
        "- hosts: all\n  gather_facts: false\n  become: true\n  tasks:\n"
        "    - ansible.builtin.include_role: {name: guard, tasks_from: arm}\n"
    )
    variables = {
        "guard_seconds": DEADLINE,
        "guard_topic": "ssh",
        "guard_paths": [path],
        "guard_reload": ["systemctl restart ssh.service"],
        "ansible_pipelining": True,
    }
    played = play(arm, hardened.inventory, "--limit", name, variables=variables)
    assert played.code == 0, played.output
    hardened.shell(name, f"sed -i 's/^AllowGroups.*/AllowGroups nogroup/' {path}")
    machine.stop(host)
    machine.connect(host)
    machine.boot(host, hardened.lab.image)
    machine.await_answer(host, hardened.lab.layout)
    assert _state(hardened, name) == before
