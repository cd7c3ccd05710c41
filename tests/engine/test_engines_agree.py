"""Nothing in the program knows which engine runs it: under Pulumi's plain mocks it registers what `gdcc up` applies.

What stands in for the Pulumi CLI here is the SDK's own mock monitor; reviewers run the CLI itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from gdcc.cluster import Cluster
from tests.checkout import Checkout

pytestmark = pytest.mark.cluster

_UNDER_MOCKS = """
import asyncio, json, runpy, sys
import pulumi
from pulumi.runtime import mocks, set_all_config

class Recorder(mocks.Mocks):
    def __init__(self):
        self.manifests = []
    def new_resource(self, args):
        if args.typ.startswith("kubernetes:"):
            self.manifests.append(args.inputs)
        return args.name, args.inputs
    def call(self, args):
        return {}

recorder = Recorder()
asyncio.set_event_loop(asyncio.new_event_loop())
project = open("Pulumi.yaml").readline().removeprefix("name: ").strip()
mocks.set_mocks(recorder, project=project, stack="local", preview=False)
set_all_config({"gdcc:agencies": '["*"]', "gdcc:layers": '["tenancy"]', "gdcc:disposable": "true"})
mocks.test(lambda: runpy.run_path(".", run_name="__main__") and None)()
json.dump(recorder.manifests, sys.stdout)
"""


def under_mocks(checkout: Checkout) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", _UNDER_MOCKS], cwd=checkout.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    manifests: list[dict[str, Any]] = json.loads(done.stdout)
    return manifests


def name_of(manifest: dict[str, Any]) -> str:
    metadata = manifest["metadata"]
    return f"{manifest['kind']} {metadata.get('namespace', '')}/{metadata['name']}"


def test_the_manifests_registered_through_plain_mocks_are_those_the_embedded_engine_applied(
    cluster: Cluster, checkout: Checkout
) -> None:
    registered = {name_of(manifest): manifest for manifest in under_mocks(checkout)}
    assert len(registered) > 50
    checkout.gdcc("up", "--yes")
    kinds = ",".join(sorted({f"{manifest['kind'].lower()}" for manifest in registered.values()}))
    kubectl = [str(cluster.bin_dir / "kubectl"), f"--kubeconfig={cluster.kubeconfig}", "get", kinds, "-A", "-o", "json"]
    kubectl.append("--show-managed-fields")
    live = json.loads(subprocess.run(kubectl, capture_output=True, check=True).stdout)["items"]
    applied = {
        name_of(item): item for item in live if "engine.gdcc.go.th/urn" in item["metadata"].get("annotations", {})
    }
    assert applied.keys() == registered.keys()
    for name, manifest in registered.items():
        expected = json.loads(json.dumps(manifest))
        owned = owned_by_gdcc(applied[name])
        owned["metadata"].setdefault("annotations", {}).pop("engine.gdcc.go.th/urn")
        owned["metadata"]["labels"].pop("applyset.kubernetes.io/part-of")
        if not owned["metadata"]["annotations"]:
            owned["metadata"].pop("annotations")
        assert owned == expected, name


def owned_by_gdcc(item: dict[str, Any]) -> dict[str, Any]:
    """What the field manager `gdcc` applied of an object: the fields that it owns, with their live values."""
    (entry,) = [each for each in item["metadata"]["managedFields"] if each["manager"] == "gdcc"]
    kept: dict[str, Any] = owned(item, entry["fieldsV1"])
    metadata = {key: item["metadata"][key] for key in ("name", "namespace") if key in item["metadata"]}
    kept["metadata"] = {**kept.get("metadata", {}), **metadata}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], **kept}


def owned(value: Any, fields: dict[str, Any]) -> Any:
    inner = {key: below for key, below in fields.items() if key != "."}
    if not inner:
        return value
    if isinstance(value, dict):
        return {key.removeprefix("f:"): owned(value[key.removeprefix("f:")], below) for key, below in inner.items()}
    kept = []
    for item in value:  # in the order of what is live
        for key, below in inner.items():
            form, _, text = key.partition(":")
            wanted = json.loads(text)
            if form == "v" and item == wanted:
                kept.append(item)
            elif form == "k" and all(item.get(name) == part for name, part in wanted.items()):
                kept.append(owned(item, below))
    return kept
