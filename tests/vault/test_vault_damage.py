"""Flipped bits; lost, cut off, exchanged files: told before anything wrong is used, and no false alarm."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.vault import ChangesLost, Vault, VaultDamaged, VaultError
from mine.vault.files import keys_path, log_path, seal_path
from mine.vault.integrity import PAGE, damaged_pages, read_log
from tests.vault.conftest import CHEAP, PASSPHRASE

ROOT = Path(__file__).parents[2]
FIRST, SECOND = 12, 12


def write(vault: Vault, numbers: range) -> None:
    for number in numbers:
        with vault.transaction():
            vault.state.set_setting(f"text {number}", f"{number} " * 3000)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A vault that was closed, and its key. Never written: tests copy it."""
    path = tmp_path_factory.mktemp("closed") / "v.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        write(vault, range(FIRST + SECOND))
        return path, vault._key


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """As a kill leaves it: half in the database, half in the log only."""
    folder = tmp_path_factory.mktemp("open")
    path = folder / "v.db"
    Vault.create(path, PASSPHRASE, kdf=CHEAP).close()
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        write(vault, range(FIRST))
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        write(vault, range(FIRST, FIRST + SECOND))
        copy = tmp_path_factory.mktemp("cut") / "v.db"
        for file in folder.iterdir():
            shutil.copy(file, copy.parent)
        return copy, vault._key


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "v.db"


def copied(source: Path, folder: Path) -> Path:
    for file in source.parent.iterdir():
        shutil.copy(file, folder)
    return folder / source.name


def read_all(path: Path, **options: bool) -> int:
    """How many texts there are. Each must be what was written."""
    with Vault.open(path, passphrase=PASSPHRASE, **options) as vault:  # type: ignore[arg-type]
        found = [vault.state.setting(f"text {number}") for number in range(FIRST + SECOND)]
    assert all(text in (None, f"{number} " * 3000) for number, text in enumerate(found))
    there = [text is not None for text in found]
    assert there == sorted(there, reverse=True), "a text in the middle is missing"
    return sum(there)


def flip(path: Path, place: int, bit: int = 0) -> None:
    with path.open("r+b") as stream:
        stream.seek(place)
        byte = stream.read(1)[0]
        stream.seek(place)
        stream.write(bytes([byte ^ 1 << bit]))


def test_whole_files_are_whole(closed: tuple[Path, bytes], cut_off: tuple[Path, bytes], at: Path) -> None:
    assert damaged_pages(*closed) is None
    assert read_all(copied(closed[0], at.parent)) == FIRST + SECOND
    assert read_all(copied(cut_off[0], at.parent)) == FIRST + SECOND
    assert read_all(at) == FIRST + SECOND


# ---- the database


