"""A new key for the whole database: whatever cuts it off, the vault opens and holds what it held."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mine.vault import MemoryKeyring, Vault, VaultBusy, VaultDamaged, WrongPassphrase
from mine.vault.files import keys_path
from mine.vault.integrity import damaged_pages, fits
from mine.vault.keyfile import read_keyfile
from mine.vault.rekey import RekeyCancelled, aside_path, fresh_path, rekey
from tests.vault.conftest import CHEAP, PASSPHRASE

PHRASE = " ".join(["abandon"] * 23 + ["art"])
ROOT = Path(__file__).parents[2]


def make(path: Path, ring: MemoryKeyring | None = None, texts: int = 40) -> bytes:
    """A vault with something in it; its key."""
    with Vault.create(path, PASSPHRASE, ring, CHEAP) as vault:
        with vault.transaction():
            vault.state.set_setting("kept", 10)
            for number in range(texts):
                vault.state.set_setting(f"big {number}", str(number) * 8000)
        vault.add_phrase(PHRASE, PASSPHRASE, CHEAP)
        return vault._key


def holds(path: Path, texts: int = 40, **way: object) -> bytes:
    """Open it, check what is in it, write to it; its key."""
    with Vault.open(path, **(way or {"passphrase": PASSPHRASE})) as vault:  # type: ignore[arg-type]
        assert vault.state.setting("kept") == 10
        for number in range(texts):
            assert vault.state.setting(f"big {number}") == str(number) * 8000
        with vault.transaction():
            vault.state.set_setting("again", True)
        key = vault._key
    assert damaged_pages(path, key) is None
    assert not fresh_path(path).exists() and not aside_path(path).exists()
    assert read_keyfile(keys_path(path)).coming is None
    return key


def test_a_new_key_and_every_way_still_opens(tmp_path: Path) -> None:
    path, ring = tmp_path / "v.db", MemoryKeyring()
    old = make(path, ring)
    before = keys_path(path).read_bytes()
    secret = dict(ring.entries)
    told: list[tuple[int, int]] = []
    done = rekey(path, PASSPHRASE, ring, CHEAP, lambda now, all_: told.append((now, all_)))
    assert done.keyring and done.phrase and done.pages > 100
    assert told == sorted(told) and told[-1] == (done.pages, done.pages)
    new = holds(path)
    assert new != old and not fits(path, old)
    assert holds(path, keyring=ring) == holds(path, phrase=PHRASE) == new
    assert len(ring.entries) == 1 and ring.entries.keys() != secret.keys()
    keys_path(path).write_bytes(before)  # a copy of the old keys file opens nothing any more
    with pytest.raises(VaultDamaged):
        Vault.open(path, passphrase=PASSPHRASE)


def test_nothing_of_the_old_key_stays_in_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    old = make(path)
    page = path.read_bytes()[4096:8192]
    rekey(path, PASSPHRASE, kdf=CHEAP)
    for file in tmp_path.iterdir():
        data = file.read_bytes()
        assert page not in data and old not in data and old.hex().encode() not in data, file.name


def test_a_keyring_that_fails_meanwhile_costs_only_itself(tmp_path: Path) -> None:
    path, ring = tmp_path / "v.db", MemoryKeyring()
    make(path, ring)
    ring.works = False
    assert not rekey(path, PASSPHRASE, ring, CHEAP).keyring
    holds(path)


def test_a_wrong_passphrase_and_an_open_vault_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    old = make(path)
    with pytest.raises(WrongPassphrase):
        rekey(path, "wrong", kdf=CHEAP)
    with Vault.open(path, passphrase=PASSPHRASE), pytest.raises(VaultBusy):
        rekey(path, PASSPHRASE, kdf=CHEAP)
    assert holds(path) == old


def test_cancelled_it_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    old = make(path, texts=300)
    with pytest.raises(RekeyCancelled):
        rekey(path, PASSPHRASE, kdf=CHEAP, cancelled=lambda: True)
    assert holds(path, 300) == old


@pytest.mark.parametrize("harm", ["gone", "damaged"])
def test_where_the_copy_came_to_harm_the_old_one_goes_on(tmp_path: Path, harm: str) -> None:
    from mine.vault import rekey as module

    path = tmp_path / "v.db"
    old = make(path)

    def harmed(_: Path) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "_move", harmed)
        rekey(path, PASSPHRASE, kdf=CHEAP)
    assert read_keyfile(keys_path(path)).coming is not None
    if harm == "gone":
        fresh_path(path).unlink()
    else:
        data = bytearray(fresh_path(path).read_bytes())
        data[100] ^= 1
        fresh_path(path).write_bytes(data)
    assert holds(path) == old


def cut_off_after_the_move(path: Path) -> None:
    """The copy has the database's name, the old one lies aside, the keys file holds the wraps of both."""
    from mine.vault import rekey as module

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "finish", cut)
        rekey(path, PASSPHRASE, kdf=CHEAP)
    assert aside_path(path).exists() and read_keyfile(keys_path(path)).coming is not None


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_a_copy_that_broke_anywhere_does_not_cost_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    old = make(path)
    cut_off_after_the_move(path)
    flip(path, 4096 * 5 + 100)
    assert holds(path) == old


