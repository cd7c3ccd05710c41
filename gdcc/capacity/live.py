"""What a cluster has granted: the quotas that are live in tenants' namespaces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from kubernetes.utils import parse_quantity

from gdcc.engine.api import Api, Kind, served_or_raise
from gdcc.model.solvency import Amounts

_TENANT = "gdcc.go.th/tenant"
_HARD = {"cpu": ("requests.cpu", 1000), "memory": ("requests.memory", 1), "storage": ("requests.storage", 1)}
"""Per resource the key in a ResourceQuota, and how many of our units one of Kubernetes' is."""


def granted(api: Api) -> Mapping[str, Amounts]:
    """Live quotas summed by tenant id.

    Raises:
        GdccError: the cluster does not answer, or refuses.
    """
    totals: dict[str, Amounts] = defaultdict(lambda: dict.fromkeys(_HARD, 0))
    for quota in api.list(served_or_raise(api, Kind("v1", "ResourceQuota")), selector=_TENANT):
        total = totals[quota["metadata"]["labels"][_TENANT]]
        for resource, (key, unit) in _HARD.items():
            total[resource] += int(parse_quantity(quota["spec"].get("hard", {}).get(key, "0")) * unit)
    return dict(totals)
