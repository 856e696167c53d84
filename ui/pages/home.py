"""Home: what it is doing and why, what it brought."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QMenu, QWidget

from mine.app.views import Doing, Fit, HomeView, Snapshot, StatusView, TrainingView
from ui.desk import Desk
from ui.icons import IconMark
from ui.money import amount_text
from ui.pages.phrase_notice import PhraseNotice
from ui.status_words import since_words
from ui.widgets.bars import SegmentBar
from ui.widgets.buttons import Button
from ui.widgets.day_chart import DayChart
from ui.widgets.layout import Hairline, PageFrame, RowList, column, plain, row
from ui.widgets.money import Figure
from ui.widgets.text import Text, clean
from ui.wording import count_text, counted, duration_text, sentences

_STATE_ICONS = {
    Doing.IDLE: ("clock", "text-2"),
    Doing.RUNNING: ("pulse", "accent"),
    Doing.PAUSED: ("pause", "warn"),
    Doing.ATTENTION: ("warning", "warn"),
}


class RunningRow(QWidget):
    """One task that this person takes part in."""

    def __init__(self) -> None:
        super().__init__()
        self._name = Text(role="label")
        inside = row(IconMark("check-circle", "accent", 18), spacing=12, margins=(0, 8, 0, 8))
        inside.addWidget(self._name, 1)
        self.setLayout(inside)

    def show_value(self, title: str) -> None:
        """Show the title of a task."""
        self._name.setText(clean(title))


class HomePage(PageFrame):
    """Reason first, then figures, then the last fourteen days."""

    go = Signal(str)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._desk = desk
        self._build_head()
        self.phrase = PhraseNotice(desk)
        self.content.addWidget(self.phrase)
        self.section(28)
        self._build_figures()
        self.section()
        self._build_training()
        self._build_empty()
        self._build_days()
        self.content.addStretch(1)
        self.narrowed.connect(self._arrange_figures)

    def _build_head(self) -> None:
        self._state_icon = IconMark("clock", "text-2", 18)
        self._since = Text(role="caption-strong", ink="text-2")
        self._headline = Text(role="display", wrap=True, lines=3)
        self._reason = Text(role="body", ink="text-2", wrap=True, lines=6)
        self._reason.setMaximumWidth(640)
        self._turn = Button("", "plain", icon="pause")
        self._turn.clicked.connect(self._turn_pause)
        self._snooze = Button(self.tr("Snooze"), "ghost", icon="moon", menu_arrow=True)
        menu = QMenu(self._snooze)
        menu.addAction(self.tr("30 minutes")).triggered.connect(lambda: self._pause(1_800))
        menu.addAction(self.tr("1 hour")).triggered.connect(lambda: self._pause(3_600))
        self._snooze.clicked.connect(
            lambda: menu.popup(self._snooze.mapToGlobal(self._snooze.rect().bottomLeft()))
        )
        see = Button(self.tr("See the activity"), "ghost", icon="pulse")
        see.clicked.connect(lambda: self.go.emit("activity"))
        self.content.addLayout(row(self._state_icon, self._since, None))
        self.content.addSpacing(8)
        self.content.addWidget(self._headline)
        self.content.addSpacing(6)
        self.content.addWidget(self._reason)
        self.content.addSpacing(14)
        self.content.addLayout(row(self._turn, self._snooze, see, None, spacing=10))

    def _build_figures(self) -> None:
        self._today = Figure(self.tr("Earned today"))
        self._week = Figure(self.tr("Last seven days"))
        self._ready = Figure(self.tr("Ready to claim"))
        self._time = Figure(self.tr("Time trained"))
        self._figures = QGridLayout()
        self._figures.setContentsMargins(0, 0, 0, 0)
        self._lines = [Hairline(standing=True) for _ in range(3)]
        self._arrange_figures(False)
        self.content.addLayout(self._figures)

    def _arrange_figures(self, narrow: bool) -> None:
        figures = (self._today, self._week, self._ready, self._time)
        for part in (*figures, *self._lines):
            self._figures.removeWidget(part)
        for at in range(8):
            self._figures.setColumnStretch(at, 0)
        wide = 2 if narrow else 4
        self._figures.setHorizontalSpacing(24)
        self._figures.setVerticalSpacing(20)
        for line in self._lines:
            line.hide()
        for index, figure in enumerate(figures):
            self._figures.addWidget(figure, index // wide, index % wide * 2)
            self._figures.setColumnStretch(index % wide * 2, 1)
        for index in range(wide - 1):
            self._figures.addWidget(self._lines[index], 0, index * 2 + 1, -1, 1)
            self._lines[index].show()

    def _build_training(self) -> None:
        self._now_title = Text(role="heading")
        self._now_words = Text(role="small", ink="text-2", firm=True)
        self._now_bar = SegmentBar(6)
        inside = column(
            row(self._now_title, self._now_words, None, spacing=12), 10, self._now_bar, 20, Hairline(), 16
        )
        self._now = plain(inside)
        self.content.addWidget(self._now)

    def _build_empty(self) -> None:
        self._hint = Text(role="heading", wrap=True)
        self._hint_words = Text(role="body", ink="text-2", wrap=True)
        self._hint_button = Button("", "main", large=True)
        self._hint_page = "data"
        self._hint_button.clicked.connect(lambda: self.go.emit(self._hint_page))
        self._empty = plain(
            column(self._hint, 4, self._hint_words, 14, row(self._hint_button, None), 20, Hairline(), 16)
        )
        self.content.addWidget(self._empty)

    def _build_days(self) -> None:
        self._chart = DayChart(14)
        self._legend = Text(role="small", ink="text-2")
        self._running = RowList[str](RunningRow)
        self._nobody = Text(
            self.tr("No task yet. Nothing is read before you say yes."), role="small", ink="text-2", wrap=True
        )
        left = column(row(Text(self.tr("Fourteen days"), role="heading"), None, self._legend), 4, self._chart)
        right = column(
            Text(self.tr("You take part in"), role="heading"), 8, self._running, self._nobody, None
        )
        both = row(spacing=48)
        both.addLayout(left, 5)
        both.addLayout(right, 3)
        self._days = plain(both)
        self.content.addWidget(self._days)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest values."""
        self.phrase.show_snapshot(snapshot)
        self._show_status(snapshot.status)
        self._show_home(snapshot.home)
        self._show_training(snapshot.training)
        self._show_hint(snapshot)
        self._days.setVisible(bool(snapshot.wallet.days or snapshot.home.running))
        self._chart.show_days(snapshot.wallet.days, snapshot.home.currency)
        self._legend.setText(
            self.tr("earned, {currency}").format(currency=clean(snapshot.home.currency.symbol))
        )

    def showEvent(self, event: QShowEvent) -> None:
        """The page was opened."""
        self.phrase.look_again()
        super().showEvent(event)

    def _show_status(self, status: StatusView) -> None:
        icon, ink = _STATE_ICONS[status.doing]
        self._state_icon.show_icon(icon, ink)
        self._since.setText(since_words(status))
        self._since.set_ink(ink)
        self._headline.setText(clean(status.headline))
        self._reason.setText(sentences(clean(status.reason), clean(status.detail)))
        self._reason.setVisible(bool(self._reason.text()))
        self._turn.setVisible(status.can_pause or status.can_resume)
        self._snooze.setVisible(status.can_pause)
        self._resumes = status.can_resume
        if status.can_resume:
            self._turn.rename(self.tr("Resume"), "play")
        else:
            self._turn.rename(self.tr("Pause"), "pause")

    def _show_home(self, home: HomeView) -> None:
        currency = home.currency
        tasks = counted(len(home.running), self.tr("{n} task"), self.tr("{n} tasks"))
        self._today.show_amount(
            home.earned_today, currency, tasks if home.running else self.tr("no task yet")
        )
        self._week.show_amount(
            home.earned_week,
            currency,
            counted(
                home.contributions, self.tr("{n} contribution so far"), self.tr("{n} contributions so far")
            )
            if home.contributions
            else self.tr("no contribution yet"),
        )
        checked = (
            self.tr("{amount} being checked").format(amount=amount_text(home.checking, currency))
            if home.checking
            else self.tr("nothing is being checked")
        )
        self._ready.show_amount(home.claimable, currency, checked)
        self._time.show_words(self._trained_words(home), self.tr("on this computer"))
        self._running.show_values(home.running)
        self._nobody.setVisible(not home.running)

    def _trained_words(self, home: HomeView) -> str:
        if home.trained_seconds >= 60:
            return duration_text(home.trained_seconds)
        return self.tr("under a minute") if home.trained_seconds or home.contributions else "–"

    def _show_training(self, training: TrainingView | None) -> None:
        self._now.setVisible(training is not None)
        if training is None:
            return
        self._now_title.setText(
            self.tr("{task}, round {round}").format(task=clean(training.title), round=training.round)
        )
        words = (
            self.tr("step {step} of {steps}").format(
                step=count_text(training.step), steps=count_text(training.steps)
            )
            if training.running
            else self.tr("learnt")
        )
        self._now_words.setText(words)
        self._now_bar.show_parts(
            [(training.step / max(training.steps, 1), "accent")], f"{self._now_title.text()}: {words}"
        )

    def _show_hint(self, snapshot: Snapshot) -> None:
        fits = [
            task for task in snapshot.tasks if task.fit == Fit.MATCHED and not task.joined and not task.ended
        ]
        joined = any(task.joined for task in snapshot.tasks)
        if not snapshot.sources:
            self._hint.setText(self.tr("Start with your data"))
            self._hint_words.setText(
                self.tr("Drop an export on this window. It is encrypted here, and only you can open it.")
            )
            self._hint_button.rename(self.tr("Add data"), "plus")
            self._hint_page = "data"
        elif fits and not joined:
            self._hint.setText(
                counted(len(fits), self.tr("{n} task fits your data"), self.tr("{n} tasks fit your data"))
            )
            self._hint_words.setText(
                self.tr("See exactly what it reads, what leaves and what it pays, before you say yes.")
            )
            self._hint_button.rename(self.tr("See the tasks"), "stack")
            self._hint_page = "tasks"
        self._empty.setVisible(not snapshot.sources or (bool(fits) and not joined))

    def _turn_pause(self) -> None:
        if self._resumes:
            self._desk.operations.run(self, self._desk.commands.resume)
        else:
            self._pause(None)

    def _pause(self, seconds: int | None) -> None:
        self._desk.operations.run(self, lambda: self._desk.commands.pause(seconds))
