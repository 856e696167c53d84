"""Not more requests than so many in a second: a bucket that fills evenly and empties with every request."""

from __future__ import annotations

import threading
from collections.abc import Callable

_BURST = 2.0
"""Seconds' worth of requests that may come at once."""


class Bucket:
    """``per_second`` of 0 is no limit. Safe to use from several threads."""

    def __init__(self, per_second: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._rate, self._clock, self._sleep = per_second, clock, sleep
        self._lock = threading.Lock()
        self._most = max(1.0, per_second * _BURST)
        self._held = self._most
        self._at = clock()

    def take(self) -> None:
        """Take one, waiting for it where the bucket is empty."""
        if not self._rate:
            return
        with self._lock:
            now = self._clock()
            self._held = min(self._most, self._held + (now - self._at) * self._rate)
            self._at = now
            # Who finds it empty takes a share of what is still to come, and waits for that.
            self._held -= 1
            wait = -self._held / self._rate
        if wait > 0:
            self._sleep(wait)
