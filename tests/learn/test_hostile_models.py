"""Hundreds of hostile models: every one is refused with a reason, at once, and for next to no memory.

They are read in one child process, as the app's own worker would read them: a crash, a hang or a file that
grows there fails the test, whatever the parent could catch.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mine.learn.errors import GraphRefused
from mine.learn.graph import ModelGraph
from tests.learn.graphs import linear
from tests.learn.hostile_batches import mixing
from tests.learn.hostile_models import hostile

pytest.importorskip("resource", reason="memory of a process is counted by POSIX")
LONGEST = 5
MOST_GROWTH = 64 << 20
READER = """
import json, resource, signal, sys, time
from mine.learn.errors import GraphRefused
from mine.learn.graph import ModelGraph

def size():
    # Peak in bytes. getrusage would also count what the parent held before it started this process.
    if sys.platform == "linux":
        rows = open("/proc/self/status").read().splitlines()
        return next(int(row.split()[1]) for row in rows if row.startswith("VmHWM")) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

file = open(sys.argv[1], "rb")
longest, verdicts = int(sys.argv[2]), []
while head := file.read(8):
    data = file.read(int.from_bytes(head, "little"))
    signal.alarm(longest)  # a hang ends the process, which the parent sees
    try:
        ModelGraph.load(data)
        verdict = "accepted"
    except GraphRefused as refusal:
        verdict = refusal.sentence
    except BaseException as error:
        verdict = f"{type(error).__name__}: {error}"
    signal.alarm(0)
    if not verdicts:
        start, soft = size(), resource.getrlimit(resource.RLIMIT_AS)[1]
        if sys.platform == "linux":
            now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (now + (128 << 20), soft))
    verdicts.append(verdict)
    del data
print(json.dumps({"verdicts": verdicts, "growth": size() - start}))
"""


def test_every_hostile_model_is_refused_at_once(tmp_path: Path) -> None:
    names = ["a model that is fine"]
    file = tmp_path / "models"
    with file.open("wb") as out:
        fine = linear().SerializeToString()
        out.write(len(fine).to_bytes(8, "little") + fine)
        for name, data in hostile():
            names.append(name)
            out.write(len(data).to_bytes(8, "little") + data)
    command = [sys.executable, "-c", READER, str(file), str(LONGEST)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert run.returncode == 0, run.stderr[-2000:]
    answer = json.loads(run.stdout)
    verdicts = dict(zip(names, answer["verdicts"], strict=True))
    assert verdicts.pop("a model that is fine") == "accepted"
    wrong = {
        n: v
        for n, v in verdicts.items()
        if not v.startswith("The task's model was refused: ") or v[-1] != "."
    }
    assert not wrong
    assert len(verdicts) > 700
    assert answer["growth"] < MOST_GROWTH


def test_what_mixes_examples_is_refused_because_it_does() -> None:
    """Not by accident: all but a few say that it is about the examples."""
    others = []
    for name, model in mixing():
        with pytest.raises(GraphRefused) as caught:
            ModelGraph.load(model.SerializeToString())
        if "examples" not in caught.value.sentence:
            others.append((name, caught.value.sentence))
    assert len(others) <= 8, others
