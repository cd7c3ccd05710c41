"""Checks of the files themselves: no secret in them, all of them committed, every waiver complete."""

from __future__ import annotations

import math
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gdcc.compliance.check import Check, Observation, Scene
from gdcc.compliance.checks.see import few, verdict
from gdcc.compliance.evidence import State, Target
from gdcc.model import Problem
from gdcc.model.tree import agency_files
from gdcc.model.waivers import FOLDER as WAIVERS
from gdcc.model.waivers import WaiverRegister, waivable

REVIEWED = ("Pulumi.yaml", "__main__.py", "stacks", "components", "gdcc", "policies")
"""What decides what is applied, and what is said of it."""

_PATTERNS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"),
    "an access key": re.compile(
        r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{30,}|\bglpat-[\w-]{20,}|\bxox[abpr]-[\w-]{10,}"
    ),
    "a password in an address": re.compile(r"\b\w+://[^\s/:@]+:[^\s/@]{3,}@"),
    "a secret as a plain value": re.compile(
        r"(?i)\b[\w.-]*(password|passwd|secret|token|api[_-]?key|private[_-]?key)s?[\"']?\s*:\s*[\"']?[^\s\"'{}\[\]|>&]{6,}"
    ),
}
_WORD = re.compile(r"[A-Za-z0-9+/=_-]{24,}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SEALED = re.compile(r"secure:\s*\S+|encryptionsalt:\s*\S+|encryptedkey:\s*\S+")
"""What Pulumi has encrypted."""
_BITS = 4.2
"""Bits of entropy per character above which a word was made by a machine; words of people stay below 4."""


def secrets_in(text: str) -> Iterator[tuple[int, str]]:
    """The lines, from 1, that hold what looks like a secret, and what it looks like; never the secret itself."""
    for number, line in enumerate(text.splitlines(), start=1):
        bare = _SEALED.sub("", _DIGEST.sub("", line))
        name = next((name for name, pattern in _PATTERNS.items() if pattern.search(bare)), None)
        if name is None and any(_entropy(word) > _BITS for word in _WORD.findall(bare)):
            name = "a random word"
        if name:
            yield number, name


def _entropy(word: str) -> float:
    counts = Counter(word)
    return -sum(count / len(word) * math.log2(count / len(word)) for count in counts.values())


def no_plaintext_secret(scene: Scene) -> Iterator[Observation]:
    """Every file that the stack is made of is read; the schemas, which we generate, are left out."""
    owners = {tenant.source: tenant for tenant in scene.estate.tenants}
    folder = scene.root / "stacks"
    for path in sorted(folder.rglob("*.y*ml")):
        file = path.relative_to(scene.root).as_posix()
        said = [
            f"line {number}: {what}" for number, what in secrets_in(path.read_text(encoding="utf-8", errors="replace"))
        ]
        tenant = owners.get(file)
        target = Target(
            kind="file",
            name=file,
            file=file,
            line=int(said[0].split()[1].rstrip(":")) if said else 0,
            ministry=tenant.ministry if tenant else "",
            agency=tenant.agency if tenant else "",
        )
        yield verdict(
            not said, target, "no secret in readable form", few(said) or "none found", "gdcc comply --control GC-11"
        )


def stack_committed(scene: Scene) -> Iterator[Observation]:
    """Nothing that decides what is applied differs from the commit that was reviewed."""
    there = [name for name in REVIEWED if (scene.root / name).exists()]
    command = ["git", "status", "--porcelain", "--", *there]
    target = Target(kind="platform", name="repository")
    expected = "every file that decides what is applied is as committed"
    done = _git(scene.root, *command)
    if done is None:
        yield Observation(State.NOT_RUN, target, expected, "the project is not a git checkout", " ".join(command))
        return
    changed = [line[3:] for line in done.splitlines()]
    yield verdict(not changed, target, expected, few(changed) or "no file differs", " ".join(command))


def waivers_complete(scene: Scene) -> Iterator[Observation]:
    """Each waiver by itself; that there is none is told too."""
    expected, command = (
        "a reason, an approver who is not the author, and an expiry within the longest term",
        "gdcc validate",
    )
    problems: list[Problem] = []
    files = agency_files(scene.root, [])
    controls, today = waivable(scene.root), scene.estate.today
    register = WaiverRegister(files, scene.estate.tenants, controls, today, problems)
    for waiver in register.read(scene.root):
        file = waiver.document.file
        late = [str(problem) for problem in problems if problem.file == file]
        terms = waiver.terms
        said = few(late) or f"{terms.control}, approved by {terms.approver.email}, until {terms.expires}"
        yield verdict(not late, Target(kind="file", name=file, file=file), expected, said, command)
    refused = [str(problem) for problem in problems if problem.severity == "error"]
    count = len(register.documents)
    said = few(refused) or (f"{count} waivers, each complete" if count else "there is no waiver: nothing is excused")
    yield verdict(not refused, Target(kind="platform", name=WAIVERS, file=WAIVERS), expected, said, command)


def _git(root: Path, *command: str) -> str | None:
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


CHECKS = (
    Check("no-plaintext-secret", no_plaintext_secret),
    Check("stack-committed", stack_committed),
    Check("waivers-complete", waivers_complete),
)
