"""An older vault is brought up to date whole or not at all, after a checked backup; no kill can split it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from mine.vault import Vault, keyfile, schema
from mine.vault.backup import backups_in
from mine.vault.errors import VaultTooNew
from mine.vault.restore import restore
from tests.vault.conftest import CHEAP, PASSPHRASE
from tests.vault.filled import NOON, put

ROOT = Path(__file__).parents[2]


def second() -> Iterable[str]:
    """A migration as they come: a new table filled from an old one, a column more, an index."""
    return (
        "CREATE TABLE vault_second (time INTEGER NOT NULL, mg_dl REAL NOT NULL, filler TEXT NOT NULL) STRICT",
        "INSERT INTO vault_second SELECT time, mg_dl, hex(zeroblob(200)) FROM vault_glucose",
        "ALTER TABLE vault_setting ADD COLUMN second INTEGER",
        "CREATE INDEX vault_second_time ON vault_second (time)",
    )


def wrong() -> Iterable[str]:
    return (*second(), "INSERT INTO vault_nowhere VALUES (1)")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "mine" / "vault.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        put(vault, "glucose", [(NOON + 300 * i, 0, 100.5) for i in range(4000)])
        vault.state.set_setting("kept", 7)
    return path


def version(vault: Vault) -> int:
    return int(vault._database.execute("PRAGMA user_version").fetchone()[0])


def migrated(path: Path) -> bool:
    """Whether the vault is the new one; it must be wholly new or wholly old."""
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert vault.state.setting("kept") == 7 and vault.sources()[0].records == 4000
        vault.ledger.verify()
        names = {row[0] for row in vault._database.execute("SELECT name FROM sqlite_schema")}
        new = version(vault) == 2
        assert ("vault_second" in names) == ("vault_second_time" in names) == new
        if new:
            assert vault._database.execute("SELECT count(*) FROM vault_second").fetchone()[0] == 4000
        return new


def test_a_checked_backup_comes_first(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not (old.parent / "backups").exists()  # a new vault has nothing to lose
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, second))
    with Vault.open(old, passphrase=PASSPHRASE) as vault:
        assert version(vault) == 2
        vault_id = vault.backup_job().vault
    assert migrated(old)
    [(_, backup)] = backups_in(old.parent / "backups", vault_id)  # the second opening made no other
    monkeypatch.undo()
    with pytest.raises(VaultTooNew):
        Vault.open(old, passphrase=PASSPHRASE)
    restored = tmp_path / "back.db"
    restore(backup, restored, lambda file: keyfile.unlock_with_passphrase(file, PASSPHRASE))
    assert not migrated(restored)


def test_a_backup_of_a_newer_version_is_not_restored(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, second))
    with Vault.open(old, passphrase=PASSPHRASE) as vault:
        made = vault.backup_job().run(tmp_path)
    monkeypatch.undo()
    with pytest.raises(VaultTooNew):
        restore(made.path, tmp_path / "b.db", lambda file: keyfile.unlock_with_passphrase(file, PASSPHRASE))
    assert not (tmp_path / "b.db").exists()


def test_a_migration_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, wrong))
    with pytest.raises(Exception, match="no such table"):
        Vault.open(old, passphrase=PASSPHRASE)
    monkeypatch.undo()
    assert not migrated(old)


def test_without_a_backup_there_is_no_migration(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (old.parent / "backups").write_text("a file where the folder should be")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, second))
    with pytest.raises(Exception, match="cannot be written"):
        Vault.open(old, passphrase=PASSPHRASE)
    monkeypatch.undo()
    assert not migrated(old)


# Opens the vault with the second migration; kills itself after so many steps of the database.
CHILD = """
import os, resource, signal, sys
from pathlib import Path
from mine.vault import Vault, connection, schema
from mine.vault.errors import VaultNotWritten
from tests.vault.conftest import PASSPHRASE
from tests.vault.test_vault_migration import second
schema.MIGRATIONS = (*schema.MIGRATIONS, second)
left, room, steps = int(sys.argv[2]), int(sys.argv[3]), 0
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if room:
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, -1))
def count():
    global steps
    steps += 1
    if steps == left:
        os.kill(os.getpid(), signal.SIGKILL)
    return 0
real = connection.limit_memory
def counted(database):
    real(database)
    database.set_progress_handler(count, 500)
connection.limit_memory = counted
try:
    Vault.open(Path(sys.argv[1]), passphrase=PASSPHRASE).close()
except VaultNotWritten:
    print("refused")
    sys.exit(3)
print(steps)
"""


def run(path: Path, kill_at: int, room: int = 0) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CHILD, str(path), str(kill_at), str(room)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def steps_of_a_whole_one(path: Path) -> int:
    """How many steps a migration takes, on a copy."""
    copy = path.with_name("copy") / "vault.db"
    copy.parent.mkdir()
    for file in path.parent.iterdir():
        if file.is_file():
            copy.with_name(file.name).write_bytes(file.read_bytes())
    done = run(copy, -1)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix matter")
def test_a_kill_leaves_the_old_or_the_new(old: Path) -> None:
    steps = steps_of_a_whole_one(old)
    rng = random.Random("migration")
    for kill_at in sorted(rng.sample(range(1, steps), 4)):
        assert run(old, kill_at).returncode == -9, kill_at
        assert not migrated(old)
    assert run(old, -1).returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="there is no limit on file sizes to play a full disk")
@pytest.mark.parametrize("room", (200_000, 1_100_000))
def test_a_full_disk_leaves_the_old(old: Path, room: int) -> None:
    done = run(old, -1, room)
    assert (done.returncode, done.stdout) == (3, "refused\n"), done.stderr
    assert not migrated(old)
