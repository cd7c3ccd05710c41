"""The Pulumi program: read what the stack asks for, build it. It is the same under `pulumi up` and `gdcc up`."""

from pathlib import Path

import pulumi

from components.access import TenantRoles, TenantRolesArgs
from components.admission import AdmissionWalls, AdmissionWallsArgs
from components.platform import PlatformRoles, PlatformRolesArgs
from components.services import CommonServices, CommonServicesArgs
from components.tenant import Tenant, TenantArgs
from gdcc.errors import GdccError
from gdcc.model import StackSettings, load_estate
from gdcc.network import by_namespace
from gdcc.reach import check, refuse


def main() -> None:
    config = pulumi.Config("gdcc")
    given = {key: config.get(key) for key in StackSettings.model_fields}
    settings = StackSettings.from_config({key: value for key, value in given.items() if value is not None})
    estate = load_estate(Path(__file__).parent, settings)
    refuse(check(estate))  # whoever can reach whom without a zone rule or an agreement that says so
    walls = AdmissionWalls("admission-walls", AdmissionWallsArgs(estate.admission, estate.today))
    PlatformRoles("platform-roles", PlatformRolesArgs(walls.names, f"{pulumi.get_project()}.{pulumi.get_stack()}"))
    roles = TenantRoles("tenant-roles", TenantRolesArgs(estate.admission))
    policies = by_namespace(estate)
    common = CommonServices("services", CommonServicesArgs(estate, settings)) if "services" in settings.layers else None
    for tenant in estate.tenants:
        platform = (estate.container_defaults, estate.admission, roles.names, policies, estate.removals(tenant))
        Tenant(tenant.id, TenantArgs(tenant, *platform, common.gateway.bound_to(tenant) if common else ()))
    pulumi.export("tenants", len(estate.tenants))
    pulumi.export("namespaces", sum(len(tenant.quota) for tenant in estate.tenants))


try:
    main()
except GdccError as error:  # under the Pulumi CLI too, a mistake in a file is an answer and not a traceback
    raise pulumi.RunError(f"{error.message}\n{error.hint}".rstrip()) from None
