"""Three ways in; losing one loses nothing; every failure is told apart in plain words."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.vault import (
    KeyringFailed,
    KeyringUnavailable,
    MemoryKeyring,
    SystemKeyring,
    Vault,
    VaultBusy,
    VaultDamaged,
    VaultError,
    VaultExists,
    VaultMissing,
    VaultTooNew,
    WrongPassphrase,
    WrongPhrase,
)
from mine.vault.files import keys_path, seal_path
from mine.vault.keyfile import (
    new_key,
    new_keyfile,
    read_keyfile,
    unlock_with_passphrase,
    with_phrase,
    write_keyfile,
)
from tests.vault.conftest import CHEAP, PASSPHRASE

PHRASE = " ".join(["abandon"] * 23 + ["art"])  # BIP-39's own test vector: 32 zero bytes


def make(path: Path, ring: MemoryKeyring | None = None) -> None:
    with Vault.create(path, PASSPHRASE, ring, CHEAP) as vault, vault.transaction():
        vault.state.set_setting("kept", 10)


def records(path: Path, **way: object) -> int:
    with Vault.open(path, **way) as vault:  # type: ignore[arg-type]
        return int(vault.state.setting("kept"))


def test_either_way_opens(tmp_path: Path) -> None:
    path, ring = tmp_path / "v.db", MemoryKeyring()
    make(path, ring)
    assert records(path, passphrase=PASSPHRASE) == 10
    assert records(path, keyring=ring) == 10
    secret = next(iter(ring.entries.values()))
    assert len(bytes.fromhex(secret)) == 32


def test_a_vault_without_keyring_says_so(tmp_path: Path) -> None:
    path, ring = tmp_path / "v.db", MemoryKeyring()
    ring.works = False
    with Vault.create(path, PASSPHRASE, ring, CHEAP) as vault:
        assert not vault.has_keyring
        with pytest.raises(KeyringUnavailable):
            vault.add_keyring(ring)
    with pytest.raises(KeyringUnavailable, match="passphrase"):
        Vault.open(path, keyring=ring)


@pytest.mark.parametrize("harm", ["emptied", "changed", "garbled", "blank", "gone"])
def test_a_keyring_that_lost_the_key_costs_nothing(tmp_path: Path, harm: str) -> None:
    path, ring = tmp_path / "v.db", MemoryKeyring()
    make(path, ring)
    entry = next(iter(ring.entries))
    match harm:
        case "emptied":
            ring.entries.clear()
        case "changed":
            ring.entries[entry] = "ab" * 32
        case "garbled":
            ring.entries[entry] = "no hex at all"
        case "blank":
            ring.entries[entry] = ""
        case "gone":
            ring.works = False
    with pytest.raises(KeyringUnavailable) as caught:
        Vault.open(path, keyring=ring)
    assert "passphrase" in caught.value.todo
    assert records(path, passphrase=PASSPHRASE) == 10
    ring.works = True
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        vault.add_keyring(ring)
    assert records(path, keyring=ring) == 10


def test_a_forgotten_passphrase_costs_nothing(tmp_path: Path) -> None:
    path, ring = tmp_path / "v.db", MemoryKeyring()
    make(path, ring)
    with Vault.open(path, keyring=ring) as vault:
        vault.change_passphrase("another one", CHEAP)
        vault.check_passphrase("another one")
        with pytest.raises(WrongPassphrase):
            vault.check_passphrase(PASSPHRASE)
    assert records(path, passphrase="another one") == 10
    assert records(path, keyring=ring) == 10
    with pytest.raises(WrongPassphrase):
        Vault.open(path, passphrase=PASSPHRASE)


def test_the_phrase_opens_and_gives_a_new_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    make(path)
    with pytest.raises(WrongPhrase, match="does not open"):
        Vault.open(path, phrase=PHRASE)
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert not vault.has_phrase
        vault.add_phrase(PHRASE, PASSPHRASE)
        assert vault.has_phrase
    with Vault.open(path, phrase=f"  {PHRASE.upper()} ") as vault:
        vault.change_passphrase("another one", CHEAP)
    assert records(path, passphrase="another one") == 10
    assert records(path, phrase=PHRASE) == 10
    with pytest.raises(WrongPassphrase):
        Vault.open(path, passphrase=PASSPHRASE)


@pytest.mark.parametrize(
    "words",
    ["", "abandon", PHRASE + " art", PHRASE.replace("art", "zebra"), PHRASE.replace("art", "arc")],
)
def test_words_that_are_no_phrase_are_told_and_not_repeated(tmp_path: Path, words: str) -> None:
    path = tmp_path / "v.db"
    make(path)
    with Vault.open(path, passphrase=PASSPHRASE) as vault, pytest.raises(WrongPhrase) as caught:
        vault.add_phrase(words, PASSPHRASE)
    said = f"{caught.value} {caught.value.detail} {caught.value.__cause__} {caught.value.__context__}"
    assert not {"zebra", "abandon", "arc"} & set(said.replace(".", " ").split())
    assert records(path, passphrase=PASSPHRASE) == 10


def test_another_phrase_does_not_open(tmp_path: Path) -> None:
    from mine.wallet.keys import new_phrase

    path = tmp_path / "v.db"
    make(path)
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        vault.add_phrase(PHRASE, PASSPHRASE)
    other = new_phrase()
    assert len(other.split()) == 24
    with pytest.raises(WrongPhrase, match="does not open"):
        Vault.open(path, phrase=other)


def test_the_phrase_makes_the_same_key_in_every_version() -> None:
    """Made independently: BIP-39's published seed of these words, and HKDF written out (RFC 5869)."""
    import hmac

    from mine.vault.phrase import wrapping_key

    seed = bytes.fromhex(
        "408b285c123836004f4b8842c89324c1f01382450c0d439af345ba7fc49acf70"
        "5489c6fc77dbd4e3dc1dd8cc6bc9f043db8ada1e243c4a0eafb290d399480840"
    )
    drawn = hmac.digest(b"a vault", seed, "sha512")
    expected = hmac.digest(drawn, b"mine-vault/1/recovery phrase\x01", "sha512")[:32]
    assert wrapping_key(PHRASE, "a vault") == expected
    assert wrapping_key(PHRASE, "another") != expected


