"""What a container may do: Pod Security Standards `restricted`, asked of templates too and without its exceptions.

Kubernetes' own admission asks it of pods alone, in English, and lets pods for Windows or with user namespaces do more.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards (as of Kubernetes 1.36).
"""

from __future__ import annotations

from collections.abc import Iterator

from gdcc.compliance.catalogue import Severity
from policies.rules.rule import PSS, Hit, Refusal, Rule, Subject, Test, Title, always
from policies.rules.view import View
from policies.rules.workload import WORKLOADS, containers, itself, name, pod, volumes

POD = "pod"
"""Stands for the pod itself among the names of containers."""
CAPABILITY = "NET_BIND_SERVICE"
SECCOMP = ("RuntimeDefault", "Localhost")
APPARMOR = ("RuntimeDefault", "Localhost")
SELINUX = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
SYSCTLS = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
)
VOLUMES = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
)
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS = ("postStart", "preStop")

ESCALATION = Refusal(
    "containers that may gain privileges",
    "set securityContext.allowPrivilegeEscalation: false",
    "ให้ตั้ง allowPrivilegeEscalation: false",
)
ROOT = Refusal(
    "containers that may run as root",
    "set securityContext.runAsNonRoot: true, and no runAsUser: 0, for the pod or each container",
    "ให้ตั้ง runAsNonRoot: true และห้ามใช้ runAsUser: 0",
)
CAPABILITIES = Refusal(
    "containers that keep or add capabilities",
    f'set securityContext.capabilities.drop: ["ALL"] and add none but {CAPABILITY}',
    'ให้ตั้ง capabilities.drop: ["ALL"]',
)
UNFILTERED = Refusal(
    "containers without a seccomp profile",
    "set securityContext.seccompProfile.type: RuntimeDefault for the pod or each container",
    "ให้ตั้ง seccompProfile.type: RuntimeDefault",
)
KINDS = Refusal(
    "volumes that reach past the platform's storage",
    f"use one of: {', '.join(VOLUMES)}",
    "ใช้ได้เฉพาะวอลุมชนิดที่กำหนด",
)
KERNEL = Refusal(
    "settings of the kernel that keep containers apart",
    "leave sysctls, procMount, seLinuxOptions and appArmorProfile out, or as the restricted standard allows",
    "ห้ามปรับค่าเคอร์เนลที่แยกคอนเทนเนอร์",
)
ELSEWHERE = Refusal(
    "probes and hooks that call another host",
    "remove host, so that the container itself is asked",
    "ห้ามระบุ host ใน probe และ lifecycle",
)


def _escalation(container: View, _: Subject) -> Iterator[Hit]:
    flag = container.at("securityContext", "allowPrivilegeEscalation")
    if flag.or_(True):
        yield Hit(flag, name(container))


def _root_pod(spec: View, _: Subject) -> Iterator[Hit]:
    user, flag = spec.at("securityContext", "runAsUser"), spec.at("securityContext", "runAsNonRoot")
    if user.or_(1) == 0:
        yield Hit(user, POD)
    elif not flag.or_(True):
        yield Hit(flag, POD)


def _root(container: View, subject: Subject) -> Iterator[Hit]:
    context = container.at("securityContext")
    user, flag = context.at("runAsUser"), context.at("runAsNonRoot")
    if user.or_(1) == 0:
        yield Hit(user, name(container))
    elif not (pod(subject).at("securityContext", "runAsNonRoot").or_(False) if flag.value is None else flag.value):
        yield Hit(flag, name(container))


def _capabilities(container: View, _: Subject) -> Iterator[Hit]:
    capabilities = container.at("securityContext", "capabilities")
    if "ALL" not in [one.value for one in capabilities.at("drop").items()]:
        yield Hit(capabilities.at("drop"), name(container))
    elif any(one.value != CAPABILITY for one in capabilities.at("add").items()):
        yield Hit(capabilities.at("add"), name(container))


def _seccomp_pod(spec: View, _: Subject) -> Iterator[Hit]:
    profile = spec.at("securityContext", "seccompProfile")
    if profile.value is not None and profile.at("type").or_("") not in SECCOMP:
        yield Hit(profile.at("type"), POD)


def _seccomp(container: View, subject: Subject) -> Iterator[Hit]:
    profile = container.at("securityContext", "seccompProfile")
    if profile.value is None:
        if pod(subject).at("securityContext", "seccompProfile", "type").or_("") not in SECCOMP:
            yield Hit(profile.at("type"), name(container))
    elif profile.at("type").or_("") not in SECCOMP:
        yield Hit(profile.at("type"), name(container))


