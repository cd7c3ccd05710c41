"""GC-37, GC-38, GC-41, GC-49 and GC-51: logs, the clock, audit, changed files, malware and patches."""

from __future__ import annotations

import re

from gdcc.nodes.check import NodeCheck, View
from gdcc.nodes.probe import Answer
from gdcc.nodes.reading import (
    assigned,
    at_least,
    at_most,
    clock_offset,
    count,
    has_line,
    something,
    unit,
    unit_state,
    whole,
    word_after,
)

JOURNAL = "systemd-analyze cat-config systemd/journald.conf"
AUDIT_RULES = "cat /etc/audit/rules.d/*.rules"
AUDIT_LIVE = "auditctl -l"
AUDIT_HOST = "the node is a container and audit belongs to its host's kernel"
CLOCK_HOST = "the node is a container and may not set its host's clock"
AUDIT_KEYS = (
    ("scope", "D6.2.3.1"),
    ("user_emulation", "D6.2.3.2"),
    ("time-change", "D6.2.3.4"),
    ("identity", "D6.2.3.8"),
    ("perm_mod", "D6.2.3.9"),
    ("mounts", "D6.2.3.10"),
    ("logins", "D6.2.3.12"),
    ("delete", "D6.2.3.13"),
    ("kernel_modules", "D6.2.3.19"),
    ("kubernetes", ""),
)


def _days(answer: Answer) -> str:
    found = assigned("MaxRetentionSec")(answer)
    matched = re.fullmatch(r"(\d+)\s*(?:day|days|d)", found)
    return matched[1] if matched else found


def _timer(name: str) -> View:
    return View("in force", unit(name), unit_state, "loaded enabled active")


def _audit(key: str, rule: str) -> NodeCheck:
    pattern = rf"(-k |key=){key}$"
    views = (
        View("in force", AUDIT_LIVE, count(pattern), "at least 1", at_least(1), own_kernel=AUDIT_HOST),
        View("on disk", AUDIT_RULES, count(pattern), "at least 1", at_least(1)),
    )
    return NodeCheck(
        f"audit-{key.replace('_', '-')}",
        "GC-49",
        f"events of the kind {key} are recorded",
        views,
        (rule,) if rule else (),
    )


