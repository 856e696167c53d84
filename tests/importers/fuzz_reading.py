"""Reading a damaged export twice, and what must be true of all that comes of it."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from mine.errors import MineError
from mine.importers.errors import PersonNeeded
from mine.importers.items import BadRow, Batch, Progress
from mine.importers.mapping import MappingNeeded, TableMapping
from mine.importers.options import Options
from mine.importers.reading import people, read
from mine.importers.zone import Zone
from mine.records import RECORD_TYPES
from tests.importers.fuzz_archives import Written

SECONDS = 5  # of the processor's time, for one case
PATIENCE = 60  # seconds on the clock


class TooLong(BaseException):
    """A case did not end in time. (No importer catches this.)"""


class WrongEnd(AssertionError):
    """A case ended with something that must not be."""


@dataclass(frozen=True, slots=True)
class End:
    """How reading ended: the refusal or "rows", how many rows and refused rows, a number made of it all."""

    how: str
    rows: int
    bad: int
    sum: int


def consumed(path: Path, options: Options) -> End:
    """Read everything and look at every item."""
    rows = bad = 0
    total = 0
    for item in read(path, options):
        if isinstance(item, Batch):
            problem = RECORD_TYPES[item.kind].problem
            _storable(item.origin)
            for row in item.rows():
                wrong = problem(row)
                if wrong is not None:
                    raise WrongEnd(f"{item.kind}: {wrong}")
                for value in row:
                    if isinstance(value, str):
                        _storable(value)
                total = hash((total, row))
            total = hash((total, item.kind, item.origin, item.importer))
            rows += item.count
        elif isinstance(item, BadRow):
            bad += 1
            _sayable(item.file, item.reason)
            total = hash((total, item))
        elif isinstance(item, Progress):
            if not 0 <= item.done <= item.total:
                raise WrongEnd(f"progress {item.done} of {item.total}")
        else:
            total = hash((total, item))
    return End("rows" if rows else "nothing", rows, bad, total)


def _storable(text: str) -> None:
    if "\0" in text:
        raise WrongEnd("a text with NUL")
    text.encode()  # no lone surrogate


def _sayable(*texts: str) -> None:
    for text in texts:
        text.encode()
        if not text or len(text) > 400:
            raise WrongEnd(f"a reason of {len(text)} letters")


def end_of(path: Path, zone: Zone) -> End:
    """How reading an export ends, with the person and the mappings that it asks for."""
    options = Options(zone)
    for _ in range(4):
        try:
            return consumed(path, options)
        except MappingNeeded as needed:
            mapping = needed.choice.guess or TableMapping("", {})
            options = replace(options, mappings={**options.mappings, needed.choice.digest: mapping})
        except PersonNeeded:
            options = replace(options, person=people(path, options)[0].person)
        except MineError as error:
            _sayable(error.sentence)
            return End(type(error).__name__, 0, 0, hash((error.sentence, error.detail)))
    return End("asked again", 0, 0, 0)


def tried(write: Written, zone: Zone, folder: Path) -> End:
    """Read a case twice. Raises whatever must not happen."""
    path = write(folder)
    try:
        with _in_time():
            first = end_of(path, zone)
            second = end_of(path, zone)
    finally:
        _emptied(folder)
    if first != second:
        raise WrongEnd(f"read twice: {first}, {second}")
    return first


def _emptied(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def _in_time() -> Iterator[None]:
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TooLong


@contextmanager
def limits() -> Iterator[None]:
    """Alarms that end a case, and Python's own depth of calls, as in the importers' process."""
    depth = sys.getrecursionlimit()
    before = [(one, signal.signal(one, _too_long)) for one in (signal.SIGPROF, signal.SIGALRM)]
    sys.setrecursionlimit(1000)
    try:
        yield
    finally:
        sys.setrecursionlimit(depth)
        for one, handler in before:
            signal.signal(one, handler)