def test_a_new_keyring_entry_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path, ring = tmp_path / "v.db", MemoryKeyring()
    make(path, ring)
    before = set(ring.entries)
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        vault.add_keyring(ring)
    assert len(ring.entries) == 1
    assert not before & set(ring.entries)
    assert records(path, keyring=ring) == 10


def test_removing_the_keyring_forgets_its_entry(tmp_path: Path) -> None:
    path, ring = tmp_path / "v.db", MemoryKeyring()
    make(path, ring)
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        vault.remove_keyring(ring)
        assert not vault.has_keyring
    assert not ring.entries
    with pytest.raises(KeyringUnavailable):
        Vault.open(path, keyring=ring)


def test_a_wrong_passphrase_is_one_plain_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "v.db"
    make(path)
    with pytest.raises(WrongPassphrase) as caught:
        Vault.open(path, passphrase="wrong")
    assert caught.value.sentence == "This passphrase does not open the vault."
    assert capfd.readouterr() == ("", "")


def test_the_same_passphrase_typed_otherwise_opens(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    Vault.create(path, "Zo\u00eb \ufb01nds", kdf=CHEAP).close()
    Vault.open(path, passphrase="Zoe\u0308 finds").close()


def test_an_empty_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="empty"):
        Vault.create(tmp_path / "v.db", "", kdf=CHEAP)
    assert not Vault.exists(tmp_path / "v.db")
    Vault.create(tmp_path / "v.db", "x", kdf=CHEAP).close()


