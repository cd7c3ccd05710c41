"""What runs the common services, applied to the real API server, with Pod Security enforced; and gone again."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest

from gdcc.cluster import Cluster
from tests.checkout import Checkout
from tests.services.digests import write_digests

pytestmark = pytest.mark.cluster
SPACES = ("svc-gateway", "svc-identity", "svc-notify", "svc-payment", "svc-esaraban")
PATIENCE = 90
"""Seconds for the controllers to make every pod."""


def items(cluster: Cluster, kind: str, *arguments: str) -> list[dict[str, Any]]:
    command = [str(cluster.bin_dir / "kubectl"), f"--kubeconfig={cluster.kubeconfig}", "get", kind, "-o", "json"]
    done = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)
    return list(json.loads(done.stdout)["items"])


def with_services(checkout: Checkout) -> Checkout:
    settings = checkout.root / "stacks/Pulumi.local.yaml"
    settings.write_text(settings.read_text().replace("    - tenancy\n", "    - tenancy\n    - services\n"))
    return checkout


def test_without_digests_the_layer_is_refused_in_words_before_anything_is_made(
    cluster: Cluster, checkout: Checkout
) -> None:
    done = with_services(checkout).gdcc("up", "--yes", status=1)
    told = done.stdout + done.stderr
    assert "stacks/platform/images.yaml: no digest yet for `gdcc`, `envoy`" in told
    assert "take `services` out of gdcc:layers" in " ".join(told.split())
    assert not {one["metadata"]["name"] for one in items(cluster, "namespaces")} & set(SPACES)
    write_digests(checkout.root)  # `destroy` runs the program too


def test_every_pod_of_the_common_services_is_admitted_and_a_second_run_changes_nothing(
    cluster: Cluster, checkout: Checkout
) -> None:
    write_digests(with_services(checkout).root)
    done = checkout.gdcc("up", "--yes")
    assert "would violate PodSecurity" not in done.stdout + done.stderr
    checkout.gdcc("preview", "--expect-no-changes")
    wanted = {}
    for space in SPACES:
        (one,) = (one for one in items(cluster, "namespaces") if one["metadata"]["name"] == space)
        assert one["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        for kind in ("deployments", "statefulsets"):
            wanted |= {(space, one["metadata"]["name"]): one["spec"]["replicas"]
                       for one in items(cluster, kind, "-n", space)}  # fmt: skip
    assert len(wanted) >= 15
    # The third Keycloak waits for the first: without nodes nothing gets ready, so of a StatefulSet there is one pod.
    deadline, missing = time.monotonic() + PATIENCE, set(wanted)
    while missing and time.monotonic() < deadline:
        pods = [one["metadata"] for space in SPACES for one in items(cluster, "pods", "-n", space)]
        there = {(one["namespace"], one["labels"]["app.kubernetes.io/name"]) for one in pods}
        missing = set(wanted) - there
        time.sleep(0.5)
    refused = [one["message"] for space in SPACES for one in items(cluster, "events", "-n", space)
               if one["reason"] == "FailedCreate"]  # fmt: skip
    assert not missing, f"{missing}: {refused[:3]}"
    assert not refused
    assert not [one for space in SPACES for one in items(cluster, "secrets", "-n", space)]
