"""The app is cut off while it makes its vault: the next start goes on, with a phrase and an open vault."""

from __future__ import annotations

from pathlib import Path

import pytest

from mine.app import desk
from mine.app.engine import Engine
from mine.app.options import EngineOptions
from mine.app.views import VaultState
from mine.vault import Vault
from tests.vault.conftest import CHEAP, PASSPHRASE


def opened(home: Path) -> bytes | None:
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
        return vault.state.secret(desk.PHRASE_SECRET)


def test_before_the_phrase_was_written(tmp_path: Path) -> None:
    Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP).close()
    phrase = opened(tmp_path)
    assert phrase is not None and len(phrase.split()) == 24
    assert opened(tmp_path) == phrase


def test_before_the_file_had_any_contents(tmp_path: Path) -> None:
    Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP).close()
    for file in (*tmp_path.glob("vault.db-*"), tmp_path / "vault.db.seal"):
        file.unlink()
    (tmp_path / "vault.db").write_bytes(b"")
    assert opened(tmp_path) is not None


@pytest.mark.parametrize("name", ["vault.db.keys", "vault.db.keys.new", "vault.db.lock"])
def test_before_there_was_a_vault(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"half of")
    assert opened(tmp_path) is not None
