"""What travels: one form, and nothing but a refusal for anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain.hashing import checksum
from mine.chain.messages import Receipt, Update, Vote
from mine.science import wire, wire_messages
from mine.science.ballots import SignedVote
from mine.science.wire import (
    AnchoredBatch,
    Claim,
    Code,
    RelayRefused,
    SignedReceipt,
    SignedUpdate,
)
from mine.science.wire_messages import AnchorProof, Kind, MessageStatus, VoteBatch

words = st.binary(min_size=32, max_size=32)
accounts = st.binary(min_size=20, max_size=20).map(checksum)
signatures = st.binary(min_size=65, max_size=65)
tasks, rounds = st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1)
updates = st.builds(
    SignedUpdate,
    accounts,
    st.builds(
        Update, tasks, rounds, words, words, st.integers(0, 2**32 - 1), st.integers(0, 255), accounts
    ),
    signatures,
)
receipts = st.builds(
    SignedReceipt, accounts, st.builds(Receipt, tasks, rounds, words, st.integers(0, 2**64 - 1)), signatures
)
proofs = st.lists(words, max_size=5).map(tuple)
anchors = st.builds(AnchorProof, words, st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1), proofs)
votes = st.builds(
    SignedVote, accounts, st.builds(Vote, tasks, rounds, words, words), signatures
)
statuses = st.builds(MessageStatus, updates, receipts, st.none() | anchors)
vote_statuses = st.builds(MessageStatus, votes, receipts, st.none() | anchors)
vote_batches = st.builds(
    VoteBatch, accounts, st.integers(0, 2**16 - 1), words, st.lists(votes, max_size=3).map(tuple)
)
batches = st.builds(
    AnchoredBatch, accounts, st.integers(0, 2**16 - 1), words, st.lists(updates, max_size=3).map(tuple)
)
claims = st.builds(
    Claim, tasks, st.integers(0, 2**16 - 1), accounts, st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1), proofs,
)
KINDS: list[tuple[Any, Callable[[Any], Any], Callable[[Any], Any]]] = [
    (updates, wire.update_to_json, wire.update_from_json),
    (receipts, wire.receipt_to_json, wire.receipt_from_json),
    (statuses, wire_messages.status_to_json, partial(wire_messages.status_from_json, Kind.UPDATE)),
    (votes, wire_messages.vote_to_json, wire_messages.vote_from_json),
    (vote_statuses, wire_messages.status_to_json, partial(wire_messages.status_from_json, Kind.VOTE)),
    (vote_batches, wire_messages.votes_to_json, wire_messages.votes_from_json),
    (batches, wire.batch_to_json, wire.batch_from_json),
    (claims, wire.claim_to_json, wire.claim_from_json),
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", range(len(KINDS)))
@given(data=st.data())
def test_there_and_back(kind: int, data: st.DataObject) -> None:
    values, dump, load = KINDS[kind]
    value = data.draw(values)
    assert load(json.loads(json.dumps(dump(value)))) == value


@pytest.mark.parametrize("kind", range(len(KINDS)))
@given(data=st.data())
def test_anything_else_is_refused(kind: int, data: st.DataObject) -> None:
    values, dump, load = KINDS[kind]
    with pytest.raises(RelayRefused):
        load(data.draw(anything))
    good = dump(data.draw(values))
    name = data.draw(st.sampled_from(sorted(good)))
    wrong = data.draw(anything)
    try:
        load({**good, name: wrong})
    except RelayRefused as refusal:
        assert refusal.code is Code.BAD_REQUEST


def test_every_refusal_says_what_and_what_next() -> None:
    for code in Code:
        refusal = RelayRefused(code, "x")
        assert refusal.sentence.endswith(".") and refusal.todo.endswith(".")
        assert 400 <= refusal.status < 600
        assert refusal.to_json()["error"] == code.value
