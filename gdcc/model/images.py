"""``stacks/platform/images.yaml``: container images of the common services, as the government's registry has them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated

from gdcc.errors import GdccError
from gdcc.model.record import Record
from gdcc.model.types import DnsLabel, FrozenMap, LocalizedName, Text, formed

FILE = "stacks/platform/images.yaml"
Repository = Annotated[
    str,
    formed(
        r"[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+",
        "is no repository",
        "registry and path, without tag or digest",
    ),
]
Digest = Annotated[
    str,
    formed(
        r"sha256:[a-f0-9]{64}", "is no digest", "`sha256:` and 64 digits, as the registry answers when it is pushed"
    ),
]


class Image(Record):
    """อิมเมจหนึ่งรายการ / One image, copied to the government's registry and scanned there."""

    software: LocalizedName
    """ซอฟต์แวร์ / What is in it."""
    version: Text | None = None
    """รุ่น / The version that is wanted; what runs is what the digest names."""
    repository: Repository
    """ตำแหน่งในทะเบียนกลาง / Its place in the government's registry."""
    digest: Digest | None = None
    """digest ที่ทะเบียนตอบเมื่อนำขึ้น / What the registry answered to whoever put it there; nobody else can know it."""

    @property
    def reference(self) -> str | None:
        """As a container names it; None while the digest is not known."""
        return f"{self.repository}@{self.digest}" if self.digest else None


class ImagesFile(Record):
    """``stacks/platform/images.yaml``."""

    images: FrozenMap[DnsLabel, Image]
    """อิมเมจตามชื่อ / By the name that the components know."""


def references(
    images: Mapping[str, Image], needed: Iterable[str], optional: Iterable[str] = (), *, stand_in: bool = False
) -> dict[str, str]:
    """The images that are wanted, as containers name them.

    Args:
        images: those declared, by name.
        needed: without these nothing is built.
        optional: left out of the answer while they are missing.
        stand_in: whether one that is needed and has no digest gets one that names nothing in any registry; so a node
            that pulls images never starts it.

    Raises:
        GdccError: one that is needed is not declared or has no digest; names them all.
    """
    found = {name: image.reference for name, image in images.items() if image.reference}
    if stand_in:
        found = {name: _stand_in(images[name]) for name in needed if name in images} | found
    missing = [name for name in needed if name not in found]
    if missing:
        wanted = ", ".join(f"`{name}`" if name in images else f"`{name}` (not declared)" for name in missing)
        raise GdccError(
            f"{FILE}: no digest yet for {wanted}; the layer `services` runs images by digest only",
            "copy each image to its repository and write the digest that the registry answers, "
            "or take `services` out of gdcc:layers",
        )
    return {name: found[name] for name in (*needed, *optional) if name in found}


def _stand_in(image: Image) -> str:
    digest = hashlib.sha256(f"stands in for {image.repository}".encode()).hexdigest()
    return f"{image.repository}@sha256:{digest}"
