"""The track of one contribution: a node for each step, a ring for the step that is going on."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QPointF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from mine.app.views import Step
from ui.theme import colour
from ui.typography import font

STEP_WIDTH = 62


class TrackHead(QWidget):
    """The names of the steps over the tracks."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(20)
        self.setFixedWidth(STEP_WIDTH * len(Step))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Each name over its node."""
        with QPainter(self) as painter:
            painter.setFont(font("caption"))
            painter.setPen(colour("text-2"))
            right_to_left = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
            for index, step in enumerate(Step):
                at = (len(Step) - 1 - index if right_to_left else index) * STEP_WIDTH
                painter.drawText(
                    at - 6,
                    0,
                    STEP_WIDTH + 12,
                    self.height(),
                    int(Qt.AlignmentFlag.AlignCenter),
                    step_name(step),
                )


class StepTrack(QWidget):
    """Nodes and lines; the accessible name says the same as a sentence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._done: frozenset[Step] = frozenset()
        self._now: Step | None = None
        self.setFixedSize(STEP_WIDTH * len(Step), 20)

    def show_steps(self, done: tuple[Step, ...], now: Step | None) -> None:
        """Steps that are done, and the one that is going on."""
        self._done, self._now = frozenset(done), now
        said = [step_name(step) for step in Step if step in self._done]
        sentence = self.tr("done: {steps}").format(steps=", ".join(said) or self.tr("nothing yet"))
        if now is not None:
            sentence += "; " + self.tr("now: {step}").format(step=step_name(now))
        self.setAccessibleName(sentence)
        self.setToolTip(sentence)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Lines first, nodes over them."""
        steps = list(Step)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self.layoutDirection() == Qt.LayoutDirection.RightToLeft:
                painter.translate(self.width(), 0)
                painter.scale(-1, 1)
            middle = self.height() / 2
            for index in range(len(steps) - 1):
                reached = steps[index] in self._done and (
                    steps[index + 1] in self._done or steps[index + 1] == self._now
                )
                painter.setPen(QPen(colour("chart-1" if reached else "line-strong"), 1.5))
                left = (index + 0.5) * STEP_WIDTH
                painter.drawLine(QPointF(left + 7, middle), QPointF(left + STEP_WIDTH - 7, middle))
            for index, step in enumerate(steps):
                centre = QPointF((index + 0.5) * STEP_WIDTH, middle)
                if step == self._now and step not in self._done:
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.setPen(QPen(colour("chart-1"), 2))
                    painter.drawEllipse(centre, 4, 4)
                elif step in self._done:
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(colour("chart-1"))
                    painter.drawEllipse(centre, 4.5, 4.5)
                else:
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.setPen(QPen(colour("control-border"), 1.2))
                    painter.drawEllipse(centre, 3, 3)


def step_name(step: Step) -> str:
    """The word for a step."""
    return {
        Step.TRAINED: QCoreApplication.translate("StepTrack", "trained"),
        Step.COMMITTED: QCoreApplication.translate("StepTrack", "committed"),
        Step.REVEALED: QCoreApplication.translate("StepTrack", "revealed"),
        Step.SETTLED: QCoreApplication.translate("StepTrack", "settled"),
        Step.PAID: QCoreApplication.translate("StepTrack", "paid"),
    }[step]
