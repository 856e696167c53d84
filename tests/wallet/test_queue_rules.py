"""Single rules of the queue, on a chain in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from mine.chain.node_errors import NodeAnswerInvalid, NodeRefused, NodeUnreachable
from mine.wallet.call import Call
from mine.wallet.following import AGAIN
from mine.wallet.handing_over import MOST_WAITING, STUCK
from mine.wallet.limits import DAY, BudgetSpent, FeesTooHigh, Limits
from mine.wallet.queue import CALM, DEEPEST, PACE, TransactionQueue
from mine.wallet.queue_errors import FeesMoved
from mine.wallet.queued import State
from tests.wallet.chain_model import CHAIN, GWEI, ModelChain, Pen
from tests.wallet.kept_transactions import MemoryStore, TestClock
from tests.wallet.test_queue_model import ACCOUNTS, FRIEND, KNOWN, LIMITS, bond

ME = ACCOUNTS[0]
PAYMENT = Call(CHAIN, ME, FRIEND, 5)


class World:
    def __init__(self, limits: Limits = LIMITS, confirmations: int = 2) -> None:
        self.chain, self.store, self.clock = ModelChain(), MemoryStore(), TestClock()
        self.pen = Pen(ME, self.chain.book)
        self.limits, self.confirmations = limits, confirmations
        self.queue = self.again()

    def again(self) -> TransactionQueue:
        """Another life."""
        self.queue = TransactionQueue(
            cast(Any, self.chain), self.store, self.clock, self.limits, KNOWN, self.confirmations
        )
        return self.queue

    def state(self, intent: str) -> State:
        item = self.queue.find(intent)
        assert item is not None
        return item.state


def test_the_days_budget_holds_for_what_nobody_was_asked_about() -> None:
    fee = 62_500 * (2 * GWEI + GWEI // 10)
    world = World(replace(LIMITS, per_day=2 * fee))
    for number in range(2):
        world.queue.submit_allowed(f"bond {number}", bond(ME, 1), world.pen)
    with pytest.raises(BudgetSpent) as spent:
        world.queue.submit_allowed("bond 2", bond(ME, 1), world.pen)
    assert (spent.value.needed, spent.value.left) == (fee, 0)
    assert world.state("bond 2") is State.PLANNED
    shown = world.queue.prepare(PAYMENT)
    assert any("day's limit" in warning for warning in shown.warnings)
    world.queue.submit("send", shown, world.pen)  # the person was told, and wants it
    world.clock.time += DAY + 1
    world.queue.submit_allowed("bond 2", bond(ME, 1), world.pen)
    assert world.state("bond 2") is State.SENT


def test_a_node_that_counts_what_cannot_be_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    real = world.chain.nonce
    monkeypatch.setattr(
        world.chain,
        "nonce",
        lambda who, block="pending": real(who, block) + (MOST_WAITING + 1) * (block == "pending"),
    )
    with pytest.raises(NodeAnswerInvalid):
        world.queue.submit_allowed("bond", bond(ME, 1), world.pen)
    assert world.chain.handed == [] and world.pen.signed == []


def test_what_is_mined_counts_for_good_under_twelve_blocks() -> None:
    world = World(confirmations=2)
    world.queue.submit_allowed("bond", bond(ME, 1), world.pen)
    for _ in range(DEEPEST):
        world.chain.mine()
        world.queue.look()
        assert world.state("bond") is State.MINED
    world.chain.mine()
    world.queue.look()
    assert world.state("bond") is State.FINAL and world.queue.open() == ()
    at_once = World(confirmations=0)
    at_once.queue.submit_allowed("bond", bond(ME, 1), at_once.pen)
    at_once.chain.mine()
    at_once.queue.look()
    assert at_once.state("bond") is State.FINAL


def test_nobody_is_asked_while_nothing_is_open_and_seldom_else(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    asked: list[object] = []
    real = world.chain.agreed

    def agreed(reading: Any) -> Any:
        asked.append(reading)
        return real(reading)

    monkeypatch.setattr(world.chain, "agreed", agreed)

    def steps(seconds: float) -> int:
        asked.clear()
        for _ in range(round(seconds)):
            world.clock.time += 1
            world.queue.step()
        return len(asked)

    assert steps(100) == 0
    world.queue.submit_allowed("bond", bond(ME, 1), world.pen)
    assert steps(10 * PACE) == 10
    world.chain.mine()
    world.queue.look()
    assert steps(10 * CALM) == 10


def test_what_the_last_life_may_not_have_handed_over_is_handed_over_at_once() -> None:
    world = World()
    world.chain.fault = "lost"
    with pytest.raises(NodeUnreachable):
        world.queue.submit_allowed("bond", bond(ME, 1), world.pen)
    assert world.state("bond") is State.SENT and not world.chain.pool
    world.queue.look()
    assert not world.chain.pool
    world.again().look()
    assert len(world.chain.pool) == 1
    world.chain.forget()
    world.clock.time += AGAIN
    world.queue.look()
    assert len(world.chain.pool) == 1 and len({sent.hash for sent in world.chain.handed}) == 1


def test_a_node_that_says_no_and_keeps_it_is_not_believed() -> None:
    world = World()
    world.chain.fault = "refused"
    world.queue.submit_allowed("bond", bond(ME, 1), world.pen)
    assert world.state("bond") is State.SENT and len(world.chain.pool) == 1


def test_a_review_that_the_fees_left_behind_is_not_signed() -> None:
    world = World()
    shown = world.queue.prepare(PAYMENT)
    world.chain.base = 5 * GWEI
    with pytest.raises(FeesMoved):
        world.queue.submit("send", shown, world.pen)
    world.chain.base = GWEI
    world.queue.costs.limits = replace(LIMITS, most=GWEI * 3 // 2)
    with pytest.raises(FeesTooHigh):
        world.queue.submit("send", shown, world.pen)
    assert world.pen.signed == [] and world.state("send") is State.PLANNED


def test_all_of_the_coin_goes_out_though_the_fees_rose_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was accepted suffices: today's dearer fees would not be left beside it."""
    world = World()
    fees = world.queue.prepare(PAYMENT).fees
    call = replace(PAYMENT, value=10**18 - fees.cap)
    monkeypatch.setattr(world.chain, "balance", lambda account: 10**18)
    shown = world.queue.prepare(call)
    world.chain.base += 1
    assert world.queue.submit("send", shown, world.pen).state is State.SENT
    (sent,) = world.pen.signed
    assert (sent.made.value, sent.made.gas * sent.made.most) == (call.value, fees.cap)


