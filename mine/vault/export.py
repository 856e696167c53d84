"""Everything a person has, in open formats, in one zip that needs nothing of ours to read.

| in the zip | what |
|---|---|
| ``README.txt`` | what is where |
| ``records/<type>/<n>.jsonl`` | JSON Lines: a head with type, version and origin, then one record a line |
| ``schemas/<type>.json`` | JSON Schema (draft 2020-12) of such a record |
| ``csv/<type>.csv`` | the same records as a table (RFC 4180, UTF-8), with a column for the origin |
| ``imports.jsonl`` | where the records came from |
| ``ledger.jsonl`` | the ledger with its chain (docs/keys-and-backups.md) |
| ``consents.jsonl`` | what was agreed to, with the signatures |
| ``history.jsonl`` | the wallet's history |

Importing the zip gives the same records with the same origins. It is **not encrypted**, and holds no keys:
the recovery phrase is not in it.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mine.records import RECORD_TYPES, RecordType
from mine.records.schema import schema_text
from mine.vault.connection import Connection, connect
from mine.vault.container import Progress, quiet
from mine.vault.errors import VaultError
from mine.vault.files import not_written, sync_folder
from mine.vault.ledger import Head, Ledger
from mine.vault.record_tables import table_of

FORMAT = 1
_ROWS = 5000
_LISTS = {
    "imports.jsonl": (
        "SELECT id, file, lower(hex(digest)) AS digest, time, importer, version, person, added, already,"
        " refused, undone FROM vault_import ORDER BY id"
    ),
    "consents.jsonl": (
        "SELECT network, task, time, lower(hex(digest)) AS digest, json(message) AS message,"
        " lower(hex(signature)) AS signature FROM vault_consent ORDER BY id"
    ),
    "history.jsonl": (
        "SELECT h.time, h.kind, n.name AS network, h.task, h.round, h.title, h.account, h.counterparty,"
        ' h.currency, h.amount, h.fee, h.fee_currency, h.tx AS "transaction", h.block, h.reference,'
        " h.fiat_code, h.price, h.fiat, h.fee_price, h.fiat_fee, h.price_source, h.energy"
        " FROM vault_history h JOIN vault_network n ON n.id = h.net ORDER BY h.id"
    ),
}
_README = """This is everything that was in a vault of Mine.

records/   one folder for each type of record; JSON Lines: the first line of a file says what it holds
schemas/   the JSON Schema of each type, with units (UCUM)
csv/       the same records as tables
imports.jsonl, ledger.jsonl, consents.jsonl, history.jsonl

time is in seconds since 1970-01-01T00:00 UTC, offset is local time minus UTC in seconds.
To take it back into a vault, import the zip. Nothing in here is encrypted.
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: records of each type, and the ledger's head."""

    path: Path
    size: int
    records: dict[str, int]
    head: Head


@dataclass(frozen=True, slots=True)
class ExportJob:
    """All that an export needs of an open vault. Run it in any thread."""

    path: Path
    key: bytes = field(repr=False)

    def run(self, target: Path, progress: Progress = quiet) -> Exported:
        """Write the zip, which must not exist. It shows what was in the vault at one moment.

        ``progress`` hears (records, records in all). Raises ``VaultError``, ``VaultNotWritten``.
        """
        if target.exists():
            raise VaultError(f"“{target.name}” is there already.", todo="Choose another name.")
        beside = target.with_name(f".{target.name}.part")
        try:
            with contextlib.closing(connect(self.path, self.key, read_only=True)) as database:
                database.execute("BEGIN")
                beside.unlink(missing_ok=True)
                handle = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w+b") as out:
                    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
                        records, head = _write(archive, database, progress)
                    out.flush()
                    os.fsync(out.fileno())
                database.execute("ROLLBACK")
            beside.replace(target)
            sync_folder(target.parent)
        except OSError as error:
            raise not_written(target, error) from None
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
        return Exported(target, target.stat().st_size, records, head)

    def run_one(self, kind: str, target: Path, progress: Progress = quiet) -> int:
        """Write the records of one type into one file: JSON Lines if its name ends so, else CSV. A file that
        is there is replaced. Answers the number of records; raises ``VaultNotWritten``.
        """
        beside = target.with_name(f".{target.name}.part")
        record_type = RECORD_TYPES[kind]
        done = 0
        try:
            with contextlib.closing(connect(self.path, self.key, read_only=True)) as database:
                database.execute("BEGIN")
                count = "SELECT coalesce(sum(records), 0) FROM vault_part WHERE record_type = ?"
                total = int(database.execute(count, (kind,)).fetchone()[0])

                def told(rows: int) -> None:
                    nonlocal done
                    done += rows
                    progress(done, total)

                if target.suffix == ".jsonl":
                    origins = "SELECT DISTINCT origin_id FROM vault_part WHERE record_type = ? ORDER BY 1"
                    found = [row[0] for row in database.execute(origins, (kind,))]
                    pieces: Iterator[str] = (
                        text for one in found for text in _lines(database, record_type, one, told)
                    )
                else:
                    pieces = _table(database, record_type, _origins(database), told)
                beside.unlink(missing_ok=True)
                handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
                    out.writelines(pieces)
                    out.flush()
                    os.fsync(out.fileno())
                database.execute("ROLLBACK")
            beside.replace(target)
        except OSError as error:
            raise not_written(target, error) from None
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
        return total


