"""GC-35 and GC-50: the kubelet asks who calls, its files are root's; file systems as workloads can bear."""

from __future__ import annotations

import re

from gdcc.nodes.check import NodeCheck, View
from gdcc.nodes.probe import Answer
from gdcc.nodes.reading import has_line, something, whole

DROP_IN = "/etc/kubernetes/kubelet.conf.d/60-gdcc.conf"
FILE = f"cat {DROP_IN}"
SETTINGS = (
    ("anonymous", r"anonymous:\n\s+enabled: (\S+)", "false", "K4.2.1", "nobody is let in without a name"),
    ("authorization", r"authorization:\n\s+mode: (\S+)", "Webhook", "K4.2.2", "the API server says who may"),
    ("client-ca", r"clientCAFile: (\S+)", "/etc/kubernetes/pki/ca.crt", "K4.2.3", "callers show a certificate"),
    ("read-only-port", r"readOnlyPort: (\S+)", "0", "K4.2.4", "the read-only port is off"),
    ("idle-timeout", r"streamingConnectionIdleTimeout: (\S+)", "5m0s", "K4.2.5", "idle streams end"),
    ("iptables", r"makeIPTablesUtilChains: (\S+)", "true", "K4.2.6", "its chains are kept"),
    ("rotation", r"rotateCertificates: (\S+)", "true", "K4.2.10", "its certificate is renewed"),
    ("server-rotation", r"serverTLSBootstrap: (\S+)", "true", "K4.2.11", "its serving certificate is renewed"),
    ("tls", r"tlsMinVersion: (\S+)", "VersionTLS12", "", "TLS 1.2 at least"),
    ("kernel-defaults", r"protectKernelDefaults: (\S+)", "true", "", "it does not change the kernel's values"),
    ("seccomp", r"seccompDefault: (\S+)", "true", "", "pods have seccomp by default"),
    ("pids", r"podPidsLimit: (\S+)", "4096", "K4.2.13", "a pod's processes are limited"),
)


def _setting(name: str, pattern: str, value: str, rule: str, title: str) -> NodeCheck:
    def read(answer: Answer) -> str:
        found = re.search(pattern, answer.output)
        return found[1] if found else ""

    control = "GC-35" if name == "tls" else "GC-50"
    return NodeCheck(f"kubelet-{name}", control, title, (View("on disk", FILE, read, value),), (rule,) if rule else ())


def _mode(check: str, title: str, path: str, mode: str, rule: str = "") -> NodeCheck:
    view = View("in force", f"stat -c '%U:%G %a' {path}", whole, mode)
    return NodeCheck(check, "GC-50", title, (view,), (rule,) if rule else ())


CHECKS = (
    *(_setting(*setting) for setting in SETTINGS),
    NodeCheck(
        "kubelet-reads-drop-ins",
        "GC-50",
        "the kubelet is told where these settings are",
        (
            View(
                "on disk",
                "cat /etc/systemd/system/kubelet.service.d/60-gdcc.conf",
                has_line("--config-dir=/etc/kubernetes/kubelet.conf.d"),
                "--config-dir",
                something,
            ),
        ),
    ),
    _mode("kubelet-settings-file", "only root reads and writes them", DROP_IN, "root:root 600", "K4.1.9"),
    _mode(
        "kubelet-static-pods",
        "only root says which pods run by themselves",
        "/etc/kubernetes/manifests",
        "root:root 700",
    ),
    NodeCheck(
        "mounts-containers-run",
        "GC-50",
        "no noexec where containers run from",
        (
            View(
                "in force",
                "for d in /var/lib/kubelet /var/lib/containerd /var; do findmnt -no OPTIONS --target $d; done"
                " 2>/dev/null | grep -c noexec",
                whole,
                "0",
            ),
        ),
    ),
    NodeCheck(
        "mounts-shared-memory",
        "GC-48",
        "nothing is run from shared memory",
        (
            View(
                "in force",
                "findmnt --noheadings --output OPTIONS /dev/shm",
                whole,
                "nosuid, nodev, noexec",
                lambda value: {"nosuid", "nodev", "noexec"} <= set(value.split(",")),
            ),
            View(
                "on disk",
                "awk '$2 == \"/dev/shm\" { print $4 }' /etc/fstab",
                whole,
                "nosuid, nodev, noexec",
                lambda value: {"nosuid", "nodev", "noexec"} <= set(value.split(",")),
            ),
        ),
        ("D1.1.2.2.2", "D1.1.2.2.3", "D1.1.2.2.4"),
    ),
    NodeCheck(
        "core-dumps",
        "GC-48",
        "no core is dumped",
        (View("in force", "cat /etc/security/limits.d/*.conf", has_line(r"^\* hard core 0"), "* hard core 0"),),
        ("D1.5.3",),
    ),
    NodeCheck(
        "banner-remote",
        "GC-43",
        "the banner is in Thai and English and names no system",
        (
            View(
                "in force",
                "cat /etc/issue.net",
                whole,
                "both languages, no version",
                lambda value: "ได้รับอนุญาต" in value and "Authorised use only" in value and "Debian" not in value,
            ),
        ),
        ("D1.6.3",),
    ),
    NodeCheck(
        "banner-local",
        "GC-43",
        "the console's banner, too",
        (
            View(
                "in force",
                "cat /etc/issue",
                whole,
                "both languages, no version",
                lambda value: "ได้รับอนุญาต" in value and "Authorised use only" in value and "Debian" not in value,
            ),
        ),
        ("D1.6.2",),
    ),
)
