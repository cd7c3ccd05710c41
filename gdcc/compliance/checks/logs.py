"""Checks of the audit log: what it covers, how long it is kept, who reads it, and whom it names."""

from __future__ import annotations

import stat
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gdcc.cluster.config import HEALTH_PATHS
from gdcc.cluster.members import APISERVER
from gdcc.compliance.check import Check, Observation, Scene, Unreachable
from gdcc.compliance.checks.parameters import FILE, parameters
from gdcc.compliance.checks.plane import Plane, on_plane, tail
from gdcc.compliance.checks.see import Stranger, cluster, few, verdict
from gdcc.compliance.evidence import State

_AGE, _POLICY, _PATH = "audit-log-maxage", "audit-policy-file", "audit-log-path"
_PATIENCE = 5.0
"""Seconds for an event to reach the log; it is written when the answer is."""
_LEVELS = ("None", "Metadata", "Request", "RequestResponse")
_SECRET_RESOURCES = ("secrets", "configmaps", "serviceaccounts/token")
_QUESTIONS = tuple(
    (verb, resource, group)
    for verb in ("get", "list", "create", "update", "patch", "delete")
    for resource, group in (
        *((each, "") for each in ("pods", "pods/exec", "namespaces", "persistentvolumeclaims", *_SECRET_RESOURCES)),
        ("deployments", "apps"),
        ("networkpolicies", "networking.k8s.io"),
        ("rolebindings", "rbac.authorization.k8s.io"),
        ("validatingadmissionpolicies", "admissionregistration.k8s.io"),
    )
)
"""Access by a person or a workload that must be in the log."""


