"""The files that make a test host a Kubernetes node, laid out as kubeadm does."""

from __future__ import annotations

import base64
import json
from typing import Any

from gdcc.nodes.archive import NAME
from gdcc.nodes.layout import HostFiles

PODS = "10.244.1.0/24"
"""The addresses of the node's pods."""

TAINT = "gdcc.go.th/test-host"
"""Pods that run on the node tolerate it."""

SERVER = "kubernetes"
"""What the node calls the API server: a name of its certificate, which has no address of ours. The kubelet leaves
`tls-server-name` out of the kubeconfig that it writes."""

OWN_DISK = ("containerd", "kubelet")
"""Folders of /var/lib on a disk of their own: containerd cannot stack its overlays on the host's overlay."""

KERNEL = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1}
"""The values of the kernel that the kubelet wants (`protectKernelDefaults`), by file of /proc/sys."""

_KERNEL_LINES = "\n".join(
    f"echo {value} > /run/gdcc-kernel/{name.replace('/', '.')}\n"
    f"mount --bind /run/gdcc-kernel/{name.replace('/', '.')} /proc/sys/{name}"
    for name, value in KERNEL.items()
)

DELEGATION = f"""\
#!/bin/sh
# What a host of its own has and a container has not: control groups that it may divide, and a kernel of its own. The
# kernel is this machine's and its values are not to be set from here: the kubelet is shown those that it wants.
set -eu
for group in /sys/fs/cgroup/*; do
    mount -o remount,bind,rw "$group"
    mkdir -p "$group/$(hostname)"
done
mkdir -p /run/gdcc-kernel
{_KERNEL_LINES}
"""

_DELEGATION_UNIT = """\
[Unit]
Description=What a host of its own has and a container has not
Before=containerd.service kubelet.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /usr/local/lib/gdcc-delegation

[Install]
WantedBy=multi-user.target
"""

_KUBELET_UNIT = """\
[Unit]
Description=kubelet: The Kubernetes Node Agent
Wants=network-online.target
After=network-online.target containerd.service

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=1

[Install]
WantedBy=multi-user.target
"""

# As kubeadm's 10-kubeadm.conf; KUBELET_EXTRA_ARGS is what the role kubelet sets.
_KUBELET_DROP_IN = """\
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
Environment="KUBELET_NODE_ARGS=--hostname-override={name} --node-ip={address}"
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_NODE_ARGS $KUBELET_EXTRA_ARGS
"""

_CONTAINERD = f"""\
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{NAME}"
  # A machine that holds test hosts may itself lack CAP_SYS_RESOURCE, as many sandboxes do.
  restrict_oom_score_adj = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
"""


def options(host: HostFiles) -> list[str]:
    """What systemd-nspawn is told, besides what every test host is."""
    return [
        # Lower scores of the OOM killer, and the kernel's log. Not CAP_SYS_TIME, not CAP_SYS_MODULE: they are ours.
        "--capability=CAP_SYS_RESOURCE,CAP_SYSLOG",
        "--system-call-filter=add_key keyctl bpf",
        "--bind-ro=/dev/kmsg",  # the kubelet does not start without
        *(f"--bind={host.folder / folder}:/var/lib/{folder}" for folder in OWN_DISK),
    ]


def texts(host: HostFiles) -> dict[str, bytes]:
    """The files of /etc and /usr, by path."""
    drop_in = _KUBELET_DROP_IN.format(name=host.name, address=host.address.host)
    found = {
        "etc/hosts": f"127.0.0.1 localhost\n127.0.1.1 {host.name}\n{host.address.ours} {SERVER}\n",
        "usr/local/lib/gdcc-delegation": DELEGATION,
        "etc/systemd/system/gdcc-delegation.service": _DELEGATION_UNIT,
        "etc/systemd/system/kubelet.service": _KUBELET_UNIT,
        "etc/systemd/system/kubelet.service.d/10-kubeadm.conf": drop_in,
        "etc/containerd/config.toml": _CONTAINERD,
        "etc/cni/net.d/10-gdcc.conflist": json.dumps(_network(), indent=2),
    }
    return {name: text.encode() for name, text in found.items()}


def configuration(host: HostFiles) -> dict[str, Any]:
    """The kubelet's own settings, before it is hardened.

    Source: `kubelet.config.k8s.io/v1beta1`.
    """
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,  # test hosts have this machine's control groups, of whichever version
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{host.name}",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "staticPodPath": "/etc/kubernetes/manifests",
        "fileCheckFrequency": "2s",
        "authentication": {"x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"}},
        "rotateCertificates": True,
        "registerWithTaints": [{"key": TAINT, "effect": "NoSchedule"}],
        "resolvConf": "",
        # An image cannot be fetched again, and how full this machine's disk is says nothing of the node.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    }


def kubeconfig(port: int, authority: bytes, certificate: bytes, key: bytes) -> dict[str, Any]:
    """A kubeconfig that holds its credential."""
    user = {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)}
    cluster = {"server": f"https://{SERVER}:{port}", "certificate-authority-data": _base64(authority)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "node",
        "contexts": [{"name": "node", "context": {"cluster": "gdcc", "user": "node"}}],
        "clusters": [{"name": "gdcc", "cluster": cluster}],
        "users": [{"name": "node", "user": user}],
    }


def _network() -> dict[str, Any]:
    """A bridge, masqueraded to the outside, and the CNI's own rules for forwarding."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]},
    }
    return {"cniVersion": "0.4.0", "name": "gdcc", "plugins": [bridge, {"type": "firewall"}]}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
