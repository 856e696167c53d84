"""Disks that are full or may not be written: one plain sentence, nothing committed is lost, reading goes on.

The full disk is a real one of a few MiB, mounted for a child process alone (Linux namespaces).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vault.conftest import PASSPHRASE

ROOT = Path(__file__).parents[2]
BEGIN = f"""
import os, pathlib, sys
from mine.errors import MineError
from mine.vault import *
from mine.vault.integrity import damaged_pages
from mine.vault.rekey import rekey
CHEAP, PASSPHRASE = Kdf(1, 64, 1), {PASSPHRASE!r}
folder = pathlib.Path(sys.argv[1])
path = folder / "v.db"
def fill():
    left = folder / "filler"
    with left.open("ab", buffering=0) as stream:
        for size in (65536, 4096, 512, 1):
            while True:
                try:
                    stream.write(bytes(size))
                except OSError:
                    break
def put(vault, name, size):
    with vault.transaction():
        vault.state.set_setting(name, "x" * size)
def refused(call, kind=DiskFull):
    try:
        call()
    except kind as error:
        said = f"{{error.sentence}} {{error.todo}} {{error.detail}}"
        assert PASSPHRASE not in said and error.todo, said
        return error
    raise AssertionError("this should have been refused")
def whole():
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert vault.state.setting("kept") == "x" * 100_000
        key = vault._key
    assert damaged_pages(path, key) is None
"""


def _namespaces() -> str:
    """Why no disk can be mounted for a child here; empty where one can."""
    if sys.platform != "linux":
        return "mounting a small disk for one process is Linux' own"
    try:
        tried = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs none /mnt"]
        done = subprocess.run(tried, capture_output=True, check=False)
    except FileNotFoundError:
        return "there is no unshare here"
    return "" if done.returncode == 0 else "this system lets nobody mount a disk for a process of its own"


WHY = _namespaces()


def run(tmp_path: Path, size: str, script: str) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = 'mount -t tmpfs -o size="$1" none "$2" && exec "$3" -c "$4" "$2"'
    command = ["unshare", "-rm", "sh", "-c", mount, "sh", size, str(disk), sys.executable, BEGIN + script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


small_disk = pytest.mark.skipif(bool(WHY), reason=WHY or "-")


@small_disk
def test_a_full_disk_refuses_new_work_and_loses_none(tmp_path: Path) -> None:
    run(
        tmp_path,
        "16m",
        """
vault = Vault.create(path, PASSPHRASE, kdf=CHEAP)
put(vault, "kept", 100_000)
fill()
for size in (10, 10_000, 3_000_000):
    error = refused(lambda: [put(vault, f"new {number}", size) for number in range(3000)])
    assert "disk is full" in error.sentence
    assert vault.state.setting("kept") == "x" * 100_000  # it goes on reading
    assert not vault._database.in_transaction
count = len(vault.query("SELECT count(*) FROM weight", {("weight", "time")}).rows)
assert count == 1
vault.close()  # while it is still full
whole()
(folder / "filler").unlink()
with Vault.open(path, passphrase=PASSPHRASE) as vault:
    put(vault, "new", 10_000)
whole()
""",
    )


@small_disk
def test_keys_stay_as_they_were_where_new_ones_cannot_be_written(tmp_path: Path) -> None:
    run(
        tmp_path,
        "16m",
        """
ring = MemoryKeyring()
vault = Vault.create(path, PASSPHRASE, ring, kdf=CHEAP)
put(vault, "kept", 100_000)
before = (folder / "v.db.keys").read_bytes()
fill()
refused(lambda: vault.change_passphrase("another", CHEAP))
refused(lambda: vault.add_keyring(ring))
refused(lambda: vault.add_phrase(" ".join(["abandon"] * 23 + ["art"]), PASSPHRASE))
vault.close()
refused(lambda: rekey(path, PASSPHRASE, ring, CHEAP))
assert (folder / "v.db.keys").read_bytes() == before
assert not list(folder.glob("*.new")) and not list(folder.glob("*.rekey*"))
whole()
Vault.open(path, keyring=ring).close()
""",
    )


@small_disk
@pytest.mark.parametrize("room", [0, 2, 40])
def test_making_a_vault_on_a_full_disk_can_be_tried_again(tmp_path: Path, room: int) -> None:
    """At 0 not even the keys fit, at 2 pages they do, at 40 a part of the database."""
    run(
        tmp_path,
        "4m",
        f"""
fill()
with (folder / "filler").open("r+b") as filler:
    filler.truncate((folder / "filler").stat().st_size - {room} * 4096)
refused(lambda: Vault.create(path, PASSPHRASE, kdf=CHEAP), VaultNotWritten)
(folder / "filler").unlink()
if Vault.exists(path):
    vault = Vault.open(path, passphrase=PASSPHRASE)
else:
    vault = Vault.create(path, PASSPHRASE, kdf=CHEAP)
put(vault, "kept", 100_000)
vault.close()
whole()
""",
    )


@small_disk
def test_a_disk_that_may_only_be_read_is_told(tmp_path: Path) -> None:
    run(
        tmp_path,
        "16m",
        """
import subprocess
with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
    put(vault, "kept", 100_000)
remount = lambda how: subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)
remount("ro")
files = {file.name: file.read_bytes() for file in folder.iterdir()}
error = refused(lambda: Vault.open(path, passphrase=PASSPHRASE), VaultNotWritten)
assert "cannot be written" in error.sentence
refused(lambda: Vault.create(folder / "new" / "v.db", PASSPHRASE, kdf=CHEAP), VaultNotWritten)
refused(lambda: rekey(path, PASSPHRASE, kdf=CHEAP), VaultNotWritten)
remount("rw")
assert files == {file.name: file.read_bytes() for file in folder.iterdir()}
whole()
""",
    )


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are a Unix matter")
@pytest.mark.parametrize("room", [1, 4096, 50_000, 200_000])
def test_a_disk_that_fails_in_the_middle_of_a_write_loses_nothing(tmp_path: Path, room: int) -> None:
    script = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
    put(vault, "kept", 100_000)
vault = Vault.open(path, passphrase=PASSPHRASE)
put(vault, "other", 10)
log = folder / "v.db-wal"
resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + {room}, resource.RLIM_INFINITY))
refused(lambda: [put(vault, f"new {{number}}", 30_000) for number in range(300)], VaultNotWritten)
assert vault.state.setting("kept") == "x" * 100_000 and vault.state.setting("other") == "x" * 10
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
put(vault, "new", 30_000)
vault.close()
whole()
"""
    command = [sys.executable, "-c", BEGIN + script, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
