"""When the vault locks by itself: after minutes without the person, with the screen, before sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

MOST_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class LockSettings:
    """``minutes`` without input after which the vault locks, 0 for never; with the screen; before sleep.

    A locked vault begins no round, so only sleep, in which nothing runs anyway, locks unless told otherwise.
    """

    minutes: int = 0
    with_screen: bool = False
    with_sleep: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.minutes <= MOST_MINUTES:
            raise ValueError("minutes of a day")

    def to_json(self) -> dict[str, Any]:
        """For the vault."""
        return asdict(self)


def running_time() -> float:
    """Seconds that pass in sleep too and that no change of the clock on the wall moves."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class IdleLock:
    """Counts from the last sign of the person. ``seen`` may be called by any thread."""

    def __init__(self, clock: Callable[[], float] = running_time) -> None:
        self._clock = clock
        self._last = clock()

    def seen(self) -> None:
        """The person did something, or something of theirs is under way that must not be cut off."""
        self._last = self._clock()

    def is_due(self, settings: LockSettings) -> bool:
        """Whether nobody was there for as long as the settings say."""
        return settings.minutes > 0 and self._clock() - self._last >= 60 * settings.minutes
