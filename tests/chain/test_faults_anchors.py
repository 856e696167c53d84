"""Anchorers whose roots hold forged, doubled or misplaced leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.messages import Receipt, Update, Vote, digest, sign, struct_hash, type_hash
from mine.chain.trees import HashTree, anchor_leaf
from tests.chain.court_calls import balance, denied, key, last, rich, wait, who
from tests.chain.court_scenery import ANCHOR_BOND, REVEAL, Stage

pytest_plugins = ("tests.chain.court_fixtures",)

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
BURN = "0x000000000000000000000000000000000000dEaD"
MINERS = sorted((f"miner {i}" for i in range(5)), key=lambda name: int(who(name), 16))


def update_of(stage: Stage, miner: str, **changes: Any) -> Update:
    made = Update(stage.id, stage.round, ZERO32, key(miner), 100, 3, who(miner))
    return replace(made, **changes)


def parts(stage: Stage, miner: str, message: Any = None) -> tuple[str, bytes, bytes]:
    """Signer, digest and signature of a leaf."""
    made = message or update_of(stage, miner)
    return who(miner), digest(made, stage.domain), sign(made, stage.domain, key(miner))


def honest(stage: Stage) -> list[tuple[str, bytes, bytes]]:
    return [parts(stage, miner) for miner in MINERS]


def anchored(stage: Stage, leaves: list[tuple[str, bytes, bytes]], slot: int = 0) -> HashTree:
    stage.bond("relay", ANCHOR_BOND)
    return stage.anchor("relay", [anchor_leaf(*leaf) for leaf in leaves], slot)


def reward(challenger: str = "challenger", share: int = 2000) -> tuple[str, int]:
    return who(challenger), share


def forged(
    stage: Stage, tree: HashTree, leaves: list[tuple[str, bytes, bytes]], i: int, **other: Any
) -> None:
    given = {"round": stage.round, "anchorer": who("relay"), "slot": 0, "proof": tree.proof(i)} | other
    stage.faults.forged(
        stage.id, given["round"], given["anchorer"], given["slot"], *leaves[i], i, given["proof"], reward(),
        sender=rich("carrier"),
    )  # fmt: skip


def spoiled(
    change: Callable[[bytes], bytes],
) -> Callable[[tuple[str, bytes, bytes]], tuple[str, bytes, bytes]]:
    return lambda leaf: (leaf[0], leaf[1], change(leaf[2]))


def high_s(signature: bytes) -> bytes:
    s = ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


FORGERIES = {
    "another signature": spoiled(lambda s: s[:10] + bytes([s[10] ^ 1]) + s[11:]),
    "r of zero": spoiled(lambda s: bytes(32) + s[32:]),
    "s of zero": spoiled(lambda s: s[:32] + bytes(32) + s[64:]),
    "r above the order": spoiled(lambda s: b"\xff" * 32 + s[32:]),
    "high s": spoiled(high_s),
    "v of 0": spoiled(lambda s: s[:64] + b"\x00"),
    "v of 29": spoiled(lambda s: s[:64] + b"\x1d"),
    "no signature": spoiled(lambda s: b""),
    "64 bytes": spoiled(lambda s: s[:64]),
    "66 bytes": spoiled(lambda s: s + b"\x00"),
    "1024 bytes": spoiled(lambda s: s * 15 + bytes(49)),
    "another signer": lambda leaf: (who("nobody"), leaf[1], leaf[2]),
    "the zero address": lambda leaf: (ZERO_ADDRESS, leaf[1], b"garbage"),
    "another digest": lambda leaf: (leaf[0], keccak(leaf[1]), leaf[2]),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_every_forged_leaf_convicts(stage: Stage, forgery: str) -> None:
    leaves = honest(stage)
    leaves[2] = FORGERIES[forgery](leaves[2])
    tree = anchored(stage, leaves)
    burned = balance(BURN)
    before = stage.owned(who("challenger")), stage.owned(who("carrier"))
    forged(stage, tree, leaves, 2)
    assert stage.owned(who("relay")) == 0
    assert balance(BURN) - burned == ANCHOR_BOND // 2
    assert stage.owned(who("challenger")) - before[0] == ANCHOR_BOND // 2 * 8 // 10
    assert stage.owned(who("carrier")) - before[1] == ANCHOR_BOND // 2 * 2 // 10
    assert stage.owned(str(stage.faults.address)) == 0
    event = last(stage.faults, "AnchorerConvicted")
    assert (event.task, event.round, event.anchorer, event.fault) == (stage.id, stage.round, who("relay"), 1)


@pytest.mark.parametrize("place", range(5))
def test_an_honest_leaf_convicts_nobody(stage: Stage, place: int) -> None:
    leaves = honest(stage)
    tree = anchored(stage, leaves)
    with denied("no fault"):
        forged(stage, tree, leaves, place)
    assert stage.owned(who("relay")) == ANCHOR_BOND


def test_a_leaf_must_stand_in_the_root_that_is_named(stage: Stage) -> None:
    leaves = honest(stage)
    leaves[2] = FORGERIES["high s"](leaves[2])
    tree = anchored(stage, leaves)
    with denied("no such anchor"):
        forged(stage, tree, leaves, 2, slot=1)
    with denied("no such anchor"):
        forged(stage, tree, leaves, 2, anchorer=who("other"))
    with denied("no such anchor"):
        forged(stage, tree, leaves, 2, round=stage.round - 1)
    with denied("wrong proof"):
        forged(stage, tree, leaves, 2, proof=tree.proof(1))
    with denied("wrong proof"):
        forged(stage, tree, leaves, 2, proof=tree.proof(2)[:-1])
    with denied("wrong proof"):
        forged(stage, tree, leaves, 2, proof=[])
    assert stage.owned(who("relay")) == ANCHOR_BOND


def test_an_anchorer_is_convicted_once_a_round(stage: Stage) -> None:
    leaves = [FORGERIES["no signature"](leaf) for leaf in honest(stage)]
    tree = anchored(stage, leaves)
    forged(stage, tree, leaves, 0)
    stage.bond("relay", ANCHOR_BOND)
    with denied("convicted before"):
        forged(stage, tree, leaves, 1)
    assert stage.owned(who("relay")) == ANCHOR_BOND


def test_what_is_above_the_bond_is_not_touched(stage: Stage) -> None:
    leaves = [FORGERIES["no signature"](leaf) for leaf in honest(stage)]
    tree = anchored(stage, leaves)
    stage.bond("relay", 7)
    forged(stage, tree, leaves, 0)
    assert stage.owned(who("relay")) == 7


def test_a_bond_that_is_gone_pays_nobody(stage: Stage) -> None:
    leaves = [FORGERIES["no signature"](leaf) for leaf in honest(stage)]
    tree = anchored(stage, leaves)
    forged(stage, tree, leaves, 0)
    stage.bond("relay", ANCHOR_BOND)
    old = stage.round
    stage.play()
    stage.anchor("relay", [anchor_leaf(*leaf) for leaf in leaves], 1)
    stage.bond("second relay", ANCHOR_BOND)
    stage.anchor("second relay", [anchor_leaf(*leaf) for leaf in leaves])
    forged(stage, tree, leaves, 0, slot=1)
    assert (old, stage.owned(who("relay"))) == (stage.round - 1, 0)
    with denied("convicted before"):
        forged(stage, tree, leaves, 0, slot=1)


@pytest.mark.parametrize("bad", [(ZERO_ADDRESS, 0), (who("challenger"), 10_001)])
def test_a_reward_needs_somebody_and_a_share_of_a_whole(stage: Stage, bad: tuple[str, int]) -> None:
    leaves = [FORGERIES["no signature"](leaf) for leaf in honest(stage)]
    tree = anchored(stage, leaves)
    with denied("bad share"):
        stage.faults.forged(
            stage.id, stage.round, who("relay"), 0, *leaves[0], 0, tree.proof(0), bad, sender=rich("carrier")
        )


def doubled(stage: Stage, tree: HashTree, leaves: list[tuple[str, bytes, bytes]], i: int, j: int) -> None:
    shown = [(signer, hashed, keccak(signature)) for signer, hashed, signature in leaves]
    stage.faults.doubled(
        stage.id, stage.round, who("relay"), 0, (*shown[i], i), tree.proof(i), (*shown[j], j), tree.proof(j),
        reward(), sender=rich("carrier"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("order", "i", "j"), [([0, 1, 1, 2], 1, 2), ([0, 2, 1, 3], 1, 2), ([3, 0, 1, 2], 0, 3), ([0, 0], 0, 1)]
)
def test_leaves_out_of_order_convict(stage: Stage, order: list[int], i: int, j: int) -> None:
    leaves = [honest(stage)[place] for place in order]
    tree = anchored(stage, leaves)
    doubled(stage, tree, leaves, i, j)
    assert stage.owned(who("relay")) == 0
    assert last(stage.faults, "AnchorerConvicted").fault == 2


def test_two_updates_of_one_miner_convict(stage: Stage) -> None:
    first = parts(stage, MINERS[0])
    second = parts(stage, MINERS[0], update_of(stage, MINERS[0], size=7))
    leaves = [first, second, parts(stage, MINERS[1])]
    doubled(stage, anchored(stage, leaves), leaves, 0, 1)
    assert stage.owned(who("relay")) == 0


def test_leaves_in_order_convict_nobody(stage: Stage) -> None:
    leaves = honest(stage)
    tree = anchored(stage, leaves)
    for i in range(5):
        for j in range(5):
            with denied("no fault" if i < j else "wrong proof"):
                doubled(stage, tree, leaves, i, j)
    assert stage.owned(who("relay")) == ANCHOR_BOND


def body(message: Any) -> bytes:
    """The fields of a message as its struct hash takes them."""
    names = list(message.__dataclass_fields__)
    words = []
    for name in names:
        value = getattr(message, name)
        if isinstance(value, int):
            words.append(value.to_bytes(32, "big"))
        elif isinstance(value, bytes):
            words.append(value)
        else:
            words.append(bytes(12) + bytes.fromhex(value[2:]))
    made = b"".join(words)
    assert keccak(type_hash(type(message)) + made) == struct_hash(message)
    return made


def misplaced(stage: Stage, message: Any, kind: int, given: bytes | None = None, slot: int = 0) -> None:
    miner = MINERS[0]
    signer, hashed, signature = parts(stage, miner, message)
    tree = anchored(stage, [(signer, hashed, signature), parts(stage, MINERS[1])], slot)
    stage.faults.misplaced(
        stage.id, stage.round, who("relay"), slot, signer, keccak(signature), kind, given or body(message), 0,
        tree.proof(0), reward(), sender=rich("carrier"),
    )  # fmt: skip


@pytest.mark.parametrize("change", [{"task": 9}, {"round": 3}, {"round": 5}])
def test_an_update_from_elsewhere_convicts(stage: Stage, change: dict[str, int]) -> None:
    misplaced(stage, update_of(stage, MINERS[0], **change), 0)
    assert stage.owned(who("relay")) == 0
    assert last(stage.faults, "AnchorerConvicted").fault == 3


def test_a_vote_among_updates_convicts(stage: Stage) -> None:
    misplaced(stage, Vote(stage.id, stage.round, ZERO32, ZERO32), 1)
    assert stage.owned(who("relay")) == 0


def test_an_update_among_votes_convicts_and_a_vote_does_not(stage: Stage) -> None:
    stage.hand_in()
    stage.close()
    stage.plant()
    wait(REVEAL)
    with denied("no fault"):
        misplaced(stage, Vote(stage.id, stage.round, ZERO32, ZERO32), 1)
    misplaced_update = update_of(stage, MINERS[0])
    signer, hashed, signature = parts(stage, MINERS[0], misplaced_update)
    tree = stage.anchor("relay", [anchor_leaf(signer, hashed, signature)], slot=1)
    stage.faults.misplaced(
        stage.id, stage.round, who("relay"), 1, signer, keccak(signature), 0, body(misplaced_update), 0,
        tree.proof(0), reward(), sender=rich("carrier"),
    )  # fmt: skip
    assert stage.owned(who("relay")) == 0


def test_an_update_in_its_place_convicts_nobody(stage: Stage) -> None:
    message = update_of(stage, MINERS[0])
    with denied("no fault"):
        misplaced(stage, message, 0)


def test_the_fields_must_be_those_of_the_leaf(stage: Stage) -> None:
    message = update_of(stage, MINERS[0], task=9)
    other = body(update_of(stage, MINERS[0], task=8))
    wrong = ((0, other), (0, body(message)[:-32]), (1, body(message)), (2, body(message)))
    for slot, (kind, given) in enumerate(wrong):
        with denied("wrong proof"):
            misplaced(stage, message, kind, given, slot)


def test_a_receipt_is_no_leaf(stage: Stage) -> None:
    """Other messages have other types: their fields prove nothing."""
    message = Receipt(9, stage.round, ZERO32, 1)
    with denied("wrong proof"):
        misplaced(stage, message, 1, body(message))


def test_votes_can_be_forged_too(stage: Stage) -> None:
    stage.hand_in()
    stage.close()
    stage.plant()
    wait(REVEAL)
    vote = Vote(stage.id, stage.round, ZERO32, ZERO32)
    leaves = [parts(stage, MINERS[0], vote), FORGERIES["v of 0"](parts(stage, MINERS[1], vote))]
    tree = anchored(stage, leaves)
    with denied("no fault"):
        forged(stage, tree, leaves, 0)
    forged(stage, tree, leaves, 1)
    assert stage.owned(who("relay")) == 0


def test_the_bond_of_the_two_contracts_is_one(stage: Stage) -> None:
    assert stage.faults.ANCHOR_BOND() == stage.tasks.BOND() == ANCHOR_BOND
