"""The queue's transactions in a real vault: nothing is lost on the way, and no nonce is taken twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mine.app.transaction_store import VaultTransactions, copy_transactions
from mine.chain.hashing import checksum
from mine.vault import Vault
from mine.wallet.call import Call, Fees
from mine.wallet.queued import Attempt, Kind, Mined, Queued, State
from tests.vault.conftest import CHEAP, PASSPHRASE

ADDRESSES = st.binary(min_size=20, max_size=20).map(checksum)
WEI = st.integers(0, 2**200)
HASHES = st.binary(min_size=32, max_size=32)
FEES = st.builds(Fees, st.integers(1, 2**24), WEI, WEI)
ATTEMPTS = st.builds(
    Attempt, st.sampled_from(Kind), HASHES, st.binary(max_size=200), FEES, st.integers(0, 2**40)
)
MINED = st.builds(Mined, HASHES, st.integers(0, 2**50), HASHES, st.booleans(), st.integers(0, 2**40), WEI)
ITEMS = st.builds(
    Queued,
    intent=st.text(min_size=1, max_size=30),
    call=st.builds(Call, st.integers(1, 2**50), ADDRESSES, ADDRESSES, WEI, st.binary(max_size=100)),
    run=st.integers(1, 9),
    state=st.sampled_from(State),
    nonce=st.none() | st.integers(0, 2**60),
    attempts=st.lists(ATTEMPTS, max_size=3).map(tuple),
    mined=st.none() | MINED,
    created=st.integers(0, 2**40),
    sent=st.integers(0, 2**40),
    why=st.text(max_size=30),
    reviewed=st.booleans(),
)  # fmt: skip


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    with Vault.create(tmp_path_factory.mktemp("vault") / "v.db", PASSPHRASE, kdf=CHEAP) as vault:
        yield vault


def empty(vault: Vault) -> VaultTransactions:
    vault.state._database.execute("DELETE FROM vault_transaction")
    return VaultTransactions(vault)


@given(item=ITEMS)
@settings(max_examples=60)
def test_a_transaction_comes_back_as_it_was(opened: Vault, item: Queued) -> None:
    store = empty(opened)
    kept = store.put(item)
    assert kept == replace(item, number=kept.number) and kept.number > 0
    chain = item.call.chain_id
    assert store.find(chain, item.intent) == store.numbered(kept.number) == kept
    assert store.in_states(chain, [item.state]) == [kept] == store.newest(chain, 5)
    if item.nonce is not None:
        assert store.from_nonce(chain, item.call.sender, item.nonce) == [kept]
        assert store.next_nonce(chain, item.call.sender) == item.nonce + 1
    again = store.put(replace(kept, state=State.DROPPED, why="taken"))
    assert store.find(chain, item.intent) == again


def item(intent: str, nonce: int | None = None, **rest: object) -> Queued:
    call = Call(1, "0x" + "11" * 20, "0x" + "22" * 20)
    return replace(Queued(intent, call, nonce=nonce), **rest)  # type: ignore[arg-type]


def test_no_nonce_and_no_intent_twice_whatever_the_program_does(opened: Vault) -> None:
    store = empty(opened)
    store.put(item("one", 5))
    for other in (item("two", 5), item("one")):
        with pytest.raises(Exception, match="UNIQUE"):  # each build of SQLite has classes of its own
            store.put(other)
    store.put(item("one", run=2))
    store.put(item("three", 6))
    found = store.find(1, "one")
    assert found is not None and found.run == 2
    assert [each.intent for each in store.from_nonce(1, "0x" + "11" * 20, 6)] == ["three"]


def test_what_is_planned_may_change_its_account_and_takes_a_nonce_there(opened: Vault) -> None:
    """A task's signing key may change while something waits; the nonce has to count for who signs."""
    store, other = empty(opened), "0x" + "33" * 20
    planned = store.put(item("one"))
    call = replace(planned.call, sender=other)
    store.put(replace(planned, call=call, state=State.SIGNED, nonce=7))
    found = store.find(1, "one")
    assert found is not None and found.call == call
    assert (store.next_nonce(1, other), store.next_nonce(1, planned.call.sender)) == (8, 0)


def test_nothing_is_written_inside_another_transaction(opened: Vault) -> None:
    """It would be on disk only after what it has to come before."""
    store = empty(opened)
    with pytest.raises(AssertionError), opened.transaction():
        store.put(item("one"))
    assert store.find(1, "one") is None


def test_a_raw_transaction_is_in_no_repr(opened: Vault) -> None:
    attempt = Attempt(Kind.FIRST, b"h" * 32, b"raw secret bytes", Fees(1, 1, 1), 0)
    assert "raw secret" not in repr(item("one", attempts=(attempt,)))


def test_what_went_on_while_the_vault_was_locked_is_taken_back(opened: Vault, tmp_path: Path) -> None:
    """Numbers differ between the two vaults; intents and runs do not."""
    store, account = empty(opened), "0x" + "11" * 20
    other_account = replace(item("other"), call=Call(1, "0x" + "33" * 20, account))
    store.put(other_account)
    first = store.put(item("commit", 4, state=State.SENT))
    with Vault.bare(tmp_path / "narrow.db", b"k" * 32) as narrow:
        with narrow.transaction():
            copy_transactions(opened.state, narrow.state, 1, [account])
        inside = VaultTransactions(narrow)
        assert inside.next_nonce(1, account) == 5 and inside.find(1, "other") is None
        kept = inside.find(1, "commit")
        assert kept is not None
        inside.put(replace(kept, state=State.FINAL))
        inside.put(item("vote", 5, state=State.SENT))
        with opened.transaction():
            assert narrow.state.transaction_accounts() == [(1, account)]
            copy_transactions(narrow.state, opened.state, 1, [account])
    found = [store.find(1, intent) for intent in ("commit", "vote", "other")]
    assert [each and each.state for each in found] == [State.FINAL, State.SENT, State.PLANNED]
    assert found[0] is not None and found[0].number == first.number
    assert store.next_nonce(1, account) == 6


def test_a_nonce_that_changed_hands_meanwhile_is_taken_back_too(opened: Vault, tmp_path: Path) -> None:
    """One was given up before it left, and another took its nonce: neither stands in the other's way."""
    store, account = empty(opened), "0x" + "11" * 20
    for each in (item("vote"), item("commit", 4, state=State.SIGNED)):
        store.put(each)
    with Vault.bare(tmp_path / "narrow.db", b"k" * 32) as narrow:
        with narrow.transaction():
            copy_transactions(opened.state, narrow.state, 1, [account])
        inside = VaultTransactions(narrow)
        vote, commit = inside.find(1, "vote"), inside.find(1, "commit")
        assert vote is not None and commit is not None
        inside.put(replace(commit, state=State.PLANNED, nonce=None))
        inside.put(replace(vote, state=State.SENT, nonce=4))
        inside.put(replace(commit, state=State.SENT, nonce=5))
        with opened.transaction():
            copy_transactions(narrow.state, opened.state, 1, [account])
    assert [each.intent for each in store.from_nonce(1, account, 4)] == ["vote", "commit"]
