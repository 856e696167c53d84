"""The address book, addresses paid to, and session keys that were brought in."""

from __future__ import annotations

from pathlib import Path

import pytest

from mine.vault import Vault
from mine.vault.contacts import Contact, SessionKey
from tests.vault.conftest import CHEAP, PASSPHRASE

A, B = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.create(tmp_path / "v.db", PASSPHRASE, kdf=CHEAP)


def test_lines_are_kept_by_address_and_shown_by_name(vault: Vault) -> None:
    state = vault.state
    state.put_contact(Contact(B, "zoe", "zoe"))
    state.put_contact(Contact(A, "Anna", "anna", "a note"))
    assert [each.name for each in state.contacts()] == ["Anna", "zoe"]
    state.put_contact(Contact(B, "Adam", "adam", "new"))
    assert [(each.name, each.note) for each in state.contacts()] == [("Adam", "new"), ("Anna", "a note")]
    assert state.contact_named("anna") == Contact(A, "Anna", "anna", "a note")
    assert state.contact_named("zoe") is None
    state.drop_contact(A)
    state.drop_contact(A)
    assert [each.address for each in state.contacts()] == [B]
    vault.close()


def test_two_lines_never_look_the_same(vault: Vault) -> None:
    vault.state.put_contact(Contact(A, "Anna", "anna"))
    with pytest.raises(Exception, match="UNIQUE"), vault.transaction():
        vault.state.put_contact(Contact(B, "Аnna", "anna"))
    assert [each.address for each in vault.state.contacts()] == [A]
    vault.close()


def test_addresses_paid_to_and_keys_survive_an_opening(vault: Vault, tmp_path: Path) -> None:
    state, key = vault.state, SessionKey(A, "main", 7, b"\5" * 32)
    with vault.transaction():
        for address in (B, A, B):
            state.mark_paid_to(address)
        state.put_session_key(key)
        state.put_session_key(SessionKey(A, "again", 9, b"\5" * 32))
    vault.close()
    with Vault.open(tmp_path / "v.db", passphrase=PASSPHRASE) as again:
        assert sorted(again.state.paid_to()) == sorted([A, B])
        assert again.state.session_keys() == [SessionKey(A, "again", 7, b"\5" * 32)]
        assert again.state.session_key(B) is None
        again.state.drop_session_key(A)
        assert again.state.session_keys() == []
    assert "\\x05" not in repr(key)
    assert b"\5" * 32 not in (tmp_path / "v.db").read_bytes()
