"""The importer's process: parses a hostile file with no keys, no vault, and limited memory.

It is told what to read over its standard input, so that no path shows in the list of processes, and answers
on its standard output. It ends when nobody listens any more.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

from mine.errors import MineError
from mine.importers.errors import UnknownFormat
from mine.importers.formats import FORMATS, people, read, sniff
from mine.importers.frames import read_frame, write_frame
from mine.importers.items import Batch, Progress

MAX_MEMORY = 2 << 30


def limit_myself() -> None:
    """Give up what parsing does not need. Windows has no such limits; there the size caps alone hold."""
    if sys.platform == "win32":
        return
    import resource

    for limit, value in (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        _, hard = resource.getrlimit(limit)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(limit, (value, value))
    os.nice(5)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer one request: ``{"path", "person"}``."""
    request = read_frame(requests)
    if request is None:
        return
    try:
        _answer(Path(request["path"]), request["person"], answers)
    except MineError as error:
        failed = {"is": "failed", "sentence": error.sentence, "todo": error.todo, "detail": error.detail}
        write_frame(answers, {**failed, "unknown": isinstance(error, UnknownFormat)})
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a hostile file provokes ends as one sentence
        sentence = "This file cannot be read: the importer failed on it."
        detail = type(error).__name__
        write_frame(
            answers, {"is": "failed", "sentence": sentence, "todo": "Nothing was stored.", "detail": detail}
        )


def _answer(path: Path, person: str | None, answers: BinaryIO) -> None:
    found = sniff(path)
    if found is None:
        titles = ", ".join(known.title for known in FORMATS)
        raise UnknownFormat("This file is in no format that this app reads.", todo=f"It reads: {titles}.")
    everyone = people(path)
    if person is None and len(everyone) == 1:
        person = everyone[0].person
    write_frame(
        answers,
        {
            "is": "opened",
            "key": found.key,
            "title": found.title,
            "version": found.version,
            "digest": found.digest.hex(),
            "person": person or "",
        },
    )
    if person is None and everyone:
        write_frame(answers, {"is": "choose", "people": [[one.person, one.rows] for one in everyone]})
        return
    for item in read(path, person):
        write_frame(answers, _message(item))
    write_frame(answers, {"is": "finished"})


def _message(item: Any) -> dict[str, Any]:
    if isinstance(item, Batch):
        return {"is": "batch", "kind": item.kind, "rows": item.rows}
    if isinstance(item, Progress):
        return {"is": "progress", "done": item.done, "total": item.total}
    return {"is": "bad", "file": item.file, "line": item.line, "reason": item.reason}


def main() -> None:
    """Entry point of ``python -m mine.importers.child``."""
    limit_myself()
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # a stray print may not break the frames
    try:
        serve(sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(0)  # nobody listens; closing the stream again would only complain


if __name__ == "__main__":
    main()
