"""Checks of what is asked for, of what is live, and of the control plane; the catalogue ties them to controls.

None changes anything: what would change is asked as a dry run, and what would be created is looked for instead.
"""

from gdcc.compliance.check import Check
from gdcc.compliance.checks import access, drift, files, logs, people, places, requests, rights, sealing, tls
from gdcc.compliance.checks.drift import KUBECONFIG
from gdcc.compliance.checks.plane import STATE
from gdcc.nodes.evidence import NODE_CHECKS
from policies.live import CHECKS as RULES

__all__ = ["CHECKS", "KUBECONFIG", "STATE"]

_PARTS = (requests, files, drift, rights, places, access, people, sealing, tls, logs)

CHECKS: tuple[Check, ...] = (*(check for part in _PARTS for check in part.CHECKS), *RULES, *NODE_CHECKS)
"""Every check there is, those of the rules in `policies` and of nodes too; each id once."""
