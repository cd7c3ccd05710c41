"""A check that no rule about one namespace is: roles for credentials, wherever they are bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gdcc.compliance.check import Observation, Scene
from gdcc.compliance.evidence import State, Target
from gdcc.network.gateway import backend, sync_account
from policies.guarding import on_cluster
from policies.objects import Ground, Objects, shown
from policies.rules.rights import CREDENTIAL, MAKER


@on_cluster(
    "roles for credentials are bound where they are for", "kubectl get rolebindings,clusterrolebindings -A -o yaml"
)
def credential_bindings(_: Scene, ground: Ground, live: Objects) -> Iterator[Observation]:
    """Whoever is bound to such a role writes Secrets: only a service's own program, only where it is for."""
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for each in live.every(kind):
            named, where = str(each["roleRef"]["name"]), str(each["metadata"].get("namespace", ""))
            prefix = next((one for one in (CREDENTIAL, MAKER) if named.startswith(one)), "")
            if not prefix:
                continue
            service, of_tenants = named.removeprefix(prefix), prefix == CREDENTIAL
            space, account = sync_account(service) if of_tenants else (backend(service), "credentials")
            right = where in ground.owned if of_tenants else where == space
            strangers = _strangers(each, space, account)
            wrong = [*([] if right else ["where it is not for"]), *(f"to {one}" for one in strangers)]
            yield Observation(
                State.FAIL if wrong else State.PASS,
                Target(kind="object", name=shown(each)),
                f"bound to the account {account} of {space} alone, in {'a tenant' if of_tenants else space}",
                f"bound {', '.join(wrong)}" if wrong else "it is",
                f"kubectl get {kind.lower()} {each['metadata']['name']} {f'-n {where} ' if where else ''}-o yaml",
            )


def _strangers(binding: Mapping[str, Any], space: str, account: str) -> list[str]:
    return [
        f"{subject['kind']} {subject['name']}"
        for subject in binding.get("subjects") or ()
        if (subject["kind"], subject.get("namespace"), subject["name"]) != ("ServiceAccount", space, account)
    ]
