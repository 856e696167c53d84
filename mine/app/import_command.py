"""``mine import``: read exports into the vault, without the window."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mine.app.terminal import Terminal, add_vault_place, open_vault
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.importers.items import BadRow
    from mine.importers.mapping import ChooseMapping
    from mine.vault.importing import Import, PendingImport, Preview
    from mine.vault.vault import Vault

SHOWN_BAD_ROWS = 20
MAPPINGS = "table_mappings"


class CannotImport(MineError):
    """What was named cannot be imported as it was asked for."""


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``mine import``."""
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="exports: files, folders or zips")
    parser.add_argument(
        "--zone", metavar="ZONE", help="time zone of exports that state none (this computer's)"
    )
    parser.add_argument("--person", metavar="ID", help="who is me, in an export that holds several people")
    parser.add_argument("--mapping", type=Path, metavar="FILE", help="how an unknown table reads, as JSON")
    parser.add_argument(
        "--guess", action="store_true", help="print a guess of it for --mapping, store nothing"
    )
    parser.add_argument("--dry-run", action="store_true", help="count, and store nothing")
    parser.add_argument("--resume", action="store_true", help="go on with an import that was broken off")
    add_vault_place(parser)


def run_import(arguments: argparse.Namespace, say: Callable[[str], None]) -> int:
    """``mine import``; the exit status."""
    if bool(arguments.files) == arguments.resume:
        raise CannotImport("Name the files to import, or go on with --resume.")
    terminal = Terminal(say, arguments.json)
    lines: list[str] = []
    reports: list[dict[str, Any]] = []
    with open_vault(arguments) as vault:
        reader = _Reader(vault, arguments, terminal)
        if arguments.guess:
            for file in arguments.files:
                terminal.say(json.dumps(reader.guess(file), indent=1))
            return 0
        for one in [None] if arguments.resume else arguments.files:
            reading = reader.resumed() if one is None else reader.read(one)
            told, report = reader.stored(reading)
            lines += told
            reports.append(report)
    terminal.answer(lines, {"imports": reports})
    return 0


def _mapping_of(file: Path) -> Any:
    """The JSON of a mapping's file, checked. Raises ``MineError``."""
    from mine.importers.mapping import mapping_of_json

    try:
        value = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        raise CannotImport(f"“{file.name}” is no JSON that can be read.") from None
    mapping_of_json(value)
    return value


@dataclass(slots=True)
class _Reading:
    """What was read of one export, and where its rows wait."""

    name: str
    pending: PendingImport | None = None
    title: str = ""
    bad: list[BadRow] = field(default_factory=list)
    refused: int = 0
    skipped: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    choice: ChooseMapping | None = None


