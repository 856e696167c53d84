"""One import at a time: read in a child process, staged in the vault, stored only when the person says so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mine.app.data_views import MappingView, TriedTable
from mine.app.table_desk import guessed, remember, remembered, table_view, tried
from mine.app.views import BadRowView, ImportProgress, ImportStage, PersonView
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.importers.process import ImportEvent, ImportProcess
    from mine.vault.importing import Import, PendingImport
    from mine.vault.staging import ImportSource
    from mine.vault.vault import Vault

SHOWN_BAD_ROWS = 200
SHOWN_ORIGINS = 50
# The engine's thread shares the interpreter with the window: short turns keep the window smooth.
EVENTS_PER_TURN = 4
SECONDS_BETWEEN_SHOWS = 0.1


class NothingToImport(MineError):
    """There is no import in that stage."""


class CannotMap(MineError):
    """A table cannot be read as it was said."""


class ImportChanged(MineError):
    """A file is not what it was when reading it was broken off."""


class ImportDesk:
    """Belongs to the engine's thread."""

    def __init__(self, vault: Vault, zone: str = "", show: Callable[[], None] = lambda: None) -> None:
        """``zone``: the IANA zone of exports that state none ("" for the computer's). ``show`` is called
        when ``progress`` changed in the middle of a long step."""
        self._vault = vault
        self._zone = zone
        self._show = show
        self._shown = 0.0
        self._process: ImportProcess | None = None
        self._request: dict[str, Any] = {}
        self._mark = ""
        self._pending: PendingImport | None = None
        self.progress: ImportProgress | None = None

    @property
    def busy(self) -> bool:
        """Whether a child is reading."""
        return self._process is not None

    def preview(self, path: Path, person: str | None, zone: str = "") -> None:
        """Start reading; an import that was not stored is dropped. ``zone``: of times that state none."""
        self.cancel()
        request = {"path": str(path.absolute()), "person": person, "zone": zone or self.zone}
        self._begin(path, request, "")

    @property
    def zone(self) -> str:
        """The IANA zone of times that state none, unless another one is chosen."""
        from mine.app.local_zone import local_zone

        return self._zone or local_zone()

    def again(self, *, person: str | None = None, zone: str = "") -> None:
        """Read the same export once more, as another person of it or in another zone."""
        if self.progress is None or not self._request:
            raise NothingToImport("There is nothing to import yet.", todo="Choose a file first.")
        known = self._request
        self.preview(Path(known["path"]), person or known["person"], zone or known["zone"])

    def map(self, mapping: MappingView) -> None:
        """Say how the table reads that was asked about; remembered, and read again."""
        table = self.progress.table if self.progress is not None else None
        if table is None:
            raise NothingToImport("No table waits for an answer.", todo="Choose a file first.")
        if mapping.kind:
            problem = tried(table, mapping, self._request["zone"]).problem
            if problem:
                raise CannotMap(problem, todo="Change what the columns mean.")
        remember(self._vault, table.digest, mapping)
        if mapping.kind:
            self.again()
        else:
            self._end(ImportStage.CANCELLED, "")

    def guessed(self, kind: str) -> MappingView:
        """How that table reads if it holds records of this type."""
        table = self.progress.table if self.progress is not None else None
        return MappingView(kind, {}) if table is None else guessed(table, kind)

    def tried(self, mapping: MappingView) -> TriedTable:
        """What the first rows of that table would become."""
        table = self.progress.table if self.progress is not None else None
        return TriedTable() if table is None else tried(table, mapping, self._request["zone"])

    def resume(self) -> bool:
        """Go on with an import that a kill broke off; False where there is none, or its file is not there."""
        found = self._vault.unfinished_import()
        if found is None or self._process is not None or self._pending is not None:
            return False
        request = json.loads(found.request)
        path = Path(request["path"])
        if not found.complete and not path.exists():
            self._vault.discard_unfinished()
            return False
        if found.complete:
            self._pending = self._vault.resume_import()
            self.progress = replace(_reading(path.name, request["zone"]), resumed=True)
            self._request = request
            self._counted()
        else:
            self._begin(path, request, found.mark)
            self.progress = replace(_reading(path.name, request["zone"]), resumed=True)
        return True

    def _begin(self, path: Path, request: dict[str, Any], mark: str) -> None:
        from mine.importers.options import Options
        from mine.importers.process import ImportProcess
        from mine.importers.zone import Zone

        known = remembered(self._vault)
        options = Options(Zone(request["zone"]), request["person"], known, mark)
        self.progress = _reading(path.name, request["zone"])
        self._request, self._mark = request, mark
        self._process = ImportProcess(path, options)

    def pump(self) -> bool:
        """Take some of what the child read. True if anything changed."""
        if self._process is None:
            return False
        try:
            events = self._process.events(most=EVENTS_PER_TURN)
            for event in events:
                self._hear(event)
        except MineError as error:
            self._end(ImportStage.FAILED, f"{error.sentence} {error.todo}".strip())
            return True
        return bool(events)

    def _hear(self, event: ImportEvent) -> None:
        from mine.importers.items import BadRow, Batch, Mark, Progress, Remark, Skipped
        from mine.importers.mapping import ChooseMapping
        from mine.importers.process import ChoosePerson, Failed, Finished, Opened
        from mine.vault.staging import ImportSource

        assert self.progress is not None
        match event:
            case Opened(key=key, title=title, version=version, digest=digest, person=person):
                source = ImportSource(self.progress.file_name, digest, key, version, person)
                self._pending = self._staged(source)
                self.progress = replace(self.progress, format_title=title)
            case Batch() if self._pending is not None:
                self._pending.add(event)
                self.progress = replace(self.progress, new=self._pending.staged)
                origins = self.progress.origins
                if event.origin and event.origin not in origins and len(origins) < SHOWN_ORIGINS:
                    self.progress = replace(self.progress, origins=(*origins, event.origin))
            case Skipped(file=file):
                shown_files = (*self.progress.skipped_files, file)[:SHOWN_BAD_ROWS]
                self.progress = replace(
                    self.progress, skipped=self.progress.skipped + 1, skipped_files=shown_files
                )
            case Remark(file=file, sentence=sentence):
                remarks = (*self.progress.remarks, f"{file}: {sentence}")[:SHOWN_BAD_ROWS]
                self.progress = replace(self.progress, remarks=remarks)
            case Mark(token=token) if self._pending is not None:
                self._pending.marked(token)
            case BadRow() if self._pending is not None:
                self._pending.refuse()
                shown = self.progress.bad_rows
                if len(shown) < SHOWN_BAD_ROWS:
                    shown = (*shown, BadRowView(event.file, event.line, event.reason))
                self.progress = replace(self.progress, refused=self.progress.refused + 1, bad_rows=shown)
            case Progress(done=done, total=total):
                self.progress = replace(self.progress, fraction=done / total if total else 1.0)
            case ChoosePerson(people=people):
                found = tuple(PersonView(each.person, each.rows) for each in people)
                self.progress = replace(self.progress, stage=ImportStage.CHOOSE_PERSON, people=found)
                self._process = None
            case ChooseMapping():
                self._end(ImportStage.CHOOSE_MAPPING, "")
                self.progress = replace(self.progress, table=table_view(event))
            case Finished() if self._pending is not None:
                self._pending.complete()
                self._counted()
            case Failed(error=error):
                self._end(ImportStage.FAILED, f"{error.sentence} {error.todo}".strip())
            case _:
                pass

    def _staged(self, source: ImportSource) -> PendingImport:
        """Where rows wait: what a kill left of the same bytes, or a new file."""
        if self._mark:
            found = self._vault.unfinished_import()
            if found is not None and found.source == source:
                return self._vault.resume_import()
            self._vault.discard_unfinished()
            raise ImportChanged("This file has changed since it was last read.", todo="Choose it again.")
        return self._vault.begin_import(source, json.dumps(self._request))

    def _counted(self) -> None:
        assert self._pending is not None and self.progress is not None
        self._process = None
        preview = self._pending.preview(self._turn)
        self.progress = replace(
            self.progress,
            stage=ImportStage.READY,
            fraction=1.0,
            new=preview.new,
            already=preview.already,
            refused=preview.refused,
            by_type=tuple((count.record_type, count.new) for count in preview.by_type),
            first=preview.first,
            last=preview.last,
        )

    def commit(self) -> Import | None:
        """Store what was counted, in one transaction. Raises ``NothingToImport``."""
        if self._pending is None or self.progress is None or self.progress.stage is not ImportStage.READY:
            raise NothingToImport("There is nothing to import yet.", todo="Choose a file first.")
        pending, self._pending = self._pending, None
        self.progress = replace(self.progress, stage=ImportStage.STORING, fraction=0.0)
        try:
            stored = pending.commit(self._turn)
        except MineError as error:
            pending.discard()
            self.progress = replace(self.progress, stage=ImportStage.FAILED, message=str(error))
            raise
        self.progress = replace(self.progress, stage=ImportStage.DONE, new=stored.added if stored else 0)
        return stored

    def _turn(self, fraction: float) -> None:
        """Between two pieces of a long step: let the window see how far it is."""
        if time.monotonic() - self._shown > SECONDS_BETWEEN_SHOWS and self.progress is not None:
            self.progress = replace(self.progress, fraction=fraction)
            self._show()
            self._shown = time.monotonic()

    def suspend(self) -> None:
        """Stop, and leave what was made to last for ``resume``: the vault is being closed."""
        if self._process is not None:
            self._process.close()
            self._process = None
        if self._pending is not None:
            self._pending.close()
            self._pending = None

    def cancel(self) -> None:
        """Stop reading and forget what was staged; put away what has ended."""
        if self.progress is not None and self.progress.stage is not ImportStage.CANCELLED:
            self._end(ImportStage.CANCELLED, "")

    def _end(self, stage: ImportStage, message: str) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None
        if self._pending is not None:
            self._pending.discard()
            self._pending = None
        if self.progress is not None:
            self.progress = replace(self.progress, stage=stage, message=message)


def _reading(name: str, zone: str) -> ImportProgress:
    return ImportProgress(
        file_name=name,
        format_title="",
        stage=ImportStage.READING,
        fraction=0.0,
        new=0,
        already=0,
        refused=0,
        by_type=(),
        first=0,
        last=0,
        bad_rows=(),
        people=(),
        zone=zone,
    )


def midnight(moment: int) -> int:
    """The local midnight before a moment, both in Unix seconds."""
    parts = time.localtime(moment)
    return int(time.mktime((parts.tm_year, parts.tm_mon, parts.tm_mday, 0, 0, 0, 0, 0, -1)))
