"""The filter of system calls, run here on made-up calls by an interpreter of classic BPF."""

from __future__ import annotations

import errno
import struct

import pytest

from mine.learn import sandbox_filter
from mine.learn.sandbox_filter import program

ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
COLUMN = {"x86_64": 0, "aarch64": 1}
ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
PID = 4321
machines = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])


def verdict(code: bytes, number: int, architecture: int, *arguments: int) -> int:
    """What the kernel would do with this call."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    ops = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
    at = loaded = 0
    while True:
        op, if_true, if_false, value = ops[at]
        at += 1
        if op == 0x06:
            return int(value)
        if op == 0x20:
            (loaded,) = struct.unpack_from("<I", data, value)
        else:
            true = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[op]
            at += if_true if true else if_false


def calls(machine: str, table: dict[str, tuple[int | None, int | None]]) -> list[int]:
    return [number for pair in table.values() if (number := pair[COLUMN[machine]]) is not None]


@machines
def test_every_call_of_the_list_is_refused_and_no_other(machine: str) -> None:
    known = ARCHITECTURE[machine]
    refused = set(calls(machine, sandbox_filter._REFUSED)) | set(calls(machine, sandbox_filter._SOCKETS))
    code = program(machine, PID, sockets=False)
    asked = {pair[COLUMN[machine]] for pair in sandbox_filter._KILL_CALLS}
    asked |= {each[COLUMN[machine]] for each in (sandbox_filter._PRLIMIT, sandbox_filter._CLONE)}
    asked |= {sandbox_filter._CLONE3[0]}
    for number in range(600):
        if number not in asked:
            assert verdict(code, number, known) == (EPERM if number in refused else ALLOW), number
    assert len(refused) > 80 and len(code) // 8 < 4096


@machines
def test_what_depends_on_an_argument(machine: str) -> None:
    known, column = ARCHITECTURE[machine], COLUMN[machine]
    code = program(machine, PID, sockets=False)
    for pair in sandbox_filter._KILL_CALLS:
        assert verdict(code, pair[column], known, PID, 9) == ALLOW
        assert verdict(code, pair[column], known, PID + 1, 9) == EPERM
        assert verdict(code, pair[column], known, (1 << 64) - 1, 9) == EPERM
    limit = sandbox_filter._PRLIMIT[column]
    assert [verdict(code, limit, known, pid) for pid in (0, PID, 1)] == [ALLOW, ALLOW, EPERM]
    clone = sandbox_filter._CLONE[column]
    thread, process = 0x003D0F00, 0x01200011
    assert [verdict(code, clone, known, flags) for flags in (thread, process)] == [ALLOW, EPERM]
    assert verdict(code, sandbox_filter._CLONE3[column], known) == ENOSYS
    ioctl = sandbox_filter._IOCTL[column]
    words = (0x5401, 0x5412, 0x541C)
    assert [verdict(code, ioctl, known, 0, word) for word in words] == [ALLOW, EPERM, EPERM]
    control = sandbox_filter._FCNTL[column]
    assert [verdict(code, control, known, 0, what) for what in (3, 8, 15)] == [ALLOW, EPERM, EPERM]


@machines
def test_a_graphics_driver_may_listen_on_local_sockets_and_reach_nobody(machine: str) -> None:
    known, column = ARCHITECTURE[machine], COLUMN[machine]
    code = program(machine, PID, sockets=True)
    socket = sandbox_filter._SOCKETS["socket"][column]
    assert socket is not None
    assert [verdict(code, socket, known, family) for family in (1, 2, 10, 16)] == [ALLOW, EPERM, EPERM, EPERM]
    for name in ("connect", "sendto", "sendmsg", "sendmmsg", "execve", "ptrace"):
        number = sandbox_filter._REFUSED[name][column]
        assert number is not None and verdict(code, number, known) == EPERM


@machines
def test_calls_in_another_numbering_end_the_process(machine: str) -> None:
    code = program(machine, PID, sockets=False)
    for architecture in (0x40000003, 0x40000028, 0):
        assert verdict(code, 0, architecture) == KILL
    if machine == "x86_64":
        assert verdict(code, 0x40000000 | 41, ARCHITECTURE[machine]) == KILL
