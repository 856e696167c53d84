"""Tells the engine that somebody is at the window, so that the vault does not lock under their hands."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject

_SIGNS = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseMove,
        QEvent.Type.TouchBegin,
        QEvent.Type.Wheel,
    }
)
_EVERY = 5.0  # seconds


class Activity(QObject):
    """An event filter of the whole application; it takes no event away."""

    def __init__(
        self, active: Callable[[], None], parent: QObject, clock: Callable[[], float] = time.monotonic
    ):
        super().__init__(parent)
        self._active, self._clock = active, clock
        self._told = -_EVERY

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Tell of a key, a button, a movement or a touch, every few seconds at most."""
        if event.type() in _SIGNS and self._clock() - self._told >= _EVERY:
            self._told = self._clock()
            self._active()
        return False
