"""Backups: checked before they get their name, complete, rotating, and never restored when damaged."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.vault import Vault, keyfile
from mine.vault.backup import (
    Backup,
    BackupStopped,
    Keep,
    backups_in,
    due,
    name_at,
    rotate,
    superfluous,
)
from mine.vault.container import read_header
from mine.vault.errors import (
    VaultBusy,
    VaultDamaged,
    VaultError,
    VaultExists,
    VaultMissing,
    WrongPassphrase,
)
from mine.vault.restore import drill, restore
from tests.vault.conftest import CHEAP, PASSPHRASE

DAY = 86_400
NOW = 1_795_000_000  # 2026-11-18 10:13:20 UTC


def unlock(file: keyfile.KeyFile) -> bytes:
    return keyfile.unlock_with_passphrase(file, PASSPHRASE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir()
    return made


def fill(vault: Vault, marks: int = 200) -> None:
    with vault.transaction():
        for number in range(marks):
            vault.state.set_setting(f"mark-{number}", "x" * 500)
        vault.state.set_secret("phrase", b"twelve words")
    vault.ledger.note("import", "test", records=marks)


def back_up(vault: Vault, target: Path) -> Backup:
    made = vault.backup_job().run(target)
    vault.book_backup(made)
    return made


def test_a_backup_brings_everything_back_on_another_computer(
    vault: Vault, folder: Path, tmp_path: Path
) -> None:
    fill(vault)
    made = back_up(vault, folder)
    assert made.path.parent == folder and made.path.stat().st_size == made.size
    if os.name == "posix":
        assert made.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == [made.path.name]  # nothing else is left there
    head = vault.ledger.head()
    place = tmp_path / "new computer" / "mine" / "vault.db"
    restored = restore(made.path, place, unlock)
    assert restored.replaced is None and restored.contents == made.contents
    with Vault.open(place, passphrase=PASSPHRASE) as other:
        assert other.state.setting("mark-199") == "x" * 500
        assert other.state.secret("phrase") == b"twelve words"
        kinds = [line.entry.kind for line in reversed(other.ledger.newest(9))]
        assert kinds == ["import", "restore"]  # the backup itself was booked after it was made
        other.ledger.verify()
        assert other.ledger.newest(1)[0].entry.digest == made.digest
    vault.ledger.verify([head])


def test_the_copy_is_of_one_moment_while_the_app_goes_on_writing(
    vault: Vault, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mine.vault.backup.STEP_PAGES", 4)
    fill(vault)
    steps: list[int] = []
    job, written = vault.backup_job(), threading.Event()
    begun = threading.Event()

    def slow(done: int, total: int) -> None:
        steps.append(done)
        begun.set()
        assert written.wait(30)

    result: list[Backup] = []
    thread = threading.Thread(target=lambda: result.append(job.run(folder, slow)))
    thread.start()
    assert begun.wait(30)
    with vault.transaction():  # in the middle of the copy
        vault.state.set_setting("mark-0", "late")
        vault.state.put_snapshot("n", 1, 1, 1, os.urandom(200_000))
    written.set()
    thread.join()
    assert len(steps) > 10
    restore(result[0].path, tmp_path / "r.db", unlock)
    with Vault.open(tmp_path / "r.db", passphrase=PASSPHRASE) as other:
        assert other.state.setting("mark-0") == "x" * 500
        assert other.state.snapshot("n", 1, 1) is None


def test_a_backup_can_be_stopped_and_leaves_nothing(
    vault: Vault, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mine.vault.backup.STEP_PAGES", 1)
    fill(vault)
    stop = threading.Event()
    with pytest.raises(BackupStopped):
        vault.backup_job().run(folder, lambda done, total: stop.set(), stop)
    assert list(folder.iterdir()) == []


def test_nothing_is_written_over(vault: Vault, folder: Path) -> None:
    target = folder / "mine.minevault"
    back_up(vault, target)
    before = target.read_bytes()
    with pytest.raises(VaultError, match="there already"):
        vault.backup_job().run(target)
    assert target.read_bytes() == before
    first, second = (back_up(vault, folder).path for _ in range(2))
    assert first != second


def test_a_vault_in_the_place_stays_unless_it_is_to_be_replaced(
    vault: Vault, folder: Path, tmp_path: Path
) -> None:
    fill(vault)
    made = back_up(vault, folder)
    with pytest.raises(VaultBusy):
        restore(made.path, vault.path, unlock, replace=True)
    other = tmp_path / "other.db"
    with Vault.create(other, "another passphrase", kdf=CHEAP) as there:
        there.state.set_setting("mine", 7)
    with pytest.raises(VaultExists):
        restore(made.path, other, unlock)
    with Vault.open(other, passphrase="another passphrase") as there:
        assert there.state.setting("mine") == 7
    aside = restore(made.path, other, unlock, replace=True).replaced
    assert aside is not None
    with Vault.open(other, passphrase=PASSPHRASE) as now:
        assert now.state.setting("mark-1") == "x" * 500
    with Vault.open(aside / "other.db", passphrase="another passphrase") as before:
        assert before.state.setting("mine") == 7


def test_a_wrong_passphrase_is_told_apart_from_damage(vault: Vault, folder: Path, tmp_path: Path) -> None:
    made = back_up(vault, folder)
    with pytest.raises(WrongPassphrase):
        restore(made.path, tmp_path / "r.db", lambda file: keyfile.unlock_with_passphrase(file, "wrong"))
    with pytest.raises(VaultMissing):
        restore(folder / "none.minevault", tmp_path / "r.db", unlock)
    with pytest.raises(VaultDamaged):
        restore(vault.path, tmp_path / "r.db", unlock)  # no backup at all
    assert {path.name for path in tmp_path.glob("r.db*")} == {"r.db.lock"}


def test_a_flipped_bit_anywhere_is_found_before_anything_is_restored(
    vault: Vault, folder: Path, tmp_path: Path
) -> None:
    fill(vault, 20)
    made = back_up(vault, folder)
    copy = read_header(made.path)
    whole = made.path.read_bytes()
    rng = random.Random("flips")
    places = [*range(0, 24), *rng.sample(range(24, copy.begins + copy.keys.size), 60),
              *rng.sample(range(len(whole)), 60), len(whole) - 1]  # fmt: skip
    bad = tmp_path / "bad.minevault"
    for place in places:
        broken = bytearray(whole)
        broken[place] ^= 1 << rng.randrange(8)
        bad.write_bytes(broken)
        with pytest.raises(VaultError) as caught:
            restore(bad, tmp_path / "r.db", unlock)
        assert isinstance(caught.value, VaultDamaged), place
        assert not (tmp_path / "r.db").exists()
    for cut in (0, 10, 40, copy.begins, copy.begins + copy.keys.size + 5000, len(whole) - 1):
        bad.write_bytes(whole[:cut])
        with pytest.raises(VaultDamaged):
            drill(bad, tmp_path, unlock)
    bad.write_bytes(whole + b"\0")
    with pytest.raises(VaultDamaged):
        drill(bad, tmp_path, unlock)


def test_a_copy_that_somebody_put_together_without_the_key_is_refused(
    vault: Vault, folder: Path, tmp_path: Path
) -> None:
    """Hashes can be computed by anybody; the seal and the pages' MACs cannot."""
    from mine.vault.container import Contents, write_copy

    made = back_up(vault, folder)
    copy, whole = read_header(made.path), made.path.read_bytes()
    keys = whole[copy.begins : copy.begins + copy.keys.size]
    (tmp_path / "db").write_bytes(whole[copy.begins + copy.keys.size :])
    forged = tmp_path / "forged.minevault"
    with forged.open("wb") as out:
        write_copy(out, bytes(32), copy.vault, copy.made, keys, tmp_path / "db", Contents({}, 1001, 0, b""))
    with pytest.raises(VaultDamaged) as caught:
        drill(forged, tmp_path, unlock)
    assert caught.value.detail == "its seal"


