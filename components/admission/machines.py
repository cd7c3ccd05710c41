"""Machines: pods stay out of their host, in their own pool, and choose only among the classes for tenants."""

from __future__ import annotations

from components.admission.wall import WRITES, Check, Matched, Scope, Wall, cel, is_one_of, namespace_label
from components.admission.workload import POD_VARIABLES, WORKLOADS
from gdcc.model import Admission
from gdcc.model.admission import any_of
from policies.rules.host import FLAGS, HOST_PORTS, PRIVILEGED, SHARED
from policies.rules.placement import CLASSES, OTHER_POOLS, PINNED, classed, tolerated


def host(_: Admission) -> Wall:
    """A second line behind Pod Security, which one label or exemption turns off; and refusals already at templates."""
    asked = " + ".join(f"(variables.pod.?{flag}.orValue(false) ? [{cel(flag)}] : [])" for flag in FLAGS)
    return Wall(
        "host",
        "Pods share nothing with their host",
        Scope.TENANTS,
        WORKLOADS,
        (
            Check(
                "shared",
                f"!variables.changed ? [] : {asked}"
                " + variables.volumes.filter(volume, has(volume.hostPath)).map(volume, 'hostPath ' + volume.name)",
                *SHARED,
            ),
            Check(
                "host_ports",
                "variables.containers.filter(container, container.?ports.orValue([])"
                ".exists(port, port.?hostPort.orValue(0) != 0)).map(container, container.name)",
                *HOST_PORTS,
            ),
            Check(
                "privileged",
                "variables.containers.filter(container,"
                " container.?securityContext.?privileged.orValue(false)).map(container, container.name)",
                *PRIVILEGED,
            ),
        ),
        POD_VARIABLES,
    )


def placement(admission: Admission) -> Wall:
    """Which nodes a pod may be on: those of its tenant's pool, chosen by the scheduler."""
    place, key = admission.placement, cel(admission.placement.pool_key)
    reserved = f"({{0}} == {key} || {{0}}.startsWith('node-role.kubernetes.io/'))".format
    affinity = "variables.pod.?affinity.?nodeAffinity"
    return Wall(
        "placement",
        "Pods run on their tenant's pool, where the scheduler puts them",
        Scope.TENANTS,
        WORKLOADS,
        (
            Check(
                "pinned",
                "!variables.changed ? [] : (request.operation == 'UPDATE' || variables.pod.?nodeName.orValue('') == ''"
                " ? [] : ['nodeName ' + variables.pod.nodeName])"
                " + (variables.pod.?schedulerName.orValue('default-scheduler') == 'default-scheduler'"
                " ? [] : ['schedulerName ' + variables.pod.schedulerName])",
                *PINNED,
            ),
            Check(
                "other_pools",
                "!variables.changed ? [] : variables.pod.?nodeSelector.orValue({}).filter(key,"
                f" {reserved('key')} && !(key == {key} && variables.pod.nodeSelector[key] == variables.pool))"
                " + variables.terms.filter(term, term.?matchExpressions.orValue([])"
                f".exists(one, {reserved('one.key')})).map(term, 'nodeAffinity')",
                *OTHER_POOLS,
            ),
            Check(
                "tolerated",
                "!variables.changed ? [] : variables.pod.?tolerations.orValue([]).filter(toleration,"
                f" !(toleration.?key.orValue('') in {cel(list(place.tolerations))}"
                f" || toleration.?key.orValue('') == {key} && toleration.?operator.orValue('Equal') == 'Equal'"
                " && toleration.?value.orValue('') == variables.pool))"
                ".map(toleration, toleration.?key.orValue('every taint') + '=' + toleration.?value.orValue('*'))",
                *tolerated(admission),
            ),
        ),
        {
            **POD_VARIABLES,
            "pool": namespace_label("pool"),
            "terms": f"({affinity}.?requiredDuringSchedulingIgnoredDuringExecution.?nodeSelectorTerms.orValue([])"
            f" + {affinity}.?preferredDuringSchedulingIgnoredDuringExecution.orValue([]).map(one, one.preference))",
        },
    )


def classes(admission: Admission) -> Wall:
    """Priority and runtime: who is evicted for whom, and what stands between a container and the kernel."""
    allowed = {field: names(admission) for field, names in CLASSES.items()}
    return Wall(
        "classes",
        "Pods take only the priority and runtime classes for tenants",
        Scope.TENANTS,
        WORKLOADS,
        tuple(
            Check(
                field.lower(),
                f"!variables.changed || variables.pod.?{field}.orValue('') in {cel(['', *names])}"
                f" ? [] : [variables.pod.{field}]",
                *classed(field)(admission),
            )
            for field, names in allowed.items()
        ),
        POD_VARIABLES,
    )


def nodes(admission: Admission) -> Wall:
    """A kubelet writes its own node: it must not say which pool it is in, or it draws another tenant's pods to it."""
    key = admission.placement.pool_key
    labels = "{}.?metadata.?labels[?{}].orValue('')".format
    taints = "{}.?spec.?taints.orValue([]).filter(taint, taint.key == {}).map(taint, taint.?value.orValue(''))".format
    return Wall(
        "nodes",
        "Only the platform says which pool a node is in",
        Scope.CLUSTER,
        (Matched("", ("nodes", "nodes/status"), WRITES),),
        (
            Check(
                "moved",
                f"{is_one_of(any_of(admission.administrators, admission.deployers))} ? [] :"
                f" (({labels('object', cel(key))} == variables.label ? [] : ['label ' + {labels('object', cel(key))}])"
                f" + ({taints('object', cel(key))} == variables.taints ? [] : ['taint ' + {cel(key)}]))",
                "the pool of a node is the platform's to say",
                f"let the platform team set {key} when the node has been checked",
                "กลุ่มของเครื่องกำหนดโดยแพลตฟอร์ม",
            ),
        ),
        {
            "label": f"oldObject == null ? '' : {labels('oldObject', cel(key))}",
            "taints": f"oldObject == null ? [] : {taints('oldObject', cel(key))}",
        },
    )