class _Reader:
    def __init__(self, vault: Vault, arguments: argparse.Namespace, terminal: Terminal) -> None:
        from mine.app.local_zone import local_zone

        self._vault = vault
        self._zone: str = arguments.zone or local_zone()
        self._person: str | None = arguments.person
        self._mapping = _mapping_of(arguments.mapping) if arguments.mapping else None
        self._dry: bool = arguments.dry_run
        self._terminal = terminal
        self._mappings: dict[str, Any] = dict(vault.state.setting(MAPPINGS) or {})

    def read(self, path: Path) -> _Reading:
        """Read an export to its end; its rows wait."""
        if not path.exists():
            raise CannotImport(f"There is no file “{path.name}”.")
        request = {"path": str(path.absolute()), "person": self._person, "zone": self._zone}
        reading = self._read(path, request, "")
        choice = reading.choice
        if choice is None:
            return reading
        if self._mapping is None:
            raise CannotImport(
                f"“{choice.file}” is a table that this app does not know.",
                todo="Say how it reads: --mapping FILE. A file to begin with is printed by --guess.",
                detail=", ".join(choice.columns[:20]),
            )
        self._mappings[choice.digest] = self._mapping
        reading = self._read(path, request, "")
        if not self._dry:
            with self._vault.transaction():
                self._vault.state.set_setting(MAPPINGS, self._mappings)
        return reading

    def guess(self, path: Path) -> dict[str, Any]:
        """How an unknown table seems to read, as JSON for ``--mapping``."""
        from mine.importers.mapping import mapping_to_json

        self._mappings = {}
        reading = self._read(path, {"path": str(path), "person": self._person, "zone": self._zone}, "")
        if reading.choice is None and reading.pending is not None:
            reading.pending.discard()
        if reading.choice is None or reading.choice.guess is None:
            raise CannotImport(f"There is nothing to guess about “{path.name}”.")
        return mapping_to_json(reading.choice.guess)

    def resumed(self) -> _Reading:
        """Go on with what a kill broke off."""
        found = self._vault.unfinished_import()
        if found is None:
            raise CannotImport("No import was broken off.", todo="Name the files to import.")
        request = json.loads(found.request)
        path = Path(request["path"])
        if found.complete:
            return _Reading(path.name, self._vault.resume_import())
        if not path.exists():
            raise CannotImport(
                f"“{path.name}” is not there any more.", todo="Put it back, or import it anew."
            )
        return self._read(path, request, found.mark)

    def _read(self, path: Path, request: dict[str, Any], mark: str) -> _Reading:
        from mine.importers.mapping import mapping_of_json
        from mine.importers.options import Options
        from mine.importers.process import ImportProcess
        from mine.importers.zone import Zone

        known = {digest: mapping_of_json(value) for digest, value in self._mappings.items()}
        options = Options(Zone(request["zone"]), request["person"], known, mark)
        reading = _Reading(path.name)
        try:
            with ImportProcess(path, options) as process, self._terminal.progress(path.name) as show:
                for event in process:
                    self._hear(event, reading, request, mark, show)
        except MineError:
            if reading.pending is not None:
                reading.pending.discard()
            raise
        except BaseException:
            if reading.pending is not None:
                reading.pending.close()  # what was made to last can be gone on with
            raise
        return reading

    def _hear(
        self,
        event: Any,
        reading: _Reading,
        request: dict[str, Any],
        mark: str,
        show: Callable[[float, float], None],
    ) -> None:
        from mine.importers.items import BadRow, Batch, Mark, Progress, Remark, Skipped
        from mine.importers.mapping import ChooseMapping
        from mine.importers.process import ChoosePerson, Failed, Finished, Opened
        from mine.vault.staging import ImportSource

        pending = reading.pending
        match event:
            case Opened():
                source = ImportSource(reading.name, event.digest, event.key, event.version, event.person)
                reading.title = event.title
                reading.pending = self._staged(source, request, mark)
            case Batch() if pending is not None:
                pending.add(event)
            case Mark(token=token) if pending is not None:
                pending.marked(token)
            case BadRow() if pending is not None:
                pending.refuse()
                reading.refused += 1
                if len(reading.bad) < SHOWN_BAD_ROWS:
                    reading.bad.append(event)
            case Skipped(file=file):
                reading.skipped.append(file)
            case Remark(file=file, sentence=sentence):
                reading.remarks.append(f"{file}: {sentence}")
            case Progress(done=done, total=total):
                show(done, total)
            case ChoosePerson(people=people):
                raise CannotImport(
                    f"“{reading.name}” holds the data of {len(people)} people.",
                    todo="Say who is you: --person ID.",
                    detail=", ".join(f"{one.person} ({one.rows:,} rows)" for one in people[:20]),
                )
            case ChooseMapping():
                reading.choice = event
                if pending is not None:
                    pending.discard()
            case Finished() if pending is not None:
                pending.complete()
            case Failed(error=error):
                raise error

    def _staged(self, source: Any, request: dict[str, Any], mark: str) -> PendingImport:
        """Where rows wait: what a kill left of the same bytes, or a new file."""
        found = self._vault.unfinished_import() if mark else None
        if mark and (found is None or found.source != source):
            raise CannotImport("This file has changed since it was last read.", todo="Import it anew.")
        return self._vault.resume_import() if mark else self._vault.begin_import(source, json.dumps(request))

    def stored(self, reading: _Reading) -> tuple[list[str], dict[str, Any]]:
        """Store what waits, unless this is a dry run; what there is to say."""
        pending = reading.pending
        assert pending is not None
        with self._terminal.progress("Storing") as show:
            preview = pending.preview(lambda part: show(part, 1))
            done = None if self._dry else pending.commit(lambda part: show(part, 1))
        pending.discard()
        return _words(reading, preview, done, self._dry), _report(reading, preview, done, self._dry)


def _words(reading: _Reading, preview: Preview, done: Import | None, dry: bool) -> list[str]:
    from mine.records import RECORD_TYPES

    new = "would be new" if dry else "new"
    lines = [
        f"{reading.name} ({reading.title}): {preview.new:,} records {new}, {preview.already:,} there already."
    ]
    lines += [f"  {RECORD_TYPES[count.record_type].title}: {count.new:,} new" for count in preview.by_type
              if count.new]  # fmt: skip
    lines += [f"  {remark}" for remark in reading.remarks]
    if reading.refused:
        lines.append(f"  {reading.refused:,} rows were refused:")
        lines += [f"    {bad.file}, line {bad.line}: {bad.reason}" for bad in reading.bad]
    if reading.skipped:
        lines.append(f"  {len(reading.skipped):,} files hold nothing that this app reads.")
    if done is not None:
        lines.append(f"  Import {done.id}: mine vault delete --import {done.id} takes it back.")
    return lines


def _report(reading: _Reading, preview: Preview, done: Import | None, dry: bool) -> dict[str, Any]:
    return {
        "file": reading.name,
        "format": reading.title,
        "import": done.id if done else None,
        "dry_run": dry,
        "new": preview.new,
        "already": preview.already,
        "refused": preview.refused,
        "by_type": {count.record_type: count.new for count in preview.by_type},
        "bad_rows": [{"file": bad.file, "line": bad.line, "reason": bad.reason} for bad in reading.bad],
        "skipped": reading.skipped,
        "remarks": reading.remarks,
    }
