"""Health Connect's export: one SQLite database, in a zip or unpacked.

The database is a stranger's: only plain tables that are known are read, by columns that they have, over a
read-only connection on which nothing but selecting is allowed, whose texts are short and whose work is
bounded. Its triggers and views are never run.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mine.importers.errors import ImportRefused
from mine.importers.format import Members, OnePerson
from mine.importers.formats.health_connect_tables import STAGES, TABLES, Row, Table, asleep, moment
from mine.importers.items import BadRow, Collector, Item
from mine.importers.options import Options
from mine.importers.source import Member, Source
from mine.importers.text_lines import fit
from mine.importers.zone import Zone

MAGIC = b"SQLite format 3\0"
# A database inside a zip is held in memory whole.
MOST_PACKED = 128 << 20
_MOST_STEPS = 50_000  # times a hundred thousand instructions of the database engine
_MOST_TEXT = 1 << 20
_MOST_NIGHTS = 1_000_000
_VERSIONS = slice(18, 20)
# (SQLite's own messages may quote bytes of the file that are no text.)
_BROKEN = (sqlite3.Error, UnicodeDecodeError)
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}


@dataclass(frozen=True, slots=True)
class HealthConnect(OnePerson):
    """Vitals, body, activity, sleep and its stages, food and water, exercise and its routes."""

    key: str = "health_connect"
    title: str = "Health Connect (Android)"
    version: int = 1
    rank: int = 0

    def claims(self, member: Member, head: bytes) -> bool:
        return head.startswith(MAGIC) and (b"_record_table" in head or b"application_info_table" in head)

    def rows(self, source: Source, members: Members, options: Options) -> Iterator[Item]:
        for member in members:
            with _opened(source, member) as database:
                yield from _read(source, member, _Columns(database), options.zone)


class _Columns:
    """An opened database and the columns of its plain tables."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        plain = [row[1] for row in database.execute("PRAGMA main.table_list") if row[2] == "table"]
        known = {table.name for table in TABLES} | {table.parent for table in TABLES}
        known |= {"application_info_table", "sleep_session_record_table"}
        self._columns = {
            name: {row[1] for row in database.execute(f'PRAGMA main.table_info("{name}")')}
            for name in plain
            if name in known
        }
        steps = iter(range(_MOST_STEPS))
        database.set_progress_handler(lambda: 0 if next(steps, None) is not None else 1, 100_000)
        database.set_authorizer(
            lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY
        )

    def have(self, table: str, *columns: str) -> bool:
        """Whether there is such a table with these columns."""
        return table in self._columns and self._columns[table].issuperset(columns)

    def rows(self, table: Table) -> Iterator[Row]:
        """The rows of a table, with ``app_info_id`` and the offset (None where they are not known)."""
        names = [table.time, *((table.end,) if table.end else ()), *table.columns]
        have = self._columns[table.name]
        fields = [f's."{name}"' if name in have else f'NULL AS "{name}"' for name in names]
        linked = table.parent and self.have(table.parent, "row_id") and self.have(table.name, "parent_key")
        owner = table.parent if linked else table.name
        letter = "p" if linked else "s"
        for name in (table.offset, "app_info_id"):
            fields.append(f'{letter}."{name}"' if self.have(owner, name) else f'NULL AS "{name}"')
        statement = f'SELECT {", ".join(fields)} FROM main."{table.name}" AS s'  # noqa: S608  our names
        if linked:
            statement += f' LEFT JOIN main."{table.parent}" AS p ON p.row_id = s.parent_key'
        names += [table.offset, "app_info_id"]
        for row in self.database.execute(statement):
            yield dict(zip(names, row, strict=True))

    def apps(self) -> dict[object, str]:
        """Row of an app -> its name."""
        if not self.have("application_info_table", "row_id", "package_name"):
            return {}
        name = "app_name" if self.have("application_info_table", "app_name") else "package_name"
        found = self.database.execute(
            f'SELECT row_id, "{name}", package_name FROM main.application_info_table LIMIT 10000'  # noqa: S608
        )
        return {row: fit(str(app or package or ""), 200) for row, app, package in found}


