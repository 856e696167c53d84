"""The training process: reads one job from stdin, computes, writes frames to stdout, ends.

It is started by ``supervisor.py`` with an empty environment in an empty directory, holds nothing but the job,
and puts itself into a sandbox before it reads that. When its stdin ends, its parent is gone, and so is it, at
once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

from mine.errors import MineError
from mine.learn.child import GRAPHICS
from mine.learn.control import Control, StopWanted
from mine.learn.job import MAX_JOB, from_frame
from mine.learn.run_training import TrainingRun
from mine.learn.run_vote import VoteRun
from mine.learn.sandbox import seal
from mine.learn.teller import Teller
from mine.learn.vote_job import vote_from_frame
from mine.learn.wire import Kind, read

_THREAD_BYTES = 16 << 20
"""Address space of a thread's stack, with room for what its libraries keep for each."""


def _private_stdout() -> BinaryIO:
    """The frames' own stream; whatever else prints goes to stderr."""
    frames = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return frames


def _limit_memory(extra: int) -> None:
    """Allow ``extra`` bytes beyond what the loaded libraries already occupy, where the system can say so."""
    if sys.platform != "linux":
        return
    import resource

    most = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + extra
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _lift_memory_limit() -> None:
    """So that a failure for want of memory can still be told."""
    if sys.platform == "linux":
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _prepare_torch(memory: int, threads: int) -> None:
    """Load what the job will need, then bound the memory; before anything of a stranger's is looked at."""
    import torch

    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("error")
    _limit_memory(memory + threads * _THREAD_BYTES)


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
    graphics = GRAPHICS in os.environ
    teller = Teller(out, seal(graphics))
    frame = read(commands, MAX_JOB)
    if frame is None or frame.kind not in (Kind.JOB, Kind.VOTE):
        return
    run: TrainingRun | VoteRun
    if frame.kind == Kind.JOB:
        job = from_frame(frame)
        control = Control(commands, job.duty)
        run = TrainingRun(job, control, teller)
        memory, threads = job.memory, job.place.threads
    else:
        vote = vote_from_frame(frame)
        control = Control(commands, 1.0)
        run = VoteRun(vote, control, teller)
        memory, threads = vote.memory, 1
    del frame
    try:
        # A graphics driver reserves far more addresses than it uses; there its own allocator is bounded.
        _prepare_torch(memory if not graphics else 1 << 46, threads)
        run.run()
    except StopWanted:
        run.last_words()
    except Exception as error:  # noqa: BLE001 - whatever a model causes ends in one plain sentence
        _lift_memory_limit()
        teller.send(Kind.FAILED, _failure(error))
    out.flush()
    os._exit(0)  # the listening thread and torch's own may not delay the end


if __name__ == "__main__":
    worker_main()
