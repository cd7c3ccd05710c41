"""A tenant goes only under a tombstone, by a path of states that finishes; with the real command on a real cluster."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from gdcc.cluster import Cluster
from tests.checkout import Checkout

pytestmark = pytest.mark.cluster

MODELINE = "# yaml-language-server: $schema=../schema/tombstone.schema.json\n"


class Ministry:
    """Two agencies in a stack whose tenants are protected, and the platform's view of the cluster."""

    def __init__(self, cluster: Cluster, checkout: Checkout) -> None:
        self.cluster = cluster
        self.checkout = checkout
        self.request = checkout.root / "stacks/agencies/moph/dms.yaml"
        asked = self.request.read_text()
        self.tenant = next(line for line in asked.splitlines() if line.startswith("tenant: ")).split()[1]
        self.tombstone = checkout.root / f"stacks/tombstones/{self.tenant}.yaml"

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        command = [str(self.cluster.bin_dir / "kubectl"), f"--kubeconfig={self.cluster.kubeconfig}", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=stdin).stdout

    def namespaces(self) -> set[str]:
        listed = self.kubectl("get", "ns", "-l", f"gdcc.go.th/tenant={self.tenant}", "-o", "name")
        return {line.removeprefix("namespace/") for line in listed.split()}

    def freeze(self, until: date) -> None:
        why = f"frozen: {{reason: {{th: เลิกใช้, en: Leaving}}, by: order 1/2569, until: {until}}}\n"
        self.request.write_text(self.request.read_text() + why)

    def bury(self, *, environments: str = "") -> None:
        """A tombstone in force today: everything that it needs happened in the last ten days."""
        today = date.today()

        def ago(days: int) -> date:
            return today - timedelta(days=days)

        text = (
            f"{MODELINE}agency: dms\nreason: {{th: เลิกใช้, en: Leaving}}\nauthor: writer@dms.go.th.example\n"
            f"{environments}"
            f"drained: {ago(10)}\nbackup: {{reference: vault 7, taken: {ago(9)}, restored: {ago(8)}}}\n"
            f"retain_until: {ago(1)}\nexpires: {today + timedelta(days=30)}\n"
        )
        self.tombstone.parent.mkdir(exist_ok=True)
        self.tombstone.write_text(text)
        content = self.checkout.gdcc("offboard", "hash", str(self.tombstone)).stdout.strip()
        approvals = [
            f"  - {{name: {name}, email: {name}@gdcc.go.th.example, approved: {ago(7)}, content: '{content}'}}\n"
            for name in ("ciso", "dcio")
        ]
        self.tombstone.write_text(text + "approvals:\n" + "".join(approvals))

    def coming(self) -> str:
        answer = json.loads(self.checkout.gdcc("offboard", "show", "dms", "--json").stdout)
        return str(answer["next"])


@pytest.fixture
def ministry(cluster: Cluster, tmp_path: Path) -> Iterator[Ministry]:
    root = tmp_path / "checkout"
    root.mkdir()
    checkout = Checkout.make(root, "moph/dms", "moph/fda", project=f"p{uuid.uuid4().hex[:8]}", disposable=False)
    checkout.environment["KUBECONFIG"] = str(cluster.kubeconfig)
    made = Ministry(cluster, checkout)
    checkout.gdcc("up", "--yes")
    assert len(made.namespaces()) == 3
    yield made
    made.tombstone.unlink(missing_ok=True)
    for name in made.namespaces():
        made.kubectl("delete", "pods,deployments", "--all", "-n", name, "--force", "--grace-period=0")
        made.kubectl("delete", "configmaps,pvc", "-l", "made-by=dms", "-n", name)
    checkout.destroy()


def test_a_request_that_is_removed_without_a_tombstone_changes_nothing(ministry: Ministry) -> None:
    ministry.request.rename(ministry.request.with_suffix(".gone"))
    ministry.request.with_suffix(".gone").rename(ministry.checkout.root / "dms.yaml")
    for verb in (["preview"], ["up", "--yes"], ["destroy", "--yes"]):
        told = ministry.checkout.gdcc(*verb, status=1).stderr
        for name in ministry.namespaces():
            assert f"Namespace {name}" in told
        assert "is protected, and this run would delete it" in told
        assert "gdcc offboard" in told
    assert len(ministry.namespaces()) == 3
    (ministry.checkout.root / "dms.yaml").rename(ministry.request)
    ministry.checkout.gdcc("preview", "--expect-no-changes")


def test_not_even_an_administrator_deletes_a_tenants_namespace_by_hand(ministry: Ministry) -> None:
    name, told = f"{ministry.tenant}-dev", ""
    deadline = time.monotonic() + 10  # the API server needs a moment to notice a wall that was just made
    while not told and time.monotonic() < deadline:
        try:
            ministry.kubectl("delete", "namespace", name, "--dry-run=server")
        except subprocess.CalledProcessError as refused:
            told = refused.stderr
    assert "goes only under a tombstone" in told
    with pytest.raises(subprocess.CalledProcessError):
        ministry.kubectl("delete", "namespace", name)
    assert name in ministry.namespaces()


