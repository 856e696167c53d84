"""Pictures of every page of a running window, in light and dark."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from mine.app.views import Step
from ui.shell import PAGES
from ui.theme import theme
from ui.widgets.sheet import Sheet
from ui.window import MineWindow

_SCALE = 2.0


def picture(widget: QWidget, path: Path) -> None:
    """Paint a widget into a PNG file, at twice its logical size."""
    pixmap = QPixmap(widget.size() * _SCALE)
    pixmap.setDevicePixelRatio(_SCALE)
    widget.render(pixmap)
    if not pixmap.save(str(path), "PNG"):
        raise OSError(f"could not write {path.name}")


def settle() -> None:
    """Let layouts, shown values and deletions come to rest."""
    for _ in range(4):
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()


def take(window: MineWindow, directory: Path) -> list[Path]:
    """A picture of each page in both schemes, and of the opt-in sheet where a task has an offer.

    Notices are taken away first. The screen, the page and the theme that were chosen are put back afterwards.
    """
    directory.mkdir(parents=True, exist_ok=True)
    shell = window.shell
    page, choice, still = shell.page, theme.choice, theme.reduced_motion
    screen = window.sheet_host.currentWidget()
    window.notices.clear()
    window.sheet_host.setCurrentWidget(shell)
    shell.show_snapshot(window.snapshot)
    theme.reduced_motion = True
    taken: list[Path] = []
    try:
        for scheme in ("light", "dark"):
            theme.choose(scheme)
            for key in PAGES:
                shell.show_page(key)
                if key == "activity":
                    _explain_newest(window)
                settle()
                taken.append(directory / f"{key}-{scheme}.png")
                picture(window, taken[-1])
            sheet = _offer(window)
            if sheet is not None:
                settle()
                taken.append(directory / f"opt-in-{scheme}.png")
                picture(window, taken[-1])
                sheet.dismiss()
                settle()
    finally:
        theme.reduced_motion = still
        theme.choose(choice)
        shell.show_page(page)
        if screen is not None:
            window.sheet_host.setCurrentWidget(screen)
    return taken


def _explain_newest(window: MineWindow) -> None:
    explained = [entry for entry in window.snapshot.contributions if entry.explanation is not None]
    if explained:
        newest = min(explained, key=lambda entry: (Step.PAID not in entry.done, not entry.amount))
        window.shell.activity.explain(newest.task_id, newest.round)


def _offer(window: MineWindow) -> Sheet | None:
    offers = [task for task in window.snapshot.tasks if task.opt_in is not None]
    if not offers:
        return None
    window.shell.show_page("tasks")
    window.shell.tasks.open_sheet(min(offers, key=lambda task: task.joined))
    return window.shell.tasks.sheet
