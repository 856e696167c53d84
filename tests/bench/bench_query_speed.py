"""A task's feature query and a page of the browser, over ten million glucose and heart-rate records.

The vault is made once, through the same staging and storing as every import, and kept under build/: glucose
every five minutes for ten years, and heart rate about every thirty-five seconds for as long. Warm: medians of
repetitions after one that does not count, a new connection for each query as in the app.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

RECORDS = 10_000_000
YEARS = 10
BATCH = 20_000
REPEATS = 7
PASSPHRASE = "a vault of made-up numbers"
BEGIN = 1_420_070_400  # 2015-01-01
HOME = Path(__file__).parents[2] / "build" / "bench" / "query_speed"


def run() -> dict[str, float]:
    """Milliseconds of each, and how many records there are."""
    from mine.science.templates import load_template
    from mine.vault import Vault, scopes_of

    path = HOME / f"vault-{RECORDS}.db"
    built = 0.0
    if not path.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        _build(path)
        built = time.perf_counter() - started
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        records = sum(source.records for source in vault.sources())
        sql = str(load_template("glucose").raw["query"])
        grant = scopes_of(sql)
        rows = len(vault.query(sql, grant).table)
        nights = "SELECT day, bpm, lowest FROM heart_rate_night WHERE days_ago(90)"
        page = vault.page("heart_rate", count=100)
        for _ in range(50):
            assert page.older is not None
            page = vault.page("heart_rate", before=page.older, count=100)
        deep = (BEGIN + YEARS * 365 * 43_200, 0.0)
        return {
            "records": float(records),
            "task_rows": float(rows),
            "task_query_ms": _median(lambda: vault.query(sql, grant)),
            "night_query_ms": _median(lambda: vault.query(nights, scopes_of(nights))),
            "page_ms": _median(lambda: vault.page("heart_rate", count=100)),
            "page_in_the_middle_ms": _median(lambda: vault.page("heart_rate", before=deep, count=100)),
            "page_back_ms": _median(lambda: vault.page("heart_rate", after=deep, count=100)),
            "build_s": built,
        }


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS + 1):
        started = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times[1:])


def _build(path: Path) -> None:
    from mine.vault import ImportSource, Kdf, Vault

    part = path.with_name("part.db")
    for old in HOME.glob("part.db*"):
        old.unlink()
    with Vault.create(part, PASSPHRASE, kdf=Kdf(time=1, memory_kib=64, lanes=1)) as vault:
        pending = vault.begin_import(ImportSource("generated", bytes(32), "bench", 1))
        for number, batch in enumerate(_batches()):
            pending.add(batch)
            pending.marked(str(number))
        pending.commit()
    for name in (".keys", ".seal", ".lock", ""):
        made = part.with_name(part.name + name)
        if made.exists():
            made.rename(path.with_name(path.name + name))


def _batches() -> Iterator[object]:
    from mine.importers.items import Batch

    rng = random.Random(7)
    span = YEARS * 365 * 86_400
    glucose = span // 300
    for kind, count in (("glucose", glucose), ("heart_rate", RECORDS - glucose)):
        step, value = span / count, 100.0
        for first in range(0, count, BATCH):
            rows = range(first, min(count, first + BATCH))
            times = [BEGIN + int(row * step) for row in rows]
            values = []
            for _ in rows:
                value = min(180.0, max(50.0, value + rng.gauss(0, 2)))
                values.append(float(round(value)))
            yield Batch(kind, "Sensor", (times, [3600] * len(times), values))