def test_an_environment_that_is_taken_out_without_a_tombstone_stays(ministry: Ministry) -> None:
    text = ministry.request.read_text()
    asked = next(line for line in text.splitlines() if line.startswith("environments: "))
    ministry.request.write_text(text.replace(asked, asked.replace("dev, ", "")))
    assert f"Namespace {ministry.tenant}-dev" in ministry.checkout.gdcc("up", "--yes", status=1).stderr
    ministry.bury(environments="environments: [dev]\n")
    ministry.request.write_text(text)
    ministry.checkout.gdcc("up", "--yes")
    ministry.request.write_text(text.replace(asked, asked.replace("dev, ", "")))
    ministry.checkout.gdcc("up", "--yes")
    assert ministry.namespaces() == {f"{ministry.tenant}-uat", f"{ministry.tenant}-prod"}
    ministry.checkout.gdcc("preview", "--expect-no-changes")


def test_a_tenant_leaves_by_the_whole_path_and_its_id_is_never_used_again(ministry: Ministry) -> None:
    checkout, prod = ministry.checkout, f"{ministry.tenant}-prod"
    assert ministry.coming() == "frozen"
    ministry.freeze(date.today() + timedelta(days=60))
    checkout.gdcc("up", "--yes")
    assert ministry.coming() == "drained"
    ministry.kubectl("apply", "-f", "-", "-n", prod, stdin=json.dumps(THEIRS))
    ministry.bury()
    assert ministry.coming() == "deleted"
    assert "remove stacks/agencies/moph/dms.yaml" in checkout.gdcc("offboard", "show", "dms").stdout
    lifted = json.loads(checkout.gdcc("up", "--yes", "--json").stdout)["steps"]
    assert {(step["op"], step["newState"]["id"]) for step in lifted} == {
        ("update", name) for name in ministry.namespaces()
    }
    shown = checkout.gdcc("offboard", "show", "dms", "--live").stdout
    assert "3 of its namespaces, 1 pods" in shown
    assert "[>] drained" in shown, "the file says so, and the cluster says otherwise"
    asked = ministry.request.read_text()
    ministry.request.unlink()
    told = checkout.gdcc("up", "--yes", status=1).stderr
    assert f"Namespace {prod}: is not drained (1 Pod): Pod web" in told
    assert "Scale its workloads to nothing" in told
    assert len(ministry.namespaces()) == 3
    ministry.kubectl("delete", "pod", "web", "-n", prod, "--force", "--grace-period=0")
    checkout.gdcc("up", "--yes")
    assert ministry.namespaces() == set()
    checkout.gdcc("preview", "--expect-no-changes")
    ministry.tombstone.write_text(ministry.tombstone.read_text() + f"deleted: {date.today()}\n")
    assert json.loads(checkout.gdcc("offboard", "--json").stdout)[0]["stage"] == "deleted"
    ministry.request.write_text(asked)
    assert "ids are never used again" in checkout.gdcc("up", "--yes", status=1).stderr
    ministry.request.unlink()


def test_a_tombstone_that_expires_before_the_deletion_stops_it(ministry: Ministry) -> None:
    ministry.freeze(date.today() + timedelta(days=60))
    ministry.bury()
    ministry.checkout.gdcc("up", "--yes")
    ministry.request.rename(ministry.checkout.root / "dms.yaml")
    for name in ministry.namespaces():  # as if the run that lifted the protection were long ago
        ministry.kubectl("annotate", "ns", name, "gdcc.go.th/tombstone-expires=2026-01-01", "--overwrite")
    told = ministry.checkout.gdcc("up", "--yes", status=1).stderr
    assert "the tombstone that gives it up expired on 2026-01-01" in told
    assert len(ministry.namespaces()) == 3
    (ministry.checkout.root / "dms.yaml").rename(ministry.request)


def test_a_tombstone_taken_back_protects_again(ministry: Ministry) -> None:
    ministry.freeze(date.today() + timedelta(days=60))
    ministry.bury()
    ministry.checkout.gdcc("up", "--yes")
    ministry.tombstone.unlink()
    ministry.checkout.gdcc("up", "--yes")
    ministry.request.rename(ministry.checkout.root / "dms.yaml")
    assert "is protected" in ministry.checkout.gdcc("up", "--yes", status=1).stderr
    (ministry.checkout.root / "dms.yaml").rename(ministry.request)


SECURE = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {
        "containers": [
            {
                "name": "web",
                "image": "registry.gdcc.go.th.example/dms/web:1@sha256:" + "0" * 64,
                "imagePullPolicy": "Always",
                "securityContext": SECURE,
            }
        ]
    },
}
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data", "labels": {"made-by": "dms"}},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "standard",
        "resources": {"requests": {"storage": "1Gi"}},
    },
}
NOTES = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "notes", "labels": {"made-by": "dms"}},
    "data": {"a": "b"},
}
THEIRS = {"apiVersion": "v1", "kind": "List", "items": [POD, CLAIM, NOTES]}
