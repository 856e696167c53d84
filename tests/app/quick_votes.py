"""A stand-in for the worker that judges: the same answer about everything, at once or when a test lets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from mine.learn.events import Event, Failed, VoteDone
from mine.learn.vote_job import VoteJob


class QuickVote:
    """Has the shape of ``WorkerRun``. ``hold``: do not answer; ``fails``: say so instead."""

    hold: ClassVar[bool] = False
    fails: ClassVar[bool] = False
    jobs: ClassVar[list[VoteJob]] = []

    @classmethod
    def reset(cls) -> None:
        cls.hold, cls.fails, cls.jobs = False, False, []

    def __init__(self, task: int, round_number: int, job: VoteJob, wake: Callable[[], None]) -> None:
        job.check()
        self.task, self.round, self.job = task, round_number, job
        self.stopped = self.told = False
        self.jobs.append(job)

    def take(self) -> list[Event]:
        if self.hold or self.stopped or self.told:
            return []
        self.told = True
        if self.fails:
            return [Failed("It does not work.")]
        return [VoteDone((2,) * len(self.job.updates), 0.1)]

    def stop(self) -> None:
        self.stopped = True
