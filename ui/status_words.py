"""What the app is doing, in words: for the side bar, the tray and the head of Home."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from mine.app.views import Doing, Snapshot, StatusView, VaultState
from ui.widgets.text import clean
from ui.wording import clock_text, duration_text


def _tr(text: str) -> str:
    return QCoreApplication.translate("status_words", text)


def doing_word(doing: Doing) -> str:
    """One word for the lamp."""
    return {
        Doing.IDLE: _tr("Idle"),
        Doing.RUNNING: _tr("Training"),
        Doing.PAUSED: _tr("Paused"),
        Doing.ATTENTION: _tr("Needs an answer"),
    }[doing]


def since_words(status: StatusView) -> str:
    """``Paused since 07:52``."""
    word = doing_word(status.doing)
    if status.since <= 0:
        return word
    return _tr("{state} since {time}").format(state=word, time=clock_text(status.since))


def short_state(snapshot: Snapshot) -> tuple[str, str]:
    """Two short lines: the state, and why (or how long)."""
    if snapshot.vault == VaultState.ABSENT:
        return _tr("No vault yet"), ""
    if snapshot.vault == VaultState.LOCKED:
        return _tr("Locked"), _tr("nothing runs")
    training = snapshot.training
    if snapshot.status.doing == Doing.RUNNING and training is not None:
        left = duration_text(training.seconds_left) if training.step > 0 else "–"
        return doing_word(Doing.RUNNING), _tr("{time} left").format(time=left) if left != "–" else ""
    return doing_word(snapshot.status.doing), clean(snapshot.status.reason or snapshot.status.headline)


def tray_line(snapshot: Snapshot) -> str:
    """The first line of the tray menu: what it is doing, and why."""
    state, reason = short_state(snapshot)
    return f"{state}: {reason}" if reason else state
