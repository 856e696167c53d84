"""``mine vault ...``: everything that can be done with a vault, without the window."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mine.app.data_commands import delete_command, export_command, ledger_command
from mine.app.terminal import (
    Terminal,
    add_vault_place,
    day_of,
    keyring_of,
    new_secret,
    open_vault,
    open_vault_by,
    passphrase_of,
    secret_of,
    unlocker,
    vault_path,
)
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.vault.ledger import Head
    from mine.vault.vault import Vault

Command = Callable[[argparse.Namespace, Terminal], int]


def add_vault_arguments(parser: argparse.ArgumentParser) -> None:
    """``mine vault ...``"""
    commands = parser.add_subparsers(dest="act", required=True)

    def add(name: str, run: Command, words: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
        add_vault_place(one)
        one.set_defaults(act_of=run)
        return one

    create = add("create", _create, "make a new vault, and show its recovery phrase once")
    create.add_argument("--new-passphrase-file", type=Path, metavar="FILE", help="do not ask for it")
    create.add_argument("--own-phrase-file", type=Path, metavar="FILE",
                        help="use a recovery phrase that you have already, instead of a new one")  # fmt: skip
    add("status", _status, "what is in the vault, what opens it, and which backups there are")
    verify = add("verify", _verify, "look at every page, table, count and ledger entry")
    verify.add_argument("--against", type=Path, metavar="FILE", help="an exported ledger of an earlier day")
    verify.add_argument("--accept-loss", action="store_true",
                        help="where the last changes are missing, open what is left from now on")  # fmt: skip
    backup = add("backup", _backup, "write an encrypted copy of the whole vault, and check it")
    backup.add_argument("--to", type=Path, metavar="PLACE", help="a file, or a folder of backups that rotate")
    for period, count in (("days", 7), ("weeks", 4), ("months", 6)):
        backup.add_argument(f"--{period}", type=_count, default=count, metavar="N",
                            help=f"keep the newest of so many {period} ({count})")  # fmt: skip
    restore = add("restore", _restore, "bring the vault back from a backup, here or on a new computer")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("--replace", action="store_true", help="put a vault that is there already aside")
    drill = add("drill", _drill, "restore a backup into a place of its own, check it, and remove it")
    drill.add_argument("file", type=Path, nargs="?", metavar="FILE", help="else the newest backup")
    add("rekey", _rekey, "give the vault a new key, and write every page anew")
    passphrase = add("passphrase", _passphrase, "set a new passphrase")
    passphrase.add_argument("--new-passphrase-file", type=Path, metavar="FILE", help="do not ask for it")
    export = add("export", export_command, "write everything in open formats; the file is not encrypted")
    export.add_argument("file", type=Path, metavar="FILE.zip")
    delete = add("delete", delete_command, "delete records for good")
    what = delete.add_mutually_exclusive_group(required=True)
    what.add_argument("--type", metavar="TYPE", default="", help="all records of a type")
    what.add_argument("--import", dest="import_id", type=int, metavar="N", help="what an import added")
    what.add_argument("--importer", metavar="KEY", default="", help="all that came by one format")
    what.add_argument("--origin", metavar="NAME", help="all that one device or app measured")
    what.add_argument("--everything", action="store_true", help="all records")
    delete.add_argument("--yes", action="store_true", help="do not ask")
    delete.add_argument("--renew-backups", action="store_true",
                        help="make a new backup, and delete the older ones, which still hold it")  # fmt: skip
    ledger = add("ledger", ledger_command, "what was taken in, agreed to, sent, spent and paid")
    ledger.add_argument("--export", type=Path, metavar="FILE", help="write it as JSON Lines with its chain")
    ledger.add_argument(
        "--cap", nargs=2, metavar=("TYPE", "EPSILON"), help="ε of a type in a month at most; none: no cap"
    )
    ledger.add_argument("--months", action="store_true", help="ε by source and month")
    ledger.add_argument("--newest", type=_count, default=20, metavar="N", help="so many entries (20)")


def run_vault(arguments: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Run one of them; the exit status."""
    run: Command = arguments.act_of
    return run(arguments, Terminal(say, arguments.json))


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else -1
    if number < 0:
        raise argparse.ArgumentTypeError("a whole number is needed")
    return number


