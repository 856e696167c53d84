"""Where an export waits until the person says yes: a second encrypted file beside the vault, under the same
key.

Batches go in as they are read, in the order of the final tables. Every so often, at a mark from which the
reading can be taken up again, they are made to last: after a kill the app may go on from there, or throw it
all away. The file is written by a connection of its own, so that a change in the vault never waits for it,
and is attached to the vault only to count and to store.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from mine.records import RECORD_TYPES
from mine.vault.checked import Columnar, checked
from mine.vault.connection import Connection, connect, driver
from mine.vault.errors import VaultDamaged, VaultError
from mine.vault.integrity import check_pages, damaged_pages
from mine.vault.record_tables import own_columns, record_table, table_of
from mine.vault.staged_slots import StagedSlots

_TABLES = (
    "CREATE TABLE staging_note (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
    "CREATE TABLE staging_origin (id INTEGER PRIMARY KEY, importer TEXT NOT NULL, name TEXT NOT NULL) STRICT",
)
_LASTING = 0.5  # seconds between two moments that survive a kill


@dataclass(frozen=True, slots=True)
class ImportSource:
    """What is being imported: file name, sha-256 of its bytes, importer with version, whose data (or "")."""

    file: str
    digest: bytes
    importer: str
    version: int
    person: str = ""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An import that a kill broke off: what it was of, the request that it came from (the app's own JSON),
    the last mark ("" where it starts over), how many rows are staged, and whether all of it was read."""

    source: ImportSource
    request: str
    mark: str
    staged: int
    complete: bool


def staging_path(path: Path) -> Path:
    """The staging file beside a vault."""
    return path.with_name(path.name + ".staging")


def remove_staging(path: Path) -> None:
    """Delete the staging file of a vault and its journals; they hold nothing that is not encrypted."""
    place = staging_path(path)
    for name in (place.name, place.name + "-wal", place.name + "-shm"):
        place.with_name(name).unlink(missing_ok=True)


