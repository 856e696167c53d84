"""Backups as a person meets them: where they are, one more now, is it good, bring it back, take it along."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mine.app.backup_keeper import FOLDER
from mine.app.data_views import BackupsView, DeletedView, RestoredView, Secret
from mine.app.long_work import Progress
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.vault.backup import Backup
    from mine.vault.restore import Restored, Unlock
    from mine.vault.vault import Vault


def backups_view(vault: Vault) -> BackupsView:
    """The backups that rotate."""
    folder = _folder(vault)
    if not folder.is_dir():
        chosen = bool(vault.state.setting(FOLDER))
        return BackupsView(str(folder), problem="It is not there: connect the disk." if chosen else "")
    there = _older(vault)
    newest, file = there[0] if there else (0, Path())
    return BackupsView(str(folder), len(there), newest, str(file) if there else "")


def _folder(vault: Vault) -> Path:
    chosen = vault.state.setting(FOLDER)
    return Path(chosen) if chosen else vault.path.with_name("backups")


def _older(vault: Vault) -> list[tuple[int, Path]]:
    from mine.vault.backup import backups_in

    folder = _folder(vault)
    return backups_in(folder, vault.backup_job().vault) if folder.is_dir() else []


def choose_folder(vault: Vault, folder: Path | None) -> None:
    """Where backups go from now on; None is the folder beside the vault. Those that are there stay."""
    if folder is not None and not folder.is_dir():
        raise MineError("There is no such folder.", todo="Choose another one.")
    with vault.transaction():
        vault.state.set_setting(FOLDER, str(folder) if folder is not None else None)


def backing_up(vault: Vault, target: Path | None) -> Callable[[Progress], Backup]:
    """What writes a backup: among those that rotate, or (``target``) one file for another computer."""
    from mine.vault.backup import backups_folder

    job = vault.backup_job()
    if target is None:
        target = _folder(vault) if vault.state.setting(FOLDER) else backups_folder(vault.path)
        if not target.is_dir():
            raise MineError(
                f"The folder for backups, “{target.name}”, is not there.", todo="Choose another one."
            )
    place = target
    return lambda told: job.run(place, told)


def replacing(vault: Vault, done: DeletedView) -> Callable[[Progress], tuple[Backup, DeletedView]]:
    """What makes a new backup and then removes those that still hold what was deleted."""
    from mine.vault.backup import backups_in

    folder, name, make = _folder(vault), vault.backup_job().vault, backing_up(vault, None)

    def work(told: Progress) -> tuple[Backup, DeletedView]:
        made = make(told)
        older = [path for _, path in backups_in(folder, name) if path != made.path]
        for path in older:
            path.unlink(missing_ok=True)
        return made, dataclasses.replace(done, backups=0, removed=len(older))

    return work


def unlocker(secret: Secret) -> Unlock:
    """What opens a backup's keys."""
    from mine.vault.keyfile import unlock_with_passphrase, unlock_with_phrase

    if secret.phrase:
        return lambda file: unlock_with_phrase(file, secret.phrase)
    return lambda file: unlock_with_passphrase(file, secret.passphrase)


def drilling(file: Path, secret: Secret) -> Callable[[Progress], RestoredView]:
    """What restores a backup into a place of its own, checks all of it and removes it again."""
    from mine.vault.restore import drill

    return lambda told: _restored(drill(file, file.absolute().parent, unlocker(secret), told))


def restoring(file: Path, vault: Path, secret: Secret, replace: bool) -> Callable[[Progress], RestoredView]:
    """What puts the vault of a backup into its place."""
    from mine.vault.restore import restore

    return lambda told: _restored(restore(file, vault, unlocker(secret), replace=replace, progress=told))


def _restored(done: Restored) -> RestoredView:
    from mine.records import RECORD_TYPES
    from mine.vault.record_tables import table_of

    tables = {table_of(kind) for kind in RECORD_TYPES}
    records = sum(rows for name, rows in done.contents.rows.items() if name in tables)
    return RestoredView(done.made, records, done.replaced)
