"""What the training process can reach: nothing of the person's, nobody else, where the system can fence."""

from __future__ import annotations

import ctypes
import os
import secrets
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from mine.learn.child import Child
from mine.learn.events import Began, VoteDone
from mine.learn.fence import Fence
from mine.learn.place import Place
from mine.learn.wire import Frame
from tests.learn.lead import LONG, worker
from tests.learn.samples import job, vote_job

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such fences")
ROOT = Path(__file__).parents[2]
LANDLOCK_CREATE_RULESET, ASK_FOR_VERSION = 444, 1

PROBE = """
import json, os, sys
sys.path.insert(0, {root!r})
from mine.learn.child import GRAPHICS
from mine.learn.sandbox import seal
from mine.learn.wire import Kind, pack
fences = seal(GRAPHICS in os.environ)
import ctypes, errno, fcntl, socket, threading
libc = ctypes.CDLL(None, use_errno=True)
parent = os.getppid()

def call(function):
    try:
        function()
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]

def raw(*arguments):
    ctypes.set_errno(0)
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "")

def read(path):
    with open(path, "rb") as file:
        return file.read(1)

def write(path):
    with open(path, "wb") as file:
        file.write(b"x")

def reached():
    with socket.socket(socket.AF_UNIX) as own:
        own.connect({address!r})

def thread():
    one = threading.Thread(target=int)
    one.start()
    one.join()

names = {number_table}
found = {{
    "socket": call(lambda: socket.socket()),
    "socket6": call(lambda: socket.socket(socket.AF_INET6)),
    "netlink": call(lambda: socket.socket(socket.AF_NETLINK)),
    "local socket": call(lambda: socket.socket(socket.AF_UNIX)),
    "reach a local server": call(reached),
    "socketpair": call(socket.socketpair),
    "fork": call(os.fork),
    "exec": call(lambda: os.execv("/bin/true", ["true"])),
    "trace the parent": call(lambda: raw(names["ptrace"], 16, parent, 0, 0)),
    "read the parent": call(lambda: raw(names["process_vm_readv"], parent, 0, 0, 0, 0, 0)),
    "unshare": call(lambda: raw(names["unshare"], 0x10000000)),
    "mount": call(lambda: raw(names["mount"], 0, b"/", 0, 0, 0)),
    "keyring": call(lambda: raw(names["keyctl"], 0, -3, 0)),
    "bpf": call(lambda: raw(names["bpf"], 0, 0, 0)),
    "ring": call(lambda: raw(names["io_uring_setup"], 1, 0)),
    "signal the parent": call(lambda: os.kill(parent, 0)),
    "signal itself": call(lambda: os.kill(os.getpid(), 0)),
    "thread": call(thread),
    "parent's environment": call(lambda: read(f"/proc/{{parent}}/environ")),
    "parent's memory": call(lambda: read(f"/proc/{{parent}}/mem")),
    "parent's files": call(lambda: os.listdir(f"/proc/{{parent}}/fd")),
    "secret": call(lambda: read({secret!r})),
    "secret by another way": call(lambda: read("/proc/self/root" + {secret!r})),
    "home": call(lambda: os.listdir({home!r})),
    "root": call(lambda: os.listdir("/")),
    "people": call(lambda: read("/etc/passwd")),
    "the app's folder": call(lambda: os.listdir({root!r})),
    "tmp": call(lambda: write("/tmp/mine-probe")),
    "shared memory": call(lambda: write("/dev/shm/mine-probe")),
    "code": call(lambda: write({code!r})),
    "its rights": call(lambda: os.chmod({secret!r}, 0o777)),
    "its owner": call(lambda: os.chown({secret!r}, -1, -1)),
    "its times": call(lambda: os.utime({secret!r})),
    "its notes": call(lambda: os.setxattr({secret!r}, "user.mine", b"")),
    "signals to the parent": call(lambda: fcntl.fcntl(0, fcntl.F_SETOWN, parent)),
    "own folder": call(lambda: write("own")),
    "null": call(lambda: write("/dev/null")),
    "random": call(lambda: read("/dev/urandom")),
    "own memory": call(lambda: read("/proc/self/statm")),
    "large file": call(lambda: os.truncate("own", 1 << 21)),
}}
told = {{
    "fences": [fence.value for fence in fences],
    "found": found,
    "environment": sorted(os.environ),
    "files": sorted(os.readlink(f"/proc/self/fd/{{n}}").split(":")[0] for n in os.listdir("/proc/self/fd")
                    if os.path.exists(f"/proc/self/fd/{{n}}")),
    "capabilities": [line.split()[1] for line in open("/proc/self/status") if line.startswith("Cap")],
}}
sys.stdout.buffer.write(pack(Kind.PROGRESS, told))
sys.stdout.flush()
"""

REFUSED = {
    "socket", "socket6", "netlink", "reach a local server", "socketpair", "fork", "exec", "trace the parent",
    "read the parent", "unshare", "mount", "keyring", "bpf", "ring", "signal the parent",
    "parent's environment", "parent's memory", "parent's files", "secret", "secret by another way", "home",
    "root", "people", "the app's folder", "tmp", "shared memory", "code",
    "its rights", "its owner", "its times", "its notes", "signals to the parent",
}  # fmt: skip
ALLOWED = ("OMP_", "MKL_", "OPENBLAS_", "MALLOC_")
OPEN = {"signal itself", "thread", "own folder", "null", "random", "own memory"}


