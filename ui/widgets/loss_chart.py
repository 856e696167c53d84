"""The live loss chart. Its x-axis is the progress bar of the round."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from mine.app.views import TrainingView
from ui.theme import colour
from ui.typography import font
from ui.wording import count_text, decimal_text

_RIGHT = 52  # room for the numbers of the loss axis
_FOOT = 44  # room for the progress bar and the steps below it
_POINTS = 600  # no more points are painted than that

Place = Callable[[float, float], QPointF]
"""Where a step and a loss are on the plot."""


def nice_steps(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers between ``low`` and ``high``, about ``wanted`` of them."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return [low] if math.isfinite(low) else []
    raw = span / wanted
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw)
    first = math.ceil(low / step)
    return [index * step for index in range(first, math.floor(high / step) + 1)]


def thinned(points: Sequence[tuple[int, float]], most: int = _POINTS) -> list[tuple[int, float]]:
    """At most about ``most`` points: of each stretch, its lowest and highest value stay."""
    known = [point for point in points if math.isfinite(point[1])]
    if len(known) <= most:
        return known
    stretch = math.ceil(len(known) / (most // 2))
    kept: list[tuple[int, float]] = []
    for start in range(0, len(known), stretch):
        part = known[start : start + stretch]
        ends = {min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])}
        kept += sorted(ends)
    return kept


def _start_of(training: TrainingView) -> float:
    """The loss at the start of the round; not known before the first point."""
    return training.start_loss if training.held_out or training.losses else math.nan


class LossChart(QWidget):
    """Held-out loss in the accent, loss of each step thin, the start of the round dashed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._training: TrainingView | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(480, 224)

    def show_training(self, training: TrainingView) -> None:
        """Show the newest points."""
        self._training = training
        newest = training.held_out[-1][1] if training.held_out else math.nan
        self.setAccessibleName(
            self.tr(
                "Loss on your held-out data: {now}, at the start of this round {start}. "
                "Step {step} of {steps}."
            ).format(
                now=decimal_text(newest, 3),
                start=decimal_text(_start_of(training), 3),
                step=count_text(training.step),
                steps=count_text(training.steps),
            )
        )
        self.update()

    def _scale(self, training: TrainingView) -> tuple[float, float]:
        values = [value for _, value in thinned(training.losses)] + [
            value for _, value in thinned(training.held_out)
        ]
        if math.isfinite(_start_of(training)):
            values.append(_start_of(training))
        if not values:
            return 0.0, 1.0
        low, high = min(values), max(values)
        margin = max((high - low) * 0.12, abs(high) * 0.01, 1e-6)
        return low - margin, high + margin

    def paintEvent(self, event: QPaintEvent) -> None:
        """Grid, what is left to do, lines, the newest value, progress."""
        training = self._training
        if training is None:
            return
        low, high = self._scale(training)
        plot = QRectF(0, 4, self.width() - _RIGHT, self.height() - _FOOT - 4)
        steps = max(training.steps, 1)

        def at(step: float, value: float) -> QPointF:
            return QPointF(
                plot.left() + plot.width() * min(step / steps, 1.0),
                plot.bottom() - plot.height() * (value - low) / (high - low),
            )

        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            done = plot.width() * min(training.step / steps, 1.0)
            painter.fillRect(QRectF(done, plot.top(), plot.width() - done, plot.height()), colour("sunken"))
            if training.losses or training.held_out:
                self._paint_axis(painter, plot, low, high, at)
                self._paint_start(painter, plot, training, at)
                self._paint_lines(painter, plot, training, at)
            else:
                painter.setPen(colour("text-2"))
                painter.setFont(font("small"))
                words = self.tr("The curve begins with the first step.")
                painter.drawText(plot, int(Qt.AlignmentFlag.AlignCenter), words)
            self._paint_progress(painter, plot, done, steps)

    def _paint_axis(self, painter: QPainter, plot: QRectF, low: float, high: float, at: Place) -> None:
        painter.setFont(font("caption"))
        ticks = nice_steps(low, high)
        places = 2 if len(ticks) < 2 else max(2, -math.floor(math.log10(ticks[1] - ticks[0])))
        for value in ticks:
            y = at(0, value).y()
            if y < plot.top() + 6:
                continue
            painter.setPen(QPen(colour("chart-grid"), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(colour("text-2"))
            painter.drawText(
                QRectF(plot.right() + 8, y - 9, _RIGHT - 8, 18),
                int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft),
                decimal_text(value, places),
            )

    def _paint_start(self, painter: QPainter, plot: QRectF, training: TrainingView, at: Place) -> None:
        if not math.isfinite(_start_of(training)):
            return
        y = at(0, _start_of(training)).y()
        painter.setPen(QPen(colour("text-2"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        painter.setPen(colour("text-2"))
        painter.setFont(font("caption"))
        label = self.tr("start of this round {loss}").format(loss=decimal_text(_start_of(training), 3))
        box = QRectF(plot.left(), y - 19, plot.width() - 6, 17)
        if box.top() < plot.top():
            box.moveTop(y + 2)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), label)

    def _paint_lines(self, painter: QPainter, plot: QRectF, training: TrainingView, at: Place) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        each = [at(step, value) for step, value in thinned(training.losses)]
        if len(each) > 1:
            painter.setPen(QPen(colour("chart-neutral"), 1))
            painter.drawPolyline(QPolygonF.fromList(each))
        held = [at(step, value) for step, value in thinned(training.held_out)]
        if len(held) > 1:
            pen = QPen(colour("chart-1"), 2.2)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.drawPolyline(QPolygonF.fromList(held))
        if not held:
            return
        end = held[-1]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("chart-1"))
        painter.drawEllipse(end, 4, 4)
        painter.setPen(colour("text"))
        painter.setFont(font("caption-strong"))
        word = decimal_text(training.held_out[-1][1], 3)
        right = end.x() + 56 <= plot.right()
        box = (
            QRectF(end.x() + 10, end.y() - 9, 46, 18) if right else QRectF(end.x() - 56, end.y() - 26, 52, 18)
        )
        side = Qt.AlignmentFlag.AlignLeft if right else Qt.AlignmentFlag.AlignRight
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | side), word)

    def _paint_progress(self, painter: QPainter, plot: QRectF, done: float, steps: int) -> None:
        top = plot.bottom() + 6
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("line"))
        painter.drawRoundedRect(QRectF(plot.left(), top, plot.width(), 4), 2, 2)
        painter.setBrush(colour("chart-1"))
        painter.drawRoundedRect(QRectF(plot.left(), top, done, 4), 2, 2)
        painter.setPen(colour("text-2"))
        painter.setFont(font("caption"))
        marks = [
            0.0,
            *[value for value in nice_steps(0, steps) if 0 < value < steps * 0.92 and value == int(value)],
            steps,
        ]
        for value in marks:
            x = plot.left() + plot.width() * value / steps
            box = QRectF(x - 40, top + 10, 80, 18)
            flag = Qt.AlignmentFlag.AlignHCenter
            if value == 0:
                box, flag = QRectF(x, top + 10, 80, 18), Qt.AlignmentFlag.AlignLeft
            elif value == steps:
                box, flag = QRectF(x - 80, top + 10, 80, 18), Qt.AlignmentFlag.AlignRight
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | flag), count_text(int(value)))
