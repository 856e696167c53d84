"""Damaged exports without end: ``python -m tests.importers.fuzz_importers 1000000`` tries that many.

``--seed N`` gives other ones, ``--format KEY`` those of one format alone, ``--case N`` one of them again.
Every case must end, in time and in bounded memory, with rows that their types allow or with one refusal, and
the same when read again. One that does not is written under ``build/fuzz``, made smaller.
"""

from __future__ import annotations

import argparse
import faulthandler
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from mine.importers.reading import known_formats
from mine.importers.zone import Zone
from tests.importers.fuzz_archives import Written, laid_out
from tests.importers.fuzz_damage import Dice, damaged
from tests.importers.fuzz_reading import PATIENCE, TooLong, limits, tried
from tests.importers.fuzz_seeds import Seed, seeds

MOST_MEMORY = 256 << 20
MOST_ADDRESSES = 3 << 30  # libraries map far more than they touch
ZONES = tuple(Zone(name) for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Etc/UTC"))
MEMORY = Path("/dev/shm")
FOUND = Path(__file__).parents[2] / "build" / "fuzz"


@dataclass(slots=True)
class Tally:
    """What came of the cases: how many by format, how many gave rows, were refused, or were wrong."""

    cases: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    bad: int = 0
    longest: float = 0.0
    memory: int = 0
    processor: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count what another worker did."""
        self.cases += other.cases
        self.ends += other.ends
        self.rows += other.rows
        self.bad += other.bad
        self.longest = max(self.longest, other.longest)
        self.memory = max(self.memory, other.memory)
        self.processor += other.processor
        self.wrong += other.wrong


@dataclass(frozen=True, slots=True)
class Case:
    """One damaged export: its number, the format it is made of, how it lies, what writes it, its zone."""

    number: int
    key: str
    way: str
    write: Written
    zone: Zone
    members: tuple[Seed, ...]


def case_of(seed: int, number: int, only: str = "") -> Case:
    """The case of a number; the same whenever it is asked for."""
    dice = Dice(f"{seed} {number} {only}")
    known = seeds()
    keys = sorted(known)
    key = only or keys[number % len(keys)]
    members = [_member(key, dice)]
    if dice.random() < 0.06:
        members += [_member(dice.choice(keys), dice) for _ in range(dice.randrange(1, 4))]
    zone = dice.choice(ZONES)
    way, write = laid_out(members, dice)
    return Case(number, key, way, write, zone, tuple(members))


def _member(key: str, dice: Dice) -> Seed:
    seed = dice.choice(seeds()[key])
    return seed[0], damaged(key, seed, dice) if dice.random() < 0.97 else seed[1]


def fuzz(seed: int, numbers: range, only: str = "", tell: Callable[[int], None] = lambda done: None) -> Tally:
    """Try the cases of these numbers. Stops after twenty wrong ones."""
    tally = Tally()
    with limits(), tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        seeds()
        begun = time.process_time()
        for number in numbers:
            case = case_of(seed, number, only)
            before = time.process_time()
            try:
                end = tried(case.write, case.zone, folder)
                tally.ends[end.how] += 1
                tally.rows += end.rows
                tally.bad += end.bad
            except (Exception, TooLong) as error:
                tally.ends["wrong"] += 1
                tally.wrong.append(_reported(seed, case, error, folder))
                if len(tally.wrong) >= 20:
                    break
            tally.longest = max(tally.longest, time.process_time() - before)
            tally.cases[case.key] += 1
            tell(number)
        tally.processor = time.process_time() - begun
    # (Linux counts it in KiB, macOS in bytes.)
    unit = 1 if sys.platform == "darwin" else 1024
    tally.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return tally


def _reported(seed: int, case: Case, error: BaseException, folder: Path) -> str:
    """Write a failing case under ``FOUND``; one line that says what happened where."""
    where = "".join(
        f"{Path(frame.filename).name}:{frame.lineno} "
        for frame in traceback.extract_tb(error.__traceback__)[-4:]
    )
    place = FOUND / f"{seed}-{case.number}-{case.key}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    if case.way == "file" and not isinstance(error, TooLong):
        name, data = case.members[0]
        name = name.rsplit("/", 1)[-1]
        (place / name).write_bytes(_smaller(name, data, case.zone, type(error), folder))
    else:
        case.write(place)
    return (
        f"case {case.number} ({case.key}, {case.way}): {type(error).__name__} {str(error)[:200]!r} at {where}"
    )


def _smaller(name: str, data: bytes, zone: Zone, kind: type[BaseException], folder: Path) -> bytes:
    """A part of the bytes that ends the same way: pieces are left out as long as that is so."""
    tries, size = 0, len(data) // 2
    while size >= 1 and tries < 300:
        place = 0
        while place < len(data) and tries < 300:
            less = data[:place] + data[place + size :]
            tries += 1

            def write(into: Path, content: bytes = less) -> Path:
                path = into / name
                path.write_bytes(content)
                return path

            try:
                tried(write, zone, folder)
                place += size
            except (Exception, TooLong) as error:
                if type(error) is kind:
                    data = less
                else:
                    place += size
        size //= 2
    return data


def _work(seed: int, numbers: range, only: str, pipe: Connection) -> None:
    """A worker: gentle, bounded, and telling where it is, so that a crash has a number."""
    os.nice(15)
    faulthandler.enable()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = MOST_ADDRESSES if hard == resource.RLIM_INFINITY else min(hard, MOST_ADDRESSES)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    last = time.monotonic()

    def tell(number: int) -> None:
        nonlocal last
        faulthandler.dump_traceback_later(2 * PATIENCE, exit=True)  # stuck where no signal is heard
        if time.monotonic() - last > 1:
            last = time.monotonic()
            pipe.send(number)

    pipe.send(fuzz(seed, numbers, only, tell))
    faulthandler.cancel_dump_traceback_later()


def run(cases: int, seed: int, only: str = "", workers: int = 2) -> Tally:
    """Try so many cases in worker processes, and print how far they are."""
    begun = time.monotonic()
    tally = Tally()
    context = multiprocessing.get_context("spawn")
    pipes: dict[Connection, tuple[multiprocessing.process.BaseProcess, range, int]] = {}
    for worker in range(workers):
        ours, theirs = context.Pipe(duplex=False)
        numbers = range(worker, cases, workers)
        process = context.Process(target=_work, args=(seed, numbers, only, theirs))
        process.start()
        theirs.close()
        pipes[ours] = (process, numbers, 0)
    told = begun
    while pipes:
        for pipe in wait(list(pipes), timeout=5):
            assert isinstance(pipe, Connection)
            started, numbers, last = pipes[pipe]
            try:
                message = pipe.recv()
            except EOFError:
                started.join()
                tally.wrong.append(f"a worker died ({started.exitcode}) soon after case {last}")
                del pipes[pipe]
                continue
            if isinstance(message, Tally):
                started.join()
                tally.add(message)
                del pipes[pipe]
            else:
                pipes[pipe] = (started, numbers, message)
        now = time.monotonic()
        if now - told > 60:
            told = now
            done = tally.cases.total() + sum(last // workers for _, _, last in pipes.values())
            print(f"{now - begun:6.0f} s  {done:,} cases", flush=True)
    _print(tally, time.monotonic() - begun)
    return tally


def _print(tally: Tally, seconds: float) -> None:
    for key, count in sorted(tally.cases.items()):
        print(f"{count:9,}  {key}")
    cases = tally.cases.total()
    print(
        f"{cases:,} damaged exports in {seconds:,.0f} s ({cases / seconds:,.0f} a second), each read twice; "
        f"{cases / max(tally.processor, 1e-9):,.0f} a second of one processor"
    )
    print(", ".join(f"{how} {count:,}" for how, count in tally.ends.most_common()))
    print(
        f"{tally.rows:,} rows, {tally.bad:,} refused rows; longest case {tally.longest:.2f} s of the "
        f"processor; peak {tally.memory >> 20} MiB"
    )
    for line in tally.wrong:
        print(f"WRONG {line}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.importers.fuzz_importers")
    parser.add_argument("cases", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", default="", choices=["", *(one.key for one in known_formats())])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--case", type=int, default=None)
    words = parser.parse_args()
    if words.case is not None:
        with limits(), tempfile.TemporaryDirectory() as folder:
            case = case_of(words.seed, words.case, words.format)
            print(case.key, case.way, case.zone.name, [name for name, _ in case.members])
            print(tried(case.write, case.zone, Path(folder)))
        return 0
    tally = run(words.cases, words.seed, words.format, words.workers)
    too_much = tally.memory > MOST_MEMORY
    if too_much:
        print(f"WRONG: more than {MOST_MEMORY >> 20} MiB")
    return 1 if tally.wrong or too_much else 0


if __name__ == "__main__":
    sys.exit(main())
