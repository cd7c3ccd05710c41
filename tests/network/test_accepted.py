"""The API server itself has the last word on what a network policy may say."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import replace
from itertools import chain

import pytest

from gdcc.cluster import Cluster
from gdcc.model import Estate
from gdcc.network import inward, render
from gdcc.network.services import of_services

from .test_properties import REAL, spread

NARROW = 24


def awkward(seed: int) -> Estate:
    """Zones with many holes at their edges and inside each other, and holes that nearly cover them."""
    dice = random.Random(seed)
    protected = tuple({f"10.{64 + dice.randrange(16)}.{dice.randrange(0, 256, 4)}.0/{NARROW - 2}" for _ in range(40)})
    zones = {
        name: zone.model_copy(
            update={"cidrs": ("10.64.0.0/12", f"10.{64 + dice.randrange(16)}.0.0/16"), "tenants": True}
        )
        for name, zone in REAL.zones.items()
    }
    return replace(spread(2), zones=zones, protected=(*protected, "10.64.0.0/13", "169.254.0.0/16"))


@pytest.mark.cluster
def test_every_policy_is_accepted_as_it_stands(cluster: Cluster) -> None:
    estates = [replace(estate, operators=("cloudnative-pg",)) for estate in (REAL, *map(awkward, range(10)))]
    specs = {
        json.dumps(policy.spec)
        for estate in estates
        for policy in (*render(estate), *inward(estate), *chain(*of_services(estate).values()))
        if policy.kind == "NetworkPolicy"
    }
    assert len(specs) > 120
    items = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"policy-{number}", "namespace": "default"},
            "spec": json.loads(spec),
        }
        for number, spec in enumerate(sorted(specs))
    ]
    command = [str(cluster.bin_dir / "kubectl"), f"--kubeconfig={cluster.kubeconfig}"]
    answer = subprocess.run(
        [*command, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"],
        input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("serverside-applied") == len(items)
