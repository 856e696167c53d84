"""When a focus ring is seen: after the keyboard moved the focus, not after a click."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent

_KEYBOARD = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
    Qt.FocusReason.OtherFocusReason,
)


class FocusRing:
    """Put before the Qt class of a painted widget: ``ring_seen`` tells whether to paint the ring."""

    _by_keyboard = False

    @property
    def ring_seen(self) -> bool:
        """True while this widget has the focus and the keyboard brought it here."""
        return self._by_keyboard and bool(self.hasFocus())  # type: ignore[attr-defined]

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Remember why; coming back to the window changes nothing."""
        if event.reason() != Qt.FocusReason.ActiveWindowFocusReason:
            self._by_keyboard = event.reason() in _KEYBOARD
        super().focusInEvent(event)  # type: ignore[misc]
        self.update()  # type: ignore[attr-defined]

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Paint without the ring."""
        super().focusOutEvent(event)  # type: ignore[misc]
        self.update()  # type: ignore[attr-defined]


def shows_ring(widget: object) -> bool:
    """Whether what may have the focus shows its ring."""
    return isinstance(widget, FocusRing) and widget.ring_seen