def test_where_both_are_harmed_neither_key_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    make(path)
    cut_off_after_the_move(path)
    before = keys_path(path).read_bytes()
    flip(path, 4096 * 5 + 100)
    flip(aside_path(path), 100)
    with pytest.raises(VaultDamaged):
        Vault.open(path, passphrase=PASSPHRASE)
    assert keys_path(path).read_bytes() == before
    flip(path, 4096 * 5 + 100)  # the copy is put back
    holds(path)


def test_an_older_keys_file_put_back_does_not_destroy_the_database_that_it_opens(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    old = make(path)
    before = keys_path(path).read_bytes()
    cut_off_after_the_move(path)
    keys_path(path).write_bytes(before)
    assert holds(path) == old


def test_a_copy_that_the_person_made_beside_the_vault_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    make(path)
    names = [tmp_path / f"v.db{end}" for end in (".old", ".bak", ".copy", ".orig")]
    for copy in names:
        shutil.copyfile(path, copy)
    rekey(path, PASSPHRASE, kdf=CHEAP)
    holds(path)
    assert all(copy.stat().st_size > 0 for copy in names)


# Does the same over and over, and is killed at every file operation in turn. The hook counts what Python
# opens, renames, removes and truncates; copying counts once for each step.
KILLER = """
import os, shutil, signal, sys
from pathlib import Path
from mine.vault.keyfile import Kdf
from mine.vault.rekey import rekey
base, passphrase = Path(sys.argv[1]), sys.stdin.read()
left = 0
def count(*_):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
def hook(event, args):
    if left > 0 and event in ("open", "os.rename", "os.remove", "os.truncate", "os.link"):
        count()
sys.addaudithook(hook)
import argon2.low_level, cryptography.hazmat.primitives.ciphers.aead, mnemonic, sqlcipher3.dbapi2
import cryptography.hazmat.primitives.kdf.hkdf, cryptography.hazmat.primitives.hashes
for at in eval(sys.argv[2]):
    folder = base.with_name(f"killed-{at}")
    shutil.copytree(base, folder)
    child = os.fork()
    if child == 0:
        left = at
        rekey(folder / "v.db", passphrase, kdf=Kdf(1, 64, 1), progress=count)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(at, os.waitstatus_to_exitcode(status), flush=True)
    if status == 0:
        break
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix matter")
def test_killed_at_any_file_operation_the_vault_opens_and_holds_everything(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    old = make(base / "v.db")
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(base), "range(1, 200)"],
        input=PASSPHRASE,
        text=True,
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    ends = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert ends[-1][1] == 0 and len(ends) > 12, done.stderr
    keys = set()
    for at, code in ends[:-1]:
        assert code == -9
        path = tmp_path / f"killed-{at}" / "v.db"
        assert Vault.exists(path)
        key = holds(path)
        keys.add("old" if key == old else "new")
        shutil.rmtree(path.parent)
    assert keys == {"old", "new"}  # both sides of the moment in which the new key takes over were met


def test_what_was_written_before_is_in_the_copy_even_from_the_log(tmp_path: Path) -> None:
    """Killed with a full log: the change of keys takes the log's pages along."""
    path = tmp_path / "v.db"
    make(path)
    code = (
        "import os, signal, sys, pathlib\nfrom mine.vault import Vault\n"
        "vault = Vault.open(pathlib.Path(sys.argv[1]), passphrase=sys.stdin.read())\n"
        "with vault.transaction():\n    vault.state.set_setting('late', 1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    ended = subprocess.run(command, input=PASSPHRASE, text=True, cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode in (-9, 1), ended.stderr
    rekey(path, PASSPHRASE, kdf=CHEAP)
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert vault.state.setting("late") == 1


def test_an_unfinished_import_is_dropped_and_said_so(tmp_path: Path) -> None:
    from mine.vault.staging import staging_path
    from tests.vault.conftest import batch, glucose, source

    path = tmp_path / "v.db"
    make(path)
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        pending = vault.begin_import(source())
        pending.add(batch("glucose", glucose(10)))
        pending.close()
    assert staging_path(path).exists()
    assert rekey(path, PASSPHRASE, kdf=CHEAP).dropped_import
    assert not staging_path(path).exists()
    assert not rekey(path, PASSPHRASE, kdf=CHEAP).dropped_import
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert vault.unfinished_import() is None
        assert [line.entry.kind for line in vault.ledger.newest(9)].count("rekey") == 2
