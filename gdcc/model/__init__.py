"""What is asked of the cloud: typed, frozen models of every file under ``stacks/``, and the only reader of YAML.

The way in is `load_settings` and `load_estate`; everything wrong in the files arrives at once in one `StackError`::

    root = project_root()
    estate = load_estate(root, load_settings(root, "local"))
    for tenant in estate.tenants:
        print(tenant.id, tenant.zone.name, {env.value: str(quota.cpu) for env, quota in tenant.quota.items()})
"""

from gdcc.model.admission import Admission
from gdcc.model.agency import AgencyRequest, Impact, Kind
from gdcc.model.agreement import State
from gdcc.model.binding import Binding, asked_bindings, bindings, by_tenant
from gdcc.model.estate import Agreement, Estate, Removal, Tenant, Tombstone
from gdcc.model.platform import ContainerDefaults, Pool, Quota
from gdcc.model.problems import Problem, Severity, StackError
from gdcc.model.quantity import Bytes, Cpu
from gdcc.model.service import Plan, PlanName, Service
from gdcc.model.stack import Layer, StackSettings, load_settings, read_stack_file
from gdcc.model.survey import Validation, load_estate, validate
from gdcc.model.types import Contact, DataClass, Environment, Level, LocalizedName
from gdcc.model.zone import Zone

__all__ = [
    "Admission",
    "AgencyRequest",
    "Agreement",
    "Binding",
    "Bytes",
    "Contact",
    "ContainerDefaults",
    "Cpu",
    "DataClass",
    "Environment",
    "Estate",
    "Impact",
    "Kind",
    "Layer",
    "Level",
    "LocalizedName",
    "Plan",
    "PlanName",
    "Pool",
    "Problem",
    "Quota",
    "Removal",
    "Service",
    "Severity",
    "StackError",
    "StackSettings",
    "State",
    "Tenant",
    "Tombstone",
    "Validation",
    "Zone",
    "asked_bindings",
    "bindings",
    "by_tenant",
    "load_estate",
    "load_settings",
    "read_stack_file",
    "validate",
]
