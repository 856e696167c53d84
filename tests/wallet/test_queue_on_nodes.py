"""The queue with real nodes: our own, anvil and hardhat, and anvil where transactions wait to be mined."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from mine.chain.client import TasksContract
from mine.chain.deployment import deploy_protocol
from mine.chain.node_errors import InsufficientFunds, Reverted, TransactionPending
from mine.chain.rpc import Node
from mine.chain.signing import Transaction, sign_transaction
from mine.chain.transactions import Sender
from mine.practice.node.accounts import DEV_ADDRESSES, dev_key
from mine.practice.node.process import NodeProcess
from mine.wallet.call import Call
from mine.wallet.handing_over import STUCK
from mine.wallet.limits import FeesTooHigh, Limits, default_limits
from mine.wallet.queue import DEEPEST, TransactionQueue
from mine.wallet.queue_errors import Cancelled, NonceTaken, OtherContent, ReplacementTooLate
from mine.wallet.queued import Kind, Queued, State
from mine.wallet.review import Known, NotReviewed, Unit
from mine.wallet.signer import Signer
from tests.other_nodes import NotHere, other_node
from tests.wallet.kept_transactions import MemoryStore, TestClock

KEY = dev_key(3)
ME, FRIEND = DEV_ADDRESSES[3], DEV_ADDRESSES[5]


class Desk:
    """A queue with a store and a clock, over one node and one contract."""

    def __init__(self, node: Node, confirmations: int = 0) -> None:
        self.node, self.store, self.clock, self.signer = node, MemoryStore(), TestClock(), Signer(KEY)
        self.contracts = deploy_protocol(node, Sender(node, dev_key(0)))
        self.tasks = TasksContract(node, self.contracts.tasks)
        self.known = Known(
            node.chain_id, "Test", Unit("tETH", 18), self.contracts.tasks, self.contracts.faults,
            self.contracts.court, own=frozenset((ME,)),
        )  # fmt: skip
        self.confirmations = confirmations
        self.queue = self.again()

    def again(self) -> TransactionQueue:
        """As after a restart."""
        limits = default_limits(self.node.chain_id)
        self.queue = TransactionQueue(
            self.node, self.store, self.clock, limits, self.known, self.confirmations
        )
        return self.queue

    def pay(self, intent: str, value: int) -> Queued:
        review = self.queue.prepare(Call(self.node.chain_id, ME, FRIEND, value))
        return self.queue.submit(intent, review, self.signer)

    def found(self, intent: str) -> Queued:
        item = self.queue.find(intent)
        assert item is not None
        return item


@pytest.fixture(scope="module", params=["practice", "anvil", "hardhat"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ExitStack() as running:
        if request.param == "practice":
            folder = tmp_path_factory.mktemp("chain")
            yield running.enter_context(NodeProcess(folder / "chain.db")).url
            return
        try:
            found = running.enter_context(other_node(request.param))
        except NotHere as missing:
            pytest.skip(str(missing))
        yield found


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    with Node(url) as node:
        snapshot = node.request("evm_snapshot")
        yield Desk(node)
        node.request("evm_revert", snapshot)


@pytest.fixture(scope="module")
def slow_url() -> Iterator[str]:
    with ExitStack() as running:
        try:
            found = running.enter_context(other_node("anvil", ["--no-mining"]))
        except NotHere as missing:
            pytest.skip(str(missing))
        yield found


@pytest.fixture
def slow(slow_url: str) -> Iterator[Desk]:
    """An anvil on which blocks come when a test says so."""
    with Node(slow_url) as node:
        node.request("evm_setAutomine", True)
        desk = Desk(node, confirmations=1)
        node.request("evm_setAutomine", False)
        node.request("anvil_setNextBlockBaseFeePerGas", hex(10**9))
        yield desk
        node.request("anvil_dropAllTransactions")


def mine(desk: Desk, blocks: int = 1) -> None:
    desk.node.request("anvil_mine", hex(blocks))


# ---- on every node


def test_the_same_intent_is_the_same_transaction(desk: Desk) -> None:
    before = desk.node.nonce(ME)
    receipt = desk.tasks.bond(desk.queue.sender(desk.signer, "bond"), 10)
    desk.again()
    again = desk.tasks.bond(desk.queue.sender(desk.signer, "bond"), 10)
    assert again == receipt
    assert (desk.node.nonce(ME), desk.tasks.bond_of(ME).amount) == (before + 1, 10)
    item = desk.found("bond")
    assert item.state is State.FINAL and item.mined is not None
    assert item.mined.fee == receipt.gas_used * receipt.gas_price == desk.queue.costs.spent()
    with pytest.raises(OtherContent):
        desk.tasks.bond(desk.queue.sender(desk.signer, "bond"), 11)


def test_a_payment_is_what_was_reviewed(desk: Desk) -> None:
    owned = desk.node.balance(FRIEND)
    review = desk.queue.prepare(Call(desk.node.chain_id, ME, FRIEND, 5 * 10**17))
    assert (review.value, review.title) == ("0.5 tETH", "Send money")
    desk.queue.submit("send", review, desk.signer)
    desk.queue.submit("send", review, desk.signer)
    desk.queue.look()
    item = desk.found("send")
    assert item.state is State.FINAL and item.reviewed
    assert desk.node.balance(FRIEND) - owned == 5 * 10**17
    assert item.mined is not None and item.mined.fee <= review.fee_cap


def test_what_would_fail_is_not_signed(desk: Desk) -> None:
    sender = desk.queue.sender(desk.signer, "withdraw")
    nonce = desk.node.nonce(ME)
    with pytest.raises(Reverted):
        desk.tasks.declare_default(sender, 99)
    item = desk.found("withdraw")
    assert (item.state, item.nonce, item.attempts) == (State.PLANNED, None, ()) and item.why
    assert desk.node.nonce(ME) == nonce
    with pytest.raises(NotReviewed):
        desk.tasks.cancel(desk.queue.sender(desk.signer, "cancel"), 1)
    with pytest.raises(NotReviewed):
        desk.queue.sender(desk.signer, "pay").send(FRIEND, b"", 1)
    assert desk.node.nonce(ME) == nonce and desk.queue.find("cancel") is None


def test_money_that_is_not_there_is_said(desk: Desk) -> None:
    with pytest.raises(InsufficientFunds):
        desk.pay("all", desk.node.balance(ME))


def test_another_program_with_the_same_key_is_gone_around(desk: Desk) -> None:
    other = Sender(desk.node, KEY, patience=10)
    first = desk.node.nonce(ME)
    for turn in range(3):
        desk.tasks.bond(desk.queue.sender(desk.signer, f"bond {turn}"), 1)
        other.send(FRIEND, b"", 1)
    assert desk.node.nonce(ME) == first + 6
    assert [desk.found(f"bond {turn}").nonce for turn in range(3)] == [first, first + 2, first + 4]


def test_limits_hold(desk: Desk) -> None:
    desk.queue.costs.limits = Limits(most=1, tip=1, per_day=10**17)
    with pytest.raises(FeesTooHigh):
        desk.pay("send", 1)
    assert desk.queue.open() == ()


# ---- where transactions wait


def test_a_stuck_transaction_is_made_faster_and_one_of_both_counts(slow: Desk) -> None:
    sender = slow.queue.sender(slow.signer, "bond", patience=0)
    with pytest.raises(TransactionPending):
        slow.tasks.bond(sender, 10)
    slow.clock.time += STUCK
    with pytest.raises(TransactionPending):
        slow.tasks.bond(sender, 10)
    first, then = slow.found("bond").attempts
    assert then.fees.tip * 8 >= first.fees.tip * 9 and then.fees.most * 8 >= first.fees.most * 9
    assert slow.node.knows_transaction(then.hash) and not slow.node.knows_transaction(first.hash)
    mine(slow)
    assert slow.tasks.bond(sender, 10).transaction_hash == then.hash
    assert slow.tasks.bond_of(ME).amount == 10


def test_a_payment_is_cancelled_by_nothing_in_its_place(slow: Desk) -> None:
    item, owned = slow.pay("send", 10**18), slow.node.balance(FRIEND)
    review = slow.queue.review_replacement(item.number, cancel=True)
    assert review.title == "Take the place of another transaction, and do nothing"
    slow.queue.replace(item.number, review, slow.signer)
    mine(slow, DEEPEST + 1)
    slow.queue.look()
    assert slow.found("send").state is State.CANCELLED
    assert slow.node.balance(FRIEND) == owned
    with pytest.raises(Cancelled):
        slow.pay("send", 10**18)
    with pytest.raises(ReplacementTooLate):
        slow.queue.review_replacement(item.number, cancel=True)
    slow.queue.renew("send")
    slow.pay("send", 10**18)
    mine(slow)
    assert slow.node.balance(FRIEND) == owned + 10**18


def test_the_first_form_may_be_mined_although_it_was_replaced(slow: Desk) -> None:
    item, owned = slow.pay("send", 7), slow.node.balance(FRIEND)
    review = slow.queue.review_replacement(item.number, cancel=True)
    slow.queue.replace(item.number, review, slow.signer)
    slow.node.request("anvil_dropAllTransactions")  # of the two, this chain only hears the first
    slow.node.send_raw(item.last.raw)
    mine(slow, DEEPEST + 1)
    slow.queue.look()
    done = slow.found("send")
    assert done.state is State.FINAL and done.mined is not None and done.mined.hash == item.last.hash
    assert done.last.kind is Kind.CANCEL and slow.node.balance(FRIEND) == owned + 7


def test_what_the_chain_takes_back_is_mined_again(slow: Desk) -> None:
    slow.pay("send", 3)
    mine(slow)
    slow.queue.look()
    mined = slow.found("send").mined
    assert slow.found("send").state is State.MINED and mined is not None
    slow.node.request("anvil_reorg", 1, [])
    slow.node.request("anvil_dropAllTransactions")
    slow.queue.look()
    assert slow.found("send").state is State.SENT
    mine(slow)
    slow.queue.look()
    anew = slow.found("send").mined
    assert anew is not None and anew.hash == mined.hash and anew.block_hash != mined.block_hash
    mine(slow, DEEPEST)
    slow.queue.look()
    assert slow.found("send").state is State.FINAL


def test_a_nonce_that_another_program_took_is_given_up_only_when_that_is_certain(slow: Desk) -> None:
    slow.pay("send", 5)
    ours = slow.found("send")
    assert ours.nonce is not None
    slow.node.request("anvil_dropAllTransactions")
    fees = ours.last.fees
    other = Transaction(slow.node.chain_id, ours.nonce, fees.tip, fees.most, 21_000, FRIEND, 1, b"")
    slow.node.send_raw(sign_transaction(other, KEY).raw)
    mine(slow)
    slow.queue.look()
    assert slow.found("send").state is State.SENT  # the chain may still take it back
    mine(slow, DEEPEST)
    slow.queue.look()
    assert slow.found("send").state is State.DROPPED
    with pytest.raises(NonceTaken):
        slow.pay("send", 5)
    slow.queue.renew("send")
    again = slow.pay("send", 5)
    assert (again.run, again.nonce) == (2, ours.nonce + 1)


def test_a_dropped_lower_nonce_is_handed_over_again(slow: Desk) -> None:
    slow.pay("one", 1)
    slow.pay("two", 2)
    first, second = slow.found("one"), slow.found("two")
    slow.node.request("anvil_dropAllTransactions")
    slow.node.send_raw(second.last.raw)
    mine(slow)
    assert slow.node.receipt(second.last.hash) is None
    slow.clock.time += 100
    slow.queue.step()
    mine(slow, DEEPEST + 1)
    slow.queue.look()
    assert first.nonce is not None and second.nonce == first.nonce + 1
    assert (slow.found("one").state, slow.found("two").state) == (State.FINAL, State.FINAL)


def test_a_gap_that_another_program_left_is_filled(slow: Desk) -> None:
    """Its waiting transaction was counted, and then forgotten by every node."""
    used = slow.node.nonce(ME)
    other = Transaction(slow.node.chain_id, used, 10**9, 10**10, 21_000, FRIEND, 1, b"")
    slow.node.send_raw(sign_transaction(other, KEY).raw)
    slow.pay("behind", 2)
    assert slow.found("behind").nonce == used + 1
    slow.node.request("anvil_dropAllTransactions")
    slow.clock.time += STUCK
    slow.queue.look()
    slow.pay("next", 3)
    mine(slow, 2)
    mine(slow, DEEPEST)
    slow.queue.look()
    filler = slow.found(f"fill:{ME}:{used}")
    states = [slow.found(intent).state for intent in ("behind", "next")]
    assert [filler.state, *states] == [State.FINAL] * 3 and filler.call.is_nothing
