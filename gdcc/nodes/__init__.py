"""Kubernetes nodes below Kubernetes: test hosts to harden, and the checks of what is in force on a node."""
