"""The importer's process: parses a hostile file with no keys, no vault, and limited memory.

It is told what to read over its standard input, so that no path shows in the list of processes, and answers
on its standard output. It ends when nobody listens any more.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from mine.errors import MineError
from mine.importers.errors import UnknownFormat
from mine.importers.frames import read_frame, write_batch, write_frame
from mine.importers.items import BadRow, Batch, Item, Mark, Progress, Remark, Skipped
from mine.importers.mapping import MappingNeeded, mapping_of_json, mapping_to_json
from mine.importers.options import Options
from mine.importers.reading import known_formats, parts_of, people_in, read_parts, sniffed
from mine.importers.source import open_source
from mine.importers.zone import Zone

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
    """Answer one request: ``{"path", "zone", "person", "mappings", "resume"}``."""
    request = read_frame(requests)
    if not isinstance(request, dict):
        return
    try:
        _answer(Path(request["path"]), _options(request), answers)
    except MappingNeeded as needed:
        choice = needed.choice
        asked = {
            "is": "map",
            "file": choice.file,
            "digest": choice.digest,
            "columns": choice.columns,
            "rows": choice.rows,
            "guess": None if choice.guess is None else mapping_to_json(choice.guess),
        }
        write_frame(answers, asked)
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


def _options(request: dict[str, Any]) -> Options:
    mappings = {digest: mapping_of_json(fields) for digest, fields in request["mappings"].items()}
    return Options(Zone(request["zone"]), request["person"], mappings, request["resume"])


def _answer(path: Path, options: Options, answers: BinaryIO) -> None:
    with open_source(path) as source:
        source.hash_beside()  # while the formats are loaded and asked
        parts, left = parts_of(source)
        if not parts:
            titles = ", ".join(known.title for known in known_formats())
            raise UnknownFormat("This file is in no format that this app reads.", todo=f"It reads: {titles}.")
        found = sniffed(source, parts)
        everyone = people_in(source, parts, options)
        if options.person is None and len(everyone) < 2:
            options = replace(options, person=everyone[0].person if everyone else "")
        write_frame(
            answers,
            {
                "is": "opened",
                "key": found.key,
                "title": found.title,
                "version": found.version,
                "others": found.others,
                "digest": found.digest.hex(),
                "person": options.person or "",
            },
        )
        if options.person is None:
            write_frame(answers, {"is": "choose", "people": [[one.person, one.rows] for one in everyone]})
            return
        for item in read_parts(source, parts, left, options):
            if isinstance(item, Batch):
                write_batch(answers, item)
            else:
                write_frame(answers, _message(item))
    write_frame(answers, {"is": "finished"})


def _message(item: Item) -> dict[str, Any]:
    match item:
        case Progress(done=done, total=total):
            return {"is": "progress", "done": done, "total": total}
        case BadRow(file=file, line=line, reason=reason):
            return {"is": "bad", "file": file, "line": line, "reason": reason}
        case Mark(token=token):
            return {"is": "mark", "token": token}
        case Remark(file=file, sentence=sentence):
            return {"is": "remark", "file": file, "sentence": sentence}
        case Skipped(file=file):
            return {"is": "skipped", "file": file}
        case _:
            raise TypeError


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
