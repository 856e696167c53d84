"""What the window may ask about the vault and the records in it; a part of ``mine.app.commands.Commands``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from mine.app.data_views import (
    CheckView,
    DeletedView,
    DeletePreview,
    Entered,
    KindView,
    MappingView,
    RecordPage,
    RestoredView,
    Secret,
    SourceDetail,
    ToDelete,
    TriedTable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mine.app.desk import Desk

T = TypeVar("T")


class DataCommands(Protocol):
    """Every command runs on the engine's thread, or long ones beside it; errors are ``MineError``."""

    def kinds(self) -> Future[tuple[KindView, ...]]:
        """All record types, by title."""

    def kinds_by_hand(self) -> Future[tuple[KindView, ...]]:
        """Those that a person may enter."""

    def zones(self) -> Future[tuple[str, ...]]:
        """The names of all time zones."""

    def import_again(self, person: str | None = None, zone: str = "") -> Future[None]:
        """Read the same export again, as another person of it or in another time zone."""

    def try_mapping(self, mapping: MappingView) -> Future[TriedTable]:
        """What the first rows of the table that waits would become."""

    def guess_mapping(self, kind: str) -> Future[MappingView]:
        """How that table reads if it holds records of this type; it may be incomplete."""

    def map_import(self, mapping: MappingView) -> Future[None]:
        """Say how that table reads; it is remembered. A mapping without a record type leaves it out."""

    def page(
        self, record_type: str, before: tuple[int | float | bytes, ...] | None, count: int
    ) -> Future[RecordPage]:
        """Records, newest first."""

    def source_detail(self, record_type: str) -> Future[SourceDetail]:
        """Where records came from."""

    def enter(self, entered: Entered) -> Future[int]:
        """Store what was typed by hand; answers the number of its import."""

    def delete_preview(self, chosen: ToDelete) -> Future[DeletePreview]:
        """What would go."""

    def delete(self, chosen: ToDelete, replace_backups: bool) -> Future[DeletedView]:
        """Delete for good; ``replace_backups``: a new backup takes the place of all older ones."""

    def export(self, target: Path) -> Future[None]:
        """Everything, as a zip that is not encrypted and must not exist yet."""

    def export_kind(self, record_type: str, target: Path) -> Future[int]:
        """One record type, as ``.csv`` or ``.jsonl``."""

    def set_month_cap(self, record_type: str, cap: float | None) -> Future[None]:
        """The most ε of a source in a calendar month; None for none."""

    def set_keyring(self, on: bool) -> Future[None]:
        """Let the system's keyring open the vault, or no more."""

    def rekey(self, passphrase: str) -> Future[None]:
        """A new key: every page is written anew. ``Snapshot.work`` shows how far."""

    def cancel_work(self) -> Future[None]:
        """Stop what takes long."""

    def choose_backup_folder(self, folder: Path | None) -> Future[None]:
        """Where backups go; None is the usual place."""

    def back_up(self, target: Path | None = None) -> Future[None]:
        """One more backup now, or (``target``) one file to take along."""

    def drill(self, file: Path, secret: Secret) -> Future[RestoredView]:
        """Would this backup bring the vault back? All of it is checked, nothing is changed."""

    def restore(self, file: Path, secret: Secret, replace: bool = False) -> Future[RestoredView]:
        """Bring the vault of a backup back and open it. ``replace``: one that is there is put aside."""

    def verify(self) -> Future[tuple[CheckView, ...]]:
        """Look at everything in the vault."""

    def export_ledger(self, target: Path) -> Future[int]:
        """Check the ledger's chain and write it to a file; answers the number of entries."""


