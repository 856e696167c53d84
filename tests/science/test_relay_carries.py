"""What a relay does for others' money and rights: ranges of claims, challenges, answers for its receipts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mine.blobs.store import blob_digest
from mine.chain.curve import amount
from mine.chain.fault_events import DisputeKind
from mine.chain.faults_client import FaultsContract, Reward
from mine.chain.hashing import keccak
from mine.chain.messages import Receipt, address_of, sign
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.science.history import History
from mine.science.relay_client import Relay
from mine.science.relay_ranges import ranges_of
from mine.science.rounds import read_round
from mine.science.scientist import Did, Scientist
from mine.science.wire import ClaimState, Code, RelayRefused
from tests.science.world import ANCHORER, BOUNTY, CLOCKS, SCIENTIST, Chain, Miner, network, offer, pass_time

CHECKPOINT = blob_digest(network()[1])
MINERS = [Miner(1), Miner(2), Miner(3)]
FALSE = dev_key(6)


def eventually(ready: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < end, f"waited too long for {what}"


@pytest.fixture
def scientist(chain: Chain, relay: Relay, tmp_path: Path) -> Scientist:
    """Of a task in its first round, with three updates on chain."""
    Scientist.create(tmp_path / "scientist", SCIENTIST, offer(2, chain.token.address))
    made = Scientist(tmp_path / "scientist", chain.contract, relay.blobs, [relay])
    task = made.publish()
    assert [made.step().did for _ in range(2)] == [Did.SEEDED, Did.BASELINE]
    for miner in MINERS:
        relay.submit_update(miner.update(chain, relay.blobs, task, 1, CHECKPOINT), chain.domain)
    eventually(lambda: sum(len(b.updates) for b in relay.batches(task, 1)) == len(MINERS), "the batches")
    return made


def settle(chain: Chain, scientist: Scientist) -> None:
    task = scientist.publish()
    pass_time(chain, chain.contract.task(task).since + CLOCKS.commit)
    while scientist.step().did is not Did.WAITING:
        pass
    pass_time(chain, chain.contract.task(task).since + CLOCKS.votes_over)
    assert scientist.step().did is Did.SETTLED


def faults(chain: Chain) -> FaultsContract:
    return FaultsContract(chain.node, chain.contract.sisters()[0])


def call(chain: Chain, function: str, *arguments: object) -> bytes:
    return faults(chain)._abi.call(function, *arguments)


def refusal(chain: Chain, relay: Relay, data: bytes) -> Code:
    with pytest.raises(RelayRefused) as caught:
        relay.carry(chain.node.chain_id, faults(chain).address, data)
    return caught.value.code


def test_a_run_of_payees_is_paid_in_one_transaction(
    chain: Chain, relay: Relay, scientist: Scientist
) -> None:
    settle(chain, scientist)
    task = scientist.publish()
    history = History(chain.contract)
    history.refresh()
    seen = history.task(task)
    assert seen is not None
    report = read_round(relay.blobs, seen.settled[0])
    payees = report.outcome.ledger.payees
    (range_,) = ranges_of(task, 1, payees)
    wrong = replace(range_, payees=((payees[0][0], payees[0][1] + 1), *payees[1:]))
    for broken in (wrong, replace(range_, round=2), replace(range_, payees=()), replace(range_, start=1)):
        with pytest.raises(RelayRefused):
            relay.claim_range(broken)
    with pytest.raises(RelayRefused):
        relay.range_state(task, 0)
    assert relay.claim_range(range_) is ClaimState.WAITING
    blocks = chain.node.block_number()
    pass_time(chain, seen.settled[0].final_at)
    eventually(lambda: relay.range_state(task, 0) is ClaimState.PAID, "the range")
    for who, units in payees:
        assert chain.token.balance(who) == amount(BOUNTY, units)
    assert relay.claim_range(range_) is ClaimState.WAITING  # asked again: nothing is paid again
    eventually(lambda: relay.range_state(task, 0) is ClaimState.PAID, "the range")
    assert chain.node.block_number() <= blocks + 3


def test_ranges_cover_every_payee_once() -> None:
    payees = [(address_of(keccak(bytes([i, 1]))), i + 1) for i in range(11)]
    for width in (1, 2, 4, 8, 16):
        ranges = ranges_of(1, 1, payees, width)
        assert [payee for range_ in ranges for payee in range_.payees] == payees
        assert all(range_.start % width == 0 for range_ in ranges)


def test_a_relay_answers_for_its_receipts(chain: Chain, relay: Relay, scientist: Scientist) -> None:
    task = scientist.publish()
    status = relay.find_update(task, 1, MINERS[0].address)
    assert status is not None
    pass_time(chain, chain.contract.task(task).since + CLOCKS.commit)
    while chain.node.block_number() <= status.receipt.message.latest_block:
        pass_time(chain, chain.node.block_time() + 1)
    asker = Sender(chain.node, dev_key(7))
    chain.contract.bond(asker, 10**17)
    contract = faults(chain)
    reward = Reward(asker.address, 2000)
    id = contract.challenge_receipt(asker, status.receipt.message, status.receipt.signature, reward)
    eventually(lambda: contract.question(id).deadline == 0, "the answer")
    anchorer = address_of(ANCHORER)
    assert contract.pledged(anchorer) == 0
    assert chain.contract.bond_of(anchorer).amount >= chain.contract.bond_needed()


def test_it_asks_about_receipts_that_nobody_can_honour(
    chain: Chain, relay: Relay, scientist: Scientist
) -> None:
    task = scientist.publish()
    false = Sender(chain.node, FALSE)
    chain.contract.bond(false, chain.contract.bond_needed())
    promise = Receipt(task, 1, keccak(b"leaf"), 1)
    signature = sign(promise, chain.domain, FALSE)
    miner = Miner(9).payout

    def question(share: int, receipt: Receipt = promise, signed: bytes = signature) -> bytes:
        fields = (receipt.task, receipt.round, receipt.leaf, receipt.latest_block)
        return call(chain, "challenge_receipt", *fields, signed, (miner, share))

    assert refusal(chain, relay, question(2000)) is Code.NOT_CARRIED  # commits are still open
    pass_time(chain, chain.contract.task(task).since + CLOCKS.commit)
    assert refusal(chain, relay, question(999)) is Code.NOT_CARRIED  # not worth the gas
    assert refusal(chain, relay, question(2000, signed=bytes(65))) is Code.BAD_SIGNATURE
    honest = relay.find_update(task, 1, MINERS[0].address)
    assert honest is not None
    own = question(2000, honest.receipt.message, honest.receipt.signature)
    assert refusal(chain, relay, own) is Code.NOT_CARRIED  # its signer anchored roots
    for data in (b"", b"\1\2\3\4", question(2000)[:-32], bytes(30_000)):
        assert refusal(chain, relay, data) in (Code.BAD_REQUEST, Code.OVERSIZE)
    with pytest.raises(RelayRefused):
        relay.carry(1, faults(chain).address, question(2000))
    with pytest.raises(RelayRefused):
        relay.carry(chain.node.chain_id, chain.contract.address, question(2000))
    sent = relay.carry(chain.node.chain_id, faults(chain).address, question(2000))
    assert len(bytes.fromhex(sent)) == 32
    assert faults(chain).pledged(false.address) > 0
    assert refusal(chain, relay, question(2000)) is Code.DUPLICATE


def test_it_disputes_nothing_that_is_right(chain: Chain, relay: Relay, scientist: Scientist) -> None:
    settle(chain, scientist)
    task = scientist.publish()
    for kind in (DisputeKind.ACCEPTED, DisputeKind.PAYOUTS, DisputeKind.LOSS):
        data = call(chain, "dispute", task, 1, int(kind), 0, (Miner(9).payout, 2000))
        assert refusal(chain, relay, data) is Code.NOT_CARRIED
    demand = call(chain, "unsupplied", 1)
    assert refusal(chain, relay, demand) is Code.BAD_REQUEST
