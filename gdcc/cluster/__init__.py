"""The local control plane: real etcd, API server, controller manager and scheduler, and nodes that kwok plays."""

from gdcc.cluster.control_plane import Cluster
from gdcc.cluster.convergence import down, up
from gdcc.cluster.health import Status, status

__all__ = ["Cluster", "Status", "down", "status", "up"]
