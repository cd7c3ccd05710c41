"""Who can reach whom, proven from the rendered network policies before anything is applied.

What is computed is exact for ``networking.k8s.io/v1`` NetworkPolicy, pod by pod: a flow says which pods (by label) of
which namespaces reach which others on which ports, and which rules of which files open it. What it cannot see is in
`limits`. The way in::

    landscape = survey(estate)                       # flows, with the namespaces' owners
    for part in undeclared(landscape): ...           # reachable, and no zone, request or agreement says so
    refuse(check(estate))                            # the gate of `gdcc up`: raises FindingError with every finding
    Matrix(namespaces, policies).allows(pod, other, "TCP", 8443)

The work grows with the rules that are written, not with the pairs of namespaces: both sides of a connection are indexed
and joined, and what is denied is never looked at.
"""

from gdcc.reach.census import Namespace
from gdcc.reach.check import Finding, check, refuse, undeclared
from gdcc.reach.declared import declarations
from gdcc.reach.difference import Difference, difference
from gdcc.reach.explain import Explanation, explain
from gdcc.reach.landscape import Landscape, survey
from gdcc.reach.ledger import Entry, entries
from gdcc.reach.limits import limits
from gdcc.reach.matrix import OUTSIDE, Flow, Matrix, Part, Pod, Side, Span
from gdcc.reach.policy import Policy

__all__ = [
    "OUTSIDE",
    "Difference",
    "Entry",
    "Explanation",
    "Finding",
    "Flow",
    "Landscape",
    "Matrix",
    "Namespace",
    "Part",
    "Pod",
    "Policy",
    "Side",
    "Span",
    "check",
    "declarations",
    "difference",
    "entries",
    "explain",
    "limits",
    "refuse",
    "survey",
    "undeclared",
]
