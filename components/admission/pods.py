"""What containers may do and must have: the restricted standard, at templates too; read-only roots, limits, tokens.

The counterparts are in `policies.rules.pods` and `policies.rules.containers`.
"""

from __future__ import annotations

from collections.abc import Callable

from components.admission.wall import Check, Matched, Scope, Wall, cel, is_one_of
from components.admission.workload import POD_VARIABLES, PODS, WORKLOADS
from gdcc.model import Admission
from gdcc.model.admission import any_of
from policies.rules import pods
from policies.rules.containers import MOUNTED, UNBOUNDED, WRITABLE

_OF = "container.?securityContext.?{}".format
_KINDS = ["name", "hostPath", *pods.VOLUMES]
"""Of `hostPath` the wall `host` speaks."""
_OF_POD = "variables.pod.?securityContext.?{}".format


def _bad(condition: str, what: str = "container.name") -> str:
    return f"variables.containers.filter(container, {condition}).map(container, {what})"


def _bad_pod(condition: str, what: str = pods.POD) -> str:
    return f"(variables.changed && ({condition}) ? [{cel(what)}] : [])"


def restricted(_: Admission) -> Wall:
    """Kubernetes' own admission judges pods alone, and lets pods for Windows or with user namespaces do more."""
    return Wall(
        "restricted",
        "Pods and templates of pods keep to the restricted standard",
        Scope.TENANTS,
        WORKLOADS,
        (
            Check("escalation", _bad(f"{_OF('allowPrivilegeEscalation')}.orValue(true)"), *pods.ESCALATION),
            Check("root", _root(), *pods.ROOT),
            Check(
                "capabilities",
                _bad(
                    f"!('ALL' in {_OF('capabilities')}.?drop.orValue([]))"
                    f" || {_OF('capabilities')}.?add.orValue([]).exists(one, one != {cel(pods.CAPABILITY)})"
                ),
                *pods.CAPABILITIES,
            ),
            Check("unfiltered", _unfiltered(), *pods.UNFILTERED),
            Check(
                "kinds",
                f"variables.volumes.filter(volume, volume.exists(key, !(key in {cel(_KINDS)})))"
                ".map(volume, volume.name)",
                *pods.KINDS,
            ),
            Check("kernel", _kernel(), *pods.KERNEL),
            Check("elsewhere", _elsewhere(), *pods.ELSEWHERE),
        ),
        POD_VARIABLES,
    )


def read_only_root(_: Admission) -> Wall:
    """What breaks into a container finds nothing that it can change (NSA/CISA C-0017)."""
    return Wall(
        "read-only-root",
        "Containers do not write to their image's files",
        Scope.TENANTS,
        WORKLOADS,
        (Check("writable", _bad(f"!{_OF('readOnlyRootFilesystem')}.orValue(false)"), *WRITABLE),),
        POD_VARIABLES,
    )


def limits(_: Admission) -> Wall:
    """A second line behind the LimitRange that fills limits in; containers for debugging have none by their API."""
    missing = "({0}.?resources.?limits[?{1}].hasValue() ? [] : [{0}.name + ' ' + {1}])".format
    each = f"{missing('container', cel('cpu'))} + {missing('container', cel('memory'))}"
    sized = "variables.pod.containers + variables.pod.?initContainers.orValue([])"
    return Wall(
        "limits",
        "Containers have limits of CPU and memory",
        Scope.TENANTS,
        PODS,
        (
            Check(
                "unbounded",
                f"!variables.changed ? [] : ({sized}).map(container, {each}).flatten()",
                *UNBOUNDED,
            ),
        ),
        POD_VARIABLES,
    )


def tokens(admission: Admission) -> Wall:
    """Whoever runs in a pod is its service account only where the pod says so (CIS Kubernetes 5.1.6)."""
    makers = is_one_of(any_of(admission.administrators, admission.controllers))
    return Wall(
        "tokens",
        "Tokens of service accounts are mounted only where a pod declares it",
        Scope.TENANTS,
        (Matched("", ("serviceaccounts",)),),
        (
            Check(
                "mounted",
                # Kubernetes makes `default` in each namespace, which the platform then sets right.
                f"{makers} || !object.?automountServiceAccountToken.orValue(true) ? [] : [object.metadata.name]",
                *MOUNTED,
            ),
        ),
        {},
    )


def _root() -> str:
    pod = _bad_pod(f"{_OF_POD('runAsUser')}.orValue(1) == 0 || !{_OF_POD('runAsNonRoot')}.orValue(true)")
    inherited = f"{_OF_POD('runAsNonRoot')}.orValue(false)"
    return f"{pod} + {_bad(f'''{_OF('runAsUser')}.orValue(1) == 0 || !{_OF('runAsNonRoot')}.orValue({inherited})''')}"


def _unfiltered() -> str:
    allowed = cel(list(pods.SECCOMP))
    bad = f"{_OF_POD('seccompProfile')}.hasValue() && !({_OF_POD('seccompProfile')}.?type.orValue('') in {allowed})"
    inherited = f"{_OF_POD('seccompProfile')}.?type.orValue('')"
    own = f"{_OF('seccompProfile')}.hasValue() ? {_OF('seccompProfile')}.?type.orValue('') : {inherited}"
    return f"{_bad_pod(bad)} + {_bad(f'!(({own}) in {allowed})')}"


def _kernel() -> str:
    sysctls = (
        f"(!variables.changed ? [] : {_OF_POD('sysctls')}.orValue([])"
        f".filter(one, !(one.name in {cel(list(pods.SYSCTLS))})).map(one, 'sysctl ' + one.name))"
    )
    mount = _bad(f"{_OF('procMount')}.orValue('Default') != 'Default'", "'procMount ' + container.name")
    found = [sysctls, mount]
    for field, bad in (("seLinuxOptions", _selinux), ("appArmorProfile", _apparmor)):
        found += [
            _bad_pod(bad(_OF_POD), f"{field} {pods.POD}"),
            _bad(bad(_OF), f"{cel(f'{field} ')} + container.name"),
        ]
    return " + ".join(found)


def _selinux(of: Callable[[str], str]) -> str:
    options = of("seLinuxOptions")
    return (
        f"!({options}.?type.orValue('') in {cel(list(pods.SELINUX))})"
        f" || {options}.?user.orValue('') != '' || {options}.?role.orValue('') != ''"
    )


def _apparmor(of: Callable[[str], str]) -> str:
    profile = of("appArmorProfile")
    return f"{profile}.hasValue() && !({profile}.?type.orValue('') in {cel(list(pods.APPARMOR))})"


def _elsewhere() -> str:
    asked = [f"container.?{probe}" for probe in pods.PROBES] + [f"container.?lifecycle.?{hook}" for hook in pods.HOOKS]
    hosts = (f"{one}.?{way}.?host.orValue('') != ''" for one in asked for way in ("httpGet", "tcpSocket"))
    return _bad(" || ".join(hosts))