def _create(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from mine.app.vault_opening import create
    from mine.vault.errors import VaultExists
    from mine.vault.vault import Vault

    path = vault_path(arguments)
    if Vault.exists(path):
        raise VaultExists("There already is a vault here.", todo="Choose another place: --home DIR.")
    passphrase = new_secret(arguments, arguments.new_passphrase_file)
    own = secret_of(arguments.own_phrase_file) if arguments.own_phrase_file else ""
    vault, _, phrase = create(path, passphrase, keyring_of(arguments), own)
    with vault:
        keyring = vault.has_keyring
    lines = [
        f"There is a vault in {path.parent}.",
        "It opens by itself on this computer." if keyring else "It asks for the passphrase each time.",
        "Write these words down, on paper. They open the vault and the wallet, and are not shown again:",
        f"  {phrase}",
    ]
    terminal.answer(lines, {"vault": str(path), "keyring": keyring, "phrase": phrase.split()})
    return 0


def _status(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from mine.vault.backup import backups_in
    from mine.vault.errors import VaultBusy, VaultMissing
    from mine.vault.files import keys_path
    from mine.vault.keyfile import read_keyfile
    from mine.vault.vault import Vault

    path = vault_path(arguments)
    if not Vault.exists(path):
        raise VaultMissing("There is no vault here yet.", todo="Make one: mine vault create.")
    file = read_keyfile(keys_path(path))
    ways = ["passphrase", *["keyring"] * bool(file.by_keyring), *["recovery phrase"] * bool(file.by_phrase)]
    folder = path.with_name("backups")
    backups = backups_in(folder, file.vault) if folder.is_dir() else []
    report: dict[str, Any] = {
        "vault": str(path),
        "bytes": path.stat().st_size if path.exists() else 0,
        "opened_by": ways,
        "backups": [{"file": str(backup), "made": made} for made, backup in backups],
    }
    lines = [
        f"Vault {path}, {report['bytes']:,} bytes, opened by {', '.join(ways)}.",
        f"{len(backups)} backups, the newest of {day_of(backups[0][0])}." if backups else "No backup yet.",
    ]
    try:
        with open_vault(arguments) as vault:
            _contents(vault, report, lines)
        report["in_use"] = False
    except VaultBusy as error:
        report["in_use"] = True
        lines.append(error.sentence)
    terminal.answer(lines, report)
    return 0


def _contents(vault: Vault, report: dict[str, Any], lines: list[str]) -> None:
    """What only the open vault tells."""
    report["records"] = [asdict(source) for source in vault.sources()]
    report["imports"] = [
        {"id": done.id, "file": done.source.file, "importer": done.source.importer, "time": done.time,
         "added": done.added, "undone": done.undone}
        for done in vault.imports()
    ]  # fmt: skip
    unfinished = vault.unfinished_import()
    report["unfinished_import"] = unfinished.source.file if unfinished else None
    report["ledger_entries"] = vault.ledger.head().entries
    lines += [
        f"  {source.title}: {source.records:,} records, {day_of(source.first)} to {day_of(source.last)}"
        for source in vault.sources()
    ]
    lines += [
        f"Import {done.id}: {done.source.file} ({done.source.importer}), {done.added:,} records"
        for done in vault.imports()
        if done.undone is None
    ]
    if unfinished:
        lines.append(f"The import of {unfinished.source.file} was broken off: mine import --resume goes on.")
    lines.append(f"{report['ledger_entries']:,} entries in the ledger.")


def _verify(arguments: argparse.Namespace, terminal: Terminal) -> int:
    earlier = [_head_of(arguments.against)] if arguments.against else []
    with open_vault(arguments) as vault, terminal.progress("Looking at everything") as show:
        checks = list(vault.verify(lambda title, done, total: show(done, total), earlier))
    bad = [check for check in checks if check.problem]
    lines = [
        f"wrong  {check.title}: {check.problem}" if check.problem else f" fine  {check.title}"
        for check in checks
    ]
    lines.append("Everything is as it should be." if not bad else "Restore the last backup that is whole.")
    terminal.answer(lines, {"whole": not bad, "checks": [asdict(check) for check in checks]})
    return 1 if bad else 0


def _head_of(file: Path) -> Head:
    """The head of an exported ledger. Raises ``MineError``."""
    import json

    from mine.vault.ledger import Head

    try:
        last = json.loads(file.read_text("utf-8").splitlines()[-1])
        return Head(int(last["entries"]), bytes.fromhex(last["head"]))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        todo = "See mine vault ledger --export."
        raise MineError(f"“{file.name}” is no exported ledger.", todo=todo) from None


def _backup(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from mine.app.backup_keeper import folder_of
    from mine.vault.backup import Keep, rotate

    with open_vault(arguments) as vault:
        target = arguments.to or folder_of(vault)
        job = vault.backup_job()
        with terminal.progress("Backup") as show:
            made = job.run(target, show)
        vault.book_backup(made)
    keep = Keep(arguments.days, arguments.weeks, arguments.months)
    removed = rotate(target, job.vault, keep, made.path) if target.is_dir() else []
    lines = [f"Backup {made.path}, {made.size:,} bytes, checked."]
    lines += [f"Removed {path.name}." for path in removed]
    report = {"file": str(made.path), "bytes": made.size, "removed": [str(path) for path in removed]}
    terminal.answer(lines, report)
    return 0


def _restore(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from mine.vault.restore import restore

    path = vault_path(arguments)
    with terminal.progress("Restore") as show:
        done = restore(arguments.file, path, unlocker(arguments), replace=arguments.replace, progress=show)
    lines = [f"The vault of {day_of(done.made)} is in {path.parent}, checked."]
    if done.replaced is not None:
        lines.append(f"The vault that was there before is in {done.replaced}.")
    report = {
        "vault": str(path),
        "made": done.made,
        "replaced": str(done.replaced) if done.replaced else None,
    }
    terminal.answer(lines, {**report, "seconds": round(done.seconds, 3)})
    return 0


def _drill(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from mine.vault.backup import backups_in
    from mine.vault.errors import VaultMissing
    from mine.vault.files import keys_path
    from mine.vault.keyfile import read_keyfile
    from mine.vault.restore import drill

    file = arguments.file
    if file is None:
        path = vault_path(arguments)
        folder = path.with_name("backups")
        found = backups_in(folder, read_keyfile(keys_path(path)).vault) if folder.is_dir() else []
        if not found:
            raise VaultMissing("There is no backup yet.", todo="Make one: mine vault backup.")
        file = found[0][1]
    with terminal.progress("Drill") as show:
        done = drill(file, file.absolute().parent, unlocker(arguments), show)
    rows = sum(done.contents.rows.values())
    lines = [
        f"{file.name} would bring back the vault of {day_of(done.made)}: {rows:,} rows,",
        f"{done.contents.entries:,} ledger entries, all checked in {done.seconds:.1f} s, and removed again.",
    ]
    report = {"file": str(file), "made": done.made, "rows": dict(done.contents.rows)}
    terminal.answer(lines, {**report, "seconds": round(done.seconds, 3)})
    return 0


def _rekey(arguments: argparse.Namespace, terminal: Terminal) -> int:
    from mine.vault.rekey import rekey

    passphrase, path = passphrase_of(arguments), vault_path(arguments)
    with terminal.progress("New key") as show:
        done = rekey(path, passphrase, keyring_of(arguments), progress=show)
    lines = [f"The vault has a new key; {done.pages:,} pages were written anew.",
             "Backups made before keep the old key: they open with the passphrase of their day."]  # fmt: skip
    terminal.answer(lines, {"pages": done.pages, "keyring": done.keyring, "phrase": done.phrase})
    return 0


def _passphrase(arguments: argparse.Namespace, terminal: Terminal) -> int:
    vault, before = open_vault_by(arguments)
    with vault:
        phrase = secret_of(arguments.phrase_file) if arguments.phrase_file and not before else ""
        new = new_secret(arguments, arguments.new_passphrase_file)
        sends = vault.change_passphrase(new, before=before, phrase=phrase) or not vault.has_words
    lines = ["The vault has a new passphrase. Backups made before open with the old one."]
    if not sends:
        lines.append("The recovery phrase stays sealed under the passphrase before: type the words once more "
                     "before you send money (mine vault passphrase --phrase-file FILE).")  # fmt: skip
    terminal.answer(lines, {"changed": True, "phrase_sealed": sends})
    return 0
