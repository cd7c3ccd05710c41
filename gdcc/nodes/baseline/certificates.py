"""GC-34: keys are root's alone, and certificates are renewed before they end."""

from __future__ import annotations

from gdcc.nodes.check import NodeCheck, View
from gdcc.nodes.reading import nothing, whole

LEAST_DAYS = 30

# kubeadm's and the kubelet's. Of the kubelet's only what it uses: those that it has renewed stay beside it.
CURRENT = (
    "find -L /etc/kubernetes/pki /var/lib/kubelet/pki -type f"
    " \\( -path '/etc/kubernetes/*.crt' -o -name '*-current.pem' -o -name kubelet.crt \\)"
)
ENDS = f"openssl x509 -noout -out /dev/null -checkend {LEAST_DAYS * 86400} -in"
KEYS = (
    "find /etc/kubernetes/pki /var/lib/kubelet/pki /etc/ssl/private -type f"
    " \\( -name '*.key' -o -name '*-key.pem' -o -name 'kubelet-*.pem' \\) \\( -perm /037 -o ! -user root \\)"
)

CHECKS = (
    NodeCheck(
        "certificates-renewed",
        "GC-34",
        f"no certificate of the node ends within {LEAST_DAYS} days: keys are renewed in time",
        (View("on disk", f"{CURRENT} ! -exec {ENDS} {{}} ';' -print 2>/dev/null", whole, "none", nothing),),
    ),
    NodeCheck(
        "certificates-keys",
        "GC-34",
        "only root reads private keys",
        (View("on disk", f"{KEYS} 2>/dev/null", whole, "none that others read", nothing),),
        ("K1.1.21",),
    ),
)
