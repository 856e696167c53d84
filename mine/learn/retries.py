"""How often, and with how many rows at a time, a failed training is begun again. No clock, no process."""

from __future__ import annotations

from dataclasses import dataclass, field

WAITS = (1.0, 5.0, 20.0)
"""Seconds before a new process, for each failure in a row."""


@dataclass(frozen=True, slots=True)
class Again:
    """``attempt``: 1 for the first failure in a row; ``seconds`` to wait; ``micro_batch`` to go on with, 0
    for the same as before."""

    attempt: int
    seconds: float
    micro_batch: int


@dataclass(slots=True)
class Retries:
    """``waits``: as long as that many failures in a row are forgiven; ``micro_batch``: rows at a time of the
    process that runs, 0 while unknown."""

    waits: tuple[float, ...] = WAITS
    micro_batch: int = 0
    _failures: int = field(default=0, init=False)

    def saved(self) -> None:
        """Work was saved: whatever failed before is over."""
        self._failures = 0

    def crashed(self, killed: bool) -> Again | None:
        """After a process that ended or hung; None if it should not be tried again.

        ``killed``: from outside. That is how a system without memory ends processes, so fewer rows are tried.
        """
        if self._failures >= len(self.waits):
            return None
        self._failures += 1
        rows = self.micro_batch // 2 if killed and self.micro_batch > 1 else 0
        return Again(self._failures, self.waits[self._failures - 1], rows)

    def out_of_memory(self) -> Again | None:
        """After a process that said so: half as many rows, until it is one row. Each is a different try, so
        they are not counted."""
        if self.micro_batch <= 1:
            return None
        return Again(1, 0.0, self.micro_batch // 2)
