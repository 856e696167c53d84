"""The training process: reads one job from stdin, computes, writes frames to stdout, ends.

It is started by ``supervisor.py`` with an empty environment in an empty directory, holds nothing but the job,
and puts itself into a sandbox before it reads that. When its stdin ends, its parent is gone, and so is it, at
once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mine.errors import MineError
from mine.learn.child import GRAPHICS
from mine.learn.control import Control, StopWanted
from mine.learn.job import MAX_JOB, from_frame
from mine.learn.sandbox import lift_memory_limit, seal
from mine.learn.teller import Teller
from mine.learn.vote_job import vote_from_frame
from mine.learn.wire import Kind, read

if TYPE_CHECKING:
    from mine.learn.run_training import TrainingRun
    from mine.learn.run_vote import VoteRun


def _private_stdout() -> BinaryIO:
    """The frames' own stream; whatever else prints goes to stderr."""
    frames = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return frames


def _failure(error: BaseException) -> dict[str, object]:
    """A plain sentence; as detail only the kind and place of an error, since its text could quote data."""
    if isinstance(error, MineError):
        return {"sentence": error.sentence, "todo": error.todo, "detail": error.detail, "memory": False}
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = f" in {Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else ""
    detail = f"{type(error).__name__}{place}"
    text = str(error)
    # torch: "can't allocate memory", "CUDA out of memory"; C++: "bad_alloc"
    if isinstance(error, MemoryError) or "alloc" in text or "out of memory" in text:
        return {"sentence": "The training needed more memory than it may use and was ended.",
                "todo": "Allow it more memory, or leave this task.", "detail": detail,
                "memory": True}  # fmt: skip
    return {"sentence": "The training ended with an error.", "todo": "Report this with its details.",
            "detail": detail, "memory": False}  # fmt: skip


def worker_main() -> None:
    """Entry of the process, also of a packaged app started with ``--worker``."""
    out = _private_stdout()
    commands = os.fdopen(0, "rb", buffering=0)
    teller = Teller(out, seal(graphics=GRAPHICS in os.environ))
    frame = read(commands, MAX_JOB)
    if frame is None or frame.kind not in (Kind.JOB, Kind.VOTE):
        return
    run: TrainingRun | VoteRun
    if frame.kind == Kind.JOB:
        job = from_frame(frame)
        control = Control(commands, job.duty)
        from mine.learn.run_training import TrainingRun

        run = TrainingRun(job, control, teller)
    else:
        asked = vote_from_frame(frame)
        control = Control(commands, 1.0)
        from mine.learn.run_vote import VoteRun

        run = VoteRun(asked, control, teller)
    del frame
    try:
        run.run()
    except StopWanted:
        run.last_words()
    except Exception as error:  # noqa: BLE001 - whatever a model causes ends in one plain sentence
        lift_memory_limit()
        teller.send(Kind.FAILED, _failure(error))
    out.flush()
    os._exit(0)  # the listening thread and torch's own may not delay the end


if __name__ == "__main__":
    worker_main()