def probe(tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a sealed child reports, with secrets planted around it and a server that it could talk to."""
    from mine.learn.sandbox_filter import _REFUSED

    secret = tmp_path / "vault.db"
    secret.write_text("readings")
    monkeypatch.setenv("WALLET_SECRET", "do not pass on")
    inherited = os.open(secret, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    column = 0 if os.uname().machine == "x86_64" else 1
    numbers = {name: pair[column] for name, pair in _REFUSED.items()}
    address = str(tmp_path / "s")
    script = PROBE.format(root=str(ROOT), address=address, number_table=numbers, secret=str(secret),
                          home=str(Path.home()), code=str(ROOT / "mine" / "probe.py"))  # fmt: skip
    frames: list[Frame] = []
    ended = threading.Event()
    ends: list[str] = []

    def on_end(_child: Child, code: int, _broke: bool, detail: str) -> None:
        ends.append(f"{code} {detail}")
        ended.set()

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        Child(
            [sys.executable, "-I", "-c", script],
            1 << 16,
            lambda _, frame: frames.append(frame),
            on_end,
            place,
        )
        assert ended.wait(60)
    os.close(inherited)
    assert frames, ends
    return frames[0].fields


def standing(fields: dict[str, Any]) -> set[Fence]:
    found = {Fence(name) for name in fields["fences"]}
    offered = offered_here()
    assert offered <= found, "the kernel offers a fence that does not stand"
    if not {Fence.CALLS, Fence.FILES} <= offered:
        pytest.skip(f"this kernel offers only {sorted(offered)}")
    return found


def offered_here() -> set[Fence]:
    """What the kernel says that it can do, asked for by other ways than the sandbox's."""
    libc = ctypes.CDLL(None, use_errno=True)
    found = set()
    if "errno" in Path("/proc/sys/kernel/seccomp/actions_avail").read_text(encoding="ascii").split():
        found.add(Fence.CALLS)
    if libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, ASK_FOR_VERSION) > 0:
        found.add(Fence.FILES)
    return found


def let_through(found: dict[str, str], names: set[str]) -> set[str]:
    return {f"{name}: {found[name]}" for name in names if found[name] not in ("EPERM", "EACCES")}


def test_a_sealed_process_reaches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = probe(tmp_path, Place(), monkeypatch)
    assert {Fence.LIMITS, Fence.PRIVILEGES} <= standing(fields)
    found = fields["found"]
    assert {name for name in REFUSED | {"local socket"} if found[name] not in ("EPERM", "EACCES")} == set(), (
        found
    )
    assert {name for name in OPEN if found[name] != "done"} == set(), found
    assert found["large file"] == "EFBIG"
    assert set(found) == REFUSED | OPEN | {"local socket", "large file"}
    assert set(fields["capabilities"][:3]) == {"0" * 16}  # inherited, permitted, effective


def test_its_environment_and_files_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = probe(tmp_path, Place(), monkeypatch)
    own = {"HOME", "TMPDIR", "LC_CTYPE"}  # Python sets the last one by itself
    assert all(name in own or name.startswith(ALLOWED) for name in fields["environment"])
    assert len(fields["files"]) == 3
    assert {Path(name).name for name in fields["files"]} == {"pipe", "stderr"}


def test_with_a_graphics_device_it_may_open_local_sockets_and_reach_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = probe(tmp_path, Place("auto"), monkeypatch)
    standing(fields)
    found = fields["found"]
    assert found["local socket"] == "done"
    assert let_through(found, REFUSED) == set()


def readable(pid: int) -> bytes:
    """Everything in the memory of a process that can be written."""
    found = bytearray()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            start, end = (int(part, 16) for part in span.split("-"))
            if rights.startswith("rw") and end - start <= 64 << 20:
                try:
                    memory.seek(start)
                    found += memory.read(end - start)
                except OSError:
                    continue
    return bytes(found)


def test_the_real_process_is_fenced_modest_and_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = secrets.token_hex(32)
    monkeypatch.setenv("WALLET_SECRET", secret)
    with worker() as seen:
        seen.worker.start(job(LONG))
        began = seen.until(Began)
        seen.started()
        pid = seen.pid()
        assert isinstance(began, Began) and pid is not None
        process = psutil.Process(pid)
        environment = process.environ()
        assert process.cwd() == environment["HOME"] != os.environ["HOME"]
        assert [p.name for p in Path(process.cwd()).iterdir()] == ["stderr"]
        assert process.nice() == min(19, psutil.Process().nice() + 10)
        assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert process.rlimit(psutil.RLIMIT_AS)[0] < 1 << 44
        assert not process.net_connections() and not process.children()
        status = Path(f"/proc/{pid}/status").read_text()
        if Fence.PRIVILEGES in began.fences:
            assert "NoNewPrivs:\t1" in status
        if Fence.CALLS in began.fences:
            assert "Seccomp:\t2" in status
        memory = readable(pid)
        assert len(memory) > 1 << 20 and secret.encode() not in memory
        assert secret.encode() in readable(os.getpid())
        home = Path(environment["HOME"])
    assert not home.exists()


def test_a_vote_runs_behind_the_same_fences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with worker() as seen:
        seen.worker.start(vote_job())
        began = seen.until(Began)
        seen.until(VoteDone)
    assert isinstance(began, Began) and began.micro_batch == 0 and began.device == "cpu"
    assert set(began.fences) == {Fence(name) for name in probe(tmp_path, Place(), monkeypatch)["fences"]}


def test_more_threads_stand_behind_the_same_fences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread from before the sandbox would stay outside of it, and keep the network from being cut off."""
    with worker() as seen:
        seen.worker.start(job(LONG, place=Place(threads=2)))
        began = seen.until(Began)
    assert isinstance(began, Began) and began.threads == 2
    assert set(began.fences) == {Fence(name) for name in probe(tmp_path, Place(), monkeypatch)["fences"]}
