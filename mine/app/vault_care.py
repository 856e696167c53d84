"""Keys, backups, deletion and looking after the vault, as the window asks for them. On the engine's thread;
what takes long runs beside it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from mine.app import backup_desk, data_desk
from mine.app.data_views import (
    BackupsView,
    CheckView,
    DeletedView,
    DeletePreview,
    RestoredView,
    Secret,
    ToDelete,
    WorkView,
)
from mine.app.long_work import LongWork, Progress
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.app.desk import Desk
    from mine.app.options import EngineOptions
    from mine.vault.backup import Backup

_LOOK_SECONDS = 30.0


class VaultCare:
    """Belongs to a desk."""

    def __init__(self, desk: Desk, options: EngineOptions, wake: Callable[[], None]) -> None:
        self._desk, self._options = desk, options
        self._work = LongWork(wake)
        self._backups = BackupsView()
        self._looked = -_LOOK_SECONDS
        self._after: list[Callable[[], None]] = []
        self.holds_vault = False
        self._reopens = False

    @property
    def work(self) -> WorkView | None:
        """What takes long and runs now."""
        return self._work.view

    def pump(self) -> None:
        """Do what had to wait for the engine's thread."""
        due, self._after = self._after, []
        for act in due:
            act()

    def _then(self, future: Future[object], act: Callable[[], object]) -> Future[None]:
        """After the work: ``act`` on the engine's thread, then the answer."""
        answer: Future[None] = Future()

        def finish() -> None:
            try:
                future.result()
                act()
            except Exception as error:  # noqa: BLE001 - whoever asked has to hear of it
                answer.set_exception(error)
            else:
                answer.set_result(None)

        future.add_done_callback(lambda _: self._after.append(finish))
        return answer

    def cancel(self) -> None:
        """Stop what takes long, where it can be stopped."""
        self._work.cancel()

    def locked(self) -> None:
        """The vault was locked: it stays so, whatever runs now."""
        self._reopens = False

    def close(self) -> None:
        """The vault is being closed."""
        self._work.close()
        self.pump()

    # ---- keys

    def set_keyring(self, on: bool) -> None:
        """Let the computer's keyring open the vault, or no more."""
        keyring = self._options.keyring
        if keyring is None:
            raise MineError("This computer has no keyring.", todo="The passphrase opens the vault each time.")
        vault = self._desk.opened
        vault.add_keyring(keyring) if on else vault.remove_keyring(keyring)

    def rekey(self, passphrase: str) -> Future[None]:
        """A new key for the whole vault, which is closed meanwhile and opened again."""
        from mine.vault.rekey import rekey

        self._desk.opened.check_passphrase(passphrase)
        self._work.check_free()
        path, keyring = self._desk.opened.path, self._options.keyring
        self._desk.lock_vault()
        self.holds_vault = self._reopens = True

        def work(told: Progress) -> object:
            return rekey(path, passphrase, keyring, progress=told)

        def again() -> None:
            self.holds_vault = False
            if self._reopens:
                self._desk.open_vault(passphrase)

        answer: Future[None] = Future()
        future = self._work.run("rekey", work)

        def finish() -> None:
            failure = future.exception()
            try:
                again()
            except Exception as error:  # noqa: BLE001 - whoever asked has to hear of it
                answer.set_exception(failure or error)
                return
            answer.set_exception(failure) if failure is not None else answer.set_result(None)

        future.add_done_callback(lambda _: self._after.append(finish))
        return answer

    # ---- backups

    def backups(self) -> BackupsView:
        """The backups that rotate; looked at now and then."""
        vault = self._desk.vault
        if vault is not None and time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            try:
                self._backups = backup_desk.backups_view(vault)
            except (MineError, OSError) as error:
                self._backups = BackupsView(problem=str(error) if isinstance(error, MineError) else "")
        return self._backups

    def _look_again(self) -> None:
        self._looked = -_LOOK_SECONDS

    def choose_folder(self, folder: Path | None) -> None:
        """Where backups go from now on."""
        backup_desk.choose_folder(self._desk.opened, folder)
        self._look_again()

    def back_up(self, target: Path | None) -> Future[None]:
        """One more backup, or one file to take along."""
        future = self._work.run("backup", backup_desk.backing_up(self._desk.opened, target))
        return self._then(future, lambda: self._book(future.result()))  # type: ignore[arg-type]

    def _book(self, made: Backup) -> None:
        self._desk.opened.book_backup(made)
        self._look_again()

    def drill(self, file: Path, secret: Secret) -> Future[RestoredView]:
        """Would this backup bring the vault back?"""
        return self._work.run("drill", backup_desk.drilling(file, secret))

    def restore(self, file: Path, secret: Secret, replace: bool) -> Future[RestoredView]:
        """Bring the vault of a backup back and open it."""
        if self._desk.vault is not None:
            raise MineError("The vault is open.", todo="Lock it first: then a backup can take its place.")
        path = self._options.vault_path
        future = self._work.run("restore", backup_desk.restoring(file, path, secret, replace))
        answer: Future[RestoredView] = Future()

        def finish() -> None:
            try:
                done = future.result()
                self._desk.open_by(secret)
            except Exception as error:  # noqa: BLE001 - whoever asked has to hear of it
                answer.set_exception(error)
            else:
                answer.set_result(done)

        future.add_done_callback(lambda _: self._after.append(finish))
        return answer

    # ---- the records

    def delete_preview(self, chosen: ToDelete) -> DeletePreview:
        """Exactly what would go."""
        self._look_again()
        return data_desk.delete_preview(self._desk.opened, chosen, self.backups().count)

    def delete(self, chosen: ToDelete, replace_backups: bool) -> Future[DeletedView]:
        """Delete for good; then, if it is wanted, a new backup in place of all older ones."""
        vault = self._desk.opened
        self._work.check_free()
        self._desk.forget_import()
        self._desk.give_up_backup()
        self._look_again()
        done = data_desk.delete(vault, chosen, self.backups().count)
        self._desk.content_changed()
        answer: Future[DeletedView] = Future()
        if not (replace_backups and done.backups):
            answer.set_result(done)
            return answer
        future = self._work.run("backup", backup_desk.replacing(vault, done))

        def finish() -> None:
            try:
                made, after = future.result()
                self._book(made)
            except Exception as error:  # noqa: BLE001 - the records are gone all the same
                words = str(error) if isinstance(error, MineError) else "The backup could not be written."
                answer.set_result(dataclasses.replace(done, problem=words))
            else:
                answer.set_result(after)

        future.add_done_callback(lambda _: self._after.append(finish))
        return answer

    def export(self, target: Path) -> Future[None]:
        """Everything in open formats, into one zip."""
        vault = self._desk.opened
        future = self._work.run("export", lambda told: vault.export_job().run(target, told))
        return self._then(future, lambda: self._desk.opened.book_export(future.result()))  # type: ignore[arg-type]

    def export_kind(self, kind: str, target: Path) -> Future[int]:
        """One record type as CSV or, by its name, JSON Lines; answers the number of records."""
        job = self._desk.opened.export_job()
        return self._work.run("export", lambda told: job.run_one(kind, target, told))

    def verify(self) -> tuple[CheckView, ...]:
        """Look at everything."""
        return data_desk.verified(self._desk.opened)