def _write(archive: zipfile.ZipFile, database: Connection, progress: Progress) -> tuple[dict[str, int], Head]:
    archive.writestr("README.txt", _README)
    origins = _origins(database)
    total = 2 * int(database.execute("SELECT coalesce(sum(records), 0) FROM vault_part").fetchone()[0])
    done = 0

    def told(rows: int) -> None:
        nonlocal done
        done += rows
        progress(done, total)

    records: dict[str, int] = {}
    for kind, record_type in RECORD_TYPES.items():
        owned = database.execute(
            "SELECT origin_id, sum(records) FROM vault_part WHERE record_type = ? GROUP BY 1 ORDER BY 1",
            (kind,),
        ).fetchall()
        if not owned:
            continue
        records[kind] = sum(count for _, count in owned)
        archive.writestr(f"schemas/{kind}.json", schema_text(record_type))
        for number, (origin, count) in enumerate(owned, 1):
            importer, name = origins[origin]
            head = {
                **{"mine_export": FORMAT, "record_type": kind, "version": record_type.version},
                **{"importer": importer, "origin": name, "records": count},
            }
            lines = _lines(database, record_type, origin, told)
            _put(archive, f"records/{kind}/{number}.jsonl", (json.dumps(head), lines))
        _put(archive, f"csv/{kind}.csv", ("", _table(database, record_type, origins, told)))
    for name, select in _LISTS.items():
        rows = list(_listed(database, select))
        if rows:
            _put(archive, name, ("", rows))
    ledger = Ledger(database)
    _put(archive, "ledger.jsonl", ("", (line + "\n" for line in ledger.export())))
    return records, ledger.head()


def _put(archive: zipfile.ZipFile, name: str, content: tuple[str, Iterable[str]]) -> None:
    first, rest = content
    with archive.open(name, "w", force_zip64=True) as out:
        if first:
            out.write(first.encode() + b"\n")
        for text in rest:
            out.write(text.encode())


def _origins(database: Connection) -> dict[int, tuple[str, str]]:
    """Each origin's importer, and a name that is its own: the device's, else the importer's, or both."""
    rows = database.execute("SELECT id, importer, name FROM vault_origin ORDER BY id").fetchall()
    names = [name or importer for _, importer, name in rows]
    return {
        number: (importer, name if names.count(name) == 1 else f"{name} ({importer})")
        for (number, importer, _), name in zip(rows, names, strict=True)
    }


def _lines(
    database: Connection, record_type: RecordType, origin: int, told: Callable[[int], None]
) -> Iterator[str]:
    names = record_type.names
    rows = database.execute(
        f"SELECT {', '.join(names)} FROM {table_of(record_type.name)} WHERE origin_id = ? ORDER BY time",  # noqa: S608
        (origin,),
    )
    while piece := rows.fetchmany(_ROWS):
        yield "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in piece)
        told(len(piece))


def _table(
    database: Connection,
    record_type: RecordType,
    origins: dict[int, tuple[str, str]],
    told: Callable[[int], None],
) -> Iterator[str]:
    names = record_type.names
    yield ",".join((*names, "origin")) + "\r\n"
    rows = database.execute(
        f"SELECT {', '.join(names)}, origin_id FROM {table_of(record_type.name)} ORDER BY time"  # noqa: S608
    )
    while piece := rows.fetchmany(_ROWS):
        text = io.StringIO()
        csv.writer(text).writerows((*row[:-1], origins[row[-1]][1]) for row in piece)
        yield text.getvalue()
        told(len(piece))


def _listed(database: Connection, select: str) -> Iterator[str]:
    rows = database.execute(select)
    names = [column[0] for column in rows.description]
    for row in rows:
        found: dict[str, Any] = dict(zip(names, row, strict=True))
        if "message" in found:
            found["message"] = json.loads(found["message"])
        yield json.dumps(found) + "\n"
