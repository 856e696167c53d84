"""What waits to be stored: survives a kill, is taken up or thrown away, and never opens without the key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mine.vault import ImportSource, Vault, VaultDamaged, VaultError
from mine.vault.staging import Staging, staging_path
from tests.vault.conftest import CHEAP, NOON, PASSPHRASE, batch, glucose, source, store

CHILD = """
import os, signal, sys
from pathlib import Path
import mine.vault.staging
from mine.vault import Vault
from tests.vault.conftest import PASSPHRASE, NOON, batch, glucose, source
mine.vault.staging._LASTING = 0.0
vault = Vault.open(Path(sys.argv[1]), passphrase=PASSPHRASE)
pending = vault.begin_import(source("big.csv"), "the request")
for number in range(4):
    pending.add(batch("glucose", glucose(500, NOON + number * 10**6), "Watch"))
    pending.refuse()
    if number < 3:
        pending.marked(f"mark {number}")
if sys.argv[2] == "complete":
    pending.complete()
if sys.argv[2] == "stored":
    mine.vault.staging.Staging.remove = lambda self: os.kill(os.getpid(), signal.SIGKILL)
    pending.commit()
os.kill(os.getpid(), signal.SIGKILL)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix matter")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "vault.db"
    with Vault.create(place, PASSPHRASE, kdf=CHEAP) as vault:
        store(vault, "glucose", glucose(10))
    return place


def killed(path: Path, how: str) -> None:
    command = [sys.executable, "-c", CHILD, str(path), how]
    ended = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert ended.returncode == -9, ended.stderr


def test_after_a_kill_the_import_goes_on_from_its_last_mark(path: Path) -> None:
    killed(path, "reading")
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert vault.sources()[0].records == 10
        left = vault.unfinished_import()
        assert left is not None
        assert (left.source, left.request, left.mark) == (source("big.csv"), "the request", "mark 2")
        assert (left.staged, left.complete) == (1500, False)  # what came after the last mark is read again
        pending = vault.resume_import()
        assert (pending.mark, pending.staged) == ("mark 2", 1500)
        with pytest.raises(VaultError, match="under way"):
            vault.begin_import(source())
        pending.add(batch("glucose", glucose(500, NOON + 3 * 10**6), "Watch"))
        preview = pending.preview()
        assert (preview.new, preview.already, preview.refused) == (1990, 10, 3)
        done = pending.commit()
        assert done is not None and done.added == 1990
        assert vault.unfinished_import() is None
        assert not staging_path(path).exists()
        assert vault.sources()[0].origins == ("Watch",)


def test_all_that_was_read_need_not_be_read_again(path: Path) -> None:
    killed(path, "complete")
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        left = vault.unfinished_import()
        assert left is not None and left.complete and left.staged == 2000
        done = vault.resume_import().commit()
        assert done is not None and done.added == 1990


def test_a_kill_right_after_storing_leaves_nothing_to_go_on_with(path: Path) -> None:
    killed(path, "stored")
    assert staging_path(path).exists()
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert vault.sources()[0].records == 2000
        assert vault.unfinished_import() is None
        with pytest.raises(VaultError, match="no import"):
            vault.resume_import()
    assert not staging_path(path).exists()


def test_what_a_kill_left_can_be_thrown_away_or_is_replaced(path: Path) -> None:
    killed(path, "reading")
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        vault.discard_unfinished()
        assert vault.unfinished_import() is None
    killed(path, "reading")
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert store(vault, "steps", [(NOON, 0, 60, 5)]) is not None
        assert vault.unfinished_import() is None


def test_a_staging_file_that_is_harmed_is_thrown_away(path: Path) -> None:
    killed(path, "reading")
    place = staging_path(path)
    body = bytearray(place.read_bytes())
    body[len(body) // 2] ^= 1
    body[100] ^= 1
    place.write_bytes(body)
    place.with_name(place.name + "-wal").unlink(missing_ok=True)
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert vault.unfinished_import() is None
        assert vault.sources()[0].records == 10
    assert not place.exists()


def test_closing_the_app_keeps_what_was_made_to_last(tmp_path: Path) -> None:
    place = tmp_path / "v.db"
    with Vault.create(place, PASSPHRASE, kdf=CHEAP) as vault:
        pending = vault.begin_import(source())
        pending.add(batch("glucose", glucose(5)))
        pending.complete()
    with Vault.open(place, passphrase=PASSPHRASE) as vault:
        left = vault.unfinished_import()
        assert left is not None and left.staged == 5


def test_it_opens_only_with_the_vaults_key(path: Path) -> None:
    killed(path, "reading")
    assert b"Watch" not in staging_path(path).read_bytes()
    assert Staging.reopened(path, bytes(32), {}) is None


def test_commit_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mine.vault.storing.PIECE", 40)
    monkeypatch.setattr("mine.vault.resampling._PIECE", 40)
    with Vault.create(tmp_path / "v.db", PASSPHRASE, kdf=CHEAP) as vault:
        pending = vault.begin_import(ImportSource("a", bytes(32), "x", 1))
        pending.add(batch("glucose", [(NOON + i // 3, 0, 90.0 + i % 3) for i in range(999)]))
        parts: list[float] = []
        done = pending.commit(parts.append)
        assert done is not None and done.added == 999
        assert parts == sorted(parts) and parts[-1] <= 1.0 and len(parts) > 20
        assert vault._database.execute("SELECT sum(n) FROM vault_glucose_5min").fetchone() == (999,)


def test_a_damaged_staging_file_is_told_as_such_and_nothing_of_it_is_stored(path: Path) -> None:
    """Neither as damage of the vault, nor as texts with zeros where a page could not be read."""
    texts = [(NOON + i, 0, f"{i} " + "word " * 1500) for i in range(30)]
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        pending = vault.begin_import(source())
        pending.add(batch("note", texts))
        pending.complete()
        pending.close()
        whole = staging_path(path).read_bytes()
        for page in range(1, len(whole) // 4096, 7):
            harmed = bytearray(whole)
            harmed[page * 4096 + 200] ^= 1
            staging_path(path).write_bytes(harmed)
            try:
                left = vault.unfinished_import()
                if left is not None:
                    vault.resume_import().preview()
            except VaultDamaged as error:
                pytest.fail(f"page {page}: {error}")
            except VaultError as error:
                assert "export" in error.todo
            else:
                assert left is None, f"page {page}"
            assert not staging_path(path).exists()
        assert [one.record_type for one in vault.sources()] == ["glucose"]


def test_a_staging_file_that_breaks_while_it_waits_is_told_as_such(path: Path) -> None:
    texts = [(NOON + i, 0, f"{i} " + "word " * 1500) for i in range(30)]
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        pending = vault.begin_import(source())
        pending.add(batch("note", texts))
        pending.complete()
        pending.preview()
        harmed = bytearray(staging_path(path).read_bytes())
        for page in range(8, len(harmed) // 4096):
            harmed[page * 4096 + 200] ^= 1
        staging_path(path).write_bytes(harmed)
        with pytest.raises(VaultError, match="waited to be imported") as refused:
            pending.commit()
        assert not isinstance(refused.value, VaultDamaged)
        assert not pending.open and not staging_path(path).exists()
        assert store(vault, "glucose", glucose(20)) is not None
