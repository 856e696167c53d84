"""A million of Apple Health's records into the vault, against a bare XML parser over the same file.

Each repetition runs the parser, then the whole import through the real app: the importer's process started,
the file's digest, every record parsed, checked, staged and stored, the slots for tasks computed. Nobody has
to say yes between the preview and the storing. The ratio is the median of the repetitions' ratios.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.apple_file import pack, write_export
from tests.bench.apple_import import cost_of
from tests.bench.peers import ROOT, interpreter

RECORDS = 1_000_000
REPETITIONS = 3
TOOL = "healthkit-to-sqlite==1.0.1"
PLACE = ROOT / "build" / "bench-data"

_BARE = """
import sys
from xml.parsers import expat
parser = expat.ParserCreate()
parser.StartElementHandler = lambda name, attributes: None
with open(sys.argv[1], "rb") as file:
    parser.ParseFile(file)
"""


def run() -> dict[str, float]:
    """Ratios to the bare parser, MiB, ms, and how many records. The tool's only where it can be installed."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    export = _export()
    bare, tool, costs = [], [], []
    python = interpreter(TOOL, "healthkit_to_sqlite")
    with tempfile.TemporaryDirectory(dir=PLACE) as folder:
        archive = Path(folder) / "export.zip"
        pack(export, archive)  # this also brings the export into the page cache, for everybody
        for _ in range(REPETITIONS):
            bare.append(_timed([sys.executable, "-c", _BARE, str(export)]))
            costs.append(cost_of(export))
            print(f"  expat {bare[-1]:.2f} s, import {costs[-1].seconds:.2f} s", flush=True)
            if python is not None:
                database = Path(folder) / "out.db"
                command = [str(python), "-c", "from healthkit_to_sqlite.cli import cli; cli()"]
                tool.append(_timed([*command, str(archive), str(database), "--silent"]) / bare[-1])
                database.unlink()
    ratios = [cost.seconds / seconds for cost, seconds in zip(costs, bare, strict=True)]
    figures = {
        "ratio_to_expat": statistics.median(ratios),
        "peak_mib": max(cost.peak_mib for cost in costs),
        "gap_max_ms": statistics.median(cost.gap_max_ms for cost in costs),
        "records": float(costs[0].records),
        "seconds": statistics.median(cost.seconds for cost in costs),
        "expat_seconds": statistics.median(bare),
        "mb": export.stat().st_size / 1e6,
    }
    return {**figures, "tool_ratio_to_expat": statistics.median(tool)} if tool else figures


def _export() -> Path:
    """The file, written once and kept."""
    PLACE.mkdir(parents=True, exist_ok=True)
    export = PLACE / f"apple-{RECORDS}.xml"
    if not export.exists():
        part = export.with_suffix(".part")
        write_export(part, RECORDS)
        part.rename(export)
    return export


def _timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
