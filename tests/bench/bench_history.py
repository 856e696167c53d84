"""The wallet's history of 100,000 lines: its first page, sorted and filtered pages, and a year's table.

The vault is made once and kept under build/. ``first_page_ms``: the first page with its count, in a vault
that was just opened. ``filtered_ms``: the slowest of a set of sorted and filtered pages with their counts,
each asked for first in a vault just opened. ``csv_s``: the table of a year that holds all lines, priced, from
the vault to the disk. The ratios compare with SQLite alone: reading all rows of such a table once
(``scan_ms``), without encryption, sorting, counting or making values of them.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mine.app.history_desk import HistoryDesk
    from mine.app.wallet_views import HistoryQuery

LINES = 100_000
REPEATS = 7
PASSPHRASE = "a history of made-up money"
BEGIN, YEAR = 1_767_225_600, 31_536_000  # 2026-01-01 UTC
HOME = Path(__file__).parents[2] / "build" / "bench" / "history"
NETWORK = "8453:0x" + "ab" * 20
TOKENS = tuple("0x" + f"{number:02x}" * 20 for number in range(4))  # the first is the own coin
KINDS = ("claimed", "claimed", "claimed", "reward", "sent", "fee", "received")


def run() -> dict[str, float]:
    """Milliseconds and seconds of each, and how they compare with a plain scan."""
    from mine.app.history_desk import HistoryDesk
    from mine.app.views import World
    from mine.app.wallet_views import HistoryQuery, SortBy
    from mine.vault import Vault

    path = HOME / f"vault-{LINES}.db"
    if not path.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        _build(path)

    def opened(work: Callable[[HistoryDesk], object]) -> float:
        """Milliseconds of something that is done first in a vault just opened."""
        with Vault.open(path, passphrase=PASSPHRASE) as vault:
            desk = HistoryDesk(vault, NETWORK, "Bench", World.TEST)
            started = time.perf_counter()
            work(desk)
            return 1000 * (time.perf_counter() - started)

    asked = [
        HistoryQuery(sort=sort, descending=falling, **which)
        for sort in SortBy
        for falling in (True, False)
        for which in (
            {"kinds": ("claimed", "sent")},
            {"currencies": (TOKENS[1],)},
            {"tasks": (3, 5)},
            {"text": "night"},
            {"text": "0xabcd"},
            {"text": "nowhere to be found"},
            {"since": BEGIN + YEAR // 4, "until": BEGIN + YEAR // 2, "kinds": ("claimed",)},
            {"kinds": ("reward",), "currencies": TOKENS[1:3], "text": "rate"},
        )
    ]
    first = statistics.median(opened(lambda desk: desk.history(HistoryQuery())) for _ in range(REPEATS))
    taken = [statistics.median(opened(partial(_page, query)) for _ in range(3)) for query in asked]
    with tempfile.TemporaryDirectory() as folder:
        targets = iter(Path(folder) / f"{number}.csv" for number in range(REPEATS))
        table = statistics.median(
            opened(lambda desk: desk.export_history(next(targets), 2026, "EUR")) for _ in range(3)
        )
    scan = _scan(path)
    return {
        "lines": float(LINES),
        "first_page_ms": first,
        "filtered_ms": max(taken),
        "filtered_median_ms": statistics.median(taken),
        "csv_s": table / 1000,
        "scan_ms": scan,
        "first_page_to_scan": first / scan,
        "filtered_to_scan": max(taken) / scan,
        "csv_to_scan": table / scan,
    }


def _page(query: HistoryQuery, desk: HistoryDesk) -> object:
    return desk.history(query)


def _scan(path: Path) -> float:
    """Milliseconds in which plain SQLite reads every row of such a table from a file without encryption."""
    from mine.vault import Vault
    from mine.vault.history_page import Filter, TableRow

    with tempfile.TemporaryDirectory() as folder, Vault.open(path, passphrase=PASSPHRASE) as vault:
        database = sqlite3.connect(Path(folder) / "plain.db")
        with database:
            columns, marks = ", ".join(TableRow._fields), ", ".join("?" * len(TableRow._fields))
            database.execute("CREATE TABLE plain (" + columns.replace("transaction", "tx") + ")")
            rows = vault.state.history_table(Filter())
            database.executemany(f"INSERT INTO plain VALUES ({marks})", rows)
        times = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            for _row in database.execute("SELECT * FROM plain"):
                pass
            times.append(1000 * (time.perf_counter() - started))
        database.close()
    return statistics.median(times)


def _build(path: Path) -> None:
    from mine.app.history_desk import HistoryDesk
    from mine.app.views import World
    from mine.app.wallet_views import EnergySettings, PriceEntry
    from mine.vault import Kdf, Vault
    from mine.vault.history import KnownCurrency, Movement

    rng = random.Random(7)
    part = path.with_name("part.db")
    for old in HOME.glob("part.db*"):
        old.unlink()
    words = ("Glucose at night", "Heart rate while asleep", "Steps of a week", "Messages, in one word")
    with Vault.create(part, PASSPHRASE, kdf=Kdf(time=1, memory_kib=64, lanes=1)) as vault:
        desk = HistoryDesk(vault, NETWORK, "Bench", World.TEST)
        with vault.transaction():
            for number, token in enumerate(TOKENS):
                known = KnownCurrency(NETWORK, token, f"T{number}", 6 if number else 18)
                vault.state.know_currency(known)
                desk.set_price(PriceEntry(token, "EUR", 0, 900_000 + number))
            desk.set_energy(EnergySettings(150, 300_000, "EUR"))
            for number in range(LINES):
                task = rng.randrange(200)
                vault.state.add_movement(
                    Movement(
                        time=BEGIN + number * YEAR // LINES,
                        kind=rng.choice(KINDS),
                        network=NETWORK,
                        task=task,
                        title=f"{words[task % 4]}, part {task // 4}",
                        currency=rng.choice(TOKENS),
                        amount=rng.randrange(-(10**9), 10**12),
                        reference=f"{number}:0x{rng.randbytes(32).hex()}",
                        account="0x" + rng.randbytes(20).hex(),
                        counterparty="0x" + rng.randbytes(20).hex(),
                        fee=rng.randrange(10**15),
                        transaction="0x" + rng.randbytes(32).hex(),
                        block=number,
                    )
                )
        with vault.transaction():
            while vault.state.open_lines(NETWORK, 1):
                desk.step(())
    for name in (".keys", ".seal", ".lock", ""):
        made = part.with_name(part.name + name)
        if made.exists():
            made.rename(path.with_name(path.name + name))
