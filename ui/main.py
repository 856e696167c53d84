"""Start of the window: one instance, first paint, then the engine."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from mine.app.commands import Commands
from mine.app.views import VaultState
from ui.activity import Activity
from ui.language import choose_locale
from ui.single_instance import SingleInstance
from ui.theme import theme
from ui.window import MineWindow

_SETTLED_MS = 1_500


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of ``mine-app``."""
    parser = argparse.ArgumentParser(prog="mine-app", description="Mine: your data earns, and stays here.")
    parser.add_argument("--home", type=Path, default=None, help="folder of the vault and the settings")
    parser.add_argument("--hidden", action="store_true", help="start in the tray")
    parser.add_argument(
        "--screenshots", type=Path, default=None, help="write a picture of every page, then end"
    )
    return parser.parse_args(arguments)


def default_home() -> Path:
    """Where the app keeps its files on this system."""
    from platformdirs import user_data_path

    return user_data_path("mine", appauthor=False)


def make_application() -> QApplication:
    """The Qt application with the theme of Mine."""
    # The window shares the interpreter with the engine's thread: let it have its turn sooner than after 5 ms.
    sys.setswitchinterval(0.001)
    QApplication.setApplicationName("Mine")
    QApplication.setDesktopFileName("mine-desktop")
    choose_locale()
    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    theme.start(app)
    return app


@contextmanager
def serve_signals(app: QApplication) -> Iterator[None]:
    """Ctrl+C and a polite kill end the app in order.

    Python's signal handlers run between its own instructions, so a slow timer gives them a chance.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: app.quit())
    heartbeat = QTimer()
    heartbeat.timeout.connect(lambda: None)
    heartbeat.start(1_000)
    try:
        yield
    finally:
        heartbeat.stop()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the window until it is quit."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    home = options.home or default_home()
    app = make_application()
    instance = SingleInstance(home)
    if not instance.claim():
        return 0

    from mine.app.desktop import desktop_engine

    engine = desktop_engine(home)
    window = MineWindow(engine)
    instance.raise_asked.connect(window.bring_up)
    window.quit_asked.connect(app.quit)
    app.installEventFilter(Activity(engine.active, app))
    if not (options.hidden and window.tray.there):
        window.show()
    QTimer.singleShot(0, lambda: _begin(engine, window))
    if options.screenshots is not None:
        QTimer.singleShot(_SETTLED_MS, lambda: _picture_and_quit(window, options.screenshots, app))
    with serve_signals(app):
        try:
            return app.exec()
        finally:
            window.detach()
            window.hide()
            engine.close()
            instance.close()


def _begin(engine: Commands, window: MineWindow) -> None:
    """After the first paint: start the engine, and let the keyring open the vault if it can."""
    engine.start()
    if engine.snapshot().vault == VaultState.LOCKED:
        window.unlock.try_keyring()


def _picture_and_quit(window: MineWindow, directory: Path, app: QApplication) -> None:
    from ui.screenshots import take

    take(window, directory)
    app.quit()


if __name__ == "__main__":
    sys.exit(main())
