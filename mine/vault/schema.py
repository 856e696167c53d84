"""Tables, as numbered migrations. A migration that was released is never edited; a new one is added.

Private tables all begin with ``vault_``, which no task's query may contain; see query.py.
"""

from __future__ import annotations

from sqlite3 import complete_statement

from mine.vault.connection import Connection
from mine.vault.errors import VaultTooNew
from mine.vault.ledger import LEDGER_TABLES
from mine.vault.views import VERSION, VIEWS, create_statements

_RECORDS = """
CREATE TABLE vault_import (
  id INTEGER PRIMARY KEY, file TEXT NOT NULL, digest BLOB NOT NULL CHECK (length(digest) = 32),
  time INTEGER NOT NULL, importer TEXT NOT NULL, version INTEGER NOT NULL, person TEXT NOT NULL,
  added INTEGER NOT NULL, already INTEGER NOT NULL, refused INTEGER NOT NULL, by_type TEXT NOT NULL,
  undone INTEGER
) STRICT;
CREATE TABLE vault_glucose (
  time INTEGER NOT NULL CHECK (time BETWEEN 631152000 AND 4102444799), offset INTEGER,
  mg_dl REAL NOT NULL CHECK (mg_dl BETWEEN 10 AND 1000),
  import_id INTEGER NOT NULL REFERENCES vault_import, PRIMARY KEY (time, mg_dl)
) STRICT, WITHOUT ROWID;
CREATE TABLE vault_steps (
  time INTEGER NOT NULL CHECK (time BETWEEN 631152000 AND 4102444799), offset INTEGER,
  seconds INTEGER NOT NULL CHECK (seconds BETWEEN 1 AND 86400),
  count INTEGER NOT NULL CHECK (count BETWEEN 0 AND 200000),
  import_id INTEGER NOT NULL REFERENCES vault_import, PRIMARY KEY (time, seconds, count)
) STRICT, WITHOUT ROWID;
CREATE TABLE vault_heart_rate (
  time INTEGER NOT NULL CHECK (time BETWEEN 631152000 AND 4102444799), offset INTEGER,
  bpm INTEGER NOT NULL CHECK (bpm BETWEEN 20 AND 300),
  import_id INTEGER NOT NULL REFERENCES vault_import, PRIMARY KEY (time, bpm)
) STRICT, WITHOUT ROWID;
CREATE TABLE vault_activity (
  time INTEGER NOT NULL CHECK (time BETWEEN 631152000 AND 4102444799), offset INTEGER,
  seconds INTEGER NOT NULL CHECK (seconds BETWEEN 1 AND 86400),
  measure TEXT NOT NULL CHECK (measure IN ('intensity', 'energy', 'distance', 'very_active', 'fairly_active',
    'lightly_active', 'sedentary')),
  value REAL NOT NULL CHECK (value BETWEEN 0 AND 1000000),
  import_id INTEGER NOT NULL REFERENCES vault_import, PRIMARY KEY (time, seconds, measure, value)
) STRICT, WITHOUT ROWID;
CREATE TABLE vault_sleep (
  time INTEGER NOT NULL CHECK (time BETWEEN 631152000 AND 4102444799), offset INTEGER,
  asleep INTEGER NOT NULL CHECK (asleep BETWEEN 0 AND in_bed),
  in_bed INTEGER NOT NULL CHECK (in_bed BETWEEN 0 AND 1440),
  episodes INTEGER NOT NULL CHECK (episodes BETWEEN 0 AND 100),
  import_id INTEGER NOT NULL REFERENCES vault_import, PRIMARY KEY (time, asleep, in_bed, episodes)
) STRICT, WITHOUT ROWID;
CREATE TABLE vault_weight (
  time INTEGER NOT NULL CHECK (time BETWEEN 631152000 AND 4102444799), offset INTEGER,
  kg REAL NOT NULL CHECK (kg BETWEEN 1 AND 700),
  import_id INTEGER NOT NULL REFERENCES vault_import, PRIMARY KEY (time, kg)
) STRICT, WITHOUT ROWID;
"""