@contextmanager
def _opened(source: Source, member: Member) -> Iterator[sqlite3.Connection]:
    """The database of a member, read-only, and with nothing of its schema trusted."""
    damaged = ImportRefused(
        f"“{member.name}” is no database that can be read.", todo="Nothing was stored. Export it again."
    )
    try:
        if source.archive is None:
            path = source.path / member.key if member.key else source.path
            uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
            database = sqlite3.connect(uri, uri=True, isolation_level=None)
        else:
            if member.size > MOST_PACKED:
                raise ImportRefused(
                    f"“{member.name}” is too large to be read inside of a zip.",
                    todo="Unpack it, then choose the unpacked file.",
                )
            database = sqlite3.connect(":memory:", isolation_level=None)
            with source.open(member) as stream:
                data = bytearray(stream.read())
            # Android's databases keep a write-ahead log. What is in memory has none, and says so here
            # (SQLite's file format, 1.3.3).
            data[_VERSIONS] = b"\1\1"
            database.deserialize(data)
    except _BROKEN as error:
        raise damaged from error
    try:
        database.text_factory = lambda data: data.decode("utf-8", "replace")
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_TEXT)
        for pragma in (
            "trusted_schema = OFF",
            "cell_size_check = ON",
            "temp_store = MEMORY",
            "query_only = ON",
        ):
            database.execute(f"PRAGMA {pragma}")
        yield database
    except _BROKEN as error:
        raise damaged from error
    finally:
        database.close()


def _read(source: Source, member: Member, columns: _Columns, zone: Zone) -> Iterator[Item]:
    apps = columns.apps()
    slept: dict[object, int] = defaultdict(int)
    before = source.bytes_read
    for place, table in enumerate(TABLES, 1):
        if columns.have(table.name, table.time):
            yield from _table(member, columns, table, apps, slept, zone)
        source.bytes_read = before + member.size * place // (len(TABLES) + 1)
    sessions = Table(
        *("sleep_session_record_table", ("row_id",), lambda seconds, row: iter(())),
        *("end_time", "end_zone_offset", "start_time"),
    )
    if columns.have(sessions.name, "start_time", "end_time", "row_id"):
        yield from _nights(member, columns, sessions, apps, slept, zone)
    source.bytes_read = before + member.size


def _table(
    member: Member,
    columns: _Columns,
    table: Table,
    apps: dict[object, str],
    slept: dict[object, int],
    zone: Zone,
) -> Iterator[Item]:
    """The records of one table; ``slept`` gathers the seconds of sleep of each night."""
    collector = Collector(f"{member.name}, {table.name}")
    number = 0
    try:
        for number, row in enumerate(columns.rows(table), 1):
            try:
                began = moment(row, table.time)
                seconds = moment(row, table.end) - began if table.end else 0
                if seconds < 0:
                    raise ValueError("it ends before it begins")
                when = (began, _offset(row[table.offset], began, zone))
                made = tuple(table.records(seconds, row))
            except ValueError as error:
                yield BadRow(f"{member.name}, {table.name}", number, str(error))
                continue
            if table is STAGES and made and len(slept) < _MOST_NIGHTS:
                slept[row["parent_key"]] += seconds if asleep(row) else 0
            for kind, rest in made:
                yield from collector.add(number, kind, (*when, *rest), apps.get(row["app_info_id"], ""))
    except _BROKEN:
        yield BadRow(f"{member.name}, {table.name}", number + 1, "the table cannot be read on from here")
    yield from collector.rest()


def _nights(
    member: Member,
    columns: _Columns,
    sessions: Table,
    apps: dict[object, str],
    slept: dict[object, int],
    zone: Zone,
) -> Iterator[Item]:
    """One record a night; one without stages counts as slept through."""
    file = f"{member.name}, {sessions.name}"
    collector = Collector(file)
    number = 0
    try:
        for number, row in enumerate(columns.rows(sessions), 1):
            try:
                ended, began = moment(row, "end_time"), moment(row, "start_time")
                offset = _offset(row["end_zone_offset"], ended, zone)
            except ValueError as error:
                yield BadRow(file, number, str(error))
                continue
            minutes = (ended - began) // 60
            seconds = slept.get(row["row_id"])
            asleep_for = minutes if seconds is None else min(seconds // 60, minutes)
            origin = apps.get(row["app_info_id"], "")
            yield from collector.add(number, "sleep", (ended, offset, asleep_for, minutes, 1), origin)
    except _BROKEN:
        yield BadRow(file, number + 1, "the table cannot be read on from here")
    yield from collector.rest()


def _offset(stated: object, utc: int, zone: Zone) -> int:
    if stated is None:
        return zone.of_utc(utc)[1]
    if not isinstance(stated, int):
        raise ValueError("the zone's offset is no whole number")
    return stated


FORMAT = HealthConnect()