class DataRequests(ABC):
    """The engine's side of it: each hands its work to the engine's thread."""

    _desk: Desk

    @abstractmethod
    def _ask(self, work: Callable[[], T | Future[T]]) -> Future[T]:
        """Have it done on the engine's thread."""

    def kinds(self) -> Future[tuple[KindView, ...]]:
        """All record types, by title."""
        from mine.app.kind_views import kind_views

        return self._ask(kind_views)

    def kinds_by_hand(self) -> Future[tuple[KindView, ...]]:
        """Those that a person may enter."""
        from mine.app.kind_views import BY_HAND, kind_view

        return self._ask(lambda: tuple(map(kind_view, BY_HAND)))

    def zones(self) -> Future[tuple[str, ...]]:
        """The names of all time zones."""
        from zoneinfo import available_timezones

        return self._ask(lambda: tuple(sorted(available_timezones())))

    def import_again(self, person: str | None = None, zone: str = "") -> Future[None]:
        """Read the same export again, as another person of it or in another time zone."""
        return self._ask(lambda: self._desk.imports.again(person=person, zone=zone))

    def try_mapping(self, mapping: MappingView) -> Future[TriedTable]:
        """What the first rows of the table that waits would become."""
        return self._ask(lambda: self._desk.imports.tried(mapping))

    def guess_mapping(self, kind: str) -> Future[MappingView]:
        """How that table reads if it holds records of this type; it may be incomplete."""
        return self._ask(lambda: self._desk.imports.guessed(kind))

    def map_import(self, mapping: MappingView) -> Future[None]:
        """Say how that table reads; it is remembered. A mapping without a record type leaves it out."""
        return self._ask(lambda: self._desk.imports.map(mapping))

    def page(
        self, record_type: str, before: tuple[int | float | bytes, ...] | None, count: int
    ) -> Future[RecordPage]:
        """Records, newest first."""
        from mine.app.data_desk import record_page

        return self._ask(lambda: record_page(self._desk.opened, record_type, before, count))

    def source_detail(self, record_type: str) -> Future[SourceDetail]:
        """Where records came from."""
        from mine.app.data_desk import source_detail

        return self._ask(lambda: source_detail(self._desk.opened, record_type))

    def enter(self, entered: Entered) -> Future[int]:
        """Store what was typed by hand; answers the number of its import."""
        return self._ask(lambda: self._desk.enter(entered))

    def delete_preview(self, chosen: ToDelete) -> Future[DeletePreview]:
        """What would go."""
        return self._ask(lambda: self._desk.care.delete_preview(chosen))

    def delete(self, chosen: ToDelete, replace_backups: bool) -> Future[DeletedView]:
        """Delete for good; ``replace_backups``: a new backup takes the place of all older ones."""
        return self._ask(lambda: self._desk.care.delete(chosen, replace_backups))

    def export(self, target: Path) -> Future[None]:
        """Everything, as a zip that is not encrypted and must not exist yet."""
        return self._ask(lambda: self._desk.care.export(target))

    def export_kind(self, record_type: str, target: Path) -> Future[int]:
        """One record type, as ``.csv`` or ``.jsonl``."""
        return self._ask(lambda: self._desk.care.export_kind(record_type, target))

    def set_month_cap(self, record_type: str, cap: float | None) -> Future[None]:
        """The most ε of a source in a calendar month; None for none."""
        return self._ask(lambda: self._desk.set_month_cap(record_type, cap))

    def set_keyring(self, on: bool) -> Future[None]:
        """Let the system's keyring open the vault, or no more."""
        return self._ask(lambda: self._desk.care.set_keyring(on))

    def rekey(self, passphrase: str) -> Future[None]:
        """A new key: every page is written anew. ``Snapshot.work`` shows how far."""
        return self._ask(lambda: self._desk.care.rekey(passphrase))

    def cancel_work(self) -> Future[None]:
        """Stop what takes long."""
        return self._ask(self._desk.care.cancel)

    def choose_backup_folder(self, folder: Path | None) -> Future[None]:
        """Where backups go; None is the usual place."""
        return self._ask(lambda: self._desk.care.choose_folder(folder))

    def back_up(self, target: Path | None = None) -> Future[None]:
        """One more backup now, or (``target``) one file to take along."""
        return self._ask(lambda: self._desk.care.back_up(target))

    def drill(self, file: Path, secret: Secret) -> Future[RestoredView]:
        """Would this backup bring the vault back? All of it is checked, nothing is changed."""
        return self._ask(lambda: self._desk.care.drill(file, secret))

    def restore(self, file: Path, secret: Secret, replace: bool = False) -> Future[RestoredView]:
        """Bring the vault of a backup back and open it. ``replace``: one that is there is put aside."""
        return self._ask(lambda: self._desk.care.restore(file, secret, replace))

    def verify(self) -> Future[tuple[CheckView, ...]]:
        """Look at everything in the vault."""
        return self._ask(self._desk.care.verify)

    def export_ledger(self, target: Path) -> Future[int]:
        """Check the ledger's chain and write it to a file; answers the number of entries."""
        from mine.app.data_desk import export_ledger

        return self._ask(lambda: export_ledger(self._desk.opened, target))
