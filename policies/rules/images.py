"""Where images come from, and where they are pinned to a digest (CIS Kubernetes 5.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gdcc.compliance.catalogue import Severity
from gdcc.model import Admission
from gdcc.model.admission import AGENCY
from policies.rules.rule import Hit, Refusal, Rule, Subject, Test, Title, always
from policies.rules.view import View
from policies.rules.workload import WORKLOADS, containers, name, volumes

DIGEST = "@sha256:[a-f0-9]{64}"
WITHIN = rf"^(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?({DIGEST})?$"
"""What follows a repository: path, tag and digest as the OCI distribution specification writes them."""

STRANGERS = Refusal(
    "not an image of the government's registry", "push it there and use its name", "ให้นำอิมเมจขึ้นทะเบียนกลางแล้วใช้ชื่อนั้น"
)
CACHED = Refusal(
    "containers that may run from a node's cache", "set imagePullPolicy: Always", "ให้ตั้ง imagePullPolicy: Always"
)


def unpinned(admission: Admission) -> Refusal:
    """For environments in which an image is named by its digest."""
    where = " and ".join(environment.value for environment in admission.images.digests)
    return Refusal(
        "not pinned to a digest", f"in {where} name it with its digest, image@sha256:...", "ให้ระบุ digest ของอิมเมจ"
    )


def _images(subject: Subject) -> Iterator[View]:
    yield from (container.at("image") for container in containers(subject))
    yield from (volume.at("image", "reference") for volume in volumes(subject) if volume.at("image").value is not None)


def _repositories(subject: Subject) -> tuple[str, ...]:
    agency = subject.place.label("agency")
    return tuple(written.replace(AGENCY, agency) for written in subject.admission.images.repositories)


def _strange(image: View, subject: Subject) -> Iterator[Hit]:
    written = str(image.or_(""))
    for repository in _repositories(subject):
        if written.startswith(f"{repository}/") and re.search(_whole(WITHIN), written[len(repository) :]):
            return
    yield Hit(image, written)


def _unpinned(image: View, subject: Subject) -> Iterator[Hit]:
    if subject.place.label("environment") not in {one.value for one in subject.admission.images.digests}:
        return
    written = str(image.or_(""))
    if not re.search(_whole(f"{DIGEST}$"), written):
        yield Hit(image, written)


def _whole(expression: str) -> str:
    """With `$` as in RE2: at the very end, never before a last line break."""
    return expression.removesuffix("$") + r"\Z"


def _cached(container: View, _: Subject) -> Iterator[Hit]:
    policy = container.at("imagePullPolicy")
    if policy.or_("") != "Always":
        yield Hit(policy, name(container))


RULES = (
    Rule(
        "images",
        Title("Images come from the government's registry", "อิมเมจมาจากทะเบียนกลางของภาครัฐ"),
        ("GC-19", "GC-20"),
        Severity.HIGH,
        WORKLOADS,
        (Test("strangers", always(STRANGERS), _images, _strange, _repositories),),
        Title(
            "Push the image to the government's registry, scan it there, and name it by that registry.",
            "นำอิมเมจขึ้นทะเบียนกลาง ตรวจหาช่องโหว่ แล้วอ้างชื่อจากทะเบียนนั้น",
        ),
        walls=("images",),
    ),
    Rule(
        "digests",
        Title("Images are pinned to a digest where it matters", "อิมเมจระบุ digest ในสภาพแวดล้อมสำคัญ"),
        ("GC-19", "GC-20"),
        Severity.HIGH,
        WORKLOADS,
        (Test("unpinned", unpinned, _images, _unpinned),),
        Title("Name the image with its digest: image@sha256:...", "ระบุอิมเมจด้วย digest: image@sha256:..."),
        walls=("images",),
    ),
    Rule(
        "pull",
        Title("Images are always pulled, so that each pod needs the right to its image", "ดึงอิมเมจใหม่ทุกครั้งตามสิทธิ์"),
        ("GC-19", "GC-20"),
        Severity.MEDIUM,
        frozenset({"Pod"}),
        (Test("cached", always(CACHED), containers, _cached),),
        Title("Set imagePullPolicy: Always.", "ตั้ง imagePullPolicy: Always"),
        walls=("pull",),
        only_stored=True,
    ),
)