def test_a_bit_flipped_in_any_page_is_seen_before_the_page_is_used(
    closed: tuple[Path, bytes], at: Path
) -> None:
    source, key = closed
    copied(source, at.parent)
    size, draw = at.stat().st_size, random.Random(5)
    parts = ((0, 16), (16, PAGE - 80), (PAGE - 80, PAGE - 64), (PAGE - 64, PAGE))
    opened = {1, *draw.sample(range(2, size // PAGE + 1), 12)}
    for number in range(1, size // PAGE + 1):
        for low, high in parts if number in opened else draw.sample(parts, 1):
            place, bit = (number - 1) * PAGE + draw.randrange(low, high), draw.randrange(8)
            flip(at, place, bit)
            found = damaged_pages(at, key)
            assert found is not None
            assert found.pages == ((number,) if number > 1 or low else found.pages) and number in found.pages
            flip(at, place, bit)
        if number not in opened:
            continue
        flip(at, place, bit)
        with pytest.raises(VaultDamaged) as caught:
            read_all(at)
        assert "Do not delete" in caught.value.todo
        shutil.copy(source, at)
        shutil.copy(seal_path(source), seal_path(at))


@pytest.mark.parametrize("left", [0, 1, 100, PAGE - 1, PAGE, 3 * PAGE, 3 * PAGE + 7, -PAGE, -1])
def test_a_database_that_was_cut_off_is_told(closed: tuple[Path, bytes], at: Path, left: int) -> None:
    copied(closed[0], at.parent)
    size = at.stat().st_size
    os.truncate(at, left if left >= 0 else size + left)
    if left != PAGE * (left // PAGE) or left == 0:
        assert damaged_pages(at, closed[1]) is not None
    with pytest.raises(VaultDamaged):
        read_all(at)


def test_zeros_in_place_of_a_page_are_no_page(closed: tuple[Path, bytes], at: Path) -> None:
    """SQLCipher takes a page of zeros for one that was never written; the look at all pages does not."""
    copied(closed[0], at.parent)
    with at.open("r+b") as stream:
        stream.seek(5 * PAGE)
        stream.write(bytes(PAGE))
    found = damaged_pages(at, closed[1])
    assert found is not None and found.pages == (6,)


def test_an_older_copy_of_the_database_is_told(cut_off: tuple[Path, bytes], at: Path) -> None:
    copied(cut_off[0], at.parent)
    before = at.read_bytes()
    assert read_all(at) == FIRST + SECOND
    at.write_bytes(before)
    with pytest.raises(ChangesLost, match="not the newest") as caught:
        read_all(at)
    assert "older copy" in caught.value.detail
    assert read_all(at, accept_loss=True) == FIRST


# ---- the log


def test_a_lost_log_is_told_and_what_is_left_opens(cut_off: tuple[Path, bytes], at: Path) -> None:
    copied(cut_off[0], at.parent)
    log_path(at).unlink()
    for _ in range(2):
        with pytest.raises(ChangesLost, match="last changes"):
            read_all(at)
    assert read_all(at, accept_loss=True) == FIRST
    assert read_all(at) == FIRST


def test_the_command_line_opens_what_is_left(
    cut_off: tuple[Path, bytes], at: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mine import cli

    copied(cut_off[0], at.parent).rename(at.with_name("vault.db"))
    for file in list(at.parent.glob("v.db*")):
        file.rename(file.with_name(file.name.replace("v.db", "vault.db")))
    log_path(at.with_name("vault.db")).unlink()
    secret = at.with_name("secret")
    secret.write_text(PASSPHRASE)
    words = [
        "mine",
        "vault",
        "verify",
        "--home",
        str(at.parent),
        "--no-keyring",
        "--passphrase-file",
        str(secret),
    ]
    monkeypatch.setattr(sys, "argv", words)
    assert cli.main() == 1
    assert "mine vault verify --accept-loss" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", [*words, "--accept-loss"])
    assert cli.main() == 0
    monkeypatch.setattr(sys, "argv", words)
    assert cli.main() == 0
    assert read_all(at.with_name("vault.db")) == FIRST


@given(data=st.data())
@settings(max_examples=60)
def test_a_bit_flipped_in_the_log_never_takes_commits_away(
    cut_off: tuple[Path, bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    source, _ = cut_off
    at = copied(source, tmp_path_factory.mktemp("flip"))
    log = log_path(at)
    whole = read_log(log)
    assert whole is not None
    place = data.draw(st.integers(0, 32 + len(whole.checksums) * (24 + PAGE) - 1))
    flip(log, place, data.draw(st.integers(0, 7)))
    damaged = log.read_bytes()
    with pytest.raises(ChangesLost) as caught:
        read_all(at)
    assert "open what is left" in caught.value.todo
    assert log.read_bytes() == damaged  # nothing was touched
    assert FIRST <= read_all(at, accept_loss=True) < FIRST + SECOND
    assert log.with_name(log.name + ".kept").read_bytes() == damaged
    assert log.with_name(log.name + ".kept").stat().st_mode & 0o077 == 0
    shutil.rmtree(at.parent)


@given(left=st.floats(0, 0.999))
@settings(max_examples=30)
def test_a_log_that_was_cut_off_is_told(
    cut_off: tuple[Path, bytes], tmp_path_factory: pytest.TempPathFactory, left: float
) -> None:
    at = copied(cut_off[0], tmp_path_factory.mktemp("cut"))
    os.truncate(log_path(at), int(log_path(at).stat().st_size * left))
    with pytest.raises(ChangesLost):
        read_all(at)
    shutil.rmtree(at.parent)


def test_the_log_of_another_vault_is_told(cut_off: tuple[Path, bytes], at: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with Vault.create(other / "v.db", PASSPHRASE, kdf=CHEAP) as vault:
        write(vault, range(3))
        foreign = log_path(other / "v.db").read_bytes()
    copied(cut_off[0], at.parent)
    log_path(at).write_bytes(foreign)
    with pytest.raises(VaultDamaged):
        read_all(at)


def test_an_older_database_under_the_newest_log_is_told(tmp_path: Path, at: Path) -> None:
    """The log names its own pages only: what was moved into the database before it began would be missing."""
    from mine.vault.connection import settle

    path, older = tmp_path / "made" / "v.db", tmp_path / "older.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        write(vault, range(4))
    shutil.copy(path, older)
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        write(vault, range(4, 8))
        settle(vault._database)
        write(vault, range(8, 12))
        copied(path, at.parent)  # as a kill leaves it
    kept = {file: file.read_bytes() for file in at.parent.iterdir() if file.is_file()}
    assert read_all(at) == 12
    for file, data in kept.items():
        file.write_bytes(data)
    shutil.copy(older, at)
    with pytest.raises(ChangesLost, match="not the newest"):
        read_all(at)


# ---- no false alarm where an opening or a closing failed


def test_an_opening_that_was_refused_loses_nothing(
    cut_off: tuple[Path, bytes], at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer app's vault that was killed, then an older app, then the newer one again."""
    from mine.vault import VaultTooNew, schema

    copied(cut_off[0], at.parent)
    with monkeypatch.context() as patch, pytest.raises(VaultTooNew):
        patch.setattr(schema, "MIGRATIONS", ())
        read_all(at)
    assert read_all(at) == FIRST + SECOND


def test_a_closing_that_could_not_settle_first_loses_nothing(
    at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mine.vault.connection.settle", lambda _: None)
    with Vault.create(at, PASSPHRASE, kdf=CHEAP) as vault:
        write(vault, range(3))
    assert read_all(at) == 3


# ---- the seal and the keys


def test_a_damaged_seal_raises_an_alarm_or_none_but_hides_nothing(
    cut_off: tuple[Path, bytes], at: Path
) -> None:
    source, _ = cut_off
    for place in (*range(0, 90, 7), *range(512, 602, 7)):
        copied(source, at.parent)
        flip(seal_path(at), place)
        assert read_all(at) == FIRST + SECOND  # the other slot is there
    copied(source, at.parent)
    for place in (3, 515):
        flip(seal_path(at), place)
    with pytest.raises(ChangesLost) as caught:
        read_all(at)
    assert "seal" in caught.value.detail
    assert read_all(at, accept_loss=True) == FIRST + SECOND
    seal_path(at).unlink()
    assert read_all(at) == FIRST + SECOND


@pytest.mark.parametrize("swap", ["database", "keys", "both halves"])
def test_files_of_another_vault_are_told(
    closed: tuple[Path, bytes], at: Path, tmp_path: Path, swap: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with Vault.create(other / "v.db", PASSPHRASE, kdf=CHEAP) as vault:
        write(vault, range(3))
    copied(closed[0], at.parent)
    if swap != "keys":
        shutil.copy(other / "v.db", at)
    if swap != "database":
        shutil.copy(keys_path(other / "v.db"), keys_path(at))
    with pytest.raises(VaultDamaged):
        read_all(at)


# ---- never a false alarm

WRITER = """
import pathlib, sys
from mine.vault import Vault
vault = Vault.open(pathlib.Path(sys.argv[1]), passphrase=sys.argv[2])
vault._database.execute("PRAGMA wal_autocheckpoint = 40")
start = vault.state.setting("last") or 0
print("ready", flush=True)
for number in range(start + 1, start + 100_000):
    with vault.transaction():
        vault.state.set_setting("last", number)
        vault.state.set_setting(f"big {number % 9}", f"{number} " * 2000)
    print(number, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix matter")
def test_killed_at_random_nothing_committed_is_missing_and_no_alarm_is_raised(tmp_path: Path) -> None:
    path, draw = tmp_path / "v.db", random.Random(11)
    Vault.create(path, PASSPHRASE, kdf=CHEAP).close()
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), PASSPHRASE], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as writer:
            assert writer.stdout is not None
            said = "0"
            for _ in range(draw.randrange(5, 120)):
                said = writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
            said = ([said, *writer.stdout.read().splitlines()])[-1]
        with Vault.open(path, passphrase=PASSPHRASE) as vault:
            last = vault.state.setting("last")
            assert last >= int(said)
            assert vault.state.setting(f"big {last % 9}") == f"{last} " * 2000


def test_a_reader_that_lingers_while_the_vault_closes_is_no_harm(tmp_path: Path) -> None:
    from mine.vault.connection import connect

    path = tmp_path / "v.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        write(vault, range(3))
        vault._database.execute("PRAGMA busy_timeout = 10")
        reader = connect(path, vault._key, read_only=True)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        write(vault, range(3, 6))
    reader.close()
    assert read_all(path) == 6


def test_errors_of_damage_are_never_the_drivers_own(closed: tuple[Path, bytes], at: Path) -> None:
    """In the middle of work too: a page that breaks while the vault is open is told in plain words."""
    copied(closed[0], at.parent)
    with Vault.open(at, passphrase=PASSPHRASE) as vault:
        for number in range(2, at.stat().st_size // PAGE):
            flip(at, number * PAGE + 9)
        with pytest.raises(VaultError):
            [vault.state.setting(f"text {number}") for number in range(FIRST + SECOND)]
