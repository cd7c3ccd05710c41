"""GC-43: keys only, no root, strong algorithms."""

from __future__ import annotations

from gdcc.nodes.check import NodeCheck, View
from gdcc.nodes.reading import whole, word_after

EFFECTIVE = "/usr/sbin/sshd -T"
WRITTEN = "cat /etc/ssh/sshd_config.d/00-gdcc.conf"

OPTIONS = (
    ("PermitRootLogin", "no", "D5.1.20", "root does not log in"),
    ("PasswordAuthentication", "no", "", "passwords are not accepted"),
    ("KbdInteractiveAuthentication", "no", "", "nothing typed is accepted instead of a key"),
    ("PubkeyAuthentication", "yes", "", "keys are accepted"),
    ("PermitEmptyPasswords", "no", "D5.1.19", "an empty password opens nothing"),
    ("HostbasedAuthentication", "no", "D5.1.10", "no host is trusted"),
    ("IgnoreRhosts", "yes", "D5.1.11", "rhosts files are ignored"),
    ("GSSAPIAuthentication", "no", "D5.1.9", "GSSAPI is not used"),
    ("PermitUserEnvironment", "no", "D5.1.21", "users set no environment"),
    ("UsePAM", "yes", "D5.1.22", "PAM judges accounts and sessions"),
    ("DisableForwarding", "yes", "D5.1.8", "nothing is forwarded"),
    ("StrictModes", "yes", "", "keys that others can write are refused"),
    ("LogLevel", "VERBOSE", "D5.1.14", "the key of each login is logged"),
    ("LoginGraceTime", "60", "D5.1.13", "a login takes a minute at most"),
    ("MaxAuthTries", "4", "D5.1.16", "four tries for each connection"),
    ("MaxSessions", "10", "D5.1.17", "ten sessions for each connection"),
    ("MaxStartups", "10:30:60", "D5.1.18", "floods of logins are thinned"),
    ("ClientAliveInterval", "300", "D5.1.7", "silent clients are asked"),
    ("ClientAliveCountMax", "3", "D5.1.7", "clients that do not answer are dropped"),
    ("Banner", "/etc/issue.net", "D5.1.5", "the banner is shown before login"),
    ("AllowGroups", "sudo", "D5.1.4", "only operators log in"),
)

ALGORITHMS = (
    (
        "Ciphers",
        "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr",
        "D5.1.6",
        "ciphers are strong",
    ),
    (
        "KexAlgorithms",
        "sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org",
        "D5.1.12",
        "key exchange is strong",
    ),
    ("MACs", "hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com", "D5.1.15", "integrity codes are strong"),
)


def _option(name: str, value: str, rule: str, title: str) -> NodeCheck:
    def same(found: str) -> bool:
        return found.lower() == value.lower()

    views = (
        View("in force", EFFECTIVE, word_after(name), value, same),
        View("on disk", WRITTEN, word_after(name), value, same),
    )
    return NodeCheck(f"ssh-{name.lower()}", "GC-43", title, views, (rule,) if rule else ())


def _mode(path: str, mode: str) -> View:
    return View("in force", f"stat -c '%U:%G %a' {path}", whole, mode)


CHECKS = (
    *(_option(*option) for option in (*OPTIONS, *ALGORITHMS)),
    NodeCheck(
        "ssh-settings-file",
        "GC-43",
        "only root reads and writes sshd's settings",
        (_mode("/etc/ssh/sshd_config", "root:root 600"),),
        ("D5.1.1",),
    ),
    NodeCheck(
        "ssh-host-keys",
        "GC-43",
        "only root reads the host's private keys",
        (View("in force", "stat -c '%U:%G %a' /etc/ssh/ssh_host_*_key | sort -u", whole, "root:root 600"),),
        ("D5.1.2",),
    ),
)
