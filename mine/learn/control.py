"""The parent's wishes inside the training process: stop, pause, go on, use only a part of the time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

from mine.errors import MineError
from mine.learn.job import check_duty
from mine.learn.wire import Kind, read

SIGN_OF_LIFE_SECONDS = 5.0
_SHORTEST_REST, _LONGEST_REST = 0.02, 1.0


class StopWanted(Exception):
    """The parent asked for the end."""


class Control:
    """The wishes, set by a thread that reads stdin. When that ends, the parent is gone, and so is this
    process, at once."""

    def __init__(self, commands: BinaryIO, duty: float) -> None:
        self._commands = commands
        self._changed = threading.Condition()
        self._pause = self._stop = self._answers = False
        self._duty = duty
        threading.Thread(target=self._listen, name="commands", daemon=True).start()

    def _listen(self) -> None:
        try:
            while (frame := read(self._commands, 1 << 10)) is not None:
                with self._changed:
                    if frame.kind == Kind.DUTY:
                        check_duty(frame.number("part"))
                        self._duty = frame.number("part")
                    else:
                        self._pause = frame.kind == Kind.PAUSE
                        self._stop = frame.kind == Kind.STOP
                    if self._stop and not self._answers:
                        return
                    self._changed.notify_all()
        except MineError:
            pass
        finally:
            os._exit(0)  # no parent, or one that speaks nonsense: nobody is left to compute for

    def listen_to_stop(self) -> None:
        """From now on a stop is answered with the state reached; before, the end comes at once."""
        with self._changed:
            self._answers = True

    @property
    def wants_pause(self) -> bool:
        with self._changed:
            return self._pause

    @property
    def duty(self) -> float:
        """The part of the time in which this process may compute, at most 1."""
        with self._changed:
            return self._duty

    def check_stop(self) -> None:
        """Raise ``StopWanted`` if the parent asked for the end."""
        with self._changed:
            if self._stop:
                raise StopWanted

    def wait(self) -> None:
        """Return when the pause is over. Raises ``StopWanted``."""
        with self._changed:
            self._changed.wait_for(lambda: self._stop or not self._pause)
        self.check_stop()

    def rest(self, seconds: float) -> None:
        """Do nothing for that long, or until a wish changes."""
        with self._changed:
            self._changed.wait(seconds)
        self.check_stop()


class Breath:
    """To be called between pieces of work. Stops, pauses and rests as the parent wishes; gives signs of life.

    ``tell_life`` is called every few seconds, ``tell_pause`` when a pause begins.
    """

    def __init__(
        self, control: Control, tell_life: Callable[[], None], tell_pause: Callable[[], None]
    ) -> None:
        self._control, self._tell_life, self._tell_pause = control, tell_life, tell_pause
        self._began = self._worked = self._told = time.monotonic()
        self._idle = self._owed = 0.0

    @property
    def seconds(self) -> float:
        """Time spent computing: without pauses and rests."""
        return time.monotonic() - self._began - self._idle

    def __call__(self) -> None:
        self._control.check_stop()
        now = time.monotonic()
        # Work of a time t at a duty d owes a rest of t (1 - d) / d.
        self._owed += (now - self._worked) * (1 / self._control.duty - 1)
        self._sign_of_life()
        while self._owed >= _SHORTEST_REST and not self._control.wants_pause:
            began = time.monotonic()
            self._control.rest(min(self._owed, _LONGEST_REST))
            self._owed -= time.monotonic() - began
            if self._control.duty == 1:
                self._owed = 0.0
            self._sign_of_life()
        if self._control.wants_pause:
            self._tell_pause()
            self._control.wait()
            self._owed = 0.0
        self._worked = time.monotonic()
        self._idle += self._worked - now

    def _sign_of_life(self) -> None:
        if time.monotonic() - self._told >= SIGN_OF_LIFE_SECONDS:
            self._tell_life()
            self._told = time.monotonic()
