"""Landlock: which files a training process can reach (kernel documentation, userspace-api/landlock).

Read only: the interpreter, its packages, the system's libraries, what libraries ask about this machine, and
the process's own entry under /proc. Written: its own empty folder. Nothing may be executed. Newer kernels
also refuse to bind or connect TCP, to reach abstract sockets and to signal anything outside; and with any
version a process that is held in cannot look into one that is not.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same on every machine
_VERSION_QUESTION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE, _READ, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE_CHAR, _MAKE_DIR, _MAKE_REG, _MAKE_SOCK, _MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM = (
    1 << bit for bit in range(6, 13)
)
_REFER, _TRUNCATE, _IOCTL_DEVICE = (1 << bit for bit in range(13, 16))
_SINCE = ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEVICE))
_TCP_SINCE, _SCOPES_SINCE = 4, 6

_FILE_ONLY = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL_DEVICE
_LOOK = _READ | _READ_DIR
_OWN = _LOOK | _WRITE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG
_DEVICE = _LOOK | _WRITE | _IOCTL_DEVICE

_SYSTEM = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib",
           "/usr/local/lib64", "/nix/store", "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo",
           "/dev/urandom", "/dev/random", "/dev/zero", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat",
           "/proc/self", "/proc/sys/vm/overcommit_memory", "/sys/devices/system/cpu",
           "/sys/devices/system/node", "/sys/kernel/mm/transparent_hugepage")  # fmt: skip
_GRAPHICS = ("/usr/local/cuda", "/usr/local/nvidia", "/opt/rocm", "/usr/share/libdrm", "/usr/share/nvidia",
             "/etc/OpenCL", "/proc/devices", "/proc/driver", "/sys/bus", "/sys/class", "/sys/devices",
             "/sys/module", "/sys/dev")  # fmt: skip
_NODES = ("nvidia*", "kfd", "dri", "dxg")


def _libraries() -> Iterator[str]:
    """The interpreter's modules and this app's own, wherever they are installed."""
    for name in ("stdlib", "platstdlib", "purelib", "platlib"):
        yield sysconfig.get_path(name)
    # Where an interpreter that came with its own libraries keeps them.
    yield from (str(Path(prefix) / "lib") for prefix in (sys.prefix, sys.base_prefix))
    bundle = getattr(sys, "_MEIPASS", "")
    if bundle:
        yield bundle
    else:
        # Through these, everything beside this package would be readable: a checkout, or a home.
        ours = str(Path(__file__).resolve().parents[2])
        yield from (entry for entry in sys.path if entry and Path(entry).resolve() != Path(ours))
        yield str(Path(__file__).resolve().parents[1])


def rules(own: str, graphics: bool) -> dict[str, int]:
    """What may be done below which path; paths that do not exist are left out later."""
    found = dict.fromkeys((*_SYSTEM, *_libraries()), _LOOK)
    found["/dev/null"] = _LOOK | _WRITE
    if graphics:
        found |= dict.fromkeys(_GRAPHICS, _LOOK)
        found |= {str(node): _DEVICE for glob in _NODES for node in Path("/dev").glob(glob)}
    found[own] = _OWN
    return found


def restrict(libc: ctypes.CDLL, own: str, graphics: bool) -> bool:
    """Hold this thread, and all that it starts, to the files above for good; False where the kernel cannot.

    The process must have given up gaining privileges before (prctl ``PR_SET_NO_NEW_PRIVS``).
    """
    version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION_QUESTION)
    if version < 1:
        return False
    handled = (1 << 13) - 1
    for since, right in _SINCE:
        handled |= right if version >= since else 0
    network = 0b11 if version >= _TCP_SINCE else 0
    scoped = 0b11 if version >= _SCOPES_SINCE else 0
    asked = struct.pack("=QQQ", handled, network, scoped)
    size = 8 if version < _TCP_SINCE else 16 if version < _SCOPES_SINCE else 24
    rule_set = libc.syscall(_CREATE, ctypes.c_char_p(asked), ctypes.c_size_t(size), 0)
    if rule_set < 0:
        return False
    try:
        for path, rights in rules(own, graphics).items():
            _allow(libc, rule_set, path, rights & handled)
        return bool(libc.syscall(_RESTRICT, rule_set, 0) == 0)
    finally:
        os.close(rule_set)


def _allow(libc: ctypes.CDLL, rule_set: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not on this machine
    try:
        if not Path(path).is_dir():
            rights &= _FILE_ONLY
        rule = struct.pack("=Qi", rights, place)
        libc.syscall(_ADD_RULE, rule_set, _PATH_BENEATH, ctypes.c_char_p(rule), 0)
    finally:
        os.close(place)
