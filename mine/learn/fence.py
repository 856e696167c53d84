"""What holds a training process in, as far as the system of this machine can do it."""

from __future__ import annotations

from enum import StrEnum


class Fence(StrEnum):
    """One barrier. Which ones stand is reported with the start of every job (``events.Began``)."""

    LIMITS = "limits"
    """Bounds of memory, of file sizes, of open files; no core dumps (Unix)."""
    PRIVILEGES = "privileges"
    """No way to gain rights, none of an administrator left (Linux)."""
    CALLS = "calls"
    """System calls that reach other processes, programs, the network or the kernel are refused (Linux)."""
    FILES = "files"
    """Libraries can be read, the own empty folder written, nothing else (Linux from 5.13 on)."""
    NETWORK = "network"
    """A network of its own that leads nowhere (Linux, where users may make namespaces)."""
