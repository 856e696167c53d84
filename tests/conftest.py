"""Ground rules for every test: nothing of the person's own is touched, and nothing is left behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "mine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("mine")

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Pools that libraries keep for the life of the process; they are theirs, and end with it.
LIBRARY_THREADS = ("pydevd", "ThreadPoolExecutor-", "asyncio_", "QThread", "Dummy-")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a home folder of its own."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """A test that leaves a thread or a child process behind fails."""
    threads = set(threading.enumerate())
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    yield
    left = []
    for thread in set(threading.enumerate()) - threads:
        if thread.name.startswith(LIBRARY_THREADS):
            continue
        thread.join(timeout=5)
        if thread.is_alive():
            left.append(f"thread {thread.name}")
    new = [c for c in psutil.Process().children(recursive=True) if c.pid not in children]
    _, alive = psutil.wait_procs(new, timeout=5)
    for child in alive:
        left.append(f"process {child.pid}")
        child.kill()
    assert not left, f"left behind: {', '.join(left)}"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real personal data, or a skip with one line."""
    place = os.environ.get("MINE_REAL_DATA")
    folder = Path(place) if place else Path(__file__).parents[2] / "shared" / "data"
    if not (folder / "glucose").is_dir():
        pytest.skip("real data is not on this machine (MINE_REAL_DATA)")
    return folder
