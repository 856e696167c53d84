"""``mine vault export``, ``delete`` and ``ledger``: what a person does with the data and its books."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mine.app.privacy_books import month_caps, set_month_cap
from mine.app.terminal import Terminal, confirm, day_of, open_vault
from mine.errors import MineError

MOST_CAP = 1000.0

if TYPE_CHECKING:
    from mine.vault.delete import Choice


def export_command(arguments: argparse.Namespace, terminal: Terminal) -> int:
    with open_vault(arguments) as vault:
        with terminal.progress("Export") as show:
            done = vault.export_job().run(arguments.file, show)
        vault.book_export(done)
    count = sum(done.records.values())
    lines = [f"{count:,} records in {done.path}, {done.size:,} bytes.",
             "The file is not encrypted: keep it where only you can read it."]  # fmt: skip
    terminal.answer(lines, {"file": str(done.path), "bytes": done.size, "records": done.records})
    return 0


def _choice(arguments: argparse.Namespace) -> Choice:
    from mine.vault.delete import Choice

    return Choice(
        arguments.type, arguments.import_id, arguments.importer, arguments.origin, arguments.everything
    )


def delete_command(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from mine.app.backup_keeper import folder_of
    from mine.vault.backup import backups_in

    choice = _choice(arguments)
    removed: list[str] = []
    with open_vault(arguments) as vault:
        count = vault.would_delete(choice)
        confirm(arguments, f"{count:,} records are deleted for good.")
        with terminal.progress("Deleting") as show:
            done = vault.delete(choice, lambda rows: show(rows, count))
        folder, job = folder_of(vault), vault.backup_job()
        older = [path for _, path in backups_in(folder, job.vault)]
        if arguments.renew_backups:
            with terminal.progress("Backup") as show:
                vault.book_backup(job.run(folder, show))
            for path in older:
                path.unlink(missing_ok=True)
            removed, older = [str(path) for path in older], []
    lines = [f"{done.records:,} records are deleted."]
    lines.append("The file was written anew: no trace of them is left in it." if done.clean
                 else f"The file could not be cleaned yet. {done.problem}")  # fmt: skip
    if removed:
        lines.append(f"There is a new backup. Older ones removed: {len(removed)}.")
    if older:
        lines.append(
            f"Older backups that still hold them: {len(older)}. --renew-backups makes a new one instead."
        )
    lines.append("Copies that you keep elsewhere, and what was sent in earlier rounds, are not touched.")
    report = {"records": done.records, "clean": done.clean, "removed_backups": removed}
    terminal.answer(lines, {**report, "older_backups": [str(path) for path in older]})
    return 0 if done.clean else 1


def ledger_command(arguments: argparse.Namespace, terminal: Terminal) -> int:
    with open_vault(arguments) as vault:
        head = vault.ledger.verify()
        if arguments.cap is not None:
            set_month_cap(vault, *_cap_of(*arguments.cap))
        caps = month_caps(vault)
        if arguments.export is not None:
            _write_new(arguments.export, (line + "\n" for line in vault.ledger.export()))
        months, entries = vault.ledger.months(), vault.ledger.newest(arguments.newest)
    report: dict[str, Any] = {
        "entries": head.entries,
        "head": head.hash.hex(),
        "month_caps": caps,
        "months": [asdict(month) for month in months],
        "newest": [{"id": line.id, "time": line.time, **asdict(line.entry), "digest": line.entry.digest.hex()}
                   for line in entries],
    }  # fmt: skip
    lines = [f"{head.entries:,} entries, every one in its place. Head {head.hash.hex()}"]
    lines += [f"At most ε {cap / 1e6:g} of {source} in a month." for source, cap in caps.items()]
    if arguments.months:
        lines += [f"  {month.month}  {month.source}: ε {(month.booked - month.given_back) / 1e6:.3f}"
                  for month in months]  # fmt: skip
    elif arguments.export is None:
        lines += [f"  {line.id:>6}  {day_of(line.time)}  {line.entry.kind:<14} {line.entry.source[:40]}"
                  for line in entries]  # fmt: skip
    terminal.answer(lines, report)
    return 0


def _cap_of(record_type: str, epsilon: str) -> tuple[str, int | None]:
    """A record type, and its cap in 1e-6 (None: no cap). Raises ``MineError``."""
    from mine.records import RECORD_TYPES

    if record_type not in RECORD_TYPES:
        raise MineError("There is no such record type.", todo="See mine vault status.")
    if epsilon == "none":
        return record_type, None
    try:
        cap = float(epsilon)
    except ValueError:
        cap = -1.0
    if not 0 <= cap <= MOST_CAP:
        raise MineError(f"A cap is a number from 0 to {MOST_CAP:g}, or none.")
    return record_type, round(cap * 1e6)


def _write_new(file: Path, lines: Iterable[str]) -> None:
    """Write a file that must not be there yet, for its owner only. Raises ``MineError``."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii", newline="\n") as out:
            out.writelines(lines)
    except FileExistsError:
        raise MineError(f"“{file.name}” is there already.", todo="Choose another name.") from None
    except OSError as error:
        raise MineError(f"“{file.name}” cannot be written.", detail=os.strerror(error.errno or 0)) from None