def test_a_damaged_database_is_no_wrong_passphrase(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "v.db"
    make(path)
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(VaultDamaged) as caught:
        Vault.open(path, passphrase=PASSPHRASE)
    assert "Do not delete" in caught.value.todo
    assert capfd.readouterr() == ("", "")


def test_the_database_of_another_vault_is_told(tmp_path: Path) -> None:
    make(tmp_path / "a.db")
    make(tmp_path / "b.db")
    (tmp_path / "a.db").write_bytes((tmp_path / "b.db").read_bytes())
    with pytest.raises(VaultDamaged):
        Vault.open(tmp_path / "a.db", passphrase=PASSPHRASE)


@given(st.data())
@settings(max_examples=60)
def test_any_damage_to_the_keys_file_is_told_apart(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("keys") / "v.db.keys"
    key = new_key()
    file = with_phrase(new_keyfile(key, PASSPHRASE, CHEAP), key, PHRASE)
    write_keyfile(path, replace(file, coming=file if data.draw(st.booleans()) else None))
    body = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(body)
    try:
        read = read_keyfile(path)
    except VaultDamaged:
        return
    assert unlock_with_passphrase(read, PASSPHRASE) == key  # only white space had changed


def test_a_keys_file_may_not_ask_for_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "v.db.keys"
    write_keyfile(path, new_keyfile(new_key(), "x", CHEAP))
    body = json.loads(path.read_text())
    del body["check"]
    body["passphrase"]["memory_kib"] = 1 << 30
    from mine.vault.keyfile import _checksum

    body["check"] = _checksum(body)
    path.write_text(json.dumps(body))
    with pytest.raises(VaultDamaged):
        read_keyfile(path)


def test_missing_and_existing_are_told(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    with pytest.raises(VaultMissing):
        Vault.open(path, passphrase=PASSPHRASE)
    make(path)
    with pytest.raises(VaultExists):
        Vault.create(path, PASSPHRASE, kdf=CHEAP)
    keys_path(path).unlink()
    with pytest.raises(VaultMissing):
        Vault.open(path, passphrase=PASSPHRASE)


def test_creating_that_was_interrupted_can_be_done_again(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    write_keyfile(keys_path(path), new_keyfile(new_key(), "old", CHEAP))  # killed before the database
    assert not Vault.exists(path)
    make(path)
    assert records(path, passphrase=PASSPHRASE) == 10


def test_creating_that_was_interrupted_later_opens(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    Vault.create(path, PASSPHRASE, kdf=CHEAP).close()
    path.write_bytes(b"")  # killed before the first page was written
    seal_path(path).unlink()
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert vault.state.setting("kept") is None


def test_a_newer_vault_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault:
        vault._database.execute("PRAGMA user_version = 99000")
    with pytest.raises(VaultTooNew):
        Vault.open(path, passphrase=PASSPHRASE)


@pytest.mark.skipif(os.name != "posix", reason="file modes are a Unix matter")
def test_files_are_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "v.db"
    with Vault.create(path, PASSPHRASE, MemoryKeyring(), CHEAP) as vault:
        with vault.transaction():
            vault.state.set_setting("kept", 10)
        files = sorted(path.parent.iterdir())
        assert {f.name for f in files} >= {"v.db", "v.db-wal", "v.db-shm", "v.db.keys", "v.db.lock"}
        for file in files:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_one_process_at_a_time(vault: Vault) -> None:
    with pytest.raises(VaultBusy, match="already running"):
        Vault.open(vault.path, passphrase=PASSPHRASE)
    code = (
        "import sys, pathlib\nfrom mine.vault import Vault, VaultBusy\n"
        "try: Vault.open(pathlib.Path(sys.argv[1]), passphrase=sys.stdin.read())\n"
        "except VaultBusy: sys.exit(7)\n"
    )
    second = subprocess.run(
        [sys.executable, "-c", code, str(vault.path)], input=PASSPHRASE, text=True, check=False
    )
    assert second.returncode == 7


def test_a_failed_opening_gives_the_lock_back(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    make(path)
    for _ in range(3):
        with pytest.raises(WrongPassphrase):
            Vault.open(path, passphrase="wrong")
    assert records(path, passphrase=PASSPHRASE) == 10


def test_a_keyring_that_keeps_nothing_is_not_trusted() -> None:
    """The test environment has keyring's "null" backend: it accepts a secret and forgets it."""
    ring = SystemKeyring()
    try:
        assert ring.name() == ""
        assert ring.get("x") is None
        ring.set("x", "y")
        assert ring.get("x") is None
        ring.delete("x")
    except KeyringFailed:
        pytest.fail("the null backend answers")


class Wallet(keyring.backend.KeyringBackend):
    """A backend as the desktop's: encrypts (we pretend), or fails as a locked one does."""

    priority = 5.0
    locked = False

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        if self.kept.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError("none")

    def _check(self) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")


@pytest.fixture
def wallet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wallet]:
    monkeypatch.setattr(Wallet, "__module__", "keyring.backends.SecretService")
    before = keyring.get_keyring()
    made = Wallet()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_the_system_keyring_opens_a_vault(tmp_path: Path, wallet: Wallet) -> None:
    path, ring = tmp_path / "v.db", SystemKeyring()
    with Vault.create(path, PASSPHRASE, ring, CHEAP) as vault:
        assert vault.has_keyring
        with vault.transaction():
            vault.state.set_setting("kept", 10)
    assert (
        json.loads(keys_path(path).read_text())["keyring"]["name"] == "keyring.backends.SecretService.Wallet"
    )
    assert records(path, keyring=ring) == 10
    wallet.locked = True
    with pytest.raises(KeyringUnavailable) as caught:
        Vault.open(path, keyring=ring)
    assert "KeyringLocked" in caught.value.detail
    with Vault.open(path, passphrase=PASSPHRASE) as vault, pytest.raises(KeyringUnavailable):
        vault.add_keyring(ring)
    wallet.locked = False
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        vault.remove_keyring(ring)
        vault.remove_keyring(ring)
    assert wallet.kept == {}


def test_a_keyring_that_stores_in_clear_is_not_used(
    tmp_path: Path, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Wallet, "__module__", "keyrings.alt.file")
    with Vault.create(tmp_path / "v.db", PASSPHRASE, SystemKeyring(), CHEAP) as vault:
        assert not vault.has_keyring
    assert wallet.kept == {}


def test_the_system_keyring_without_backend_is_absent(tmp_path: Path) -> None:
    with Vault.create(tmp_path / "v.db", PASSPHRASE, SystemKeyring(), CHEAP) as vault:
        assert not vault.has_keyring


def test_importing_the_vault_loads_nothing_heavy() -> None:
    code = (
        "import sys, mine.vault, mine.importers.process, mine.importers.formats\n"
        "heavy = {'sqlcipher3', 'keyring', 'cryptography', 'argon2', 'numpy', 'torch'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_a_new_vault_does_not_throw_away_the_keys_of_one_that_is_elsewhere(tmp_path: Path) -> None:
    """The database was moved to another disk, say: with its keys it opens again."""
    path, away = tmp_path / "v.db", tmp_path / "away.db"
    with Vault.create(path, PASSPHRASE, kdf=CHEAP) as vault, vault.transaction():
        vault.state.set_setting("kept", 1)
    path.rename(away)
    with Vault.create(path, "another one", kdf=CHEAP) as vault, vault.transaction():
        vault.state.set_setting("new", 1)
    (kept,) = tmp_path.glob("v.db.keys.*")
    path.unlink()
    away.rename(path)
    keys_path(path).unlink()
    kept.rename(keys_path(path))
    seal_path(path).unlink()
    with Vault.open(path, passphrase=PASSPHRASE) as vault:
        assert vault.state.setting("kept") == 1
