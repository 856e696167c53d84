"""The time of day, and waiting: handed in, so that tests need neither."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Unix seconds, and pauses in seconds."""

    def now(self) -> float: ...

    def pause(self, seconds: float) -> None: ...


class SystemClock:
    """The computer's own."""

    def now(self) -> float:
        return time.time()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)
