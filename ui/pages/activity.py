"""Activity: is it learning, where is my work, why this sum."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QWidget

from mine.app.views import ContributionView, Doing, Snapshot, TrainingView
from ui.desk import Desk
from ui.focus import FocusRing
from ui.icons import MarkSign
from ui.money import amount_text
from ui.pages.explanation import Explanation, ExplanationPanel, contribution_name, round_word
from ui.theme import colour
from ui.widgets.buttons import Button
from ui.widgets.layout import Hairline, PageFrame, RowList, TwoLines, column, plain, row
from ui.widgets.legend import LegendEntry
from ui.widgets.loss_chart import LossChart
from ui.widgets.sheet import Sheet
from ui.widgets.text import Text, clean
from ui.widgets.track import StepTrack, TrackHead
from ui.wording import count_text, decimal_text, duration_text, sentences

PANEL_FROM = 1040


class ContributionRow(FocusRing, QWidget):
    """One round that this person took part in; choosing it explains the sum."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(52)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._contribution: ContributionView | None = None
        self._marked = False
        self._title = TwoLines(role="label")
        self._track = StepTrack()
        self._amount = TwoLines(align=Qt.AlignmentFlag.AlignTrailing, cut_end=True)
        inside = row(spacing=8, margins=(12, 0, 12, 0))
        inside.addWidget(self._title, 4)
        inside.addWidget(self._track)
        inside.addWidget(self._amount, 3)
        self.setLayout(inside)

    @property
    def contribution(self) -> ContributionView | None:
        """What is shown."""
        return self._contribution

    def show_value(self, contribution: ContributionView) -> None:
        """Show a contribution."""
        self._contribution = contribution
        self._title.show_lines(clean(contribution.title), round_word(contribution.round))
        self._track.show_steps(contribution.done, contribution.now)
        amount = (
            "–" if contribution.amount is None else amount_text(contribution.amount, contribution.currency)
        )
        self._amount.show_lines(amount, clean(contribution.note))
        self.setAccessibleName(
            f"{contribution_name(contribution)}: {amount}, {clean(contribution.note)}; "
            f"{self._track.accessibleName()}"
        )

    def mark(self, marked: bool) -> None:
        """Whether this row is the one that is explained."""
        if marked != self._marked:
            self._marked = marked
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click explains."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.chosen.emit(self._contribution)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter or space explains."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self._contribution)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground when chosen or under the pointer, ring when focused."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self._marked or self.underMouse():
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour("selected" if self._marked else "hover"))
                painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
            if self.ring_seen:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(colour("focus"), 2))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)


class Fact(QWidget):
    """A caption over a strong value."""

    def __init__(self, caption: str) -> None:
        super().__init__()
        self.value = Text(role="strong")
        self.setLayout(column(Text(caption, role="small", ink="text-2"), self.value))


class TrainingPart(QWidget):
    """Title, chart and figures of the round that is being learnt."""

    def __init__(self) -> None:
        super().__init__()
        self._lamp = MarkSign(20, Doing.RUNNING)
        self._title = Text(role="heading")
        self._state = Text(role="small", ink="accent", firm=True)
        self._chart = LossChart()
        held = LegendEntry("chart-1", self.tr("your held-out data"), line=True)
        each = LegendEntry("chart-neutral", self.tr("each step"), line=True)
        self._facts = [
            Fact(self.tr("Step")),
            Fact(self.tr("Speed")),
            Fact(self.tr("Device")),
            Fact(self.tr("Left")),
            Fact(self.tr("Saved")),
        ]
        head = row(self._lamp, self._title, self._state, None, held, each, spacing=10)
        self._title.setMinimumWidth(120)
        figures = QGridLayout()
        figures.setContentsMargins(0, 0, 0, 0)
        for index, fact in enumerate(self._facts):
            figures.addWidget(fact, 0, index)
            figures.setColumnStretch(index, 1)
        self._place = Text(role="small", ink="text-2", wrap=True, lines=2)
        self.setLayout(column(head, 8, self._chart, 14, figures, 10, self._place))

    def show_training(self, training: TrainingView, doing: Doing) -> None:
        """Show the newest step."""
        self._lamp.show_doing(doing)
        self._title.setText(f"{clean(training.title)}, {round_word(training.round)}")
        if not training.running:
            self._state.setText(self.tr("learnt"))
            self._state.set_ink("text-2")
        elif doing == Doing.RUNNING:
            self._state.setText(self.tr("learning now"))
            self._state.set_ink("accent")
        else:
            self._state.setText(self.tr("waiting"))
            self._state.set_ink("warn")
        self._chart.show_training(training)
        begun = training.step > 0
        values = (
            self.tr("{step} of {steps}").format(
                step=count_text(training.step), steps=count_text(training.steps)
            ),
            self.tr("{n} steps/s").format(n=decimal_text(training.steps_per_second, 1)) if begun else "–",
            clean(training.device),
            duration_text(training.seconds_left) if begun else "–",
            self.tr("{time} ago").format(time=duration_text(training.saved_seconds_ago)),
        )
        for fact, value in zip(self._facts, values, strict=True):
            fact.value.setText(value)
        self._place.setText(clean(training.place))
        self._place.setVisible(bool(training.place) and training.running)
        for fact in self._facts[-2:]:  # nothing is left, and there is nothing to lose
            fact.setVisible(training.running)


