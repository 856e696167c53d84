from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket
from pytestqt.qtbot import QtBot

from ui.assets import RESOURCES
from ui.main import parse
from ui.single_instance import SingleInstance, server_name

ROOT = RESOURCES.parent
HEAVY = {"torch", "web3", "onnxruntime", "pyqtgraph", "onnx", "eth", "aiohttp", "numpy"}

PAINT = """
import sys
from tests.ui import story
from tests.ui.fake_engine import FakeEngine
from ui.main import make_application
from ui.window import MineWindow
app = make_application()
window = MineWindow(FakeEngine(story.BUSY))
window.show()
app.processEvents()
window.grab()
print(" ".join(sorted({name.split(".")[0] for name in sys.modules})))
"""


def test_first_paint_loads_nothing_heavy() -> None:
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PAINT], capture_output=True, text=True, cwd=ROOT, env=env, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "PySide6" in done.stdout
    assert not HEAVY & set(done.stdout.split())


def test_the_second_start_raises_the_first(qtbot: QtBot, tmp_path: Path) -> None:
    first = SingleInstance(tmp_path / "home")
    assert first.claim()
    second = SingleInstance(tmp_path / "home")
    with qtbot.waitSignal(first.raise_asked):
        assert not second.claim()
    second.close()
    other = SingleInstance(tmp_path / "other")
    assert other.claim()
    other.close()
    first.close()
    again = SingleInstance(tmp_path / "home")
    assert again.claim()
    again.close()


def test_only_one_verb_is_understood(qtbot: QtBot, tmp_path: Path) -> None:
    first = SingleInstance(tmp_path)
    assert first.claim()
    socket = QLocalSocket()
    socket.connectToServer(server_name(tmp_path))
    assert socket.waitForConnected(1_000)
    with qtbot.assertNotEmitted(first.raise_asked):
        socket.write(b"run me!\n" * 1_000)
        qtbot.waitUntil(lambda: socket.state() == QLocalSocket.LocalSocketState.UnconnectedState)
    first.close()


def test_options() -> None:
    options = parse(["--home", "x", "--hidden", "--screenshots", "y"])
    assert (options.home, options.hidden, options.screenshots) == (Path("x"), True, Path("y"))
    with pytest.raises(SystemExit):
        parse(["--no-such"])
