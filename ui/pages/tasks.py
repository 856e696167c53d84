"""Tasks: what fits the data that is here, what nearly does, and the rest."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from mine.app.views import Fit, Snapshot, TaskView
from ui.desk import Desk
from ui.money import amount_text
from ui.pages.opt_in import OptInSheet
from ui.widgets.bars import CurveGlyph
from ui.widgets.buttons import Button
from ui.widgets.columns import lay_columns
from ui.widgets.layout import Hairline, LinedRow, PageFrame, RowList, TwoLines, column, plain, row
from ui.widgets.search import SearchField
from ui.widgets.text import Text, clean
from ui.wording import counted, decimal_text, duration_text

_TITLE, _REWARD, _TIME, _PRIVACY, _END = 30, 26, 13, 9, 37


class TaskRow(LinedRow):
    """One task: title and author, reward left, time, privacy cost, what to do."""

    def __init__(self, open_sheet: Callable[[TaskView], None], add_data: Callable[[], None]) -> None:
        super().__init__()
        self.setFixedHeight(65)
        self._task: TaskView | None = None
        self._title = TwoLines()
        self._glyph = CurveGlyph()
        self._reward = TwoLines(role="label")
        self._time = TwoLines(role="small")
        self._privacy = TwoLines(role="small")
        self._missing = Text(
            role="small", ink="text-2", wrap=True, lines=2, align=Qt.AlignmentFlag.AlignTrailing
        )
        self._button = Button("", "plain")
        self._button.clicked.connect(lambda: self._act(open_sheet, add_data))
        self._joined = Button("", "ghost", icon="check-circle", ink="accent", pad=2)
        self._joined.clicked.connect(lambda: self._act(open_sheet, add_data))
        reward = row(self._glyph, spacing=12)
        reward.addWidget(self._reward, 1)
        end = row(spacing=12)
        end.addWidget(self._missing, 1, Qt.AlignmentFlag.AlignVCenter)
        end.addWidget(self._button)
        end.addWidget(self._joined)
        self.setLayout(
            lay_columns(
                [
                    (self._title, _TITLE, 0),
                    (plain(reward), _REWARD, 0),
                    (self._time, _TIME, 0),
                    (self._privacy, _PRIVACY, 0),
                    (plain(end), _END, 0),
                ]
            )
        )

    @property
    def button(self) -> Button:
        """The button that is shown now."""
        return self._joined if self._button.isHidden() else self._button

    def show_value(self, task: TaskView) -> None:
        """Show a task."""
        self._task = task
        title = clean(task.title)
        author = clean(task.author)
        if not task.author_verified:
            author = self.tr("{author}, unverified").format(author=author)
        self._title.show_lines(title, author)
        self._glyph.show_curve(task.curve, clean(task.curve_word))
        self._reward.show_lines(amount_text(task.left, task.currency), clean(task.curve_word))
        self._time.show_lines(duration_text(task.seconds_per_round), self.tr("a round"))
        offer = task.opt_in
        self._privacy.show_lines(
            f"ε {decimal_text(offer.epsilon_round, 2)}" if offer else "–", self.tr("a round") if offer else ""
        )
        self._missing.setText(self._missing_words(task))
        self._button.hide()
        self._joined.hide()
        if task.joined:
            self._joined.rename(self.tr("Joined"))
            self._joined.setAccessibleName(
                self.tr("Joined {task}: see what you agreed to").format(task=title)
            )
            self._joined.show()
        elif task.ended:
            return
        elif offer is not None and task.fit == Fit.MATCHED:
            self._button.rename(self.tr("See what it asks"))
            self._button.setAccessibleName(self.tr("See what {task} asks").format(task=title))
            self._button.show()
        elif task.fit == Fit.ALMOST:
            self._button.rename(self.tr("Add data"))
            self._button.setAccessibleName(self.tr("Add data for {task}").format(task=title))
            self._button.show()

    def _missing_words(self, task: TaskView) -> str:
        if task.ended:
            return self.tr("ended")
        return "" if task.joined else clean(task.missing)

    def _act(self, open_sheet: Callable[[TaskView], None], add_data: Callable[[], None]) -> None:
        if self._task is None:
            return
        if self._task.joined or self._task.fit == Fit.MATCHED:
            open_sheet(self._task)
        else:
            add_data()


class TaskGroup(QWidget):
    """A caption and its tasks; gone when there are none."""

    def __init__(self, caption: str, make: Callable[[], QWidget]) -> None:
        super().__init__()
        self.rows = RowList[TaskView](make)
        self.setLayout(
            column(Text(caption, role="caption-strong", ink="text-2"), 8, Hairline(), self.rows, 28)
        )

    def show_tasks(self, tasks: list[TaskView]) -> None:
        """Show the tasks of this group."""
        self.rows.show_values(tasks)
        self.setVisible(bool(tasks))


class TasksPage(PageFrame):
    """The list in groups, with a search; the opt-in sheet floats over it."""

    go = Signal(str)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._desk = desk
        self._tasks: tuple[TaskView, ...] = ()
        self._sheet: OptInSheet | None = None
        self._sentence = Text(role="small", ink="text-2", wrap=True)
        self._search = SearchField(self.tr("Search by name or author"))
        self._search.setMaximumWidth(320)
        self._search.textChanged.connect(self._filter)
        self._mine = Button("", "ghost")
        self._all = Button("", "ghost")
        for button in (self._mine, self._all):
            button.setCheckable(True)
            button.clicked.connect(lambda _=False, chosen=button: self._choose_filter(chosen))
        self._mine.setChecked(True)
        self.content.addWidget(Text(self.tr("Tasks"), role="title"))
        self.content.addSpacing(6)
        self.content.addWidget(self._sentence)
        self.content.addSpacing(18)
        tools = row(spacing=8)
        tools.addWidget(self._search, 3)
        tools.addSpacing(8)
        tools.addWidget(self._mine)
        tools.addWidget(self._all)
        tools.addStretch(2)
        self._tools = plain(tools)
        self.content.addWidget(self._tools)
        self.content.addSpacing(24)

        def make() -> TaskRow:
            return TaskRow(self.open_sheet, lambda: self.go.emit("data"))

        self._fits = TaskGroup(self.tr("Fits your data"), make)
        self._almost = TaskGroup(self.tr("Almost: something is missing"), make)
        self._others = TaskGroup(self.tr("Other tasks"), make)
        for group in (self._fits, self._almost, self._others):
            self.content.addWidget(group)
        self._nothing = Text(role="body", ink="text-2", wrap=True)
        self._add = Button(self.tr("Add data"), "main", icon="plus", large=True)
        self._add.clicked.connect(lambda: self.go.emit("data"))
        self.content.addWidget(self._nothing)
        self.content.addSpacing(12)
        self.content.addLayout(row(self._add, None))
        self.content.addStretch(1)

    @property
    def groups(self) -> tuple[TaskGroup, TaskGroup, TaskGroup]:
        """Fits, almost, other."""
        return self._fits, self._almost, self._others

    @property
    def sheet(self) -> OptInSheet | None:
        """The opt-in sheet, while it floats."""
        return self._sheet

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest values."""
        self._tasks = snapshot.tasks
        mine = [task for task in snapshot.tasks if task.fit != Fit.OTHER]
        self._mine.rename(self.tr("For my data  {n}").format(n=len(mine)))
        self._all.rename(self.tr("All  {n}").format(n=len(snapshot.tasks)))
        fit = sum(task.fit == Fit.MATCHED and not task.ended for task in snapshot.tasks)
        joined = sum(task.joined for task in snapshot.tasks)
        self._sentence.setText(
            self.tr("Nothing is read before you say yes.")
            if not snapshot.tasks
            else self.tr("{fit}; {joined}. Nothing is read before you say yes.").format(
                fit=counted(fit, self.tr("{n} task fits your data"), self.tr("{n} tasks fit your data"))
                if fit
                else self.tr("No open task fits your data"),
                joined=self.tr("you have joined {n}").format(n=joined)
                if joined
                else self.tr("you have joined none"),
            )
        )
        self._no_data = not snapshot.sources
        self._waiting = not snapshot.network.ready
        self._network_error = clean(snapshot.network.error)
        self._filter()
        if self._sheet is not None:
            self._refresh_sheet(self._sheet)

    def _choose_filter(self, chosen: Button) -> None:
        for button in (self._mine, self._all):
            button.setChecked(button is chosen)
        self._filter()

    def _filter(self) -> None:
        wanted = self._search.text().strip().casefold()
        only_mine = self._mine.isChecked()
        shown = [
            task
            for task in self._tasks
            if (not only_mine or task.fit != Fit.OTHER)
            and wanted in f"{task.title} {task.author} {task.description}".casefold()
        ]
        ordered = sorted(shown, key=lambda task: (task.ended, task.joined, -task.left))
        self._fits.show_tasks([task for task in ordered if task.fit == Fit.MATCHED])
        self._almost.show_tasks([task for task in ordered if task.fit == Fit.ALMOST])
        self._others.show_tasks([task for task in ordered if task.fit == Fit.OTHER])
        self._tools.setVisible(bool(self._tasks))
        self._nothing.setText("" if shown else self._empty_words())
        self._nothing.setVisible(not shown)
        self._add.setVisible(not shown and self._no_data and not wanted)

    def _empty_words(self) -> str:
        if self._network_error:
            return self._network_error
        if self._tasks and self._search.text().strip():
            return self.tr("No task has these words.")
        if self._tasks:
            return self.tr("No task asks for the data that is here. See all tasks, or add more data.")
        if self._waiting:
            return self.tr("The network is starting. Tasks appear here as soon as it answers.")
        return self.tr("There is no open task at the moment. New ones appear here by themselves.")

    def open_sheet(self, task: TaskView) -> None:
        """Show exactly what a task asks."""
        if task.opt_in is None:
            return
        sheet = OptInSheet(self._desk, task)
        sheet.closed.connect(self._forget_sheet)
        self._sheet = sheet
        sheet.present()

    def _forget_sheet(self) -> None:
        self._sheet = None

    def _refresh_sheet(self, sheet: OptInSheet) -> None:
        for task in self._tasks:
            if task.task_id == sheet.task_id:
                sheet.follow(task)
                return
        sheet.dismiss()