@on_plane("all access by people and workloads is logged", f"the file of --{_POLICY}")
def audit_policy(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """The policy of the running server, asked about each kind of access: the first rule that fits decides."""
    policy = plane.file(_POLICY) or {}
    said = [] if plane.flag(_PATH) else [f"no --{_PATH}: nothing is written"]
    for verb, resource, group in _QUESTIONS:
        level = level_of(policy, verb, resource, group)
        if level == "None":
            said.append(f"{verb} {resource} is not logged")
        elif resource in _SECRET_RESOURCES and level != "Metadata":
            said.append(f"{verb} {resource} is logged with its content ({level})")
    yield verdict(
        not said,
        cluster(scene, APISERVER),
        "all access by people and workloads is logged; of Secrets, ConfigMaps and tokens, metadata only",
        few(said) or f"{len(_QUESTIONS)} kinds of access are logged",
        f"the file of --{_POLICY}",
    )


def level_of(policy: Mapping[str, Any], verb: str, resource: str, group: str) -> str:
    """The level at which a person's access is logged, by the first rule that fits; `None` when none does."""
    for rule in policy.get("rules") or ():
        if rule.get("users") or rule.get("userGroups") or rule.get("namespaces") or rule.get("nonResourceURLs"):
            continue  # about somebody, or somewhere, else: a person's access must be logged without it
        if rule.get("verbs") and verb not in rule["verbs"] and "*" not in rule["verbs"]:
            continue
        wanted = rule.get("resources")
        if not wanted or any(_fits(each, resource, group) for each in wanted):
            return str(rule["level"])
    return "None"


def _fits(entry: Mapping[str, Any], resource: str, group: str) -> bool:
    names = entry.get("resources") or ()
    parts = {"*", resource, f"*/{resource.partition('/')[2]}", f"{resource.partition('/')[0]}/*"}
    return (
        entry.get("group", "") == group and not entry.get("resourceNames") and (not names or bool(parts & set(names)))
    )


@on_plane("a request is in the log a moment later", f"tail the file of --{_PATH}")
def audit_event_written(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """Asks for a Secret that is not there, and looks for the question in the log."""
    path, name = plane.flag(_PATH), f"gdcc-comply-{uuid.uuid4().hex}"
    if isinstance(scene.api, Unreachable):  # `on_plane` has seen to it
        return
    began = time.monotonic()
    Stranger(scene.api, "gdcc-comply-probe", ("system:authenticated",)).request(
        "GET", f"/api/v1/namespaces/default/secrets/{name}"
    )
    event: dict[str, Any] = {}
    while path and not event and time.monotonic() - began < _PATIENCE:
        if Path(path).is_file():
            event = next((each for each in tail(Path(path)) if name in str(each.get("requestURI"))), {})
        if not event:
            time.sleep(0.1)
    yield verdict(
        bool(event) and event.get("level") == "Metadata",
        cluster(scene, APISERVER),
        "a refused request for a Secret is in the audit log, with metadata only",
        f"{event['verb']} of a Secret, answer {event['responseStatus']['code']}, level {event['level']}"
        if event
        else f"no event within {_PATIENCE:.0f} s",
        f"tail the file of --{_PATH}",
    )


@on_plane("kept for the minimum", f"ps -o args -C kube-apiserver | grep {_AGE}")
def audit_retention_minimum(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """The age at which files are deleted, and that no number of files ends them sooner."""
    least = parameters(scene.root).log_retention_days.minimum
    days, most = int(plane.flag(_AGE) or 0), int(plane.flag("audit-log-maxbackup") or 0)
    room = int(plane.flag("audit-log-maxsize") or 100) * most
    # An age of 0 keeps files for ever; a number of 0 keeps all of them.
    said = f"--{_AGE}={days}, " + (f"at most {most} files, {room} MB" if most else "any number of files")
    full = _kept_full(plane, most)
    yield verdict(
        (days == 0 or days >= least) and not full and bool(plane.flag(_PATH)),
        cluster(scene, APISERVER),
        f"the audit log is kept for at least {least} days, and files are not deleted sooner for their number",
        f"{said}; {full}" if full else said,
        "ps -o args -C kube-apiserver",
    )


def _kept_full(plane: Plane, most: int) -> str:
    """Whether all files that may be kept are there already: then the oldest goes before its time."""
    path = Path(plane.flag(_PATH) or plane.layout.audit_log)
    kept = sorted(path.parent.glob(f"{path.stem}-*"))
    return f"all {most} files are in use, so the oldest goes first" if most and len(kept) >= most else ""


@on_plane("shipped off the node", "ps -o args -C kube-apiserver | grep audit-webhook")
def audit_off_node(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """Whether the API server itself sends its events away; a log agent cannot be seen from here."""
    target, expected = cluster(scene, APISERVER), "audit events are kept off the machine too"
    command, webhook = "ps -o args -C kube-apiserver", plane.flag("audit-webhook-config-file")
    if webhook:
        yield verdict(
            Path(webhook).is_file(), target, expected, f"--audit-webhook-config-file={Path(webhook).name}", command
        )
        return
    reason = "the API server sends its log nowhere; a person has to show the agent that ships the file, if there is one"
    yield Observation(State.MANUAL, target, expected, reason, command)


@on_plane("deleted at the documented maximum", f"ps -o args -C kube-apiserver | grep {_AGE}")
def audit_retention_maximum(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """Logs hold personal data: they are not kept for ever."""
    most, days = parameters(scene.root).log_retention_days.maximum, int(plane.flag(_AGE) or 0)
    yield verdict(
        0 < days <= most,
        cluster(scene, APISERVER),
        f"the audit log is deleted within {most} days ({FILE})",
        f"--{_AGE}={days}" if days else "kept for ever",
        "ps -o args -C kube-apiserver",
    )


@on_plane("readable to the API server's own user only", f"ls -l of --{_PATH}")
def audit_log_restricted(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """Files and folder belong to the server's user and to nobody else; the API gives them to nobody."""
    path = Path(plane.flag(_PATH) or plane.layout.audit_log)
    said = []
    for each in (path.parent, *sorted(path.parent.glob(f"{path.stem}*"))):
        if (mode := stat.S_IMODE(each.stat().st_mode)) & 0o077:
            said.append(f"{each.name} is {mode:04o}")
    if not isinstance(scene.api, Unreachable):
        member = Stranger(scene.api, "gdcc-comply-probe", ("system:authenticated",))
        status, _ = member.request("GET", "/logs/")
        said += [] if status in (401, 403, 404) else [f"/logs/ answers {status} to anybody who has signed in"]
    yield verdict(
        not said,
        cluster(scene, APISERVER),
        "the audit log and its folder are readable to the API server's user only, and through the API to nobody",
        few(said) or f"{path.name} is 0600 in a folder that is 0700; /logs/ answers {status}",
        f"ls -l {path.parent.name}",
    )


@on_plane("tampering shows", "look at where the log is shipped")
def audit_log_tamper_evidence(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """A file on one machine can be changed by that machine's administrator, and nothing here shows it."""
    target, expected = cluster(scene, APISERVER), "a change to what was logged is found"
    reason = "a file proves nothing against its machine's administrator; a person has to look at the write-once store"
    yield Observation(State.MANUAL, target, expected, reason, f"compare {Path(plane.flag(_PATH)).name} with the store")


@on_plane("every event names who acted", f"the file of --{_PATH}")
def audit_individuals(scene: Scene, plane: Plane) -> Iterator[Observation]:
    """Who is named in the newest events; nobody acts without a name, an address and a time."""
    path = Path(plane.flag(_PATH) or plane.layout.audit_log)
    target, expected = (
        cluster(scene, APISERVER),
        "every event names a user, an address and a time; nobody anonymous does more than ask for health",
    )
    command = f"jq .user.username {path.name}"
    events = list(tail(path)) if path.is_file() else []
    if not events:
        yield Observation(State.NOT_RUN, target, expected, "the log holds no event yet", command)
        return
    users = {(event.get("user") or {}).get("username", "") for event in events}
    nameless = [event for event in events if not _complete(event)]
    people = sorted(user for user in users if not user.startswith("system:"))
    said = [f"{event.get('verb')} {event.get('requestURI')}" for event in nameless]
    yield verdict(
        not said,
        target,
        expected,
        few(said) or f"{len(events)} events by {len(users)} users; not parts of Kubernetes: {few(people)}",
        command,
    )


def _complete(event: Mapping[str, Any]) -> bool:
    user = (event.get("user") or {}).get("username", "")
    refused = (event.get("responseStatus") or {}).get("code") in (401, 403)
    well = str(event.get("requestURI")).startswith(HEALTH_PATHS)
    # Anybody may ask whether the server is well; of an attempt that was refused, an address is all that is known.
    known = refused or well or user not in ("", "system:anonymous")
    return bool(known and event.get("sourceIPs") and event.get("stageTimestamp"))


CHECKS = (
    Check("audit-policy", audit_policy),
    Check("audit-event-written", audit_event_written),
    Check("audit-retention-minimum", audit_retention_minimum),
    Check("audit-off-node", audit_off_node),
    Check("audit-retention-maximum", audit_retention_maximum),
    Check("audit-log-restricted", audit_log_restricted),
    Check("audit-log-tamper-evidence", audit_log_tamper_evidence),
    Check("audit-individuals", audit_individuals),
)
