"""A container's root: this machine's own files, not to be written, with the pod's volumes in their places.

The overlay and all mounts are in the mount namespace of the container's own process: when it ends, however it ends,
nothing stays mounted.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LIMITS = ("--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs")


@dataclass(frozen=True)
class Root:
    """What a container sees.

    Attributes:
        folder: of this container, for the overlay's own needs.
        places: folders of this machine by where they are in there; those that may be written are in `writable`.
        seen: files and folders of this machine that its user must reach at their own path.
        user: user and group id.
    """

    folder: Path
    places: Mapping[str, Path]
    writable: frozenset[str]
    seen: Sequence[Path]
    user: int

    def script(self, command: Sequence[str], path: str) -> str:
        """A shell script that becomes the container's program; run it in a mount namespace of its own, as root.

        It is a script since mounts must be made in that namespace, before the program and in its process.

        Args:
            command: the program and its arguments, as in there.
            path: PATH in there.
        """
        over, root = self.folder / "over", self.folder / "root"
        lines = [
            "set -eu",
            "umask 022",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            _said("mkdir", "-p", over, root),
            _said("mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", over),
            _said("mkdir", over / "upper", over / "work"),
            _said("mount", "-t", "overlay", "overlay", "-o",
                  f"lowerdir=/,upperdir={over}/upper,workdir={over}/work", root),
            *(_said("mount", "--rbind", f"/{one}", root / one) for one in ("proc", "dev", "sys")),
        ]  # fmt: skip
        # Outer places first, so that one inside another is not hidden by it.
        for place, source in sorted(self.places.items()):
            lines += self._bind(root, place, source)
        for each in self.seen:
            lines += [*self._bind(root, str(each), each), *_opened(root, each)]
        lines += [
            _said("mount", "-o", "remount,ro", root),
            f"export PATH={shlex.quote(path)}",
            "exec " + _said("/usr/sbin/chroot", root, "/usr/bin/setpriv", "--pdeathsig", "TERM",
                            "--reuid", self.user, "--regid", self.user, *_LIMITS, "--", *command),
        ]  # fmt: skip
        return "\n".join(lines) + "\n"

    def _bind(self, root: Path, place: str, source: Path) -> list[str]:
        target = f"{root}{place}"
        make = _said("touch", target) if source.is_file() else _said("mkdir", "-p", target)
        lines = [f"[ -e {shlex.quote(target)} ] || {make}", _said("mount", "--bind", source, target)]
        if place in self.writable:
            return lines
        return [*lines, _said("mount", "-o", "remount,ro,bind", target)]


def _opened(root: Path, path: Path) -> list[str]:
    """Folders above that only their owner may pass are opened in there; on this machine itself they stay closed."""
    closed = [one for one in reversed(path.parents) if one.exists() and not one.stat().st_mode & 0o001]
    return [_said("chmod", "o+x", f"{root}{one}") for one in closed]


def _said(*words: object) -> str:
    return shlex.join(str(word) for word in words)
