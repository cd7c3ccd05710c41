"""What undoes a setting in force where the node has a kernel of its own, and how to mend it; the files stay right."""

from __future__ import annotations

from gdcc.nodes.baseline import kernel, records
from tests.nodes.mutations import Mutation

ABSENT = {"usb-storage", "firewire-core"}
"""The guest's kernel is built without these: there is nothing that could be loaded."""

STAYS = {"sctp"}
"""Once loaded it holds on to itself and cannot be unloaded: its mutation is the last thing done to a guest."""

COMPANIONS = {
    # Without chrony nobody follows any source; with one, not two agree.
    "clock-service": {"clock-sources", "clock-offset"},
}
"""What fails with a check because it is about the same thing."""


def until(condition: str, seconds: int = 90) -> str:
    return f"timeout {seconds} sh -c 'until {condition}; do sleep 0.5; done'"


SOURCES = 'test $(chronyc -n sources | grep -c "^^[*+-]") -ge 2'
RIGHT = 'chronyc -c tracking | awk -F, "{ exit !(\\$14 == \\"Normal\\" && \\$5 < 0.005 && \\$5 > -0.005) }"'
WRONG = 'chronyc -c tracking | awk -F, "{ exit !(\\$14 == \\"Normal\\" && (\\$5 > 0.1 || \\$5 < -0.1)) }"'
SYNCHRONISED = until(f"{SOURCES} && {RIGHT}")
# Below a second chrony does not step but slews: it takes some ten seconds, in which the offset is to be seen.
STEP = "python3 -c 'import time; time.clock_settime(time.CLOCK_REALTIME, time.time() + 0.9)'"
ONE_FEWER = "chronyc -n delete $(chronyc -c -n sources | head -n 1 | cut -d, -f3)"
LOST = until('! auditctl -s | grep -qx "lost 0"')
LOADED = "augenrules --load > /dev/null"


def _values() -> dict[str, Mutation]:
    found = {}
    for name, value, _ in kernel.VALUES:
        if not name.startswith("net."):
            other = {"0": "1", "1000000": "20000", "25000000": "20000"}.get(value, "0")
            check = f"kernel-{name.replace('.', '-').replace('_', '-')}"
            found[check] = Mutation(f"sysctl -w {name}={other}", f"sysctl -w {name}={value}")
    return found


MUTATIONS: dict[str, Mutation] = {
    **_values(),
    # That the module is then there shows that it is the setting that keeps it out.
    **{
        f"module-{name}": Mutation(f"modprobe --ignore-install {name}", f"modprobe --remove {name}")
        for name in kernel.MODULES
        if name not in ABSENT | STAYS
    },
    **{f"audit-{key.replace('_', '-')}": Mutation(f"auditctl -D -k {key}", LOADED) for key, _ in records.AUDIT_KEYS},
    "audit-service": Mutation(
        f"systemctl kill auditd.service && {until('! systemctl is-active auditd.service')}",
        "systemctl start auditd.service && auditctl --reset-lost",
    ),
    # One event a second may be written, and there are more.
    "audit-nothing-lost": Mutation(
        f"auditctl -r 1 && for n in 1 2 3 4 5 6; do touch /etc/kubernetes/mutant; done; {LOST}; auditctl -r 0",
        "rm /etc/kubernetes/mutant && auditctl --reset-lost",
    ),
    "clock-service": Mutation("systemctl stop chrony.service", f"systemctl start chrony.service && {SYNCHRONISED}"),
    "clock-sources": Mutation(ONE_FEWER, f"systemctl restart chrony.service && {SYNCHRONISED}"),
    "clock-offset": Mutation(
        f"{STEP} && systemctl restart chrony.service && {until(WRONG)}",
        f"chronyc makestep > /dev/null && {SYNCHRONISED}",
    ),
}
