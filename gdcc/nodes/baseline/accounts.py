"""GC-44: password quality, lock-out and dormant accounts; who becomes root leaves a trace."""

from __future__ import annotations

from gdcc.nodes.check import Accept, NodeCheck, View
from gdcc.nodes.reading import (
    assigned,
    at_least,
    at_most,
    count,
    has_line,
    last_line,
    nothing,
    something,
    whole,
    word_after,
)

QUALITY = "cat /etc/security/pwquality.conf /etc/security/pwquality.conf.d/*.conf"
LOCKOUT = "cat /etc/security/faillock.conf"
PAM = "cat /etc/pam.d/common-auth /etc/pam.d/common-account /etc/pam.d/common-password"
LOGIN = "cat /etc/login.defs"
SUDO = "cat /etc/sudoers /etc/sudoers.d/*"


def _on_disk(
    check: str, title: str, command: str, name: str, expected: str, accept: Accept | None, rule: str
) -> NodeCheck:
    read = word_after(name) if command == LOGIN else assigned(name)
    return NodeCheck(check, "GC-44", title, (View("in force", command, read, expected, accept),), (rule,))


def _pam(check: str, title: str, pattern: str, rule: str) -> NodeCheck:
    return NodeCheck(check, "GC-44", title, (View("in force", PAM, has_line(pattern), pattern, something),), (rule,))