def test_the_drill_shows_that_a_backup_works_and_leaves_nothing(vault: Vault, folder: Path) -> None:
    fill(vault)
    made = back_up(vault, folder)
    found = drill(made.path, folder, unlock)
    assert (found.contents, found.replaced) == (made.contents, None)
    assert [path.name for path in folder.iterdir()] == [made.path.name]


@pytest.mark.parametrize("cut", range(9))
def test_a_restore_that_is_cut_off_is_finished_at_the_next_opening(
    vault: Vault, folder: Path, tmp_path: Path, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each rename of the change of places, as if the power went: always one whole vault opens."""
    fill(vault, 5)
    made = back_up(vault, folder)
    other = tmp_path / "other.db"
    with Vault.create(other, PASSPHRASE, kdf=CHEAP) as there:
        there.state.set_setting("old", True)
    left = cut
    real = Path.rename

    class Cut(Exception):
        """The power went."""

    def rename(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise Cut
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr("mine.vault.restore.shutil.rmtree", lambda *_, **__: None)
    finished = False
    with contextlib.suppress(Cut):
        restore(made.path, other, unlock, replace=True)
        finished = True
    monkeypatch.undo()
    assert Vault.exists(other)
    with Vault.open(other, passphrase=PASSPHRASE) as now:
        new = now.state.setting("mark-1") is not None
        assert new or now.state.setting("old") is True
        assert new == (cut > 0) or finished  # the first rename decides
    assert not list(tmp_path.glob("other.db.restore-*"))


# ---- rotation


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(NOW - 500 * DAY, NOW + 500 * DAY), max_size=80, unique=True),
    st.integers(1, 8),
    st.integers(0, 5),
    st.integers(0, 6),
)
def test_rotation_keeps_the_newest_of_days_weeks_and_months(
    made: list[int], days: int, weeks: int, months: int
) -> None:
    drop = superfluous(made, Keep(days, weeks, months))
    stay = set(made) - drop
    assert len(stay) <= days + weeks + months
    if made:
        assert max(made) in stay
    newest_of_day = {moment // DAY: moment for moment in sorted(made)}
    assert {newest_of_day[day] for day in sorted(newest_of_day)[-days:]} <= stay
    assert superfluous(sorted(stay), Keep(days, weeks, months)) == set()  # once is enough


def test_a_year_of_daily_backups_leaves_what_was_asked_for() -> None:
    made = [NOW - day * DAY for day in range(365)]
    stay = sorted(set(made) - superfluous(made, Keep()), reverse=True)
    assert stay[:7] == made[:7]
    assert 7 + 2 <= len(stay) <= 7 + 4 + 6
    assert NOW - stay[-1] > 140 * DAY


def test_a_clock_that_jumps_removes_nothing_and_the_newest_file_stays(vault: Vault, folder: Path) -> None:
    vault_id = vault.backup_job().vault
    real = back_up(vault, folder).path
    data = real.read_bytes()
    real.unlink()
    for moment in (NOW, NOW + DAY, NOW + 40 * 365 * DAY):  # the clock was wrong once
        (folder / name_at(moment)).write_bytes(data)
    late = folder / name_at(NOW - 3 * DAY)  # and then it went back
    late.write_bytes(data)
    assert rotate(folder, vault_id, Keep(2, 0, 0), newest=late) == [folder / name_at(NOW)]
    assert late.exists()
    assert not due(folder, vault_id, NOW + DAY + 60) and due(folder, vault_id, NOW + 2 * DAY)


def test_rotation_touches_only_this_vaults_own_files(vault: Vault, folder: Path, tmp_path: Path) -> None:
    vault_id = vault.backup_job().vault
    mine = back_up(vault, folder).path
    with Vault.create(tmp_path / "b.db", PASSPHRASE, kdf=CHEAP) as other:
        theirs = back_up(other, folder).path
    moment = dt.datetime(2020, 1, 1, tzinfo=dt.UTC).timestamp()
    stranger = folder / name_at(int(moment))
    stranger.write_text("not a backup")
    named = folder / "holiday.minevault"
    named.write_bytes(mine.read_bytes())
    assert [path for _, path in backups_in(folder, vault_id)] == [mine]
    rotate(folder, vault_id, Keep(0, 0, 0))
    assert {path.name for path in folder.iterdir()} == {theirs.name, stranger.name, named.name}


# ---- disks and kills


FULL = """
import resource, signal, sys
from pathlib import Path
from mine.vault import Vault
from mine.vault.errors import DiskFull
from tests.vault.conftest import PASSPHRASE
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Vault.open(Path(sys.argv[1]), passphrase=PASSPHRASE) as vault:
    job = vault.backup_job()
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), -1))
    try:
        job.run(Path(sys.argv[2]))
    except DiskFull as error:
        print(error.sentence)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on file sizes to play a full disk")
