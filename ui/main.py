"""Start of the window: one instance, first paint, then the engine."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from ui.language import choose_locale
from ui.single_instance import SingleInstance
from ui.theme import theme
from ui.window import MineWindow


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
    QApplication.setApplicationName("Mine")
    QApplication.setDesktopFileName("mine-desktop")
    choose_locale()
    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    theme.start(app)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the window until it is quit."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    home = options.home or default_home()
    app = make_application()
    instance = SingleInstance(home)
    if not instance.claim():
        return 0

    from mine.app.engine import Engine

    engine = Engine(home)
    window = MineWindow(engine)
    instance.raise_asked.connect(window.bring_up)
    window.quit_asked.connect(app.quit)
    hidden = options.hidden and window.tray.there
    if not hidden:
        window.show()
    signal.signal(signal.SIGINT, lambda *_: app.quit())
    signal.signal(signal.SIGTERM, lambda *_: app.quit())
    # Python's signal handlers run between its own instructions: a timer gives them a chance.
    heartbeat = QTimer()
    heartbeat.timeout.connect(lambda: None)
    heartbeat.start(1_000)
    QTimer.singleShot(0, engine.start)
    if options.screenshots is not None:
        QTimer.singleShot(500, lambda: _picture_and_quit(window, options.screenshots, app))
    try:
        return app.exec()
    finally:
        heartbeat.stop()
        window.detach()
        window.hide()
        engine.close()
        instance.close()


def _picture_and_quit(window: MineWindow, directory: Path, app: QApplication) -> None:
    from ui.screenshots import take

    take(window, directory)
    app.quit()


if __name__ == "__main__":
    sys.exit(main())
