"""Ways in: services stay inside the cluster, and host names stay inside the tenant's domains.

No two tenants have a domain in common (`gdcc.model.admission.collisions`), so a name inside one's own is nobody else's.
"""

from __future__ import annotations

from components.admission.wall import Check, Matched, Scope, Wall, cel
from components.labels import DOMAINS
from gdcc.model import Admission

_GATEWAY = "gateway.networking.k8s.io"
ROUTES = ("grpcroutes", "httproutes", "tlsroutes")
"""Routes of the Gateway API that carry host names."""
OTHER_ROUTES = ("tcproutes", "udproutes")
"""Routes that take a whole port of a shared gateway: they name no host, so they are refused."""
_FOREIGN = "!variables.domains.exists(domain, host == domain || host.endsWith('.' + domain))"
"""CEL: whether `host` is not in the namespace's domains."""


def services(admission: Admission) -> Wall:
    """A Service selects pods of its namespace and is reached inside the cluster."""
    types = list(admission.service_types)
    return Wall(
        "services",
        "Services stay inside the cluster",
        Scope.TENANTS,
        (Matched("", ("services",)),),
        (
            Check(
                "addresses",
                "object.spec.?externalIPs.orValue([])"
                " + ['externalName', 'loadBalancerIP', 'loadBalancerClass'].filter(field,"
                " dyn(object.spec)[?field].orValue('') != '')",
                "addresses that lead traffic elsewhere (CVE-2020-8554)",
                "remove them; to reach another agency or system, ask for an agreement in stacks/agreements/",
                "ห้ามใช้ที่อยู่ภายนอก ให้ขอข้อตกลง",
            ),
            Check(
                "types",
                f"object.spec.?type.orValue('ClusterIP') in {cel(types)} ? [] : [object.spec.type]",
                "not a type of Service for tenants",
                f"use {' or '.join(types)}, and an Ingress or HTTPRoute for traffic from outside",
                "ใช้ ClusterIP และให้ภายนอกเข้าทาง Ingress",
            ),
            _annotations(admission),
        ),
        {},
    )


def hostnames(admission: Admission) -> Wall:
    """Ingresses and routes: every rule names a host of the tenant, on a gateway for tenants."""
    return Wall(
        "hostnames",
        "Host names are inside the tenant's own domains",
        Scope.TENANTS,
        (Matched("networking.k8s.io", ("ingresses",)), Matched(_GATEWAY, (*ROUTES, *OTHER_ROUTES))),
        (
            Check(
                "foreign_hosts",
                f"variables.hosts.filter(host, {_FOREIGN}).map(host, host == '' ? 'every host' : host)"
                f" + variables.certificates.filter(hosts, hosts.exists(host, {_FOREIGN})).map(hosts, hosts.join(' '))",
                "host names that are not yours",
                "use a name in the domains of this namespace",
                "ใช้ได้เฉพาะชื่อในโดเมนของหน่วยงาน",
                "variables.domains",
            ),
            Check(
                "ways_in",
                "object.kind == 'Ingress'"
                f" ? (dyn(object).spec.?ingressClassName.orValue('') in {cel(list(admission.classes.ingress))}"
                " ? [] : ['class ' + dyn(object).spec.?ingressClassName.orValue('not set')])"
                " : variables.parents.filter(parent, !("
                f"parent in {cel(list(admission.classes.gateways))}))",
                "not a way in for tenants",
                f"use one of the classes {', '.join(admission.classes.ingress)},"
                f" or one of the gateways {', '.join(admission.classes.gateways) or 'none'}",
                "เลือก class หรือ gateway ที่กำหนด",
            ),
            _annotations(admission),
        ),
        {
            "domains": f"namespaceObject.metadata.?annotations[?{cel(DOMAINS)}].orValue('')"
            ".split(',').filter(domain, domain != '')",
            # A rule without a host, a default backend, a route without names: each answers to every name.
            "hosts": "object.kind == 'Ingress'"
            " ? dyn(object).spec.?rules.orValue([]).map(rule, rule.?host.orValue(''))"
            " + (has(dyn(object).spec.defaultBackend) ? [''] : [])"
            " : size(dyn(object).spec.?hostnames.orValue([])) == 0 ? [''] : dyn(object).spec.hostnames",
            "certificates": "object.kind == 'Ingress'"
            " ? dyn(object).spec.?tls.orValue([]).map(one, one.?hosts.orValue([])) : []",
            "parents": "dyn(object).spec.?parentRefs.orValue([]).map(parent,"
            " parent.?namespace.orValue('this namespace') + '/' + parent.name)",
        },
    )


def _annotations(admission: Admission) -> Check:
    expressions = [f"^({expression})$" for expression in admission.hostnames.forbidden_annotations]
    return Check(
        "misleading",
        f"object.metadata.?annotations.orValue({{}}).filter(key, {cel(expressions)}"
        ".exists(expression, key.lowerAscii().matches(expression)))",
        "annotations that change a shared gateway or name servers",
        "remove them; ask the platform team for what they were to do",
        "ห้ามใช้คำอธิบายประกอบนี้ ให้ติดต่อทีมแพลตฟอร์ม",
    )