def _kinds(volume: View, _: Subject) -> Iterator[Hit]:
    # `host` speaks of hostPath. A volume of no kind is an empty directory to the API server.
    kinds = [key for key, one in volume.entries() if key != "name" and one.raw is not None]
    if any(key not in (*VOLUMES, "hostPath") for key in kinds):
        yield Hit(volume, name(volume))


def _kernel_pod(spec: View, _: Subject) -> Iterator[Hit]:
    context = spec.at("securityContext")
    for one in context.at("sysctls").items():
        if one.at("name").or_("") not in SYSCTLS:
            yield Hit(one.at("name"), f"sysctl {one.at('name').or_('')}")
    yield from _profiles(context, POD)


def _kernel(container: View, _: Subject) -> Iterator[Hit]:
    context = container.at("securityContext")
    if context.at("procMount").or_("Default") != "Default":
        yield Hit(context.at("procMount"), f"procMount {name(container)}")
    yield from _profiles(context, name(container))


def _profiles(context: View, whose: str) -> Iterator[Hit]:
    options = context.at("seLinuxOptions")
    if options.at("type").or_("") not in SELINUX or options.at("user").or_("") or options.at("role").or_(""):
        yield Hit(options, f"seLinuxOptions {whose}")
    profile = context.at("appArmorProfile")
    if profile.value is not None and profile.at("type").or_("") not in APPARMOR:
        yield Hit(profile.at("type"), f"appArmorProfile {whose}")


def _elsewhere(container: View, _: Subject) -> Iterator[Hit]:
    asked = [container.at(probe) for probe in PROBES] + [container.at("lifecycle", hook) for hook in HOOKS]
    for one in asked:
        for way in ("httpGet", "tcpSocket"):
            if one.at(way, "host").or_(""):
                yield Hit(one.at(way, "host"), name(container))
                return


RULES = (
    Rule(
        "privileges",
        Title("Containers run as somebody else than root, and gain nothing", "คอนเทนเนอร์ไม่ใช้สิทธิ์ root และไม่ยกระดับสิทธิ์"),
        ("GC-15", "GC-20"),
        Severity.HIGH,
        WORKLOADS,
        (
            Test("escalation", always(ESCALATION), containers, _escalation),
            Test("root", always(ROOT), itself, _root_pod),
            Test("root", always(ROOT), containers, _root),
            Test("capabilities", always(CAPABILITIES), containers, _capabilities),
        ),
        Title(
            'Set runAsNonRoot: true, allowPrivilegeEscalation: false and capabilities.drop: ["ALL"].',
            'ตั้ง runAsNonRoot: true, allowPrivilegeEscalation: false และ capabilities.drop: ["ALL"]',
        ),
        walls=("restricted",),
        url=PSS,
    ),
    Rule(
        "seccomp",
        Title("Containers run under a seccomp profile", "คอนเทนเนอร์ทำงานภายใต้โปรไฟล์ seccomp"),
        ("GC-16", "GC-20"),
        Severity.HIGH,
        WORKLOADS,
        (
            Test("unfiltered", always(UNFILTERED), itself, _seccomp_pod),
            Test("unfiltered", always(UNFILTERED), containers, _seccomp),
        ),
        Title("Set seccompProfile.type: RuntimeDefault for the pod.", "ตั้ง seccompProfile.type: RuntimeDefault ที่พ็อด"),
        walls=("restricted",),
        url=PSS,
    ),
    Rule(
        "pod-security",
        Title("Pods keep to the rest of the restricted standard", "พ็อดเป็นไปตามมาตรฐาน restricted ส่วนที่เหลือ"),
        ("GC-13", "GC-20"),
        Severity.HIGH,
        WORKLOADS,
        (
            Test("kinds", always(KINDS), volumes, _kinds),
            Test("kernel", always(KERNEL), itself, _kernel_pod),
            Test("kernel", always(KERNEL), containers, _kernel),
            Test("elsewhere", always(ELSEWHERE), containers, _elsewhere),
        ),
        Title(
            "Use claims for storage, and leave kernel settings and hosts of probes out.",
            "ใช้ PVC สำหรับพื้นที่จัดเก็บ และไม่ระบุค่าเคอร์เนลหรือ host ของ probe",
        ),
        walls=("restricted",),
        url=PSS,
    ),
)
