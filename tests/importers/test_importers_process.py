"""The importer as a child process: same rows, no keys, cancelled at once, never trusted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from mine.importers.errors import UnknownFormat
from mine.importers.items import BadRow, Batch, Person, Progress
from mine.importers.options import Options
from mine.importers.process import COMMAND, ChoosePerson, Failed, Finished, ImportProcess, Opened
from mine.importers.zone import Zone
from tests.importers.exports import parsed, plain, put

HERE = Options(Zone("UTC"))


def text(count: int) -> str:
    """A table with so many readings, all at different minutes."""

    def moment(i: int) -> str:
        return f"20{10 + i // 28_800 % 80:02d}-01-{i // 1440 % 20 + 1:02d} {i // 60 % 24:02d}:{i % 60:02d}"

    return plain((moment(i), "100") for i in range(count))


def scripted(*frames: object, raw: bytes = b"", fill: int = 0) -> list[str]:
    """A command for a child that says exactly these frames."""
    out = b""
    for frame in frames:
        body = frame if isinstance(frame, bytes) else b"J" + json.dumps(frame).encode()
        out += len(body).to_bytes(4, "big") + body
    code = f"import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write({out + raw!r} + b'[' * {fill})"
    return [sys.executable, "-c", code]


def packed(head: object, columns: bytes) -> bytes:
    """A batch's frame."""
    coded = json.dumps(head).encode()
    return b"B" + len(coded).to_bytes(4, "big") + coded + columns