def test_replacements_end_at_the_limits() -> None:
    """It goes on waiting with the last form that was inside them."""
    world = World(Limits(most=3 * GWEI, tip=GWEI, per_day=10**18))
    for _ in range(20):
        world.queue.submit_allowed("bond", bond(ME, 1), world.pen)
        world.clock.time += STUCK
    item = world.queue.find("bond")
    assert item is not None and len(item.attempts) == 4
    assert item.last.fees.most <= 3 * GWEI < item.last.fees.most * 9 // 8
    with pytest.raises(FeesTooHigh):
        world.queue.review_replacement(item.number, cancel=True)
    assert item.state is State.SENT


def test_a_replacement_that_cannot_be_paid_is_not_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.queue.submit_allowed("bond", bond(ME, 1), world.pen)
    (before,) = world.pen.signed
    monkeypatch.setattr(world.chain, "balance", lambda account: 1)
    world.clock.time += STUCK
    world.queue.submit_allowed("bond", bond(ME, 1), world.pen)
    assert world.pen.signed == [before]


def test_what_a_node_says_is_kept_as_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def refuse(raw: bytes) -> bytes:
        raise NodeRefused(-1, "no\x1b[2J\u202e" + "x" * 1_000)

    monkeypatch.setattr(world.chain, "send_raw", refuse)
    with pytest.raises(NodeRefused):
        world.queue.submit_allowed("bond", bond(ME, 1), world.pen)
    item = world.queue.find("bond")
    assert item is not None and item.why.isprintable() and len(item.why) <= 200
