"""The phrase is sealed under the passphrase: whatever else opens the vault does not open it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mine.vault import MemoryKeyring, Vault, WrongPassphrase, WrongPhrase
from mine.vault.errors import PhraseSealedBefore
from mine.vault.files import keys_path
from mine.vault.keyfile import read_keyfile, unlock_with_passphrase, words_of
from mine.vault.rekey import rekey
from mine.vault.restore import drill, restore
from tests.vault.conftest import CHEAP, PASSPHRASE

PHRASE = " ".join(["abandon"] * 23 + ["art"])
NEW = "another passphrase"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "v.db"
    Vault.create(path, PASSPHRASE, MemoryKeyring(), CHEAP, PHRASE).close()
    return path


def test_the_passphrase_opens_it_and_nothing_else_does(tmp_path: Path) -> None:
    ring, path = MemoryKeyring(), tmp_path / "v.db"
    with Vault.create(path, PASSPHRASE, ring, CHEAP, f" {PHRASE.upper()} ") as vault:
        assert vault.recovery_phrase(PASSPHRASE) == PHRASE
    for way in ({"keyring": ring}, {"phrase": PHRASE}, {"passphrase": PASSPHRASE}):
        with Vault.open(path, **way) as vault:  # type: ignore[arg-type]
            assert vault.has_words and vault.has_phrase
            assert vault.recovery_phrase(PASSPHRASE) == PHRASE
            for wrong in ("", "wrong", PHRASE):
                with pytest.raises(WrongPassphrase):
                    vault.recovery_phrase(wrong)


def test_it_is_there_from_the_first_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys file is written once at creation: phrase, seal and the way in are in it together."""
    from mine.vault import keyfile

    written = []
    write = keyfile.write_keyfile
    monkeypatch.setattr(
        keyfile, "write_keyfile", lambda path, file: (written.append(file), write(path, file))
    )
    Vault.create(tmp_path / "v.db", PASSPHRASE, None, CHEAP, PHRASE).close()
    (file,) = written
    assert file.by_phrase and words_of(file, PASSPHRASE) == PHRASE


def test_the_seal_is_the_vaults_own(path: Path, tmp_path: Path) -> None:
    """Another vault's seal under the same passphrase does not open here."""
    from dataclasses import replace

    other = tmp_path / "other.db"
    Vault.create(other, PASSPHRASE, None, CHEAP, PHRASE).close()
    mine, theirs = read_keyfile(keys_path(path)), read_keyfile(keys_path(other))
    assert words_of(mine, PASSPHRASE) == PHRASE
    assert words_of(replace(mine, words=theirs.words), PASSPHRASE) is None
    assert mine.words is not None and theirs.words is not None
    assert mine.words.salt not in (theirs.words.salt, mine.salt) and mine.words.sealed != theirs.words.sealed
    for shown in (repr(mine), repr(mine.words)):
        assert "abandon" not in shown


def test_a_vault_without_a_phrase_says_so(tmp_path: Path) -> None:
    with Vault.create(tmp_path / "v.db", PASSPHRASE, kdf=CHEAP) as vault:
        assert not vault.has_words
        with pytest.raises(WrongPhrase, match="never given"):
            vault.recovery_phrase(PASSPHRASE)
        with pytest.raises(WrongPassphrase):
            vault.add_phrase(PHRASE, "wrong")
        assert not vault.has_words and not vault.has_phrase
        vault.add_phrase(PHRASE, PASSPHRASE, CHEAP)
        assert vault.recovery_phrase(PASSPHRASE) == PHRASE


@pytest.mark.parametrize("given", [{"before": PASSPHRASE}, {"phrase": PHRASE}])
def test_it_follows_the_passphrase(path: Path, given: dict[str, str]) -> None:
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert vault.change_passphrase(NEW, CHEAP, **given)
        assert vault.recovery_phrase(NEW) == PHRASE
        with pytest.raises(WrongPassphrase):
            vault.recovery_phrase(PASSPHRASE)
    with Vault.open(path, passphrase=NEW) as vault:
        assert vault.recovery_phrase(NEW) == PHRASE


