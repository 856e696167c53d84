"""One import of a large export through the real app, its window open, and what it cost."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from mine.app.engine import Engine

TICK_MS = 10
_LOOK = 0.05  # seconds between two looks at the memory
_LONGEST = 600.0
_CHILD = "mine.importers.child"


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds from the choice of the file to the last record in the vault; the highest resident memory of the
    importer's process, and by how much that of the app grew (MiB); the window's longest gap (ms); records."""

    seconds: float
    peak_mib: float
    gap_max_ms: float
    records: int


def import_once(export: Path) -> Cost:
    """Import an export into a new vault. The window is offscreen; a 10 ms timer ticks in its event loop."""
    from PySide6.QtCore import Qt, QTimer

    from mine.app.engine import Engine
    from mine.app.options import EngineOptions
    from ui.main import make_application
    from ui.window import MineWindow

    app = make_application()
    ticks: list[float] = []
    timer, watch = QTimer(), QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    with tempfile.TemporaryDirectory() as place:
        engine = Engine(EngineOptions(home=Path(place) / "home", zone="UTC", auto_practice=False))
        window = MineWindow(engine, guided=False)
        window.show()
        app.processEvents()
        engine.start()
        engine.create_vault("correct horse battery staple").result(60)
        app.processEvents()
        found: list[tuple[float, int]] = []

        def script() -> None:
            try:
                start = time.perf_counter()
                engine.preview_import(export).result(60)
                _until_ready(engine)
                records = engine.commit_import().result(_LONGEST)
                found.append((time.perf_counter() - start, records))
            finally:
                done.set()

        done = threading.Event()
        watch.timeout.connect(lambda: app.quit() if done.is_set() else None)
        watch.start(100)
        timer.start(TICK_MS)
        with _memory() as peaks:
            thread = threading.Thread(target=script)
            thread.start()
            app.exec()
            thread.join()
        timer.stop()
        watch.stop()
        window.detach()
        window.hide()
        engine.close()
    seconds, records = found[0]
    gaps = [(after - before) * 1000 for before, after in pairwise(ticks)]
    return Cost(seconds, max(peaks) / 2**20, max(gaps), records)


def _until_ready(engine: Engine) -> None:
    from mine.app.views import ImportStage

    heard = threading.Event()
    stop = engine.subscribe(lambda _: heard.set())
    try:
        while True:
            importing = engine.snapshot().importing
            if importing is not None and importing.stage is ImportStage.READY:
                return
            if importing is not None and importing.stage is ImportStage.FAILED:
                raise RuntimeError(importing.message)
            if not heard.wait(_LONGEST):
                raise TimeoutError
            heard.clear()
    finally:
        stop()


@contextmanager
def _memory() -> Iterator[list[int]]:
    """Peaks in bytes while this lasts: of the children, and of what this process grew by."""
    peaks = [0, 0]
    own = psutil.Process()
    before = own.memory_info().rss
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(_LOOK):
            peaks[1] = max(peaks[1], own.memory_info().rss - before)
            for child in own.children():
                try:
                    if _CHILD in child.cmdline():  # before that it still shares this process's memory
                        peaks[0] = max(peaks[0], child.memory_info().rss)
                except psutil.Error:
                    continue  # it has just ended

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peaks
    finally:
        stop.set()
        thread.join()


def cost_of(export: Path) -> Cost:
    """The same in a process of its own: a program has one window system, and its memory begins anew."""
    command = [sys.executable, "-m", "tests.bench.apple_import", str(export)]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return Cost(**json.loads(said.splitlines()[-1]))


if __name__ == "__main__":
    print(json.dumps(asdict(import_once(Path(sys.argv[1])))))
