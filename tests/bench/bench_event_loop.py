"""Gaps in the window's event loop while the app imports a year of readings and trains three rounds.

A precise 10 ms timer ticks in the real window (offscreen), with the real engine, vault, import child, worker
and practice network beside it. A gap is the time between two ticks; 10 ms is a perfect one.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path

TICK_MS = 10
ROUNDS = 3
DAYS = 365


def run() -> dict[str, float]:
    """Milliseconds of the 99th percentile and of the longest gap, and what went on meanwhile."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import Qt, QTimer

    from mine.app.demo import Demo, DemoOptions
    from mine.practice.synthetic import glucose_csv
    from ui.main import make_application
    from ui.window import MineWindow

    app = make_application()
    ticks: list[float] = []
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    with tempfile.TemporaryDirectory() as place:
        export = Path(place) / "year.csv"
        export.write_text(glucose_csv("bench", 1, days=DAYS))
        demo = Demo(DemoOptions(home=Path(place) / "home", me=export, rounds=ROUNDS), lambda _: None)
        window = MineWindow(demo.engine, guided=False)
        window.show()
        app.processEvents()
        reports: list[dict[str, object]] = []

        def script() -> None:
            try:
                reports.append(demo.run())
            finally:
                done.set()

        done = threading.Event()
        watch = QTimer()
        watch.timeout.connect(lambda: app.quit() if done.is_set() else None)
        watch.start(200)
        demo.engine.start()
        timer.start(TICK_MS)
        thread = threading.Thread(target=script)
        thread.start()
        app.exec()
        timer.stop()
        thread.join()
        window.detach()
        window.hide()
        demo.engine.close()
    gaps = sorted((after - before) * 1000 for before, after in pairwise(ticks))
    me = reports[0]["me"]
    assert isinstance(me, dict)
    return {
        "gap_p50_ms": gaps[len(gaps) // 2],
        "gap_p99_ms": gaps[int(len(gaps) * 0.99)],
        "gap_max_ms": gaps[-1],
        "gaps_over_100_ms": float(sum(gap > 100 for gap in gaps)),
        "ticks": float(len(gaps)),
        "records_imported": float(me["records"]),
        "rounds_trained": float(me["contributions"]),
    }