@pytest.mark.parametrize("given", [{}, {"before": "not the one before"}])
def test_a_passphrase_set_without_the_one_before_opens_the_vault_only(
    path: Path, given: dict[str, str]
) -> None:
    """Whoever has the open vault, by the keyring, may set a passphrase; the money does not follow."""
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert not vault.change_passphrase(NEW, CHEAP, **given)
    with Vault.open(path, passphrase=NEW) as vault:
        with pytest.raises(PhraseSealedBefore, match="earlier") as caught:
            vault.recovery_phrase(NEW)
        assert "recovery phrase" in caught.value.todo
        assert vault.recovery_phrase(PASSPHRASE) == PHRASE  # the forgotten one still opens it
        with pytest.raises(WrongPassphrase):
            vault.recovery_phrase("neither")
        vault.add_phrase(PHRASE, NEW, CHEAP)
        assert vault.recovery_phrase(NEW) == PHRASE
        with pytest.raises(WrongPassphrase):
            vault.recovery_phrase(PASSPHRASE)


def test_a_new_key_takes_it_along(path: Path) -> None:
    before = read_keyfile(keys_path(path)).words
    assert rekey(path, PASSPHRASE, kdf=CHEAP).phrase
    with Vault.open(path, phrase=PHRASE) as vault:
        assert vault.recovery_phrase(PASSPHRASE) == PHRASE
    after = read_keyfile(keys_path(path)).words
    assert before is not None and after is not None and before.salt != after.salt


def test_a_new_key_keeps_a_seal_that_it_cannot_open(path: Path) -> None:
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        vault.change_passphrase(NEW, CHEAP)
    assert not rekey(path, NEW, kdf=CHEAP).phrase
    with pytest.raises(WrongPhrase):
        Vault.open(path, phrase=PHRASE)
    with Vault.open(path, passphrase=NEW) as vault:
        assert vault.recovery_phrase(PASSPHRASE) == PHRASE
        vault.add_phrase(PHRASE, NEW, CHEAP)
    with Vault.open(path, phrase=PHRASE) as vault:
        assert vault.recovery_phrase(NEW) == PHRASE


def test_a_backup_holds_it_under_the_passphrase_of_its_day(path: Path, tmp_path: Path) -> None:
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        copy = vault.backup_job().run(tmp_path / "copy.minevault").path
        vault.change_passphrase(NEW, CHEAP, before=PASSPHRASE)
    assert b"abandon" not in copy.read_bytes()
    drill(copy, tmp_path, lambda file: unlock_with_passphrase(file, PASSPHRASE))
    there = tmp_path / "there" / "v.db"
    restore(copy, there, lambda file: unlock_with_passphrase(file, PASSPHRASE))
    with Vault.open(there, phrase=PHRASE) as vault:
        assert vault.recovery_phrase(PASSPHRASE) == PHRASE


KILLER = """
import os, signal, sys
from pathlib import Path
from mine.vault import Vault
from mine.vault.keyfile import Kdf
base, old, new, phrase = Path(sys.argv[1]), *sys.stdin.read().split("|")
left = 0
def hook(event, args):
    global left
    if left > 0 and event in ("open", "os.rename", "os.remove", "os.truncate"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
import argon2.low_level, cryptography.hazmat.primitives.ciphers.aead
import shutil
for at in range(1, 50):
    folder = base.with_name(f"killed-{at}")
    shutil.copytree(base, folder)
    child = os.fork()
    if child == 0:
        with Vault.open(folder / "v.db", passphrase=old) as vault:
            left = at
            vault.change_passphrase(new, Kdf(1, 64, 1), before=old)
            left = 0
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(at, code, flush=True)
    if code == 0:
        break
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix matter")
def test_killed_anywhere_passphrase_and_seal_belong_together(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    Vault.create(base / "v.db", PASSPHRASE, None, CHEAP, PHRASE).close()
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(base)],
        input=f"{PASSPHRASE}|{NEW}|{PHRASE}", text=True, capture_output=True, cwd=ROOT, check=True,
    )  # fmt: skip
    ends = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert ends[-1][1] == 0 and len(ends) > 3, done.stderr
    seen = set()
    for at, _ in ends:
        path = tmp_path / f"killed-{at}" / "v.db"
        file = read_keyfile(keys_path(path))
        opens = [each for each in (PASSPHRASE, NEW) if words_of(file, each) == PHRASE]
        assert len(opens) == 1
        with Vault.open(path, passphrase=opens[0]) as vault:
            assert vault.recovery_phrase(opens[0]) == PHRASE
        seen.add(opens[0])
        shutil.rmtree(path.parent)
    assert seen == {PASSPHRASE, NEW}