CHECKS = (
    NodeCheck(
        "journal-kept",
        "GC-37",
        "logs are kept 90 days",
        (View("on disk", JOURNAL, _days, "at least 90 days", at_least(90)),),
    ),
    NodeCheck(
        "journal-deleted",
        "GC-38",
        "logs are deleted after a documented time, 3,650 days at most",
        (View("on disk", JOURNAL, _days, "at most 3650 days", at_most(3650)),),
    ),
    NodeCheck(
        "journal-persistent",
        "GC-37",
        "logs outlast a restart",
        (
            View(
                "in force",
                "journalctl --header | grep -c '^File path: /var/log/journal/'",
                whole,
                "at least 1",
                at_least(1),
            ),
            View("on disk", JOURNAL, assigned("Storage"), "persistent"),
        ),
        ("D6.1.2.4",),
    ),
    NodeCheck(
        "journal-compressed",
        "GC-37",
        "the journal is compressed",
        (View("on disk", JOURNAL, assigned("Compress"), "yes"),),
        ("D6.1.2.3",),
    ),
    NodeCheck(
        "clock-sources",
        "GC-41",
        "the clock has two sources at least",
        (
            View(
                "in force",
                "chronyc -n sources | grep -c '^^[*+-]'",
                whole,
                "at least 2",
                at_least(2),
                own_kernel=CLOCK_HOST,
            ),
            View(
                "on disk",
                "cat /etc/chrony/chrony.conf /etc/chrony/sources.d/*.sources",
                count("^(server|pool|peer) "),
                "at least 2",
                at_least(2),
            ),
        ),
        ("D2.3.3.1",),
    ),
    NodeCheck(
        "clock-agreement",
        "GC-41",
        "two sources agree before the clock is set",
        (View("on disk", "cat /etc/chrony/conf.d/*.conf", word_after("minsources"), "at least 2", at_least(2)),),
    ),
    NodeCheck(
        "clock-offset",
        "GC-41",
        "the clock is right to 10 milliseconds",
        (
            View(
                "in force",
                "chronyc -c tracking",
                clock_offset,
                "at most 0.010 s",
                at_most(0.010),
                own_kernel=CLOCK_HOST,
            ),
        ),
    ),
    NodeCheck(
        "clock-service",
        "GC-41",
        "chrony is switched on",
        (
            View("in force", "systemctl is-active chrony.service", whole, "active", own_kernel=CLOCK_HOST),
            View("on disk", "systemctl is-enabled chrony.service", whole, "enabled"),
        ),
        ("D2.3.3.3",),
    ),
    NodeCheck(
        "audit-service",
        "GC-49",
        "auditd is switched on",
        (
            View("in force", "systemctl is-active auditd.service", whole, "active", own_kernel=AUDIT_HOST),
            View("on disk", "systemctl is-enabled auditd.service", whole, "enabled"),
        ),
        ("D6.2.1.2",),
    ),
    NodeCheck(
        "audit-nothing-lost",
        "GC-49",
        "no event was lost, and there is room for 8,192",
        (
            View("in force", "auditctl -s", word_after("lost"), "0", own_kernel=AUDIT_HOST),
            View("on disk", AUDIT_RULES, word_after("-b"), "at least 8192", at_least(8192)),
        ),
        ("D6.2.1.4",),
    ),
    NodeCheck(
        "audit-space",
        "GC-49",
        "there is space for 6 GiB of events",
        (
            View(
                "on disk",
                "awk -F= '/^(max_log_file|num_logs) /{n=n?n*$2:$2} END{print n}' /etc/audit/auditd.conf",
                whole,
                "at least 6144",
                at_least(6144),
            ),
        ),
        ("D6.2.2.1",),
    ),
    NodeCheck(
        "audit-full-disk",
        "GC-49",
        "a full disk is told and does not halt the node's workloads",
        (View("on disk", "cat /etc/audit/auditd.conf", assigned("disk_full_action"), "SYSLOG"),),
    ),
    *(_audit(*key) for key in AUDIT_KEYS),
    NodeCheck(
        "aide-timer", "GC-49", "changed files are looked for every day", (_timer("gdcc-aide.timer"),), ("D6.3.2",)
    ),
    NodeCheck(
        "aide-database",
        "GC-49",
        "there is a database to compare with, root's alone",
        (View("in force", "stat -c '%U:%G %a' /var/lib/aide/gdcc.db", whole, "root:root 600"),),
        ("D6.3.1",),
    ),
    NodeCheck(
        "aide-watches",
        "GC-49",
        "settings and programs are compared",
        (View("on disk", "cat /etc/gdcc/aide.conf", count(r"^/(etc|usr/bin|usr/sbin) "), "3"),),
    ),
    NodeCheck("malware-timer", "GC-51", "malware is looked for every day", (_timer("gdcc-malware.timer"),)),
    NodeCheck(
        "malware-signatures",
        "GC-51",
        "signatures are at most a week old",
        (
            View(
                "in force",
                "find /var/lib/clamav -type f -mtime -7 \\( -name '*.c[uvl]d' -o -name '*.[hn]db' \\)",
                whole,
                "a file of the last 7 days",
                something,
            ),
        ),
    ),
    NodeCheck(
        "patches-pending",
        "GC-51",
        "no update waits to be installed",
        (View("in force", "apt-get --simulate --quiet dist-upgrade | grep -c '^Inst '", whole, "0"),),
        ("D1.2.2.1",),
    ),
    NodeCheck(
        "patches-by-themselves",
        "GC-51",
        "security updates are installed by themselves",
        (
            View("in force", "apt-config dump", has_line('^APT::Periodic::Unattended-Upgrade "1"'), "1", something),
            View("in force", "systemctl is-active apt-daily-upgrade.timer", whole, "active"),
        ),
    ),
    NodeCheck(
        "patches-no-reboot",
        "GC-51",
        "no node restarts by itself, without being drained",
        (
            View(
                "in force",
                "apt-config dump",
                has_line("^Unattended-Upgrade::Automatic-Reboot "),
                "false",
                lambda value: value.endswith('"false";'),
            ),
        ),
    ),
)
