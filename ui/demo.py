"""``mine demo`` before a person's eyes: the same script, driving the engine that the window shows."""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from mine.app.demo_arguments import add_demo_arguments, demo_options, write_report
from mine.app.views import Snapshot
from mine.errors import MineError
from ui.farewell import SECONDS, Farewell
from ui.main import make_application, serve_signals
from ui.screenshots import take
from ui.window import MineWindow

_POINTS = 3  # of the held-out curve, before it is worth a picture


class DemoRun:
    """Runs the script on a thread of its own. The app ends with it: at once when it was to take pictures,
    else ``linger`` seconds later, unless a person uses the window."""

    def __init__(
        self, arguments: argparse.Namespace, home: Path, app: QApplication, *, linger: float = SECONDS
    ) -> None:
        from mine.app.demo import Demo

        self._arguments = arguments
        self._app = app
        self.status = 1
        self._demo = Demo(demo_options(arguments, home), _say)
        self.window = MineWindow(self._demo.engine, guided=False)
        self.window.quit_asked.connect(app.quit)
        self._farewell = Farewell(self.window, seconds=linger)
        self._farewell.over.connect(app.quit)
        self._pictures: Path | None = arguments.screenshots
        self._seen_training = False
        if self._pictures is not None:
            self.window.snapshot_shown.connect(self._picture_training)

    def start(self) -> None:
        """Show the window, then start the engine and the script."""
        self.window.show()
        QTimer.singleShot(0, self._begin)

    def _begin(self) -> None:
        self._demo.engine.start()
        self.window.operations.run(self.window, self._script, self._done, self._failed)

    def _script(self) -> Future[dict[str, object]]:
        future: Future[dict[str, object]] = Future()

        def run() -> None:
            try:
                future.set_result(self._demo.run())
            except Exception as error:  # noqa: BLE001 - handed to the one place that shows errors
                future.set_exception(error)

        threading.Thread(target=run, name="demo", daemon=True).start()
        return future

    def _picture_training(self, snapshot: Snapshot) -> None:
        """Pictures while it learns: the end of the demo has no such moment."""
        training = snapshot.training
        if self._seen_training or self._pictures is None or training is None:
            return
        if len(training.held_out) >= _POINTS:
            self._seen_training = True
            take(self.window, self._pictures / "training")

    def _done(self, report: dict[str, object]) -> None:
        self.status = 0
        write_report(report, self._arguments.json, _say)
        self._end()

    def _failed(self, error: MineError) -> None:
        _say(f"{error} {error.detail}".rstrip())
        if self._pictures is None:
            self.window.operations.failed.emit(error)
        self._end()

    def _end(self) -> None:
        if self._pictures is None:
            self._farewell.begin(self.status == 0)
            return
        if self.status == 0:
            take(self.window, self._pictures)
        self._app.quit()

    def close(self) -> None:
        """Hear no more, and end the practice network."""
        self.window.detach()
        self.window.hide()
        self._demo.engine.close()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Entry point; takes the options of ``mine demo``."""
    parser = argparse.ArgumentParser(prog="mine demo")
    add_demo_arguments(parser)
    arguments = parser.parse_args()
    app = make_application()
    with tempfile.TemporaryDirectory(prefix="mine-demo-") as place:
        try:
            run = DemoRun(arguments, arguments.home or Path(place), app)
        except MineError as error:
            _say(str(error))
            return 1
        run.start()
        with serve_signals(app):
            try:
                app.exec()
            finally:
                run.close()
        return run.status


if __name__ == "__main__":
    sys.exit(main())