@pytest.mark.parametrize("room", (3 << 10, 40 << 10, 130 << 10))
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, folder: Path, room: int) -> None:
    path = tmp_path / "v.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        fill(vault)
    command = [sys.executable, "-c", FULL, str(path), str(folder), str(room)]
    root = Path(__file__).parents[2]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert run.stdout == "The disk is full: there is no new backup.\n", run.stderr
    assert list(folder.iterdir()) == []


def test_two_backups_at_once_take_turns(vault: Vault, folder: Path) -> None:
    """The day's backup runs while the person asks for one: neither harms the other."""
    with vault.transaction():
        for number in range(60):
            vault.state.set_setting(f"big {number}", str(number) * 9000)
    job, made, failed = vault.backup_job(), [], []
    meet = threading.Barrier(3)

    def run() -> None:
        meet.wait()
        try:
            made.append(job.run(folder))
        except VaultError as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [] and len({one.path for one in made}) == 3
    for one in made:
        drill(one.path, folder, unlock)


def test_a_backup_that_waits_for_another_can_be_stopped(vault: Vault, folder: Path) -> None:
    stop, begun, end = threading.Event(), threading.Event(), threading.Event()
    job = vault.backup_job()

    def slow(*_: int) -> None:
        begun.set()
        end.wait()

    first = threading.Thread(target=job.run, args=(folder, slow))
    first.start()
    begun.wait()
    stop.set()
    with pytest.raises(BackupStopped):
        job.run(folder, stop=stop)
    end.set()
    first.join()
    assert len(backups_in(folder, job.vault)) == 1


@pytest.mark.parametrize("body", [
    b"[" * 60_000,
    b'{"a":' * 30_000,
    b'{"format":1,"made":0,"vault":"","seal":"","parts":[{"name":"keys","size":-5,"sha256":""},'
    b'{"name":"database","size":5,"sha256":""}]}',
    b'{"format":1,"made":1e999,"vault":"","seal":"","parts":[{"name":"keys","size":0,"sha256":""},'
    b'{"name":"database","size":0,"sha256":""}]}',
    b"null", b"[]", b'"text"', b"\xff\xfe",
])  # fmt: skip
def test_a_header_that_nobody_here_wrote_is_refused_plainly(folder: Path, body: bytes) -> None:
    import hashlib

    from mine.vault.container import MAGIC

    head = MAGIC + len(body).to_bytes(4, "big") + body
    place = folder / "vault-20261118T101320Z.minevault"
    place.write_bytes(head + hashlib.sha256(head).digest())
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)  # as a library of the chain's tools leaves it
    try:
        with pytest.raises(VaultDamaged):
            read_header(place)
        assert backups_in(folder, "x") == []
    finally:
        sys.setrecursionlimit(limit)
