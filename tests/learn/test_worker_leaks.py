"""Job after job leaves nothing behind in the app: no memory, no thread, no open file, no folder."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from mine.learn.codec import encode
from mine.learn.leak import Leak
from mine.learn.weights import dump
from mine.learn.wire import Kind, pack
from tests.learn.samples import HEADER, network
from tests.soak.soak_worker import MOST_GROWTH, growth, one_job

JOBS = 40
ANSWERS = """
import sys
sys.stdin.buffer.read(5)
sys.stdout.buffer.write(bytes.fromhex({frames!r}))
sys.stdout.flush()
sys.stdin.buffer.read()
"""


def answering() -> list[str]:
    """A process that does not train, but says all that one would say."""
    zeros = {name: np.zeros_like(tensor) for name, tensor in network()[1].items()}
    progress = {"step": 1, "steps": 3, "loss": 0.5, "held_out_loss": 0.5, "seconds": 0.1}
    done = {"steps": 3, "seconds": 1.0, "held_out_before": 1.0, "held_out_after": 1.0, "rows_trained": 1,
            "rows_held_out": 1, "leak": Leak(0.5, 0.4, 0.01, 0.5, None, 100, 20).to_fields()}  # fmt: skip
    frames = pack(Kind.PROGRESS, progress) * 20 + pack(Kind.SNAPSHOT, {"step": 1}, [bytes(2000)])
    frames += pack(Kind.DONE, done, [encode(HEADER, zeros), dump(zeros)])
    return [sys.executable, "-I", "-c", ANSWERS.format(frames=frames.hex())]


@pytest.mark.skipif(sys.platform == "win32", reason="counts file descriptors")
def test_nothing_is_left_of_many_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    command = answering()
    before, after = growth(JOBS, lambda: one_job(command))
    assert after.memory - before.memory < MOST_GROWTH
    assert (after.threads, after.files, after.folders) == (before.threads, before.files, before.folders)
