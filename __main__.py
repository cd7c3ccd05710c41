"""The Pulumi program: read what the stack asks for, build it. It is the same under `pulumi up` and `gdcc up`."""

from pathlib import Path

import pulumi

from components.access import TenantRoles
from components.tenant import Tenant, TenantArgs
from gdcc.errors import GdccError
from gdcc.model import StackSettings, load_estate


def main() -> None:
    config = pulumi.Config("gdcc")
    given = {key: config.get(key) for key in StackSettings.model_fields}
    settings = StackSettings.from_config({key: value for key, value in given.items() if value is not None})
    estate = load_estate(Path(__file__).parent, settings)
    roles = TenantRoles("tenant-roles")
    for tenant in estate.tenants:
        Tenant(tenant.id, TenantArgs(tenant, estate.container_defaults, roles.names))
    pulumi.export("tenants", len(estate.tenants))
    pulumi.export("namespaces", sum(len(tenant.quota) for tenant in estate.tenants))


try:
    main()
except GdccError as error:  # under the Pulumi CLI too, a mistake in a file is an answer and not a traceback
    raise pulumi.RunError(f"{error.message}\n{error.hint}".rstrip()) from None
