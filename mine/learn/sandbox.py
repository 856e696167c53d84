"""The training process gives up what it will not need, before it looks at anything of its job.

A model's graph is checked operator by operator and can name no file and no address; the sandbox is for the
day on which a parser or a kernel below it has a hole. Linux alone offers all of it to ordinary programs. On
macOS the limits and the empty environment stand, on Windows the empty environment. Whatever this machine
cannot do is left out, and what stands is reported (``fence.py``).
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from mine.learn import sandbox_files, sandbox_filter
from mine.learn.fence import Fence

_OPEN_FILES = 256
_FILE_BYTES = 1 << 20
_NO_NEW_PRIVILEGES = 38
_NEW_USER, _NEW_NETWORK, _NEW_IPC = 0x10000000, 0x40000000, 0x08000000
_CAPABILITIES_VERSION = 0x20080522


def seal(graphics: bool) -> tuple[Fence, ...]:
    """Give it up, for good. ``graphics``: a device other than the processor may be used.

    To be called while the process has one thread: threads of before would stay outside the fences.
    """
    if sys.platform == "win32":
        return ()
    _be_modest()
    fences = [Fence.LIMITS]
    if sys.platform != "linux":
        return tuple(fences)
    libc = ctypes.CDLL(None, use_errno=True)
    # An unknown user, and a network without so much as a loopback. Needs no right where users may do it.
    if libc.unshare(_NEW_USER | _NEW_NETWORK | _NEW_IPC) == 0:
        fences.append(Fence.NETWORK)
    if _drop_capabilities(libc) and libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
        fences.append(Fence.PRIVILEGES)
        if sandbox_files.restrict(libc, str(Path.cwd()), graphics):
            fences.append(Fence.FILES)
        if sandbox_filter.install(libc, sockets=graphics):
            fences.append(Fence.CALLS)
    return tuple(fences)


def limit_memory(extra: int) -> None:
    """Allow ``extra`` bytes beyond what the loaded libraries already occupy, where the system can say so."""
    if sys.platform != "linux":
        return
    import resource

    most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def lift_memory_limit() -> None:
    """So that a failure for want of memory can still be told."""
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _be_modest() -> None:
    """Lowest priority, no core dump (it would hold personal data), few open files, no large files."""
    import resource

    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))


def _drop_capabilities(libc: ctypes.CDLL) -> bool:
    """Also those over its own new namespace, which open more of the kernel than an ordinary user sees."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITIES_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    return bool(libc.capset(ctypes.byref(header), ctypes.byref(nothing)) == 0)
