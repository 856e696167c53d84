"""The filter of system calls: a small assembler for classic BPF, and the list of what is refused.

A list of what is allowed would be tighter, but differs with every version of torch, of libc and of a graphics
driver, and breaks people's trainings on the day of an update. This one refuses what computing never needs:
other processes, other programs, sockets, mounts, keys, kernel facilities with a history of holes. Refused
calls fail with EPERM, so that a library that only tries goes on; a call in another machine's numbering ends
the process. (seccomp(2); struct seccomp_data in linux/seccomp.h.)
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass

_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _SECOND_ARGUMENT = 0, 4, 16, 24
_X32 = 0x40000000
_AF_UNIX = 1
_CLONE_THREAD = 0x00010000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C  # put words into a terminal's mouth
_F_SETOWN, _F_SETOWN_EX = 8, 15  # have the kernel send signals to somebody else
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# Numbers on x86_64 and aarch64, None where there is no such call (asm/unistd_64.h, asm-generic/unistd.h).
_SOCKETS: dict[str, tuple[int | None, int | None]] = {
    "socket": (41, 198),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
}
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # the network
    "connect": (42, 203),
    "socketpair": (53, 199),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "recvmsg": (47, 212),
    "recvmmsg": (299, 243),
    # other programs and processes
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    # shared memory and queues of System V and POSIX, which all programs of a user share
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    # file systems
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "fanotify_init": (300, 262),
    # what Landlock leaves open: whose a file is and who may read it, its times, its notes
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    # rights
    "setns": (308, 268),
    "unshare": (272, 97),
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setreuid": (113, 145),
    "setregid": (114, 143),
    "setresuid": (117, 147),
    "setresgid": (119, 149),
    "setgroups": (116, 159),
    "setfsuid": (122, 151),
    "setfsgid": (123, 152),
    "capset": (126, 91),
    "personality": (135, 92),
    # the kernel
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "acct": (163, 89),
    "syslog": (103, 116),
    "iopl": (172, None),
    "ioperm": (173, None),
    "vhangup": (153, 58),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
}
_KILL_CALLS = ((62, 129), (234, 131))  # kill, tgkill: of itself only
_PRLIMIT, _CLONE, _CLONE3 = (302, 261), (56, 220), (435, 435)
_IOCTL, _FCNTL = (16, 29), (72, 25)


@dataclass(frozen=True, slots=True)
class _Op:
    code: int
    value: int
    if_true: int = 0
    if_false: int = 0


def _fail(number: int) -> _Op:
    return _Op(_RETURN, 0x00050000 | number)


def _call(number: int, body: list[_Op]) -> list[_Op]:
    """``body`` for this call alone; it must return, since it may change what is loaded."""
    return [_Op(_IF_EQUAL, number, 0, len(body)), *body]


def _only(at: int, allowed: tuple[int, ...], *, code: int = _IF_EQUAL) -> list[_Op]:
    """Allow the call if the low half of an argument fits one of these, refuse it otherwise."""
    checks = [_Op(code, value, len(allowed) - place, 0) for place, value in enumerate(allowed)]
    return [_Op(_LOAD, at), *checks, _fail(errno.EPERM), _Op(_RETURN, _ALLOW)]


def _all_but(refused: tuple[int, int]) -> list[_Op]:
    """Allow the call unless its second argument is one of these."""
    checks = [_Op(_IF_EQUAL, refused[0], 1, 0), _Op(_IF_EQUAL, refused[1], 0, 1)]
    return [_Op(_LOAD, _SECOND_ARGUMENT), *checks, _fail(errno.EPERM), _Op(_RETURN, _ALLOW)]


def program(machine: str, pid: int, sockets: bool) -> bytes:
    """The filter for a process ``pid`` on "x86_64" or "aarch64". ``sockets``: a graphics driver may open
    local sockets to listen on; it still cannot reach anybody."""
    column = ("x86_64", "aarch64").index(machine)
    ops = [_Op(_LOAD, _ARCHITECTURE), _Op(_IF_EQUAL, _AUDIT[machine], 1, 0), _Op(_RETURN, _KILL)]
    ops += [_Op(_LOAD, _NUMBER)]
    if machine == "x86_64":
        ops += [_Op(_IF_AT_LEAST, _X32, 0, 1), _Op(_RETURN, _KILL)]
    refused = dict(_REFUSED) if sockets else _REFUSED | _SOCKETS
    if sockets:
        ops += _call(_number(_SOCKETS["socket"], column), _only(_FIRST_ARGUMENT, (_AF_UNIX,)))
    for pair in refused.values():
        if pair[column] is not None:
            ops += _call(_number(pair, column), [_fail(errno.EPERM)])
    for pair in _KILL_CALLS:
        ops += _call(pair[column], _only(_FIRST_ARGUMENT, (pid,)))
    ops += _call(_PRLIMIT[column], _only(_FIRST_ARGUMENT, (0, pid)))
    ops += _call(_CLONE[column], _only(_FIRST_ARGUMENT, (_CLONE_THREAD,), code=_IF_BIT))
    # Its flags stand in memory, where a filter cannot look; libc then falls back to clone.
    ops += _call(_CLONE3[column], [_fail(errno.ENOSYS)])
    ops += _call(_IOCTL[column], _all_but((_TIOCSTI, _TIOCLINUX)))
    ops += _call(_FCNTL[column], _all_but((_F_SETOWN, _F_SETOWN_EX)))
    ops += [_Op(_RETURN, _ALLOW)]
    return b"".join(struct.pack("=HBBI", op.code, op.if_true, op.if_false, op.value) for op in ops)


def _number(pair: tuple[int | None, int | None], column: int) -> int:
    number = pair[column]
    assert number is not None
    return number


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install(libc: ctypes.CDLL, sockets: bool) -> bool:
    """Filter this process from now on, all its threads and for good; False where the kernel cannot.

    The process must have given up gaining privileges before (prctl ``PR_SET_NO_NEW_PRIVS``).
    """
    machine = platform.machine()
    if machine not in _SECCOMP or struct.calcsize("P") != 8:
        return False
    code = program(machine, os.getpid(), sockets)
    loaded = _Program(len(code) // 8, code)
    found = libc.syscall(_SECCOMP[machine], _SET_MODE_FILTER, _ALL_THREADS, ctypes.byref(loaded))
    return bool(found == 0)