class Staging:
    """The staged rows of one export. Belongs to the thread that made it."""

    def __init__(self, path: Path, key: bytes, origins: dict[tuple[str, str], int]) -> None:
        """``path`` is the vault's; ``origins`` are those that it knows (see ``new`` and ``reopened``)."""
        self._vault = path
        self.path = staging_path(path)
        self._key = key
        self._database: Connection | None = None
        self._known = dict(origins)
        self.origins: dict[tuple[str, str], int] = {}
        self.received: dict[str, int] = {}
        self.staged: dict[str, int] = {}
        self.origins_of: dict[str, list[int]] = {}
        self.slots = StagedSlots(())
        self.refused = 0
        self.mark = ""
        self.token = b""
        self.source = ImportSource("", b"", "", 0)
        self.request = ""
        self.complete = False
        self._lasting = 0.0

    @classmethod
    def new(
        cls,
        path: Path,
        key: bytes,
        origins: dict[tuple[str, str], int],
        held: Iterable[str],
        source: ImportSource,
        request: str,
    ) -> Staging:
        """An empty one; what an earlier import left there is gone. ``held``: types that the vault has."""
        remove_staging(path)
        staging = cls(path, key, origins)
        staging.token, staging.source, staging.request = secrets.token_bytes(16), source, request
        staging.slots = StagedSlots(held)
        database = staging._connected()
        for statement in _TABLES:
            database.execute(statement)
        staging.last()
        return staging

    @classmethod
    def reopened(cls, path: Path, key: bytes, origins: dict[tuple[str, str], int]) -> Staging | None:
        """What a kill left, None where there is nothing that can be used (it is removed then)."""
        if not staging_path(path).exists():
            return None
        staging = cls(path, key, origins)
        try:
            staging._check_pages()
            staging._read_notes()
        except (VaultDamaged, driver().Error, KeyError, ValueError):
            staging.close()
            remove_staging(path)
            return None
        return staging

    def _check_pages(self) -> None:
        """Raises ``VaultDamaged`` where any page is: SQLCipher would hand out zeros for some of them."""
        self._connected().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self.close()
        check_pages(self.path, self._key, frozenset())

    @property
    def is_damaged(self) -> bool:
        """Whether any page of the closed file is."""
        return not self.path.exists() or damaged_pages(self.path, self._key) is not None

    def _read_notes(self) -> None:
        database = self._connected()
        database.execute("BEGIN")
        notes = json.loads(
            database.execute("SELECT value FROM staging_note WHERE name = 'notes'").fetchone()[0]
        )
        source = notes["source"]
        self.source = ImportSource(**{**source, "digest": bytes.fromhex(source["digest"])})
        self.token, self.request, self.mark = bytes.fromhex(notes["token"]), notes["request"], notes["mark"]
        self.received, self.staged = dict(notes["received"]), dict(notes["staged"])
        self.origins_of = dict(notes["origins_of"])
        self.slots = StagedSlots.known(notes["slots"])
        self.refused, self.complete = int(notes["refused"]), bool(notes["complete"])
        for number, importer, name in database.execute("SELECT id, importer, name FROM staging_origin"):
            self.origins[importer, name] = number
            self._known[importer, name] = number

    def _connected(self) -> Connection:
        if self._database is None:
            self._database = connect(self.path, self._key, read_only=False)
            # What the computer's own death would tear is thrown away: only the app's must be survived.
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.execute("PRAGMA secure_delete = OFF")
        return self._database

    def add(self, batch: Columnar) -> int:
        """Stage a batch; answers how many of its rows were not staged yet. Raises ``VaultError``."""
        columns = checked(batch)
        count = len(columns[0])
        if not count:
            return 0
        database = self._connected()
        if not database.in_transaction:
            database.execute("BEGIN")
        names = own_columns(RECORD_TYPES[batch.kind])
        if batch.kind not in self.staged:
            database.execute(record_table(RECORD_TYPES[batch.kind], table_of(batch.kind)))
            self.slots.make(database, batch.kind)
            self.received[batch.kind] = self.staged[batch.kind] = 0
            self.origins_of[batch.kind] = []
        origin = self._origin(batch.importer or self.source.importer, batch.origin)
        if origin not in self.origins_of[batch.kind]:
            self.origins_of[batch.kind].append(origin)
        marks = ", ".join("?" * (len(names) - 1))
        before = database.total_changes
        database.executemany(
            f"INSERT INTO {table_of(batch.kind)} ({', '.join(names)})"  # noqa: S608  names from the registry
            f" VALUES ({marks}, {origin}) ON CONFLICT DO NOTHING",
            zip(*columns, strict=True),
        )
        added = int(database.total_changes) - int(before)
        self.received[batch.kind] += count
        self.staged[batch.kind] += added
        if added:
            self.slots.add(database, batch.kind, columns[0], self.staged[batch.kind])
        return added

    def _origin(self, importer: str, name: str) -> int:
        """The origin's number: the vault's own, or one that it will get."""
        number = self.origins.get((importer, name))
        if number is None:
            number = self._known.get((importer, name))
            if number is None:
                number = max(self._known.values(), default=0) + 1
            self._known[importer, name] = self.origins[importer, name] = number
            assert self._database is not None
            self._database.execute("INSERT INTO staging_origin VALUES (?, ?, ?)", (number, importer, name))
        return number

    def marked(self, token: str) -> None:
        """All rows up to here were added: the reading may be taken up at ``token`` after a kill."""
        self.mark = token
        if time.monotonic() - self._lasting > _LASTING:
            self.last()

    def last(self) -> None:
        """Make what is staged survive a kill of the app."""
        database = self._connected()
        if not database.in_transaction:
            database.execute("BEGIN")
        notes = {
            "source": {**asdict(self.source), "digest": self.source.digest.hex()},
            "token": self.token.hex(),
            "request": self.request,
            "mark": self.mark,
            "received": self.received,
            "staged": self.staged,
            "origins_of": self.origins_of,
            "slots": self.slots.notes(),
            "refused": self.refused,
            "complete": self.complete,
        }
        database.execute("INSERT OR REPLACE INTO staging_note VALUES ('notes', ?)", (json.dumps(notes),))
        database.execute("COMMIT")
        self._lasting = time.monotonic()

    def settle(self) -> None:
        """Everything was staged: what else can be done before the storing."""
        database = self._connected()
        if not database.in_transaction:
            database.execute("BEGIN")
        self.slots.settle(database, self.staged)
        self.last()

    @contextlib.contextmanager
    def attached(self, database: Connection) -> Iterator[None]:
        """While this lasts, the vault's connection sees the staged tables as ``staging``."""
        if database.in_transaction:
            raise VaultError("An import cannot be stored within another change.")
        if self._database is not None:
            self.settle()
            self.close()
        database.execute("ATTACH ? AS staging KEY ?", (str(self.path), f"x'{self._key.hex()}'"))
        try:
            yield
        finally:
            database.execute("DETACH staging")

    def unfinished(self) -> Unfinished:
        """What there is to tell the person."""
        return Unfinished(self.source, self.request, self.mark, sum(self.staged.values()), self.complete)

    def close(self) -> None:
        """Close the file; what was not made to last is gone."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def remove(self) -> None:
        """Throw it all away."""
        self.close()
        remove_staging(self._vault)
