"""The ID service's realm as typed data, and how Keycloak is brought to it.

`realm` says what should be; `gdcc identity sync` (a Job in the cluster, a command for people) makes it so through
Keycloak's Admin API, and puts each application's key into its tenant's Secret::

    desired = realm(estate.identity, bindings(estate))
    steps = plan(server, secrets, desired, now)
    apply(steps)
"""

from gdcc.identity.plan import apply, plan
from gdcc.identity.realm import Realm, ServiceBinding, realm
from gdcc.identity.secrets import KubernetesSecrets, Secrets
from gdcc.identity.server import Server
from gdcc.identity.step import Step

__all__ = ["KubernetesSecrets", "Realm", "Secrets", "Server", "ServiceBinding", "Step", "apply", "plan", "realm"]
