"""Pods share nothing with the machine they run on (Pod Security Standards, baseline; CIS Kubernetes 5.2)."""

from __future__ import annotations

from collections.abc import Iterator

from gdcc.compliance.catalogue import Severity
from policies.rules.rule import PSS, Hit, Refusal, Rule, Subject, Test, Title, always
from policies.rules.view import View
from policies.rules.workload import WORKLOADS, containers, itself, name, volumes

FLAGS = ("hostNetwork", "hostPID", "hostIPC")
SHARED = Refusal(
    "pods share nothing with their host",
    "remove it; for files use a PersistentVolumeClaim, for traffic a Service",
    "ห้ามใช้ทรัพยากรของเครื่อง ให้ใช้ PVC หรือ Service",
)
HOST_PORTS = Refusal(
    "containers with a port of their host",
    "remove hostPort and reach the pod through a Service",
    "ห้ามใช้ hostPort ให้ใช้ Service",
)
PRIVILEGED = Refusal("privileged containers", "remove privileged: true", "ห้ามใช้ privileged")


def _flags(pod: View, _: Subject) -> Iterator[Hit]:
    for flag in FLAGS:
        if pod.at(flag).or_(False):
            yield Hit(pod.at(flag), flag)


def _paths(volume: View, _: Subject) -> Iterator[Hit]:
    if volume.at("hostPath").value is not None:
        yield Hit(volume.at("hostPath"), f"hostPath {name(volume)}")


def _ports(container: View, _: Subject) -> Iterator[Hit]:
    for port in container.at("ports").items():
        if port.at("hostPort").or_(0) != 0:
            yield Hit(port.at("hostPort"), name(container))
            return


def _privileged(container: View, _: Subject) -> Iterator[Hit]:
    flag = container.at("securityContext", "privileged")
    if flag.or_(False):
        yield Hit(flag, name(container))


RULES = (
    Rule(
        "host",
        Title("Pods share nothing with their host", "พ็อดไม่ใช้ทรัพยากรร่วมกับเครื่อง"),
        ("GC-14", "GC-20"),
        Severity.CRITICAL,
        WORKLOADS,
        (
            Test("shared", always(SHARED), itself, _flags),
            Test("shared", always(SHARED), volumes, _paths),
            Test("host_ports", always(HOST_PORTS), containers, _ports),
            Test("privileged", always(PRIVILEGED), containers, _privileged),
        ),
        Title(
            "Remove host namespaces, hostPath, hostPort and privileged; use claims and Services.",
            "ลบ host namespace, hostPath, hostPort และ privileged แล้วใช้ PVC และ Service",
        ),
        walls=("host",),
        url=PSS,
    ),
)