CHECKS = (
    # PAM reads these files at each login: what is on disk is in force.
    _on_disk("password-length", "14 characters", QUALITY, "minlen", "at least 14", at_least(14), "D5.3.3.2.2"),
    _on_disk("password-classes", "four kinds of characters", QUALITY, "minclass", "4", None, "D5.3.3.2.3"),
    _on_disk("password-changed", "two new characters", QUALITY, "difok", "at least 2", at_least(2), "D5.3.3.2.1"),
    _on_disk("password-repeats", "three alike at most", QUALITY, "maxrepeat", "at most 3", at_most(3), "D5.3.3.2.4"),
    _on_disk("password-sequence", "no long sequence", QUALITY, "maxsequence", "at most 3", at_most(3), "D5.3.3.2.5"),
    _on_disk("password-dictionary", "no word of a dictionary", QUALITY, "dictcheck", "1", None, "D5.3.3.2.6"),
    _on_disk("password-enforced", "weak ones are refused", QUALITY, "enforcing", "1", None, "D5.3.3.2.7"),
    NodeCheck(
        "password-root",
        "GC-44",
        "root's password is judged, too",
        (View("in force", QUALITY, has_line("^enforce_for_root"), "enforce_for_root"),),
        ("D5.3.3.2.8",),
    ),
    _on_disk("lockout-after", "locked after five tries", LOCKOUT, "deny", "at most 5", at_most(5), "D5.3.3.1.1"),
    _on_disk("lockout-seconds", "for 15 minutes", LOCKOUT, "unlock_time", "at least 900", at_least(900), "D5.3.3.1.2"),
    _pam("pam-lockout-before", "a locked account is refused", r"^auth.*pam_faillock\.so preauth", "D5.3.2.2"),
    _pam("pam-lockout-after", "failed tries are counted", r"^auth.*pam_faillock\.so authfail", "D5.3.2.2"),
    _pam("pam-lockout-reset", "a good try forgets them", r"^account.*pam_faillock\.so", "D5.3.2.2"),
    _pam("pam-quality", "new passwords are judged", r"^password.*pam_pwquality\.so", "D5.3.2.3"),
    _pam("pam-history", "former passwords are refused", r"^password.*pam_pwhistory\.so remember=24", "D5.3.2.4"),
    _on_disk("age-maximum", "passwords last a year", LOGIN, "PASS_MAX_DAYS", "at most 365", at_most(365), "D5.4.1.1"),
    _on_disk("age-minimum", "and a day", LOGIN, "PASS_MIN_DAYS", "at least 1", at_least(1), "D5.4.1.2"),
    _on_disk("age-warning", "with a week's warning", LOGIN, "PASS_WARN_AGE", "at least 7", at_least(7), "D5.4.1.3"),
    _on_disk("hash-strong", "hashed with yescrypt", LOGIN, "ENCRYPT_METHOD", "YESCRYPT", None, "D5.4.1.4"),
    _on_disk("umask-login", "new files are the group's at most", LOGIN, "UMASK", "027", None, "D5.4.3.3"),
    NodeCheck(
        "dormant-new",
        "GC-44",
        "new accounts lock 45 days after their password ran out",
        (
            View(
                "in force",
                "useradd --defaults",
                assigned("INACTIVE"),
                "1 to 45",
                lambda value: value.isdigit() and 1 <= int(value) <= 45,
            ),
        ),
        ("D5.4.1.5",),
    ),
    NodeCheck(
        "dormant-existing",
        "GC-44",
        "accounts with a password lock 45 days after it ran out",
        (
            View(
                "in force",
                "getent shadow | awk -F: '$2 ~ /^\\$/ && ($7 == \"\" || $7 > 45)' | cut -d: -f1",
                whole,
                "(nothing)",
                nothing,
            ),
        ),
        ("D5.4.1.5",),
    ),
    NodeCheck(
        "password-none-empty",
        "GC-44",
        "no account has an empty password",
        (
            View(
                "in force",
                "getent shadow | awk -F: '$2 == \"\"' | cut -d: -f1",
                whole,
                "(nothing)",
                nothing,
            ),
        ),
        ("D7.2.2",),
    ),
    NodeCheck(
        "root-alone",
        "GC-44",
        "only root has the user id 0",
        (View("in force", "awk -F: '$3 == 0 { print $1 }' /etc/passwd", whole, "root"),),
        ("D5.4.2.1",),
    ),
    NodeCheck(
        "shell-idle",
        "GC-44",
        "idle shells end",
        (
            View(
                "in force",
                "bash --login -c 'echo $TMOUT'",
                whole,
                "at most 900",
                lambda value: value.isdigit() and 0 < int(value) <= 900,
            ),
        ),
        ("D5.4.3.2",),
    ),
    NodeCheck(
        "shadow-file",
        "GC-44",
        "only root reads password hashes",
        (View("in force", "stat -c '%U:%G %a' /etc/shadow /etc/gshadow", whole, "root:shadow 640 root:shadow 640"),),
        ("D7.1.5", "D7.1.7"),
    ),
    NodeCheck(
        "sudo-terminal",
        "GC-44",
        "sudo runs in a terminal of its own",
        (View("in force", SUDO, last_line(r"^Defaults\s+!?use_pty"), "Defaults use_pty"),),
        ("D5.2.2",),
    ),
    NodeCheck(
        "sudo-log",
        "GC-44",
        "each use of sudo is written down",
        (View("in force", SUDO, has_line(r"^Defaults\s+logfile="), "a log file", something),),
        ("D5.2.3",),
    ),
    NodeCheck(
        "sudo-timeout",
        "GC-44",
        "sudo asks again after 15 minutes",
        (View("in force", SUDO, assigned("Defaults timestamp_timeout"), "at most 15", at_most(15)),),
        ("D5.2.6",),
    ),
    NodeCheck(
        "sudo-authenticates",
        "GC-44",
        "no rule switches authentication off for all",
        (View("in force", SUDO, count(r"^[^#]*!authenticate"), "0"),),
        ("D5.2.5",),
    ),
    NodeCheck(
        "su-restricted",
        "GC-44",
        "nobody becomes root by su",
        (
            View(
                "in force",
                "cat /etc/pam.d/su",
                has_line(r"^auth\s+required\s+pam_wheel\.so use_uid group=gdcc-su"),
                "pam_wheel with an empty group",
                something,
            ),
            View("in force", "getent group gdcc-su | cut -d: -f4", whole, "(nothing)", nothing),
        ),
        ("D5.2.7",),
    ),
)
