#!/usr/bin/env python3
"""Chromium with Linux's word of changed network interfaces kept from it.

It breaks off what it is loading (`ERR_NETWORK_CHANGED`) whenever any interface of the machine comes or goes, and other
tests start hosts and pods meanwhile. So it gets no netlink socket, and takes the network as it is.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

CHROMIUM = "/usr/bin/chromium"
SOCKET = {"x86_64": 41, "aarch64": 198}
"""The number of the system call, by machine."""

# Of linux/prctl.h, linux/seccomp.h and linux/bpf_common.h.
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EAFNOSUPPORT
CALL, FIRST_ARGUMENT = 0, 16
AF_NETLINK = 16


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


def refuse_netlink(call: int) -> None:
    """For this process and those that it starts."""
    steps = [
        (LOAD, 0, 0, CALL),
        (JUMP_IF_EQUAL, 0, 3, call),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (JUMP_IF_EQUAL, 0, 1, AF_NETLINK),
        (RETURN, 0, 0, REFUSE),
        (RETURN, 0, 0, ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = Program(len(steps), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "no seccomp filter")


if __name__ == "__main__":
    if call := SOCKET.get(platform.machine()):
        refuse_netlink(call)
    os.execv(CHROMIUM, [CHROMIUM, *sys.argv[1:]])  # noqa: S606 - in place of this process