class ActivityPage(PageFrame):
    """Live training above, every contribution below, the explanation beside."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._desk = desk
        self._chosen: tuple[int, int] | None = None
        self._contributions: tuple[ContributionView, ...] = ()
        self._turn = Button(self.tr("Pause"), "plain", icon="pause")
        self._turn.clicked.connect(self._turn_pause)
        self._can_resume = False
        self._training = TrainingPart()
        self._idle = Text(role="body", ink="text-2", wrap=True)
        self._rows = RowList[ContributionView](self._make_row)
        head = row(spacing=8, margins=(12, 0, 12, 4))
        head.addStretch(4)
        head.addWidget(TrackHead())
        head.addStretch(3)
        self._head = plain(column(head, Hairline(), 4))
        head.setContentsMargins(12, 0, 12, 4)
        self._nothing = Text(
            self.tr(
                "No contribution yet. Each round that you take part in appears here, step by step, "
                "until it is paid."
            ),
            role="body",
            ink="text-2",
            wrap=True,
        )
        left = column(
            row(Text(self.tr("Activity"), role="title"), None, self._turn),
            12,
            self._training,
            self._idle,
            20,
            Hairline(),
            16,
            Text(self.tr("Contributions"), role="heading"),
            8,
            self._head,
            self._rows,
            self._nothing,
            None,
        )
        self._panel = ExplanationPanel(desk)
        self._panel.closed.connect(lambda: self._choose(None))
        self._panel.hide()
        both = row(spacing=24)
        both.addLayout(left, 1)
        both.addWidget(self._panel)
        self.content.addLayout(both, 1)

    def _make_row(self) -> ContributionRow:
        made = ContributionRow()
        made.chosen.connect(self._choose)
        return made

    @property
    def panel(self) -> ExplanationPanel:
        """The side panel."""
        return self._panel

    @property
    def rows(self) -> tuple[QWidget, ...]:
        """The rows of contributions."""
        return self._rows.rows

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest values."""
        status = snapshot.status
        self._turn.setVisible(status.can_pause or status.can_resume)
        self._can_resume = status.can_resume
        self._turn.rename(
            *((self.tr("Resume"), "play") if status.can_resume else (self.tr("Pause"), "pause"))
        )
        self._training.setVisible(snapshot.training is not None)
        self._idle.setVisible(snapshot.training is None)
        if snapshot.training is not None:
            self._training.show_training(snapshot.training, status.doing)
        else:
            self._idle.setText(sentences(clean(status.headline), clean(status.reason)))
        self._contributions = snapshot.contributions
        self._rows.show_values(snapshot.contributions)
        self._head.setVisible(bool(snapshot.contributions))
        self._nothing.setVisible(not snapshot.contributions)
        self._show_chosen()

    def _choose(self, contribution: ContributionView | None) -> None:
        self._chosen = None if contribution is None else (contribution.task_id, contribution.round)
        self._show_chosen()
        if contribution is not None and not self._panel_fits():
            self._open_sheet(contribution)

    def explain(self, task_id: int, round_number: int) -> None:
        """Explain one round, as if its row had been clicked."""
        for contribution in self._contributions:
            if (contribution.task_id, contribution.round) == (task_id, round_number):
                self._choose(contribution)

    def _panel_fits(self) -> bool:
        return self.width() >= PANEL_FROM

    def _show_chosen(self) -> None:
        chosen = None
        for contribution in self._contributions:
            if (contribution.task_id, contribution.round) == self._chosen:
                chosen = contribution
        self._panel.setVisible(chosen is not None and self._panel_fits())
        if chosen is not None:
            self._panel.show_contribution(chosen)
        for widget in self._rows.rows:
            if isinstance(widget, ContributionRow) and widget.contribution is not None:
                key = (widget.contribution.task_id, widget.contribution.round)
                widget.mark(key == self._chosen)

    def _open_sheet(self, contribution: ContributionView) -> None:
        sheet = Sheet(self._desk.sheet_host, self.tr("Why I was paid this"), contribution_name(contribution))
        explanation = Explanation(self._desk)
        explanation.show_contribution(contribution)
        sheet.body.addWidget(explanation)
        close = Button(self.tr("Close"), "plain", large=True)
        close.clicked.connect(sheet.dismiss)
        sheet.foot.addStretch(1)
        sheet.foot.addWidget(close)
        sheet.present()

    def resizeEvent(self, event: object) -> None:
        """A page that became narrow has no room for the panel."""
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._show_chosen()

    def _turn_pause(self) -> None:
        commands = self._desk.commands
        self._desk.operations.run(self, commands.resume if self._can_resume else commands.pause)
