from __future__ import annotations

import json
import random
import subprocess
import time
from typing import Any

import pytest

from gdcc.cluster import Cluster
from tests.checkout import Checkout

pytestmark = pytest.mark.cluster

KILLS = 20


def tenants(cluster: Cluster, applyset: str) -> dict[str, Any]:
    """Every object of the stack as it was asked for, by kind, namespace and name."""
    kinds = "namespaces,resourcequotas,limitranges,serviceaccounts,networkpolicies,rolebindings,clusterroles"
    command = [str(cluster.bin_dir / "kubectl"), f"--kubeconfig={cluster.kubeconfig}", "get", kinds, "-A", "-o", "json"]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["items"]
    kept = {}
    for item in found:
        metadata = item["metadata"]
        if (metadata.get("labels") or {}).get("applyset.kubernetes.io/part-of") != applyset:
            continue
        for name in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
            metadata.pop(name, None)
        item.pop("status", None)
        kept[f"{item['kind']} {metadata.get('namespace', '')}/{metadata['name']}"] = item
    return kept


def members(cluster: Cluster) -> str:
    """The id of the ApplySet that the tenants are in."""
    command = [str(cluster.bin_dir / "kubectl"), f"--kubeconfig={cluster.kubeconfig}", "get", "ns", "-o", "json"]
    found = json.loads(
        subprocess.run([*command, "-l", "gdcc.go.th/agency=ddc"], capture_output=True, check=True).stdout
    )
    (part_of,) = {item["metadata"]["labels"]["applyset.kubernetes.io/part-of"] for item in found["items"]}
    return str(part_of)


def timed(checkout: Checkout) -> float:
    """Seconds that an undisturbed update takes."""
    began = time.monotonic()
    checkout.gdcc("up", "--yes")
    return time.monotonic() - began


def test_an_update_killed_at_twenty_random_points_converges_to_what_an_undisturbed_one_makes(
    cluster: Cluster, checkout: Checkout
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    # Two agencies come and go, so that each run has something to make or to delete.
    guests = {path: path.read_text() for path in (checkout.root / "stacks/agencies/moph").glob("*.yaml")}
    timed(checkout)
    guests.pop(checkout.root / "stacks/agencies/moph/ddc.yaml")
    undisturbed = tenants(cluster, members(cluster))
    assert len(undisturbed) > 50

    def toggle(*, present: bool) -> None:
        for path, text in guests.items():
            path.write_text(text) if present else path.unlink()

    durations = []
    for present in (False, True):
        toggle(present=present)
        durations.append(timed(checkout))
    part_of = members(cluster)
    assert tenants(cluster, part_of) == undisturbed
    killed = 0
    for turn in range(KILLS):
        toggle(present=bool(turn % 2))
        run = checkout.start("up", "--yes")
        time.sleep(chance.uniform(0.7, durations[turn % 2]))
        run.kill()
        run.communicate()
        killed += run.returncode == -9
    assert killed >= KILLS // 2, f"only {killed} runs were killed before they ended; this shows too little"
    checkout.gdcc("up", "--yes")
    assert tenants(cluster, part_of) == undisturbed
    checkout.gdcc("preview", "--expect-no-changes")
    checkout.gdcc("destroy", "--yes")
    assert tenants(cluster, part_of) == {}
