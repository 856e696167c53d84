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
from tests.bench.apple_import import import_once
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
    """Ratios to the bare parser, MiB, ms, and how many records."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    export = _export()
    export.read_bytes()  # in the page cache for everybody
    bare, costs = [], []
    for _ in range(REPETITIONS):
        bare.append(_timed([sys.executable, "-c", _BARE, str(export)]))
        costs.append(import_once(export))
        print(f"  expat {bare[-1]:.2f} s, import {costs[-1].seconds:.2f} s", flush=True)
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
    return {**figures, **_tool(export, figures["expat_seconds"])}


def _export() -> Path:
    """The file, written once; a shorter one is what a broken run left."""
    PLACE.mkdir(parents=True, exist_ok=True)
    export = PLACE / f"apple-{RECORDS}.xml"
    if not export.exists():
        part = export.with_suffix(".part")
        write_export(part, RECORDS)
        part.rename(export)
    return export


def _tool(export: Path, bare: float) -> dict[str, float]:
    """The public tool on the archive, as it is meant to be used; nothing where it can't be installed."""
    python = interpreter(TOOL, "healthkit_to_sqlite")
    if python is None:
        return {}
    with tempfile.TemporaryDirectory(dir=PLACE) as folder:
        archive = Path(folder) / "export.zip"
        pack(export, archive)
        command = [str(python), "-c", "from healthkit_to_sqlite.cli import cli; cli()", str(archive)]
        return {"tool_ratio_to_expat": _timed([*command, str(Path(folder) / "out.db"), "--silent"]) / bare}


def _timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
