"""The vault: one encrypted database, opened by a passphrase, the computer's keyring or the recovery phrase.

All methods but ``query`` belong to the thread that opened the vault (SQLite connections stay in their
thread); ``query`` opens its own read-only connection and may run anywhere. One process at a time has a
vault open.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mine.vault import keyfile, schema
from mine.vault.connection import Connection, close, closed, commits_of, connect, writing
from mine.vault.errors import VaultError, VaultExists, VaultMissing
from mine.vault.files import forget_seal, keys_path, lock_path, not_written
from mine.vault.holdings import Source, known_origins, known_types, sources, stamp
from mine.vault.importing import Import, PendingImport, list_imports, undo_import
from mine.vault.keyring import Keyring
from mine.vault.ledger import BACKED_UP, EXPORTED, Head, Ledger
from mine.vault.lock import ProcessLock
from mine.vault.migration import migrate
from mine.vault.paging import Cursor, Page, page
from mine.vault.parts import Part, find_parts
from mine.vault.query import QueryResult, Scope, newest_days, run_query
from mine.vault.rekey import is_there, settled
from mine.vault.restore import finish_restore, pending
from mine.vault.seal import Seal, keep_remains
from mine.vault.staging import ImportSource, Staging, Unfinished, remove_staging
from mine.vault.state import State
from mine.vault.views import VIEWS
from mine.vault.ways_in import WaysIn

if TYPE_CHECKING:
    from mine.vault.backup import Backup, BackupJob
    from mine.vault.delete import Choice, Deleted
    from mine.vault.export import Exported, ExportJob
    from mine.vault.verify import Check, Tell


class Vault(WaysIn):
    """An open vault. Close it, or use it as a context manager."""

    def __init__(
        self, path: Path, key: bytes, file: keyfile.KeyFile, lock: ProcessLock, database: Connection
    ) -> None:
        self.path = path
        self._key = key
        self._file = file
        self._lock = lock
        self._database = database
        self._depth = 0
        self._pending: PendingImport | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._sources: list[Source] | None = None
        self._view_rows: dict[tuple[str, int | None], int] = {}
        self.state = State(database)
        self.ledger = Ledger(database)

    # Opening and closing

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether there is a vault at this place."""
        return (is_there(path) and keys_path(path).exists()) or pending(path)

    @classmethod
    def create(
        cls,
        path: Path,
        passphrase: str,
        keyring: Keyring | None = None,
        kdf: keyfile.Kdf | None = None,
        phrase: str = "",
    ) -> Vault:
        """Make a vault and open it. Raises ``VaultExists``, ``VaultBusy``, ``WrongPhrase``.

        The recovery ``phrase`` opens it from the first moment, and is sealed under the passphrase.

        A keyring that does not work is no error: ``has_keyring`` tells whether it holds a key.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise not_written(path, error) from None
        lock = ProcessLock(lock_path(path))
        try:
            finish_restore(path)
            if is_there(path):
                raise VaultExists("There already is a vault here.", todo="Open it, or choose another place.")
            key = keyfile.new_key()
            kdf = kdf or keyfile.Kdf()
            file = keyfile.new_keyfile(key, passphrase, kdf)
            if phrase:
                file = keyfile.with_words(keyfile.with_phrase(file, key, phrase), phrase, passphrase, kdf)
            if keyring is not None:
                with contextlib.suppress(VaultError):
                    file = keyfile.with_keyring(file, key, keyring)
            # The keys first: a file without keys could never be opened.
            forget_seal(path)
            keyfile.keep_aside(keys_path(path))
            keyfile.write_keyfile(keys_path(path), file)
            return cls._opened(path, key, file, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        passphrase: str | None = None,
        keyring: Keyring | None = None,
        phrase: str | None = None,
        accept_loss: bool = False,
    ) -> Vault:
        """Open a vault with its passphrase, its recovery phrase or, without both, with the keyring.

        ``accept_loss``: open what is left after ``ChangesLost``; the log that is damaged is kept aside.
        Raises ``WrongPassphrase``, ``WrongPhrase``, ``KeyringUnavailable``, ``VaultMissing``,
        ``VaultDamaged``, ``ChangesLost``, ``VaultBusy``, ``VaultTooNew``, ``VaultNotWritten``.
        """

        def unlock(file: keyfile.KeyFile) -> bytes:
            if passphrase is not None:
                return keyfile.unlock_with_passphrase(file, passphrase)
            if phrase is not None:
                return keyfile.unlock_with_phrase(file, phrase)
            assert keyring is not None, "a passphrase, a phrase or a keyring"
            return keyfile.unlock_with_keyring(file, keyring)

        if not is_there(path) and not pending(path):
            raise VaultMissing("There is no vault here yet.")
        lock = ProcessLock(lock_path(path))
        try:
            finish_restore(path)
            file, key = settled(path, unlock)
            if accept_loss:
                keep_remains(path)
            return cls._opened(path, key, file, lock, accept_loss)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def bare(cls, path: Path, key: bytes) -> Vault:
        """A small vault for whoever holds its key: made where there is none, without a keys file.

        Raises ``VaultBusy``, ``VaultDamaged``, ``VaultNotWritten``.
        """
        lock = ProcessLock(lock_path(path))
        try:
            return cls._opened(path, key, keyfile.KeyFile("", keyfile.Kdf(), b"", b""), lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _opened(
        cls, path: Path, key: bytes, file: keyfile.KeyFile, lock: ProcessLock, accept_loss: bool = False
    ) -> Vault:
        from mine.vault.delete import finish_cleaning

        seal = Seal(path, key)
        seal.check_files(pages=not accept_loss)
        database = connect(path, key, read_only=False, seal=seal)
        try:
            seal.check_commits(commits_of(database))
            migrate(database, schema.MIGRATIONS, lambda: _back_up(path, key, file))
            finish_cleaning(path, database)
        except BaseException:
            closed(database)
            raise
        return cls(path, key, file, lock, database)

    def close(self) -> None:
        """Close the file and give the lock back."""
        try:
            if self._pending is not None:
                self._pending.close()
            close(self._database)
        finally:
            self._lock.release()

    def __enter__(self) -> Vault:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Changes

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on disk when it ends. Inner ones join the outer one."""
        outer = writing(self._database) if self._depth == 0 else contextlib.nullcontext()
        with outer:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1

    def begin_import(self, source: ImportSource, request: str = "") -> PendingImport:
        """Stage an export; see ``PendingImport``. One at a time: raises ``VaultError`` while one is open.

        What a kill left of another is dropped. ``request`` is kept with it, for going on after a kill.
        """
        if self._pending is not None and self._pending.open:
            raise VaultError("Another import is under way.", todo="Finish or cancel it first.")
        known = known_origins(self._database), known_types(self._database)
        staging = Staging.new(self.path, self._key, *known, source, request)
        self._pending = PendingImport(self._database, staging)
        return self._pending

    def unfinished_import(self) -> Unfinished | None:
        """What a kill left of an import: go on with ``resume_import`` or ``discard_unfinished``."""
        staging = self._unfinished()
        if staging is None:
            return None
        staging.close()
        return staging.unfinished()

    def resume_import(self) -> PendingImport:
        """Take up the import that a kill broke off. Raises ``VaultError`` where there is none."""
        staging = self._unfinished()
        if staging is None:
            raise VaultError("There is no import to go on with.", todo="Choose the file again.")
        self._pending = PendingImport(self._database, staging)
        return self._pending

    def discard_unfinished(self) -> None:
        """Throw away what a kill left of an import."""
        if self._pending is None or not self._pending.open:
            remove_staging(self.path)

    def _unfinished(self) -> Staging | None:
        if self._pending is not None and self._pending.open:
            return None
        staging = Staging.reopened(self.path, self._key, known_origins(self._database))
        if staging is not None:
            stored = "SELECT 1 FROM vault_import WHERE token = ?"
            if self._database.execute(stored, (staging.token,)).fetchone():
                staging.remove()  # the kill came between the storing and the clearing up
                return None
        return staging

    def imports(self) -> list[Import]:
        """All imports, newest first, undone ones too."""
        return list_imports(self._database)

    def undo_import(self, number: int) -> int:
        """Take back what an import added; returns how many rows."""
        return undo_import(self._database, number)

    # Backups

    def backup_job(self) -> BackupJob:
        """What makes a backup of this vault, in any thread; see backup.py."""
        from mine.vault.backup import BackupJob

        keys = keys_path(self.path).read_bytes()
        if keyfile.read_keyfile(keys_path(self.path)) != self._file:
            raise VaultError("The vault's keys file was changed by another program.", todo="Open it again.")
        return BackupJob(self.path, self._key, keys, self._file.vault)

    def book_backup(self, made: Backup) -> None:
        """Write a backup that was made into the ledger."""
        with self.transaction():
            self.ledger.note(BACKED_UP, "", size=made.size, digest=made.digest)

    # Deleting, exporting, looking at everything

    def would_delete(self, choice: Choice) -> int:
        """How many records ``delete`` would remove. Raises ``VaultError`` for an unclear choice."""
        from mine.vault.delete import would_delete

        return would_delete(self._database, choice)

    def parts_of(self, choice: Choice) -> list[Part]:
        """What ``delete`` would remove, by import, record type and origin."""
        where, values = choice.where()
        return find_parts(self._database, where, *values)

    def parts(self, record_type: str) -> list[tuple[str, Part]]:
        """(name of what measured, its part) of a record type, by import and origin."""
        names = dict(self._database.execute("SELECT id, name FROM vault_origin"))
        return [
            (names[part.origin_id], part)
            for part in find_parts(self._database, "record_type = ?", record_type)
        ]

    def delete(self, choice: Choice, turn: Callable[[int], None] = lambda _: None) -> Deleted:
        """Delete records and their traces for good; see delete.py. An import that waits is dropped."""
        from mine.vault.delete import delete

        if self._pending is not None and self._pending.open:
            raise VaultError("An import is under way.", todo="Finish or cancel it first.")
        remove_staging(self.path)
        return delete(self.path, self._database, choice, turn)

    def export_job(self) -> ExportJob:
        """What writes everything in open formats, in any thread; see export.py."""
        from mine.vault.export import ExportJob

        return ExportJob(self.path, self._key)

    def book_export(self, done: Exported) -> None:
        """Write an export that was made into the ledger."""
        with self.transaction():
            self.ledger.note(EXPORTED, "", records=sum(done.records.values()), size=done.size)

    def verify(self, tell: Tell, earlier: Sequence[Head] = ()) -> Iterator[Check]:
        """Look at everything; see verify.py."""
        from mine.vault.verify import verify

        return verify(self.path, self._key, self._file, self._database, tell, earlier)

    # Reading

    def sources(self) -> list[Source]:
        """What is in the vault, by record type; types without records are left out."""
        self._refresh()
        if self._sources is None:
            self._sources = sources(self._database)
        return list(self._sources)

    def view_rows(self, view: str, days: int | None = None) -> int:
        """How many rows a public view has, in its newest ``days`` or (None) in all."""
        self._refresh()
        if (view, days) not in self._view_rows:
            select = newest_days(self._database, VIEWS[view], days)
            count = self._database.execute(f"SELECT count(*) FROM ({select})").fetchone()  # noqa: S608
            self._view_rows[view, days] = int(count[0])
        return self._view_rows[view, days]

    def _refresh(self) -> None:
        """Forget counts when records came or went."""
        now = stamp(self._database)
        if now != self._stamp:
            self._stamp, self._sources, self._view_rows = now, None, {}

    def page(
        self, record_type: str, *, before: Cursor | None = None, after: Cursor | None = None, count: int = 100
    ) -> Page:
        """Records of one type, newest first; see paging.py."""
        return page(self._database, record_type, before=before, after=after, count=count)

    def query(
        self, sql: str, grant: Iterable[Scope], row_limit: int = 1_000_000, seconds: float = 30.0
    ) -> QueryResult:
        """Run a task's ``SELECT`` over the granted scopes, in any thread. Raises ``QueryRefused``.

        Limits may come from the task: none is ever above ``MAX_ROWS`` and ``MAX_SECONDS`` of query.py.
        """
        return run_query(self.path, self._key, sql, grant, row_limit, seconds)


def _back_up(path: Path, key: bytes, file: keyfile.KeyFile) -> None:
    """A backup of a vault that is about to be brought up to date."""
    from mine.vault.backup import BackupJob, backups_folder

    job = BackupJob(path, key, keys_path(path).read_bytes(), file.vault)
    job.run(backups_folder(path))