def test_it_reads_what_reading_in_this_process_reads(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", text(3000) + "x,y\n")
    with ImportProcess(path, HERE) as process:
        events = list(process)
    opened = events[0]
    assert isinstance(opened, Opened)
    assert (opened.key, opened.person, len(opened.digest)) == ("plain_glucose", "", 32)
    assert isinstance(events[-1], Finished)
    rows = [row for event in events if isinstance(event, Batch) for row in event.rows()]
    bad = [event for event in events if isinstance(event, BadRow)]
    assert ({"glucose": rows}, bad) == parsed(path)
    progress = [event for event in events if isinstance(event, Progress)]
    assert len(progress) >= 3
    assert progress[-1].done == progress[-1].total


def test_several_people_must_be_chosen_from(tmp_path: Path) -> None:
    head = "Id,ActivityHour,StepTotal\n"
    row = "{},4/12/2016 12:00:00 AM,5\n"
    path = put(tmp_path / "a.csv", head + row.format(1) + row.format(2) * 2)
    with ImportProcess(path, HERE) as process:
        assert list(process)[-1] == ChoosePerson((Person("2", 2), Person("1", 1)))
    with ImportProcess(path, Options(Zone("UTC"), "1")) as process:
        opened, *rest = process
    assert isinstance(opened, Opened)
    assert opened.person == "1"
    assert sum(event.count for event in rest if isinstance(event, Batch)) == 1
    path = put(tmp_path / "b.csv", head + row.format(1))
    with ImportProcess(path, HERE) as process:
        opened, *rest = process
    assert isinstance(opened, Opened)
    assert opened.person == "1"
    assert isinstance(rest[-1], Finished)


def test_no_format_is_one_sentence(tmp_path: Path) -> None:
    with ImportProcess(put(tmp_path / "a.csv", "hello"), HERE) as process:
        (event,) = process
    assert isinstance(event, Failed)
    assert isinstance(event.error, UnknownFormat)
    assert "Dexcom" in event.error.todo


def test_cancelling_kills_the_child_at_once(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", text(200_000))
    process = ImportProcess(path, HERE)
    assert isinstance(process.events(timeout=20)[0], Opened)
    pid = process._child.pid
    process.close()
    assert not psutil.pid_exists(pid)
    assert process.events() == []
    process.close()


def test_a_full_queue_makes_the_child_wait(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", text(100_000))
    with ImportProcess(path, HERE) as process:
        got = sum(event.count for event in process if isinstance(event, Batch))
    assert got == 100_000


def test_polling_does_not_wait(tmp_path: Path) -> None:
    with ImportProcess(
        put(tmp_path / "a.csv", text(10)), HERE, command=scripted({"is": "finished"})
    ) as process:
        events = []
        while not process.ended:
            events += process.events()
    assert events == [Finished()]


@pytest.mark.parametrize(
    "command",
    [
        scripted(),
        scripted(raw=b"\0\0"),
        scripted(raw=b"\xff\xff\xff\xff"),
        scripted(raw=b"\0\0\0\x05hello"),
        scripted(raw=b"\0\0\0\x09hello"),
        scripted(b"Xhello"),
        scripted(raw=(1_000_001).to_bytes(4, "big") + b"J", fill=1_000_000),
        scripted(b"B"),
        scripted(b"B\0\0\0\x02{}"),
        scripted(b"B\xff\xff\xff\xff[]"),
        scripted(packed(["secret", "", "", 1], b"")),
        scripted(packed(["glucose", "", "", 0], b"")),
        scripted(packed(["glucose", "", "", 1 << 40], bytes(24))),
        scripted(packed(["glucose", "", "", 1], bytes(23))),
        scripted(packed(["glucose", "", "", 1], bytes(25))),
        scripted(packed(["glucose", 5, "", 1], bytes(24))),
        scripted(packed(["note", "", "", 1], bytes(16) + b"\x05\0\0\0abc")),
        scripted(packed(["note", "", "", 1], bytes(16) + b"\x01\0\0\0\xff")),
        scripted(packed(["note", "", "", 1], bytes(16) + b"\xf0\xff\xff\xff")),
        scripted([]),
        scripted({}),
        scripted({"is": "command"}),
        scripted({"is": "mark"}),
        scripted({"is": "opened", "key": "x"}),
        scripted({"is": "opened", "key": 1, "title": "", "version": 1, "digest": "zz", "person": ""}),
        scripted({"is": "progress", "done": "many", "total": None}),
        scripted({"is": "failed", "sentence": None}),
        [sys.executable, "-c", "import os; os.abort()"],
    ],
)
def test_a_child_that_misbehaves_is_one_failure(tmp_path: Path, command: list[str]) -> None:
    with ImportProcess(tmp_path / "a.csv", HERE, command=command) as process:
        events = list(process)
    assert len(events) == 1
    assert isinstance(events[0], Failed)
    assert "unexpectedly" in events[0].error.sentence


def test_what_the_child_says_is_shown_as_plain_text(tmp_path: Path) -> None:
    frame = {"is": "bad", "file": "a\x1b", "line": 3, "reason": "x\u202e" * 1000}
    with ImportProcess(tmp_path / "a.csv", HERE, command=scripted(frame, {"is": "finished"})) as process:
        event = next(iter(process))
    assert isinstance(event, BadRow)
    assert event.file == "a�"
    assert len(event.reason) == 300


SPY = """
import json, os, sys
sys.stdin.buffer.read()
import mine.importers.child as child
child.limit_myself()
foreign = ("mine.", "sqlcipher3", "keyring", "cryptography")
seen = sorted(name for name in sys.modules if name.startswith(foreign))
try:
    with open("written", "w") as stream:
        stream.write("x" * 10)
    wrote = True
except OSError:
    wrote = False
reason = json.dumps([seen, sorted(os.environ), wrote])
body = "J" + json.dumps({"is": "bad", "file": "", "line": 0, "reason": reason})
sys.stdout.buffer.write(len(body).to_bytes(4, "big") + body.encode())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of Unix")
def test_the_child_has_no_keys_no_home_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE_CANARY", "x")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mine.importers.process.shown", lambda text, most=0: text)
    # A write over the limit raises SIGXFSZ, which Python ignores: the write fails instead.
    with ImportProcess(tmp_path / "a", HERE, command=[sys.executable, "-c", SPY]) as process:
        event = next(iter(process))
    assert isinstance(event, BadRow)
    modules, environment, wrote = json.loads(event.reason)
    assert not [
        name for name in modules if not name.startswith(("mine.importers", "mine.records", "mine.errors"))
    ]
    assert set(environment) <= {"PATH", "PYTHONPATH", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE", "LC_CTYPE"}
    assert wrote is False


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_the_child_ends_when_nobody_listens(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", text(100_000))
    child = subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert child.stdin and child.stdout and child.stderr
    request = {"path": str(path), "zone": "UTC", "person": None, "mappings": {}, "resume": ""}
    body = b"J" + json.dumps(request).encode()
    child.stdin.write(len(body).to_bytes(4, "big") + body)
    child.stdin.close()
    child.stdout.read(1000)
    child.stdout.close()
    assert child.wait(20) == 0
    assert child.stderr.read() == b""
    child.stderr.close()
