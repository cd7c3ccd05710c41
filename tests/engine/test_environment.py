"""What the environment may do to a user: each time one clear error, exit code 2, and nothing changed."""

from __future__ import annotations

import datetime
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gdcc.cluster import Cluster
from tests.checkout import Checkout
from tests.identities import client_certificate

pytestmark = pytest.mark.cluster


def kubeconfig(cluster: Cluster, path: Path, **user: str) -> str:
    """A kubeconfig for the same cluster as somebody else."""
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"][0]["user"] = {name.replace("_", "-"): value for name, value in user.items()}
    path.write_text(yaml.safe_dump(config))
    return str(path)


def kubeconfig_of(cluster: Cluster, folder: Path, name: str, **certificate: datetime.timedelta) -> str:
    """A kubeconfig for the same cluster as a user whom its authority vouches for."""
    pem = str(client_certificate(cluster, folder, name, **certificate))
    return kubeconfig(cluster, folder / "config", client_certificate=pem, client_key=pem)


@pytest.fixture
def untouched(cluster: Cluster) -> Iterator[None]:
    """Insists that the cluster's tenants are after the test what they were before."""

    def names() -> Any:
        command = [str(cluster.bin_dir / "kubectl"), f"--kubeconfig={cluster.kubeconfig}", "get", "ns", "-o", "name"]
        found = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        return set(found.split()) - {"namespace/gdcc-system"}  # the engine's own, made to wait for the lock

    before = names()
    yield
    assert names() == before


@pytest.fixture
def elsewhere(tmp_path: Path) -> Checkout:
    """The program in a folder of its own, with no cluster named yet."""
    root = tmp_path / "elsewhere"
    root.mkdir()
    return Checkout.make(root, "moph/ddc")


def test_no_cluster_is_named_with_how_to_start_one(elsewhere: Checkout) -> None:
    said = elsewhere.gdcc("up", "--yes", status=2).stderr
    assert "there is no local control plane" in said
    assert "gdcc cluster up" in said


def test_a_cluster_that_does_not_answer_is_named_by_its_address(
    cluster: Cluster, elsewhere: Checkout, tmp_path: Path
) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    elsewhere.environment["KUBECONFIG"] = str(tmp_path / "config")
    said = elsewhere.gdcc("preview", status=2).stderr
    assert "no answer from the API server https://127.0.0.1:9" in said
    assert "gdcc cluster status" in said


def test_a_context_that_the_kubeconfig_lacks_is_named(elsewhere: Checkout, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n")
    elsewhere.environment["KUBECONFIG"] = str(tmp_path / "config")
    assert "gdcc-local" in elsewhere.gdcc("preview", status=2).stderr


def test_a_kubeconfig_that_skips_tls_verification_is_refused(
    cluster: Cluster, elsewhere: Checkout, tmp_path: Path
) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    entry = config["clusters"][0]["cluster"]
    config["clusters"][0]["cluster"] = {"server": entry["server"], "insecure-skip-tls-verify": True}
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    elsewhere.environment["KUBECONFIG"] = str(tmp_path / "config")
    assert "turns off TLS verification" in elsewhere.gdcc("preview", status=2).stderr


@pytest.mark.usefixtures("untouched")
def test_expired_credentials_are_called_so(cluster: Cluster, elsewhere: Checkout, tmp_path: Path) -> None:
    yesterday = -datetime.timedelta(days=1)
    elsewhere.environment["KUBECONFIG"] = kubeconfig_of(cluster, tmp_path, "somchai", ends_in=yesterday)
    said = elsewhere.gdcc("up", "--yes", status=2).stderr
    assert "does not accept these credentials (401 Unauthorized)" in said
    assert "expired" in said


@pytest.mark.usefixtures("untouched")
def test_what_rbac_forbids_is_named_by_verb_and_resource(cluster: Cluster, elsewhere: Checkout, tmp_path: Path) -> None:
    elsewhere.environment["KUBECONFIG"] = kubeconfig_of(cluster, tmp_path, "somchai")
    said = elsewhere.gdcc("up", "--yes", status=2).stderr
    assert 'User "somchai" cannot' in said
    assert 'resource "' in said


@pytest.mark.usefixtures("untouched")
def test_a_reader_learns_which_writes_are_forbidden_before_anything_changes(
    cluster: Cluster, elsewhere: Checkout, tmp_path: Path
) -> None:
    kubectl = [str(cluster.bin_dir / "kubectl"), f"--kubeconfig={cluster.kubeconfig}"]
    rule = ["create", "clusterrole", "reads-all", "--verb=get,list,watch", "--resource=*.*"]
    subprocess.run([*kubectl, *rule], check=True, capture_output=True)
    bind = ["create", "clusterrolebinding", "reads-all", "--clusterrole=reads-all", "--user=reader"]
    subprocess.run([*kubectl, *bind], check=True, capture_output=True)
    try:
        elsewhere.environment["KUBECONFIG"] = kubeconfig_of(cluster, tmp_path, "reader")
        said = elsewhere.gdcc("up", "--yes", status=2).stderr
    finally:
        for kind in ("clusterrolebinding", "clusterrole"):
            subprocess.run([*kubectl, "delete", kind, "reads-all"], check=True, capture_output=True)
    assert 'User "reader" cannot patch resource "namespaces" in API group ""' in said
    assert "more like it" in said
    assert "nothing was changed" in said


@pytest.mark.usefixtures("untouched")
def test_a_full_disk_is_named_and_nothing_is_changed(checkout: Checkout) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full, a device that is always full")
    with full.open("w") as out:
        done = subprocess.run(
            checkout.command("up", "--yes"),
            cwd=checkout.root,
            env=checkout.env(),
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_nobody_to_confirm_means_that_nothing_is_done(checkout: Checkout) -> None:
    said = checkout.gdcc("up", status=2).stderr
    assert "--yes" in said
    assert json.loads(checkout.gdcc("preview", "--json").stdout)["changeSummary"].keys() == {"create"}


def test_a_mistake_in_a_stack_file_is_told_with_its_place_and_nothing_is_changed(checkout: Checkout) -> None:
    checkout.gdcc("up", "--yes")
    file = checkout.root / "stacks/agencies/moph/ddc.yaml"
    text = file.read_text()
    file.write_text(text.replace("zone: ", "zone: x"))
    line = next(at for at, each in enumerate(text.splitlines(), 1) if each.startswith("zone: "))
    said = checkout.gdcc("up", "--yes", status=1).stderr
    assert f"stacks/agencies/moph/ddc.yaml:{line}:" in said
    file.write_text(text)
    checkout.gdcc("preview", "--expect-no-changes")


def test_an_unknown_stack_is_answered_with_those_there_are(elsewhere: Checkout) -> None:
    said = elsewhere.gdcc("preview", "--stack", "prod", status=2).stderr
    assert "stacks/Pulumi.prod.yaml does not exist" in said
    assert "local" in said


def test_a_usage_error_is_words_and_exit_code_two(elsewhere: Checkout) -> None:
    assert "--nonsense" in elsewhere.gdcc("up", "--nonsense", status=2).stderr
