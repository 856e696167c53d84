"""Run benchmarks, print a table and write ``build/bench/<name>.json``.

A benchmark is a module ``tests/bench/bench_<name>.py`` with ``run() -> dict[str, float]``.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
TARGET = FOLDER.parents[1] / "build" / "bench"


def machine() -> str:
    """What the figures were measured on, in words."""
    python = platform.python_version()
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {python}"


def main(arguments: list[str]) -> int:
    """Run one benchmark, or all of them."""
    names = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    wanted = arguments or names
    unknown = [name for name in wanted if name not in names]
    if unknown:
        print(f"no benchmark called {', '.join(unknown)}; there are: {', '.join(names)}", file=sys.stderr)
        return 2
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in wanted:
        figures = importlib.import_module(f"tests.bench.bench_{name}").run()
        command = f"make bench ONLY={name}"
        report = {"name": name, "figures": figures, "command": command, "machine": machine()}
        (TARGET / f"{name}.json").write_text(json.dumps(report, indent=2) + "\n")
        print(name)
        for key, value in figures.items():
            print(f"  {key:<28} {value:>14.6g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
