"""An attack as data: who sends which request, what it is about, and which walls stand in its way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

WORDS: Mapping[str, str] = {
    "pod-security": r'violates PodSecurity "restricted',
    "quota": r"exceeded quota: quota",
    "limits": r"maximum (cpu|memory) usage per Container",
    "node-restriction": r"is not allowed to|node .* cannot|is not allowed to modify",
    "authentication": r"Unauthorized",
    "front-proxy": r'User "somchai" cannot',
    "allow-privileged": r"privileged: Forbidden: disallowed by cluster policy",
    "rbac": r"cannot [\w:-]+ resource|not permitted to approve|attempting to grant RBAC permissions",
}
"""How the walls that are part of Kubernetes say no; ours say their name."""


@dataclass(frozen=True)
class Request:
    """One call of the API; writes are dry runs, which pass every wall and leave nothing behind."""

    method: Method
    path: str
    body: Mapping[str, Any] | None = None
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Path and query."""
        if self.method == "GET":
            return self.path
        apply = "&fieldManager=attacker&force=true" if self.content_type == APPLY else ""
        return f"{self.path}?dryRun=All{apply}"


@dataclass(frozen=True)
class Attack:
    """One way out that somebody might try.

    Attributes:
        name: a sentence, with hyphens.
        reference: the advisory, benchmark check or pitfall; `own` for our ideas.
        actor: one of `identities.ACTORS`.
        walls: each of them alone refuses it, in the order in which the API server comes to them.
        says: words of the refusal that tell what to do.
        after: walls that are lifted the whole time, because they would mend the request before it is judged.
        twin: for a wall that is built into the API server: the same request without what is wrong with it, which has to
            pass in place of the attack without walls.
    """

    name: str
    reference: str
    actor: str
    request: Request
    walls: tuple[str, ...]
    says: str = ""
    after: tuple[str, ...] = ()
    twin: Request | None = None


def attempt(actor: str, name: str, request: Request, *walls: str, says: str = "") -> Attack:
    """An attack of our own devising."""
    return Attack(name, "own", actor, request, walls, says)


@dataclass(frozen=True)
class Answer:
    """What the API server said."""

    status: int
    message: str

    @property
    def done(self) -> bool:
        """Whether the attack succeeded."""
        return 200 <= self.status < 300

    def refused_by(self, wall: str) -> bool:
        """Whether that wall said no."""
        if self.done or "resulted in error" in self.message:  # refused, but not for what the wall is about
            return False
        own = re.escape(f"ValidatingAdmissionPolicy '{wall}' with binding '{wall}' denied request: ")
        return bool(re.search(WORDS.get(wall, own), self.message))