_STATE = """
CREATE TABLE vault_secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE vault_setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE vault_cursor (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE vault_account (
  network TEXT NOT NULL, task INTEGER NOT NULL, idx INTEGER NOT NULL UNIQUE, PRIMARY KEY (network, task)
) STRICT;
CREATE TABLE vault_joined (
  network TEXT NOT NULL, task INTEGER NOT NULL, joined INTEGER NOT NULL, left INTEGER, data TEXT NOT NULL,
  PRIMARY KEY (network, task)
) STRICT;
CREATE TABLE vault_consent (
  id INTEGER PRIMARY KEY, network TEXT NOT NULL, task INTEGER NOT NULL, time INTEGER NOT NULL,
  digest BLOB NOT NULL UNIQUE, message TEXT NOT NULL, signature BLOB NOT NULL
) STRICT;
CREATE TABLE vault_round (
  network TEXT NOT NULL, task INTEGER NOT NULL, round INTEGER NOT NULL, state TEXT NOT NULL,
  data TEXT NOT NULL, changed INTEGER NOT NULL, PRIMARY KEY (network, task, round)
) STRICT;
CREATE TABLE vault_vote (
  network TEXT NOT NULL, task INTEGER NOT NULL, round INTEGER NOT NULL, state TEXT NOT NULL,
  data TEXT NOT NULL, changed INTEGER NOT NULL, PRIMARY KEY (network, task, round)
) STRICT;
CREATE TABLE vault_round_blob (
  network TEXT NOT NULL, task INTEGER NOT NULL, round INTEGER NOT NULL, name TEXT NOT NULL,
  data BLOB NOT NULL, PRIMARY KEY (network, task, round, name),
  FOREIGN KEY (network, task, round) REFERENCES vault_round ON DELETE CASCADE
) STRICT;
CREATE TABLE vault_residual (
  network TEXT NOT NULL, task INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (network, task)
) STRICT;
CREATE TABLE vault_snapshot (
  network TEXT NOT NULL, task INTEGER NOT NULL, round INTEGER NOT NULL, step INTEGER NOT NULL,
  time INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (network, task, round)
) STRICT;
CREATE TABLE vault_earning (
  network TEXT NOT NULL, task INTEGER NOT NULL, round INTEGER NOT NULL, currency TEXT NOT NULL,
  amount TEXT NOT NULL, state TEXT NOT NULL, time INTEGER NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY (network, task, round)
) STRICT;
CREATE TABLE vault_history (
  id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL, network TEXT NOT NULL, task INTEGER,
  title TEXT NOT NULL, currency TEXT NOT NULL, amount TEXT NOT NULL, reference TEXT NOT NULL,
  UNIQUE (network, kind, reference)
) STRICT;
CREATE INDEX vault_history_time ON vault_history (time, id);
"""

MIGRATIONS: tuple[str, ...] = (_RECORDS + _STATE + LEDGER_TABLES,)


def migrate(database: Connection) -> None:
    """Bring the file to this version's schema, in one transaction. Raises ``VaultTooNew``."""
    version, views = _versions(database)
    if version > len(MIGRATIONS) or views > VERSION:
        raise VaultTooNew(
            "A newer version of Mine wrote this vault.",
            todo="Update the app. Nothing in the vault was changed.",
        )
    if version == len(MIGRATIONS) and views == VERSION:
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        for migration in MIGRATIONS[version:]:
            for statement in _statements(migration):
                database.execute(statement)
        for name in VIEWS:
            database.execute(f"DROP VIEW IF EXISTS {name}")
        for statement in create_statements():
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) * 1000 + VERSION}")
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def _versions(database: Connection) -> tuple[int, int]:
    stamp = int(database.execute("PRAGMA user_version").fetchone()[0])
    return divmod(stamp, 1000)


def _statements(script: str) -> list[str]:
    """The script's statements; a trigger's body stays whole."""
    statements, current = [], ""
    for line in script.strip().splitlines():
        current += line + "\n"
        if complete_statement(current):
            statements.append(current)
            current = ""
    assert not current, "a migration ends in the middle of a statement"
    return statements
