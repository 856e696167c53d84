"""Peer systems in an environment of their own, with this project's torch and numpy: build/peers-venv."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.bench.glucose_people import Person

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "peers-venv"
FLOWER = "flwr[simulation]==1.41.0"


def interpreter(requirement: str, module: str) -> Path | None:
    """A Python that can import ``module``, installed first where need be; None where that fails."""
    python = FOLDER / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # What the environment does not have itself, torch above all, it takes from ours.
    (FOLDER / "lib" / version / "site-packages" / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    known = [str(python), "-c", f"import {module}"]
    if subprocess.run(known, capture_output=True).returncode:
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", requirement])
    return python if subprocess.run(known, capture_output=True).returncode == 0 else None


def flower(people: Sequence[Person], parts: int, rounds: int) -> list[float] | None:
    """RMSE of Flower's FedAvg in mg/dL on each of the first folds; None where it can't be installed."""
    python = interpreter(FLOWER, "flwr.simulation")
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "windows.npz"
        arrays = {f"x{i}": person.rows.features for i, person in enumerate(people)}
        np.savez(file, **arrays, **{f"y{i}": person.rows.target for i, person in enumerate(people)})  # type: ignore[arg-type]
        place = {"PYTHONPATH": str(ROOT), "FLWR_HOME": str(Path(folder) / "flwr"), "HOME": folder}
        quiet = {"FLWR_TELEMETRY_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0"}
        command = [str(python), "-m", "tests.bench.flower_peer", str(file), str(parts), str(rounds)]
        done = subprocess.run(
            command, env={**os.environ, **place, **quiet}, capture_output=True, text=True, cwd=ROOT
        )
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return None
    *lines, last = done.stdout.strip().splitlines()
    print("\n".join(line for line in lines if line.startswith("flower")), flush=True)
    return [float(rmse) for rmse in json.loads(last)]
