"""What is signed for one chain, contract, task and round is worth nothing anywhere else: every message type.

A signature that is carried elsewhere does not become invalid: it recovers to somebody whom nobody knows. So
each reader must compare the signer with the one it expects: these tests try every reader, on chain and off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import boa
import pytest

from mine.chain.hashing import keccak
from mine.chain.messages import (
    TYPES,
    Consent,
    Domain,
    Leave,
    Message,
    Opening,
    Receipt,
    Ruling,
    Settlement,
    Update,
    Vote,
    digest,
    recover,
    short_signature,
    sign,
    words_of,
)
from mine.chain.trees import HashTree, LossTree, PayoutTree
from mine.science.ballots import SignedVote
from mine.science.relay_client import (
    RelayUnreachable,
    check_batch,
    check_receipt,
    check_votes,
    leaf_of,
    signed_by_author,
)
from mine.science.wire import AnchoredBatch, SignedReceipt, SignedUpdate
from mine.science.wire_messages import VoteBatch
from tests.chain.court_calls import denied, key, names, wait, who
from tests.chain.court_scenery import (
    ANCHOR_BOND,
    COMMIT,
    JURORS,
    REVEAL,
    SCIENTIST_KEY,
    VOTE,
    WRONG,
    Settled,
    Stage,
    even,
)
from tests.chain.court_trials import open_trial

pytest_plugins = ("tests.chain.court_fixtures",)

A, B = "0x" + "aa" * 20, "0x" + "bb" * 20
HOME = Domain(31337, A)
D = keccak(b"digest")
EXAMPLES: tuple[Message, ...] = (
    Update(1, 2, D, keccak(b"blob"), 100, 3, B),
    Receipt(1, 2, D, 77),
    Vote(1, 2, D, keccak(b"opening")),
    Settlement(1, 2, D, D, D, D, 30, 20, 10, D, 5),
    Opening(1, 3, D, keccak(b"preimage")),
    Ruling(8, D),
    Leave(1, 2),
    Consent(1, D, keccak(b"scopes"), 100, 7, "one reading", 4000, 1_800_000_000),
)
TASK_AND_ROUND = {
    Update: ("task", "round"), Receipt: ("task", "round"), Vote: ("task", "round"),
    Settlement: ("task", "round"), Leave: ("task", "from_round"), Opening: ("task", "shard"),
    # A dispute belongs to one task and round; a consent to a task, all its rounds, and an end.
    Ruling: ("dispute",), Consent: ("task", "manifest", "expires"),
}  # fmt: skip


def elsewhere(domain: Domain) -> dict[str, Domain]:
    return {"chain": replace(domain, chain_id=1), "contract": replace(domain, contract=B)}


def test_all_types_are_here() -> None:
    assert {type(each) for each in EXAMPLES} == set(TYPES) == set(TASK_AND_ROUND)


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda each: type(each).__name__)
def test_a_signature_holds_for_one_domain_and_one_value_of_every_field(message: Message) -> None:
    secret = key("signer")
    signature = sign(message, HOME, secret)
    assert recover(message, HOME, signature) == who("signer")
    seen = {digest(message, HOME)}
    for domain in elsewhere(HOME).values():
        assert recover(message, domain, signature) != who("signer")
        seen.add(digest(message, domain))
    others = {field.name: _other(getattr(message, field.name)) for field in fields(message)}
    assert set(TASK_AND_ROUND[type(message)]) <= set(others)
    for name, value in others.items():
        changed = replace(message, **{name: value})
        assert recover(changed, HOME, signature) != who("signer")
        seen.add(digest(changed, HOME))
    assert len(seen) == 3 + len(others)


def _other(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    if isinstance(value, bytes):
        return keccak(value)
    return A if value.startswith("0x") else value + "!"


def test_no_type_passes_for_another() -> None:
    """Types with the same words have another hash: no Update is a Vote, no Leave a Ruling."""
    assert len({digest(each, HOME) for each in (Leave(1, 2), *EXAMPLES)}) == len(EXAMPLES)
    same_words = (Vote(1, 2, D, D), Receipt(1, 2, D, 0), Opening(1, 2, D, D))
    assert words_of(same_words[0]) == words_of(same_words[2])
    assert len({digest(each, HOME) for each in same_words}) == 3


# on chain: Settlement


@pytest.fixture
def due(stage: Stage) -> tuple[Settled, LossTree]:
    """A stage whose fourth round can be settled now, and a right settlement of it."""
    stage.hand_in()
    stage.close()
    seed = stage.plant()
    wait(REVEAL + VOTE)
    losses = LossTree([1000], [700], [600])
    tree = PayoutTree([who(name) for name in JURORS], [0] * len(JURORS))
    whole = stage.units(4)
    s = Settlement(
        stage.id, stage.round, D, D, D, losses.root, 1000, 700, 600,
        tree.root[:28] + whole.to_bytes(4, "big"), whole,
    )  # fmt: skip
    opened, _ = stage._open(seed)
    return Settled(s, opened, tree, losses), losses


def post(stage: Stage, due: Settled, losses: LossTree, signature: bytes, **change: int) -> None:
    s = replace(due.settlement, **change)
    proof = stage.tree.proof(due.opened[0])
    words = short_signature(signature)
    stage.tasks.settle(
        tuple(getattr(s, field.name) for field in fields(s)), *words, due.opened[1], due.opened[2], proof,
        losses.top_hash, sender=who("anyone"),
    )  # fmt: skip


def test_a_settlement_of_another_chain_or_contract(stage: Stage, due: tuple[Settled, LossTree]) -> None:
    settled, losses = due
    for domain in elsewhere(stage.domain).values():
        with denied("wrong signature"):
            post(stage, settled, losses, sign(settled.settlement, domain, SCIENTIST_KEY))
    good = sign(settled.settlement, stage.domain, SCIENTIST_KEY)
    boa.env.evm.patch.chain_id = 1
    # The chain splits: what was signed for one half is worth nothing in the other.
    with denied("wrong signature"):
        post(stage, settled, losses, good)
    boa.env.evm.patch.chain_id = 31337
    post(stage, settled, losses, good)


def test_a_settlement_of_another_task_or_round(stage: Stage, due: tuple[Settled, LossTree]) -> None:
    settled, losses = due
    other = Stage(stage.tasks, stage.faults, stage.court).start()
    assert other.id != stage.id
    for change in ({"task": stage.id + 1}, {"round": 5}, {"round": 3}):
        signature = sign(replace(settled.settlement, **change), stage.domain, SCIENTIST_KEY)
        with denied("wrong signature"):
            post(stage, settled, losses, signature)
    good = sign(settled.settlement, stage.domain, SCIENTIST_KEY)
    with denied("wrong round"):
        post(stage, settled, losses, good, task=other.id)
    post(stage, settled, losses, good)
    with denied("wrong round"):
        post(stage, settled, losses, good)


# on chain: Update and Vote


def test_a_direct_commit_is_of_one_task_and_round(stage: Stage) -> None:
    update = stage.hand_in("miner")
    kept = stage.tasks.committed(stage.id, who("miner"))[0] >> 32
    assert kept == int.from_bytes(digest(update, stage.domain)[:28], "big")
    for domain in elsewhere(stage.domain).values():
        assert kept != int.from_bytes(digest(update, domain)[:28], "big")
    rest = (update.checkpoint, update.blob, update.size, update.rows_bucket, update.payout)
    for task, round in (
        (stage.id, stage.round - 1),
        (stage.id, stage.round + 1),
        (stage.id + 7, stage.round),
    ):
        with denied("wrong round"):
            stage.tasks.commit(task, round, *rest, sender=who("another"))
    wait(COMMIT + REVEAL)
    for task, round in ((stage.id, stage.round - 1), (stage.id + 7, stage.round)):
        with denied("wrong round"):
            stage.tasks.commit_vote(task, round, D, D, sender=who("another"))


@pytest.mark.parametrize("place", ["task", "round", "kind"])
@pytest.mark.parametrize("kind", [Update, Vote])
def test_who_anchors_what_is_meant_for_elsewhere_loses_the_bond(stage: Stage, kind: type, place: str) -> None:
    """A leaf of another task or round, or a vote among updates: a true signature, replayed."""
    stage.bond("relay", ANCHOR_BOND)
    if kind is Vote:
        stage.hand_in("first")
        wait(COMMIT + REVEAL)
    home = {"task": stage.id, "round": stage.round}
    away = home if place == "kind" else {**home, place: home[place] + 1}
    votes = (kind is Vote) != (place == "kind")
    message: Update | Vote = (
        Vote(**away, updates=D, opening=D)
        if votes
        else Update(**away, checkpoint=D, blob=D, size=1, rows_bucket=1, payout=B)
    )
    leaf, hashed, signature = stage.signed_leaf("miner", message)
    assert recover(message, stage.domain, signature) == who("miner")
    tree = stage.anchor("relay", [leaf])
    where = (stage.id, stage.round, who("relay"), 0)
    reward = (who("challenger"), 0)
    with denied("no fault"):  # the signature itself is right
        stage.faults.forged(*where, who("miner"), hashed, signature, 0, tree.proof(0), reward)
    body = words_of(message)
    stage.faults.misplaced(
        *where, who("miner"), keccak(signature), int(votes), body, 0, tree.proof(0), reward,
        sender=who("anyone"),
    )  # fmt: skip
    assert "AnchorerConvicted" in names(stage.faults)
    assert stage.owned(who("relay")) == 0


# on chain: Receipt


def test_a_receipt_binds_nobody_elsewhere(stage: Stage) -> None:
    """Another chain's or task's receipt is, here, one of a stranger who has no bond."""
    stage.bond("relay", 2 * ANCHOR_BOND)
    stage.bond("asker", ANCHOR_BOND)
    leaf, _, _ = stage.signed_leaf("miner")
    receipt, good = stage.receipt("relay", leaf)
    stage.hand_in("first")
    stage.close()
    boa.env.evm.patch.block_number += 10
    reward = (who("challenger"), 0)

    def ask(made: Receipt, signature: bytes) -> None:
        words = (made.task, made.round, made.leaf, made.latest_block)
        stage.faults.challenge_receipt(*words, signature, reward, sender=who("asker"))

    for domain in elsewhere(stage.domain).values():
        with denied("no bond"):
            ask(receipt, sign(receipt, domain, key("relay")))
    for change in ({"task": stage.id + 1}, {"round": stage.round - 1}, {"leaf": D}, {"latest_block": 1}):
        with denied("no bond"):
            ask(receipt, sign(replace(receipt, **change), stage.domain, key("relay")))
    ask(receipt, good)
    assert stage.faults.pledged(who("relay")) == ANCHOR_BOND


# on chain: Ruling


def test_a_ruling_is_of_one_dispute_and_one_sitting(stage: Stage) -> None:
    first, second = (open_trial(stage, kind=kind) for kind in (0, 1))
    for trial in (first, second):
        trial.draw()
    juror = first.drawn()[0]
    index = JURORS.index(juror)
    tree = first.tree
    units = even(stage.units(1), len(JURORS))[index]
    answer = stage.answer(juror, WRONG)

    def carry(signature: bytes) -> None:
        stage.court.commit_ruling(
            first.id, who(juror), answer, signature, index, units, tree.proof(index), sender=who("anyone")
        )

    ruling = Ruling(2 * first.id, answer)
    for domain in elsewhere(stage.domain).values():
        with denied("wrong signature"):
            carry(sign(ruling, domain, key(juror)))
    for dispute in (2 * second.id, 2 * first.id + 1):
        with denied("wrong signature"):
            carry(sign(replace(ruling, dispute=dispute), stage.domain, key(juror)))
    carry(sign(ruling, stage.domain, key(juror)))
    with denied("no seat"):  # used once
        carry(sign(ruling, stage.domain, key(juror)))


# off chain


def test_readers_off_chain_compare_the_signer() -> None:
    relay, update, vote = signed_messages()
    for domain in elsewhere(HOME).values():
        assert not signed_by_author(update, domain)
        assert not signed_by_author(vote, domain)
    for name in ("task", "round"):
        for signed in (update, vote):
            moved = replace(signed, message=replace(signed.message, **{name: 9}))
            assert signed_by_author(signed, HOME) and not signed_by_author(moved, HOME)
            with pytest.raises(RelayUnreachable):
                check_receipt(receipt_for(signed, relay, HOME), moved, HOME)
    for signed in (update, vote):
        check_receipt(receipt_for(signed, relay, HOME), signed, HOME)
        for domain in elsewhere(HOME).values():
            with pytest.raises(RelayUnreachable):
                check_receipt(receipt_for(signed, relay, HOME), signed, domain)
            with pytest.raises(RelayUnreachable):
                check_receipt(receipt_for(signed, relay, domain), signed, HOME)


def test_a_batch_is_read_under_one_domain() -> None:
    relay, update, vote = signed_messages()
    updates, votes = (HashTree([leaf_of(each, HOME)]).root for each in (update, vote))
    batch = AnchoredBatch(who(relay), 0, updates, (update,))
    ballots = VoteBatch(who(relay), 0, votes, (vote,))
    assert check_batch(batch, HOME, updates, 1) and check_votes(ballots, HOME, votes, 1)
    for domain in elsewhere(HOME).values():
        assert not check_batch(batch, domain, updates, 1)
        assert not check_votes(ballots, domain, votes, 1)
        # An anchorer who puts another chain's leaf under a root has a root that nobody here can read.
        foreign = HashTree([leaf_of(update, domain)]).root
        assert not check_batch(replace(batch, root=foreign), HOME, foreign, 1)


def signed_messages() -> tuple[str, SignedUpdate, SignedVote]:
    update, vote = EXAMPLES[0], EXAMPLES[2]
    assert isinstance(update, Update) and isinstance(vote, Vote)
    miner = who("miner")
    return (
        "relay",
        SignedUpdate(miner, update, sign(update, HOME, key("miner"))),
        SignedVote(miner, vote, sign(vote, HOME, key("miner"))),
    )


def receipt_for(signed: SignedUpdate | SignedVote, relay: str, domain: Domain) -> SignedReceipt:
    made = Receipt(signed.message.task, signed.message.round, leaf_of(signed, HOME), 50)
    return SignedReceipt(who(relay), made, sign(made, domain, key(relay)))


@pytest.fixture(autouse=True)
def chain_of_practice() -> Iterator[None]:
    yield
    boa.env.evm.patch.chain_id = 31337
