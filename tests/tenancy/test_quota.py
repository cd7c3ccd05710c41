from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gdcc.cluster import Cluster
from tests.checkout import Checkout
from tests.escape.attack import Request
from tests.escape.identities import with_certificate

pytestmark = pytest.mark.cluster

RACERS = 40


def test_parallel_requests_together_cannot_exceed_a_quota(cluster: Cluster, checkout: Checkout, tmp_path: Path) -> None:
    """Claims are counted by the quota; forty at once ask for more than half of it is left."""
    checkout.gdcc("up", "--yes")
    kubectl = [str(cluster.bin_dir / "kubectl"), f"--kubeconfig={cluster.kubeconfig}"]

    def get(*arguments: str) -> str:
        return subprocess.run([*kubectl, *arguments], check=True, capture_output=True, text=True).stdout

    found = json.loads(get("get", "ns", "-l", "gdcc.go.th/agency=ddc,gdcc.go.th/environment=dev", "-o", "json"))
    namespace = found["items"][0]["metadata"]["name"]
    hard = json.loads(get("get", "resourcequota", "-n", namespace, "quota", "-o", "json"))["spec"]["hard"]
    assert hard["requests.storage"] == "1Ti"
    each, fitting = 100, 10  # GiB, and how many of them fit into 1 TiB
    actor = with_certificate(cluster, tmp_path, "somchai", "gdcc:ddc:tenant-admin")

    def ask(number: int) -> int:
        body = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": f"claim-{number}"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "standard",
                "resources": {"requests": {"storage": f"{each}Gi"}},
            },
        }
        path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
        return actor._call(Request("POST", path, body), path)[0]

    try:
        with ThreadPoolExecutor(RACERS) as pool:
            answers = list(pool.map(ask, range(RACERS)))
        made = len(json.loads(get("get", "pvc", "-n", namespace, "-o", "json"))["items"])
        assert answers.count(201) == made
        assert 1 <= made <= fitting
        assert answers.count(403) >= RACERS - fitting
    finally:
        get("delete", "pvc", "-n", namespace, "--all", "--wait=true")
