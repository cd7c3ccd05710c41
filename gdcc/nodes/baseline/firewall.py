"""GC-46: only listed ports, by a table of its own that leaves the CNI alone; GC-45: nothing unneeded."""

from __future__ import annotations

import re

from gdcc.nodes.check import NodeCheck, View
from gdcc.nodes.probe import Answer
from gdcc.nodes.reading import count, has_line, nothing, unit, unit_state, whole

TABLE = "nft list table inet gdcc_host"
NO_INET = "the node is user-mode Linux, which Debian builds without inet tables"
FILE = "cat /etc/gdcc/firewall.nft"
PORTS = frozenset({22, 179, 2379, 2380, 4240, 5473, 6443, 10250, 10256, 10257, 10259})
"""What may listen to others: sshd, the kubelet, the control plane, and the CNI."""

COMPILERS = ("cc", "gcc", "g++", "c++", "cpp", "clang", "tcc", "gcc-12", "g++-12", "cpp-12")
SEARCH = f"for name in {' '.join(COMPILERS)}; do command -v $name; done"
UNNEEDED = ("avahi-daemon", "cups", "nis", "rpcbind", "rsh-client", "talk", "telnet", "telnetd", "vsftpd", "xinetd")


def _open_ports(answer: Answer) -> str:
    """Ports below 30000 that others than the host itself can reach, and that are not listed."""
    found = set()
    for line in answer.output.splitlines():
        fields = line.split()
        if len(fields) < 5:
            continue
        address, _, port = fields[4].rpartition(":")
        if not re.match(r"(127\.|\[::1\]|.*%lo)", address) and int(port) not in PORTS and int(port) < 30000:
            found.add(f"{fields[0]} {port}")
    return ", ".join(sorted(found)) or "none"


CHECKS = (
    NodeCheck(
        "firewall-default-drop",
        "GC-46",
        "what is not listed does not come in",
        (
            View(
                "in force",
                TABLE,
                has_line("hook input"),
                "policy drop",
                lambda value: "policy drop" in value,
                real_kernel=NO_INET,
            ),
            View("on disk", FILE, has_line("hook input"), "policy drop", lambda value: "policy drop" in value),
        ),
        ("D4.3.8",),
    ),
    NodeCheck(
        "firewall-unit",
        "GC-46",
        "the firewall is loaded at each start",
        (View("in force", unit("gdcc-firewall.service"), unit_state, "loaded enabled active", real_kernel=NO_INET),),
        ("D4.3.9", "D4.3.10"),
    ),
    NodeCheck(
        "firewall-flushes-nothing",
        "GC-46",
        "no unit flushes the rules of the CNI and kube-proxy",
        (
            View("in force", unit("nftables.service"), unit_state, "masked masked inactive"),
            View("on disk", "grep -c 'flush ruleset' /etc/gdcc/firewall.nft", whole, "0"),
        ),
    ),
    NodeCheck(
        "firewall-input-only",
        "GC-46",
        "forwarding belongs to the CNI",
        (
            View("in force", TABLE, count("hook (?!input)"), "0", real_kernel=NO_INET),
            View("on disk", FILE, count("hook (?!input)"), "0"),
        ),
    ),
    NodeCheck(
        "firewall-pod-interfaces",
        "GC-46",
        "what comes from pods is the CNI's to judge",
        (
            View(
                "in force", TABLE, has_line('iifname "(cni|cali|lxc)\\*" accept'), "accepted", bool, real_kernel=NO_INET
            ),
            View("on disk", FILE, has_line('iifname "(cni|cali|lxc)\\*" accept'), "accepted", bool),
        ),
    ),
    NodeCheck(
        "firewall-cni-ports",
        "GC-46",
        "nodes reach each other's CNI by VXLAN",
        (
            View("in force", TABLE, has_line("udp dport .*8472.*accept"), "accepted", bool, real_kernel=NO_INET),
            View("on disk", FILE, has_line("udp dport .*8472.*accept"), "accepted", bool),
        ),
    ),
    NodeCheck(
        "firewall-loopback",
        "GC-46",
        "the host reaches itself",
        (
            View("in force", TABLE, has_line('iif "lo" accept'), "accepted", bool, real_kernel=NO_INET),
            View("on disk", FILE, has_line("iif lo accept"), "accepted", bool),
        ),
        ("D4.3.6",),
    ),
    NodeCheck(
        "ports-listed-only",
        "GC-46",
        "nothing listens to others but what is listed",
        (View("in force", "ss --numeric --no-header --listening --tcp --udp", _open_ports, "none"),),
    ),
    NodeCheck(
        "packages-no-compiler",
        "GC-45",
        "there is no compiler",
        (View("in force", SEARCH, whole, "(nothing)", nothing),),
    ),
    *(
        NodeCheck(
            f"packages-no-{name}",
            "GC-45",
            f"{name} is not installed",
            (
                View(
                    "in force",
                    "dpkg-query --show --showformat '${Package} ${db:Status-Status}\\n'",
                    has_line(f"^{name} installed$"),
                    "(nothing)",
                    nothing,
                ),
            ),
        )
        for name in UNNEEDED
    ),
    NodeCheck(
        "units-debug-shell",
        "GC-45",
        "no root shell without a password can be started at boot",
        (View("in force", unit("debug-shell.service"), unit_state, "masked masked inactive"),),
    ),
    NodeCheck(
        "units-ctrl-alt-del",
        "GC-45",
        "three keys do not restart the node",
        (View("in force", "systemctl is-enabled ctrl-alt-del.target", whole, "masked"),),
    ),
)
