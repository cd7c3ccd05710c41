"""GC-48 and GC-47: values that are secure and right for Kubernetes, and modules that cannot be loaded."""

from __future__ import annotations

from gdcc.nodes.check import NodeCheck, View
from gdcc.nodes.probe import Answer
from gdcc.nodes.reading import assigned, code, count

LIVE = "sysctl --all 2>/dev/null"
LOADED = "cat /proc/modules"
WRITTEN = "systemd-analyze cat-config sysctl.d"
HOSTS_KERNEL = "the node is a container and this value its host's"

VALUES = (
    # Against CIS 3.3.1: without forwarding neither ClusterIP nor DNS works (kubernetes 84254).
    ("net.ipv4.ip_forward", "1", ""),
    ("net.ipv4.conf.all.send_redirects", "0", "D3.3.2"),
    ("net.ipv4.conf.default.send_redirects", "0", "D3.3.2"),
    ("net.ipv4.icmp_ignore_bogus_error_responses", "1", "D3.3.3"),
    ("net.ipv4.icmp_echo_ignore_broadcasts", "1", "D3.3.4"),
    ("net.ipv4.conf.all.accept_redirects", "0", "D3.3.5"),
    ("net.ipv4.conf.default.accept_redirects", "0", "D3.3.5"),
    ("net.ipv6.conf.all.accept_redirects", "0", "D3.3.5"),
    ("net.ipv6.conf.default.accept_redirects", "0", "D3.3.5"),
    ("net.ipv4.conf.all.secure_redirects", "0", "D3.3.6"),
    ("net.ipv4.conf.default.secure_redirects", "0", "D3.3.6"),
    ("net.ipv4.conf.all.accept_source_route", "0", "D3.3.8"),
    ("net.ipv4.conf.default.accept_source_route", "0", "D3.3.8"),
    ("net.ipv4.conf.all.log_martians", "1", "D3.3.9"),
    ("net.ipv4.tcp_syncookies", "1", "D3.3.10"),
    ("net.ipv6.conf.all.accept_ra", "0", "D3.3.11"),
    ("kernel.randomize_va_space", "2", "D1.5.1"),
    ("kernel.yama.ptrace_scope", "1", "D1.5.2"),
    ("fs.suid_dumpable", "0", "D1.5.3"),
    ("kernel.dmesg_restrict", "1", ""),
    ("kernel.kptr_restrict", "2", ""),
    ("fs.protected_hardlinks", "1", ""),
    ("fs.protected_symlinks", "1", ""),
    # What a kubelet with protectKernelDefaults wants, or it dies (kubernetes 66241).
    ("vm.overcommit_memory", "1", ""),
    ("vm.panic_on_oom", "0", ""),
    ("kernel.panic", "10", ""),
    ("kernel.panic_on_oops", "1", ""),
    ("kernel.keys.root_maxkeys", "1000000", ""),
    ("kernel.keys.root_maxbytes", "25000000", ""),
)

MODULES = ("usb-storage", "cramfs", "hfs", "udf", "dccp", "sctp", "tipc", "rds", "firewire-core")


def _value(name: str, value: str, rule: str) -> NodeCheck:
    owned = "" if name.startswith("net.") else HOSTS_KERNEL
    views = (
        View("in force", LIVE, assigned(name), value, own_kernel=owned),
        View("on disk", WRITTEN, assigned(name), value),
    )
    title = f"{name} is {value}"
    return NodeCheck(
        f"kernel-{name.replace('.', '-').replace('_', '-')}", "GC-48", title, views, (rule,) if rule else ()
    )


def _loose(value: str) -> bool:
    return value in ("0", "2")


def _module(name: str) -> NodeCheck:
    lines = count(f"^{name.replace('-', '_')} ")

    def loaded(answer: Answer) -> str:
        return answer.output if answer.code else lines(answer)  # an unreadable list is not an empty one

    views = (
        View("in force", LOADED, loaded, "0", own_kernel="the node is a container and its host's modules are loaded"),
        # The answer counts and not the file: aliases and other files have their say.
        View("on disk", "modprobe --showconfig", count(f"^install {name.replace('-', '_')} /bin/false$"), "1"),
    )
    control = "GC-47" if name == "usb-storage" else "GC-48"
    return NodeCheck(f"module-{name}", control, f"{name} cannot be loaded", views)


CHECKS = (
    *(_value(*value) for value in VALUES),
    NodeCheck(
        "kernel-reverse-path",
        "GC-48",
        "reverse-path filtering is not strict, which would cut a CNI's egress",
        (
            View("in force", LIVE, assigned("net.ipv4.conf.all.rp_filter"), "0 or 2", _loose),
            View("on disk", WRITTEN, assigned("net.ipv4.conf.all.rp_filter"), "0 or 2", _loose),
        ),
    ),
    *(_module(name) for name in MODULES),
    NodeCheck(
        "module-overlay",
        "GC-48",
        "overlay, which containers need, is not blocked",
        (View("on disk", "modprobe --showconfig | grep -q '^install overlay '", code, "1"),),
    ),
)
