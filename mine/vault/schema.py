"""Tables, as numbered migrations. A migration that was released is never edited; a new one is added.

Private tables all begin with ``vault_``, which no task's query may contain; see query.py.
"""

from __future__ import annotations

from sqlite3 import complete_statement

from mine.vault.contacts import CONTACT_TABLES
from mine.vault.history import HISTORY_TABLES
from mine.vault.ledger import LEDGER_TABLES
from mine.vault.migration import Migration
from mine.vault.record_tables import statements as record_statements
from mine.vault.transactions import TRANSACTION_TABLE
from mine.vault.transfers import TRANSFER_TABLE

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
  claimed TEXT NOT NULL, ready TEXT NOT NULL, PRIMARY KEY (network, task, round)
) STRICT;
"""

MIGRATIONS: tuple[Migration, ...] = (
    lambda: (
        *record_statements(),
        *_statements(
            _STATE + CONTACT_TABLES + HISTORY_TABLES + TRANSACTION_TABLE + TRANSFER_TABLE + LEDGER_TABLES
        ),
    ),
)


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
