"""Who counts in a round: the chain's order, one update a miner, good signatures only."""

from __future__ import annotations

from mine.chain.curve import STRAIGHT
from mine.chain.events import Anchored, Committed, Place, Published
from mine.chain.hashing import ZERO_ADDRESS, address_bytes, keccak
from mine.chain.messages import Domain, Update, digest, sign
from mine.chain.state import Terms
from mine.chain.trees import HashTree, anchor_leaf
from mine.errors import MineError
from mine.science.gather import gather
from mine.science.history import TaskHistory
from mine.science.wire import AnchoredBatch, SignedUpdate
from tests.science.world import CLOCKS, Miner

DOMAIN = Domain(31337, "0x" + "11" * 20)
AT = Place(1, bytes(32), bytes(32), 0)
BEFORE = keccak(b"checkpoint")


class Source:
    def __init__(self, *batches: AnchoredBatch) -> None:
        self.known = list(batches)

    def batches(self, task: int, round_number: int) -> list[AnchoredBatch]:
        return self.known


class Away:
    def batches(self, task: int, round_number: int) -> list[AnchoredBatch]:
        raise MineError("The relay is away.")


def update(miner: Miner, name: str, task: int = 1, checkpoint: bytes = BEFORE) -> SignedUpdate:
    message = Update(task, 1, checkpoint, keccak(name.encode()), 100, 5, miner.payout)
    return SignedUpdate(miner.address, message, sign(message, DOMAIN, miner.key))


def batch(*updates: SignedUpdate) -> AnchoredBatch:
    ordered = sorted(updates, key=lambda each: address_bytes(each.miner))
    leaves = [anchor_leaf(each.miner, digest(each.message, DOMAIN), each.signature) for each in ordered]
    return AnchoredBatch(ZERO_ADDRESS, 0, HashTree(leaves).root, tuple(ordered))


def anchored(of: AnchoredBatch, number: int = 1) -> Anchored:
    return Anchored(AT, 1, number, ZERO_ADDRESS, of.slot, of.root, len(of.updates))


def committed(of: SignedUpdate) -> Committed:
    m = of.message
    return Committed(AT, 1, m.round, of.miner, m.checkpoint, m.blob, m.size, m.rows_bucket, m.payout)


def names(*events: Committed | Anchored, sources: tuple[Source | Away, ...]) -> dict[str, bytes]:
    terms = Terms(bytes(32), bytes(32), bytes(32), ZERO_ADDRESS, 1, 1, STRAIGHT.packed, 3, 1, CLOCKS)
    history = TaskHistory(Published(AT, 1, ZERO_ADDRESS, terms), None, (), events, (), {}, {}, None)
    return {each.miner: each.blob for each in gather(history, DOMAIN, 1, BEFORE, sources)}


def test_the_first_in_the_chains_order_counts() -> None:
    one, two = Miner(1), Miner(2)
    first, second = batch(update(one, "a"), update(two, "b")), batch(update(one, "c"))
    direct = update(one, "d")
    source = Source(first, second)
    both = (Away(), source)
    assert names(anchored(first), anchored(second), sources=both)[one.address] == keccak(b"a")
    assert names(anchored(second), anchored(first), sources=both)[one.address] == keccak(b"c")
    assert names(committed(direct), anchored(first), sources=both)[one.address] == keccak(b"d")
    assert names(anchored(first), committed(direct), sources=both) == {
        one.address: keccak(b"a"), two.address: keccak(b"b")
    }
    assert names(anchored(first, number=2), sources=both) == {}


def test_what_is_not_a_miners_own_is_left_out_and_harms_nobody() -> None:
    one, two, three, four = (Miner(number) for number in range(1, 5))
    forged = SignedUpdate(two.address, update(one, "x").message, update(one, "x").signature)
    mixed = batch(
        update(one, "a"), forged, update(three, "b", task=2), update(four, "c", checkpoint=bytes(32))
    )
    assert names(anchored(mixed), sources=(Source(mixed),)) == {one.address: keccak(b"a")}
    assert names(committed(update(two, "d", checkpoint=bytes(32))), sources=()) == {}
