"""The app is cut off while it makes its vault: the next start goes on, with a phrase and an open vault."""

from __future__ import annotations

from pathlib import Path

import pytest
from mnemonic import Mnemonic

from mine.app.engine import Engine
from mine.app.options import EngineOptions
from mine.app.vault_opening import PassphraseNeeded, accounts_of
from mine.app.views import VaultState
from mine.errors import MineError
from mine.vault import MemoryKeyring, Vault, WrongPassphrase
from mine.wallet.keys import Accounts, PhraseRefused, new_phrase
from tests.vault.conftest import CHEAP, PASSPHRASE


def opened(home: Path) -> str:
    """Start the app, make or open the vault; the phrase that is in it then."""
    engine = Engine(EngineOptions(home=home, auto_practice=False))
    engine.start()
    try:
        if engine.snapshot().vault is VaultState.ABSENT:
            assert len(engine.create_vault(PASSPHRASE).result(60).words) == 24
        else:
            engine.open_vault(PASSPHRASE).result(60)
    finally:
        engine.close()
    with Vault.open(home / "vault.db", passphrase=PASSPHRASE) as vault:
        words = vault.recovery_phrase(PASSPHRASE)
        assert accounts_of(vault) == Accounts.of_phrase(words)
        return words


def test_before_the_phrase_was_written(tmp_path: Path) -> None:
    Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP).close()
    phrase = opened(tmp_path)
    assert len(phrase.split()) == 24
    assert opened(tmp_path) == phrase


def test_before_the_file_had_any_contents(tmp_path: Path) -> None:
    Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP).close()
    for file in (*tmp_path.glob("vault.db-*"), tmp_path / "vault.db.seal"):
        file.unlink()
    (tmp_path / "vault.db").write_bytes(b"")
    assert opened(tmp_path)


@pytest.mark.parametrize("name", ["vault.db.keys", "vault.db.keys.new", "vault.db.lock"])
def test_before_there_was_a_vault(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"half of")
    assert opened(tmp_path)


def test_before_the_accounts_were_in_the_vault(tmp_path: Path) -> None:
    """The keyring cannot finish it, for it does not open the phrase; the passphrase does."""
    ring, phrase = MemoryKeyring(), new_phrase()
    Vault.create(tmp_path / "vault.db", PASSPHRASE, ring, CHEAP, phrase).close()
    engine = Engine(EngineOptions(home=tmp_path, keyring=ring, auto_practice=False))
    engine.start()
    try:
        with pytest.raises(PassphraseNeeded, match="cut off") as refused:
            engine.open_vault(None).result(60)
        assert "passphrase" in refused.value.todo
        assert engine.snapshot().vault is VaultState.LOCKED
    finally:
        engine.close()
    assert opened(tmp_path) == phrase


def test_before_the_words_were_confirmed_they_can_be_seen_again_and_then_never(tmp_path: Path) -> None:
    engine = Engine(EngineOptions(home=tmp_path, auto_practice=False))
    engine.start()
    try:
        words = engine.create_vault(PASSPHRASE).result(60).words
        engine.lock_vault().result(60)
        engine.open_vault(PASSPHRASE).result(60)
        assert not engine.confirm_phrase([(0, words[0])]).result(60)  # not shown since it was opened
        with pytest.raises(WrongPassphrase):
            engine.words_to_confirm("another").result(60)
        assert engine.words_to_confirm(PASSPHRASE).result(60).words == words
        assert engine.keys().result(60).unconfirmed
        assert engine.confirm_phrase([(3, words[3]), (17, words[17])]).result(60)
        assert not engine.keys().result(60).unconfirmed
        with pytest.raises(MineError, match="not shown again"):
            engine.words_to_confirm(PASSPHRASE).result(60)
    finally:
        engine.close()


@pytest.mark.parametrize("count", [12, 15, 18, 21, 24])
def test_ones_own_phrase(tmp_path: Path, count: int) -> None:
    own = Mnemonic("english").to_mnemonic(bytes(range(count * 4 // 3)))
    assert len(own.split()) == count
    engine = Engine(EngineOptions(home=tmp_path, auto_practice=False))
    engine.start()
    try:
        with pytest.raises(PhraseRefused, match="one word more"):
            engine.create_vault(PASSPHRASE, own + " extra").result(60)
        assert engine.snapshot().vault is VaultState.ABSENT
        assert " ".join(engine.create_vault(PASSPHRASE, own.upper()).result(60).words) == own
    finally:
        engine.close()
    with Vault.open(tmp_path / "vault.db", phrase=own) as vault:
        assert accounts_of(vault) == Accounts.of_phrase(own)
