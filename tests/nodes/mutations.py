"""For each check, a change by hand that undoes what it looks at, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass

from gdcc.nodes.baseline import kernel, kubelet, records, ssh

KEPT = "/run/gdcc-kept"


@dataclass(frozen=True)
class Mutation:
    undo: str
    mend: str


def edit(path: str, script: str) -> Mutation:
    """Change a file by sed; that nothing changed is an error."""
    return Mutation(
        f"cp -a {path} {KEPT} && sed -i -E '{script}' {path} && ! cmp -s {path} {KEPT}", f"cp -a {KEPT} {path}"
    )


def mode(path: str, wrong: str, right: str) -> Mutation:
    return Mutation(f"chmod {wrong} {path}", f"chmod {right} {path}")


def unit(name: str, undo: str, mend: str) -> Mutation:
    return Mutation(f"systemctl {undo} {name}", f"systemctl {mend} {name}")


SSHD = "/etc/ssh/sshd_config.d/00-gdcc.conf"
OTHER_OPTIONS = {
    "LogLevel": "QUIET",
    "LoginGraceTime": "120",
    "MaxAuthTries": "20",
    "MaxSessions": "99",
    "MaxStartups": "99:30:100",
    "ClientAliveInterval": "0",
    "ClientAliveCountMax": "99",
    "Banner": "none",
    "AllowGroups": "sudo users",
    "Ciphers": "aes128-cbc",
    "KexAlgorithms": "diffie-hellman-group14-sha1",
    "MACs": "hmac-sha1",
}


def _ssh_options() -> dict[str, Mutation]:
    found = {}
    for name, value, *_ in (*ssh.OPTIONS, *ssh.ALGORITHMS):
        other = OTHER_OPTIONS.get(name) or {"yes": "no", "no": "yes"}[value]
        found[f"ssh-{name.lower()}"] = edit(SSHD, f"s/^{name} .*/{name} {other}/")
    return found


SYSCTL = "/etc/sysctl.d/99-zz-gdcc.conf"


def _kernel_values() -> dict[str, Mutation]:
    found = {}
    for name, value, _ in kernel.VALUES:
        check = f"kernel-{name.replace('.', '-').replace('_', '-')}"
        # Setting ip_forward by hand resets the redirects of every interface: that would fail other checks, too.
        if name.startswith("net.") and name != "net.ipv4.ip_forward":
            other = "0" if value == "1" else "1"
            found[check] = Mutation(f"sysctl -w {name}={other}", f"sysctl -w {name}={value}")
        else:
            found[check] = edit(SYSCTL, f"s/^{name} = .*/{name} = {int(value) + 3}/")
    return found


MODPROBE = "/etc/modprobe.d/60-gdcc.conf"
RULES = "/etc/audit/rules.d/60-gdcc.rules"
QUALITY = "/etc/security/pwquality.conf.d/60-gdcc.conf"
LOGIN = "/etc/login.defs"
AUTH, ACCOUNT, PASSWORD = (f"/etc/pam.d/common-{name}" for name in ("auth", "account", "password"))
SUDOERS = "/etc/sudoers.d/60-gdcc"
FIREWALL = "/etc/gdcc/firewall.nft"
JOURNALD = "/etc/systemd/journald.conf.d/60-gdcc.conf"
AUDITD = "/etc/audit/auditd.conf"
DPKG = "/var/lib/dpkg/status"
OTHER_KUBELET = {
    "anonymous": "s/enabled: false/enabled: true/",
    "authorization": "s/mode: Webhook/mode: AlwaysAllow/",
    "client-ca": 's/clientCAFile:.*/clientCAFile: ""/',
    "read-only-port": "s/readOnlyPort: 0/readOnlyPort: 10255/",
    "idle-timeout": "s/5m0s/0s/",
    "tls": "s/VersionTLS12/VersionTLS10/",
    "pids": "s/4096/-1/",
}
KUBELET_FIELDS = {
    "iptables": "makeIPTablesUtilChains",
    "rotation": "rotateCertificates",
    "server-rotation": "serverTLSBootstrap",
    "kernel-defaults": "protectKernelDefaults",
    "seccomp": "seccompDefault",
}


def _installed(package: str) -> Mutation:
    fields = (f"Package: {package}", "Status: install ok installed", "Architecture: all", "Version: 99")
    stanza = "\\n".join(("", *fields, "Maintainer: x", "Description: x", ""))
    return Mutation(f"cp -a {DPKG} {KEPT} && printf '{stanza}' >> {DPKG}", f"cp -a {KEPT} {DPKG}")


def _kubelet(name: str) -> Mutation:
    field = KUBELET_FIELDS.get(name)
    return edit(kubelet.DROP_IN, OTHER_KUBELET.get(name) or f"s/{field}: true/{field}: false/")


MUTATIONS: dict[str, Mutation] = {
    **_ssh_options(),
    "ssh-settings-file": mode("/etc/ssh/sshd_config", "644", "600"),
    "ssh-host-keys": mode("/etc/ssh/ssh_host_rsa_key", "640", "600"),
    **_kernel_values(),
    "kernel-reverse-path": Mutation(
        "sysctl -w net.ipv4.conf.all.rp_filter=1", "sysctl -w net.ipv4.conf.all.rp_filter=0"
    ),
    **{f"module-{name}": edit(MODPROBE, f"/^install {name} /d") for name in kernel.MODULES},
    "module-overlay": Mutation(
        "echo 'install overlay /bin/false' > /etc/modprobe.d/mutant.conf", "rm /etc/modprobe.d/mutant.conf"
    ),
    "password-length": edit(QUALITY, "s/^minlen.*/minlen = 8/"),
    "password-classes": edit(QUALITY, "s/^minclass.*/minclass = 1/"),
    "password-changed": edit(QUALITY, "s/^difok.*/difok = 0/"),
    "password-repeats": edit(QUALITY, "s/^maxrepeat.*/maxrepeat = 9/"),
    "password-sequence": edit(QUALITY, "s/^maxsequence.*/# &/"),
    "password-dictionary": edit(QUALITY, "s/^dictcheck.*/dictcheck = 0/"),
    "password-enforced": edit(QUALITY, "s/^enforcing.*/enforcing = 0/"),
    "password-root": edit(QUALITY, "s/^enforce_for_root/# &/"),
    "lockout-after": edit("/etc/security/faillock.conf", "s/^deny.*/deny = 50/"),
    "lockout-seconds": edit("/etc/security/faillock.conf", "s/^unlock_time.*/unlock_time = 5/"),
    "pam-lockout-before": edit(AUTH, "/preauth/d"),
    "pam-lockout-after": edit(AUTH, "/authfail/d"),
    "pam-lockout-reset": edit(ACCOUNT, "/pam_faillock/d"),
    "pam-quality": edit(PASSWORD, "/pam_pwquality/d"),
    "pam-history": edit(PASSWORD, "s/remember=24/remember=1/"),
    "age-maximum": edit(LOGIN, "s/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 99999/"),
    "age-minimum": edit(LOGIN, "s/^PASS_MIN_DAYS.*/PASS_MIN_DAYS 0/"),
    "age-warning": edit(LOGIN, "s/^PASS_WARN_AGE.*/PASS_WARN_AGE 1/"),
    "hash-strong": edit(LOGIN, "s/^ENCRYPT_METHOD.*/ENCRYPT_METHOD MD5/"),
    "umask-login": edit(LOGIN, "s/^UMASK.*/UMASK 022/"),
    "dormant-new": edit("/etc/default/useradd", "s/^INACTIVE=.*/INACTIVE=-1/"),
    "dormant-existing": Mutation("useradd --inactive -1 --password '$y$x' mutant", "userdel mutant"),
    "password-none-empty": Mutation("useradd mutant && passwd --quiet --delete mutant", "userdel mutant"),
    "root-alone": Mutation(
        "useradd --non-unique --uid 0 mutant", "sed -i '/^mutant:/d' /etc/passwd /etc/shadow /etc/group /etc/gshadow"
    ),
    "shell-idle": edit("/etc/profile.d/gdcc-shell.sh", "s/^TMOUT=.*/TMOUT=0/"),
    "shadow-file": mode("/etc/shadow", "644", "640"),
    "sudo-terminal": edit(SUDOERS, "s/use_pty/!use_pty/"),
    "sudo-log": edit(SUDOERS, "/logfile/d"),
    "sudo-timeout": edit(SUDOERS, "s/timestamp_timeout=.*/timestamp_timeout=600/"),
    "sudo-authenticates": edit(SUDOERS, "$ a Defaults !authenticate"),
    "su-restricted": edit("/etc/pam.d/su", "s/^auth required pam_wheel/# &/"),
    "firewall-default-drop": Mutation("nft 'chain inet gdcc_host input { policy accept; }'", f"nft -f {FIREWALL}"),
    "firewall-unit": unit("gdcc-firewall.service", "disable --quiet", "enable --quiet"),
    "firewall-flushes-nothing": unit("nftables.service", "unmask --quiet", "mask --quiet"),
    "firewall-input-only": Mutation(
        "nft 'add chain inet gdcc_host forward { type filter hook forward priority 0; }'", f"nft -f {FIREWALL}"
    ),
    "firewall-pod-interfaces": edit(FIREWALL, "/iifname/d"),
    "firewall-cni-ports": edit(FIREWALL, "s/8472/8473/"),
    "firewall-loopback": edit(FIREWALL, "/iif lo accept/d"),
    "ports-listed-only": Mutation(
        "systemd-run --quiet --unit=mutant python3 -m http.server 8099 && "
        "for i in 1 2 3 4 5 6 7 8 9; do ss -tln | grep -q 8099 && break; sleep 0.2; done",
        "systemctl stop mutant",
    ),
    "packages-no-compiler": Mutation("ln -s /bin/true /usr/local/bin/gcc", "rm /usr/local/bin/gcc"),
    **{
        f"packages-no-{name}": _installed(name)
        for name in (
            "avahi-daemon",
            "cups",
            "nis",
            "rpcbind",
            "rsh-client",
            "talk",
            "telnet",
            "telnetd",
            "vsftpd",
            "xinetd",
        )
    },
    "units-debug-shell": unit("debug-shell.service", "unmask --quiet", "mask --quiet"),
    "units-ctrl-alt-del": unit("ctrl-alt-del.target", "unmask --quiet", "mask --quiet"),
    "journal-kept": edit(JOURNALD, "s/^MaxRetentionSec=.*/MaxRetentionSec=30day/"),
    "journal-deleted": edit(JOURNALD, "s/^MaxRetentionSec=.*/MaxRetentionSec=9999day/"),
    "journal-persistent": edit(JOURNALD, "s/^Storage=.*/Storage=volatile/"),
    "journal-compressed": edit(JOURNALD, "s/^Compress=.*/Compress=no/"),
    "clock-sources": edit("/etc/chrony/sources.d/gdcc.sources", "2,$ d"),
    "clock-agreement": edit("/etc/chrony/conf.d/60-gdcc.conf", "s/minsources 2/minsources 1/"),
    "clock-service": unit("chrony.service", "disable --quiet", "enable --quiet"),
    "audit-service": unit("auditd.service", "disable --quiet", "enable --quiet"),
    "audit-nothing-lost": edit(RULES, "s/^-b .*/-b 64/"),
    "audit-space": edit(AUDITD, "s/^num_logs.*/num_logs = 5/"),
    "audit-full-disk": edit(AUDITD, "s/^disk_full_action.*/disk_full_action = HALT/"),
    **{f"audit-{key.replace('_', '-')}": edit(RULES, f"/-k {key}$/d") for key, _ in records.AUDIT_KEYS},
    "aide-timer": unit("gdcc-aide.timer", "stop", "start"),
    "aide-database": mode("/var/lib/aide/gdcc.db", "644", "600"),
    "aide-watches": edit("/etc/gdcc/aide.conf", "/^.usr.bin /d"),
    "malware-timer": unit("gdcc-malware.timer", "stop", "start"),
    "malware-signatures": Mutation("touch -d '30 days ago' /var/lib/clamav/*", "touch /var/lib/clamav/*"),
    "patches-pending": edit(DPKG, "/^Package: nftables$/,/^$/ s/^Version: .*/Version: 0.1/"),
    "patches-by-themselves": unit("apt-daily-upgrade.timer", "stop", "start"),
    "patches-no-reboot": edit("/etc/apt/apt.conf.d/60gdcc-unattended", 's/Reboot "false"/Reboot "true"/'),
    **{f"kubelet-{name}": _kubelet(name) for name, *_ in kubelet.SETTINGS},
    "kubelet-reads-drop-ins": edit("/etc/systemd/system/kubelet.service.d/60-gdcc.conf", "/config-dir/d"),
    "kubelet-settings-file": mode(kubelet.DROP_IN, "644", "600"),
    "kubelet-static-pods": mode("/etc/kubernetes/manifests", "755", "700"),
    "certificates-renewed": Mutation(
        "mkdir -p /etc/kubernetes/pki && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=mutant -days 5"
        " -keyout /dev/null -out /etc/kubernetes/pki/mutant.crt",
        "rm /etc/kubernetes/pki/mutant.crt",
    ),
    "certificates-keys": Mutation(
        "mkdir -p /etc/kubernetes/pki && install -m 644 /dev/null /etc/kubernetes/pki/mutant.key",
        "rm /etc/kubernetes/pki/mutant.key",
    ),
    "mounts-containers-run": Mutation(
        "mkdir -p /var/lib/kubelet && mount -t tmpfs -o noexec none /var/lib/kubelet", "umount /var/lib/kubelet"
    ),
    "mounts-shared-memory": Mutation("mount -o remount,exec /dev/shm", "mount -o remount,noexec /dev/shm"),
    "core-dumps": edit("/etc/security/limits.d/60-gdcc.conf", "/core/d"),
    "banner-remote": edit("/etc/issue.net", "s/^This system.*/Debian 12/"),
    "banner-local": edit("/etc/issue", "s/^This system.*/Debian 12/"),
}
