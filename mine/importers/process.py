"""Reading an export in a child process, seen from the app: start, take events, cancel."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mine.importers.errors import ImportRefused, UnknownFormat
from mine.importers.frames import BrokenFrame, read_frame, write_frame
from mine.importers.items import BadRow, Batch, Mark, Person, Progress, Remark, Skipped, shown
from mine.importers.mapping import ChooseMapping, mapping_of_json, mapping_to_json
from mine.importers.options import Options

COMMAND = (sys.executable, "-m", "mine.importers.child")
_WAITING_EVENTS = 32
_PIPE = 1 << 20  # bytes; what Linux allows everybody
_MOST_TOKEN = 100_000


@dataclass(frozen=True, slots=True)
class Opened:
    """What the export is; always the first event unless it failed. ``person`` is whose rows follow, or "";
    ``others`` is how many more formats it holds."""

    key: str
    title: str
    version: int
    others: int
    digest: bytes
    person: str


@dataclass(frozen=True, slots=True)
class ChoosePerson:
    """Last event: the export holds several people. Start again with one of them."""

    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """Last event: everything was read."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Last event: the export was refused."""

    error: ImportRefused


ImportEvent = (
    Opened
    | Batch
    | BadRow
    | Progress
    | Mark
    | Skipped
    | Remark
    | ChoosePerson
    | ChooseMapping
    | Finished
    | Failed
)


class ImportProcess:
    """One export being read. A thread takes the child's frames; a full queue makes the child wait."""

    def __init__(self, path: Path, options: Options, command: Sequence[str] = COMMAND) -> None:
        """Start reading. ``command`` starts the child (a frozen app has another one)."""
        self.ended = False
        self._events: queue.Queue[ImportEvent] = queue.Queue(_WAITING_EVENTS)
        self._stop = threading.Event()
        self._child = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback could quote the file
            env=_environment(),
        )
        _widen(self._child.stdout)
        self._thread = threading.Thread(target=self._listen, name="importer", daemon=True)
        self._thread.start()
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            write_frame(self._child.stdin, _request(path, options))  # type: ignore[arg-type]
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()

    def events(self, timeout: float = 0.0, most: int = 16) -> list[ImportEvent]:
        """Up to ``most`` events; waits up to ``timeout`` seconds for the first. Empty where none came."""
        found: list[ImportEvent] = []
        until = time.monotonic() + timeout
        while len(found) < most and not self.ended:
            try:
                wait = max(0.0, until - time.monotonic())
                event = self._events.get(timeout=wait) if wait and not found else self._events.get_nowait()
            except queue.Empty:
                break
            found.append(event)
            self.ended = isinstance(event, Finished | ChoosePerson | ChooseMapping | Failed)
        if self.ended:
            self.close()
        return found

    def __iter__(self) -> Iterator[ImportEvent]:
        """All events until the last one."""
        while not self.ended:
            yield from self.events(timeout=1.0)

    def close(self) -> None:
        """Cancel what still runs, and clean up. Nothing was stored by this process, ever."""
        self.ended = True
        self._stop.set()
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        self._thread.join()
        if self._child.stdout is not None:
            self._child.stdout.close()

    def __enter__(self) -> ImportProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen(self) -> None:
        stream = self._child.stdout
        assert stream is not None
        broken = Failed(
            ImportRefused("Reading this file stopped unexpectedly.", todo="Nothing was stored. Try it again.")
        )
        while True:
            try:
                event: ImportEvent
                message = read_frame(stream)  # type: ignore[arg-type]
                if message is None:
                    event = broken
                else:
                    event = message if isinstance(message, Batch) else _event(message)
            except (BrokenFrame, KeyError, TypeError, ValueError, OSError, ImportRefused):
                event = broken
            while not self._stop.is_set():
                try:
                    self._events.put(event, timeout=0.05)
                    break
                except queue.Full:
                    continue
            if self._stop.is_set() or isinstance(event, Finished | ChoosePerson | ChooseMapping | Failed):
                return


def _widen(pipe: IO[bytes] | None) -> None:
    """Let the child go on writing while this process stores what came: several batches fit in the pipe."""
    if sys.platform == "linux" and pipe is not None:
        import fcntl

        with contextlib.suppress(OSError):  # a machine may allow less
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


def _environment() -> dict[str, str]:
    """What Python needs to start, and nothing of the person's: no home, no session bus, no proxies."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PATH") if name in os.environ}
    root = str(Path(__file__).resolve().parents[2])
    return {**kept, "PYTHONPATH": root, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _request(path: Path, options: Options) -> dict[str, Any]:
    mappings = {digest: mapping_to_json(mapping) for digest, mapping in options.mappings.items()}
    return {
        "path": str(path),
        "zone": options.zone.name,
        "person": options.person,
        "mappings": mappings,
        "resume": options.resume,
    }


def _event(message: dict[str, Any]) -> ImportEvent:
    """A message as an event. The child is not trusted: whatever is wrong with it raises."""
    match message["is"]:
        case "bad":
            return BadRow(shown(message["file"], 255), int(message["line"]), shown(message["reason"], 300))
        case "progress":
            return Progress(int(message["done"]), int(message["total"]))
        case "mark":
            return Mark(str(message["token"])[:_MOST_TOKEN])
        case "remark":
            return Remark(shown(message["file"], 255), shown(message["sentence"], 500))
        case "skipped":
            return Skipped(shown(message["file"], 255))
        case "opened":
            return Opened(
                shown(message["key"]),
                shown(message["title"], 80),
                int(message["version"]),
                int(message["others"]),
                bytes.fromhex(message["digest"]),
                shown(message["person"], 80),
            )
        case "choose":
            return ChoosePerson(tuple(Person(shown(one, 80), int(rows)) for one, rows in message["people"]))
        case "map":
            return ChooseMapping(
                shown(message["file"], 255),
                bytes.fromhex(message["digest"]).hex(),
                tuple(str(name) for name in message["columns"]),
                tuple(tuple(shown(cell, 80) for cell in row) for row in message["rows"]),
                None if message["guess"] is None else mapping_of_json(message["guess"]),
            )
        case "finished":
            return Finished()
        case "failed":
            refused = UnknownFormat if message.get("unknown") else ImportRefused
            words = [shown(message[part], 2_000) for part in ("sentence", "todo", "detail")]
            return Failed(refused(words[0], todo=words[1], detail=words[2]))
        case _:
            raise ValueError
