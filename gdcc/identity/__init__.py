"""The ID service's realm as typed data, and how Keycloak is brought to it.

`realm` says what should be; `gdcc identity sync` (a Job in the cluster, a command for people) makes it so through
Keycloak's Admin API, and puts each application's key into its tenant's Secret::

    desired = realm(estate.identity, bindings(estate))
    steps = plan(server, secrets, desired, now)  # gdcc.identity.plan
    apply(steps)

The program that says what should be imports this package, so the sync (`plan`, `secrets`, `server`) is not loaded here.
"""

from gdcc.identity.realm import Realm, ServiceBinding, realm

__all__ = ["Realm", "ServiceBinding", "realm"]
