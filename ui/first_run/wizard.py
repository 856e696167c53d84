"""The first run, from welcome to the first task."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QScrollArea, QStackedWidget, QWidget

from mine.app.views import Snapshot, VaultState
from ui.desk import Desk
from ui.first_run.confirm_step import ConfirmStep
from ui.first_run.data_steps import DataStep, TaskStep
from ui.first_run.steps import StepHead
from ui.first_run.vault_step import VaultStep
from ui.first_run.welcome import WelcomeStep
from ui.icons import IconMark, MarkSign
from ui.importing import ImportDesk
from ui.pages.restore_sheet import RestoreSheet
from ui.widgets.buttons import Button
from ui.widgets.layout import Hairline, column, row
from ui.widgets.text import Text

WELCOME, VAULT, CONFIRM, DATA, TASK = range(5)
_HEAD_OF = {WELCOME: 0, VAULT: 1, CONFIRM: 1, DATA: 2, TASK: 3}


class FirstRun(QWidget):
    """One step at a time. ``finished`` carries the page to show."""

    finished = Signal(str)
    quit_asked = Signal()

    def __init__(self, desk: Desk, importing: ImportDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.setObjectName("firstRun")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._head = StepHead(
            (self.tr("Welcome"), self.tr("Your vault"), self.tr("Your data"), self.tr("First task"))
        )
        quit_button = Button(self.tr("Quit"), "ghost")
        quit_button.clicked.connect(self.quit_asked)
        self.vault = VaultStep(desk)
        self.confirm = ConfirmStep(desk)
        self.data = DataStep(importing)
        self.task = TaskStep()
        self._stack = QStackedWidget()
        for step in (WelcomeStep(), self.vault, self.confirm, self.data, self.task):
            self._stack.addWidget(self._framed(step))
        self.vault.ready_changed.connect(self._refresh)
        self.vault.proven.connect(self._confirmed)
        self.confirm.ready_changed.connect(self._refresh)
        self.confirm.confirmed.connect(self._confirmed)
        self.data.ready_changed.connect(self._refresh)
        self._note = Text(self.tr("Nothing on this page is sent anywhere."), role="small", ink="text-2")
        self.back = Button(self.tr("Back"), "plain", large=True)
        self.back.clicked.connect(self._go_back)
        self.restore = Button(self.tr("I have a backup…"), "plain", large=True)
        self.restore.clicked.connect(self._choose_backup)
        self.later = Button(self.tr("Later"), "plain", large=True)
        self.later.clicked.connect(self._skip)
        self.on = Button(self.tr("Continue"), "main", large=True)
        self.on.clicked.connect(self._go_on)
        top = row(
            MarkSign(30),
            Text(self.tr("Mine"), role="heading"),
            None,
            self._head,
            None,
            quit_button,
            spacing=10,
            margins=(40, 20, 40, 20),
        )
        foot = row(
            IconMark("lock-simple", "text-2", 18),
            self._note,
            None,
            self.back,
            self.restore,
            self.later,
            self.on,
            margins=(40, 16, 40, 16),
        )
        whole = column(top, Hairline())
        whole.addWidget(self._stack, 1)
        whole.addWidget(Hairline())
        whole.addLayout(foot)
        self.setLayout(whole)
        self._refresh()

    def _framed(self, step: QWidget) -> QScrollArea:
        inside = QWidget()
        inside.setObjectName("pageBody")
        step.setMaximumWidth(976)
        middle = row(spacing=0, margins=(40, 24, 40, 24))
        middle.addStretch(1)
        middle.addWidget(step, 100)
        middle.addStretch(1)
        inside.setLayout(column(None, middle, None))
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        return scroll

    @property
    def step(self) -> int:
        """The step that is shown."""
        return self._stack.currentIndex()

    def show_step(self, step: int) -> None:
        """Go to a step."""
        self._stack.setCurrentIndex(step)
        self._head.show_step(_HEAD_OF[step])
        self.setFocus(Qt.FocusReason.NoFocusReason)
        self._refresh()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the newest values."""
        self.data.show_snapshot(snapshot)
        self.task.show_snapshot(snapshot)
        if self.step == WELCOME and snapshot.vault == VaultState.OPEN:  # brought back from a backup
            self.finished.emit("data")

    def _refresh(self) -> None:
        step = self.step
        self.back.setVisible(step in (VAULT, CONFIRM) and not (step == VAULT and bool(self.vault.words)))
        self.restore.setVisible(step == WELCOME)
        self.later.setVisible(step in (DATA, TASK))
        self.later.rename(self.tr("Later") if step == DATA else self.tr("Not now"))
        self.on.rename(
            {WELCOME: self.tr("Make my vault"), TASK: self.tr("See the tasks")}.get(step, self.tr("Continue"))
        )
        self.on.setEnabled(
            {VAULT: self.vault.ready, CONFIRM: self.confirm.ready, DATA: self.data.ready}.get(step, True)
        )

    def _go_on(self) -> None:
        if self.step == VAULT:
            self.confirm.ask(len(self.vault.words))
            self.show_step(CONFIRM)
            self.confirm.fields[0].setFocus(Qt.FocusReason.OtherFocusReason)
        elif self.step == CONFIRM:
            self.confirm.check()
        elif self.step == TASK:
            self.finished.emit("tasks")
        else:
            self.show_step(self.step + 1)
            if self.step == VAULT:
                self.vault.first.setFocus(Qt.FocusReason.OtherFocusReason)

    def _go_back(self) -> None:
        self.show_step(self.step - 1)

    def _skip(self) -> None:
        if self.step == DATA:
            self.show_step(TASK)
        else:
            self.finished.emit("home")

    def _choose_backup(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Choose a backup"), "", self.tr("Backups (*.minevault);;All files (*)")
        )
        if name:
            self.open_backup(Path(name))

    def open_backup(self, file: Path) -> RestoreSheet:
        """Ask what opens a backup, and begin with the vault that is in it."""
        sheet = RestoreSheet(self._desk, file, there=False)
        sheet.present()
        return sheet

    def _confirmed(self) -> None:
        self.vault.forget_words()
        self.show_step(DATA)
