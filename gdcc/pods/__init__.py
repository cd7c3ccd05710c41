"""Pods of a cluster run as processes of this machine, each in namespaces of its own: for the proof on one machine.

The nodes of the local control plane are played by kwok, so no container of a pod runs there. This package takes pods as
the API server has them and does what a kubelet would: mounts their ConfigMaps, Secrets and claims where they say, gives
each an address and the names of the Services, runs their containers in order with their arguments and variables, as
their user, without capabilities and on a root that cannot be written, and asks their readiness probes.

What is not as on a node: in place of an image stands this machine's own software (`gdcc.pods.images`), one pod of each
workload runs, nothing holds them to their CPU and memory, and no network policy is enforced. It needs root.
"""

from gdcc.pods.machine import Machine
from gdcc.pods.pod import Pod

__all__ = ["Machine", "Pod"]
