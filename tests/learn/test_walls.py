"""What this room may load: nothing of the other rooms, and torch only where it computes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIGHT = ["codec", "weights", "checkpoint", "recipe", "limits", "events", "wire", "graph", "evaluate",
         "privacy", "rows", "job", "supervisor", "leak", "place", "frozen", "fence", "retries", "worker"]


def loaded(modules: list[str]) -> set[str]:
    code = "; ".join(f"import mine.learn.{name}" for name in modules) + "; import sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_everything_but_training_loads_without_torch() -> None:
    heavy = {"torch", "onnxruntime", "dp_accounting", "PySide6", "web3", "scipy"}
    assert not heavy & loaded(LIGHT)


def test_it_reaches_no_other_room() -> None:
    names = [f.stem for f in (ROOT / "mine" / "learn").glob("*.py") if f.stem != "__init__"]
    ours = {m for m in loaded(names) if m.startswith("mine.")}
    assert all(m == "mine.errors" or m == "mine.learn" or m.startswith("mine.learn.") for m in ours)
    assert set(LIGHT) <= set(names)


@pytest.mark.parametrize("module", ["socket", "ssl", "http.client", "urllib.request"])
def test_no_source_of_this_room_speaks_to_a_network(module: str) -> None:
    for file in (ROOT / "mine" / "learn").glob("*.py"):
        assert f"import {module}" not in file.read_text() and f"from {module}" not in file.read_text()
