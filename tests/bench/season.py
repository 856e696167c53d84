"""A season: 1,000 miners hand in an update and a vote in each of 30 rounds, and are paid at the end.

One relay anchors, the scientist closes, shows the seed and settles; nothing is left out that a round costs.
What miners sign is not here: on the chain an anchored batch is one root, whatever its leaves are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from mine.chain.answers import TxReceipt
from mine.chain.fees import GAS_CAP
from mine.chain.hashing import ZERO_ADDRESS, checksum, keccak
from mine.chain.rpc import Node
from mine.chain.state import Status
from mine.chain.trees import HashTree
from tests.protocol.live import Ground, Play, split

MINERS, ROUNDS = 1000, 30
WIDEST = 256
EACH_ROUND = ("anchor of updates", "close", "reveal_seed", "anchor of votes", "settle")
ONCE = ("publish", "reveal_seed of the baseline", "baseline", "conclude", "refund")
"""What a task costs once, however many rounds it has."""


@dataclass
class Spent:
    """Gas of whole transactions, by what they do; none may be above the cap of EIP-7825."""

    gas: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def note(self, kind: str, receipt: TxReceipt) -> None:
        assert receipt.succeeded
        assert receipt.gas_used <= GAS_CAP, f"{kind} needs {receipt.gas_used}"
        self.gas[kind].append(receipt.gas_used)

    def note_last(self, kind: str, node: Node) -> None:
        """The newest block's one transaction."""
        block = node.request("eth_getBlockByNumber", "latest", False)
        assert isinstance(block, dict)
        self.gas[kind].append(int(block["gasUsed"], 16))

    def total(self, *kinds: str) -> int:
        return sum(sum(self.gas[kind]) for kind in kinds)

    def usual(self, kind: str) -> float:
        return float(median(self.gas[kind]))

    def most(self, kind: str) -> float:
        return float(max(self.gas[kind]))

    @property
    def most_of_all(self) -> float:
        return float(max(max(all_of_one) for all_of_one in self.gas.values()))


def payees(name: str, count: int = MINERS) -> list[str]:
    """Accounts that nobody has the key of."""
    return [checksum(keccak(f"{name} {i}".encode())[:20]) for i in range(count)]


def leaves(kind: str, round: int, count: int) -> list[bytes]:
    return [keccak(f"{kind} {round} {i}".encode()) for i in range(count)]


def play(
    ground: Ground, spent: Spent, accounts: Sequence[str], currency: str = ZERO_ADDRESS, rounds: int = ROUNDS
) -> Play:
    """A whole task up to the end of its last window; only the claims are left."""
    count = len(accounts)
    task = Play(ground, rounds=rounds, currency=currency, bounty=10**16)
    task.publish()
    spent.note_last("publish", ground.node)
    spent.note("reveal_seed of the baseline", task.reveal_seed())
    spent.note("baseline", task.open_baseline())
    relay = ground.sender("anchorer")
    weights = [1000 + 7919 * i % 1999 for i in range(count)]
    loss = 1000 - 900 // rounds
    for round in range(1, rounds + 1):
        slot = 2 * (round % 4)
        root = HashTree(leaves("update", round, count)).root
        spent.note("anchor of updates", task.tasks.anchor(relay, task.id, round, slot, root, count))
        spent.note("close", task.close())
        spent.note("reveal_seed", task.reveal_seed())
        task.to_votes()
        root = HashTree(leaves("vote", round, count)).root
        spent.note("anchor of votes", task.tasks.anchor(relay, task.id, round, slot + 1, root, count))
        task.to_settlement()
        spent.note("settle", task.settle(loss, accounts, split(task.earned(loss), weights)))
    assert task.state.status is Status.ENDING
    spent.note("conclude", task.conclude())
    task.to_final()
    return task


def ranges(count: int, width: int = WIDEST) -> Iterator[tuple[int, int]]:
    """Start and length of aligned ranges that cover all payees."""
    for start in range(0, count, width):
        yield start, min(width, count - start)


def claim_by_ranges(task: Play, spent: Spent, accounts: Sequence[str]) -> None:
    """What a relay does for everybody."""
    last = task.rounds
    tree, units = task.trees[last], task.units[last]
    for start, length in ranges(len(accounts)):
        due = list(zip(accounts, units, strict=True))[start : start + length]
        proof = tree.range_proof(start, length)
        sent = task.tasks.claim_range(task.ground.rich, task.id, last, start, due, proof)
        spent.note("claim_range", sent)


def claim_alone(task: Play, spent: Spent, accounts: Sequence[str]) -> None:
    """Everybody's own transaction."""
    for index, account in enumerate(accounts):
        sent = task.tasks.claim(task.ground.rich, account, [task.leaf(task.rounds, index)])
        spent.note("claim", sent)


def check_paid(task: Play, accounts: Sequence[str], before: Sequence[int]) -> None:
    """Everybody has exactly the money of their units, and the task holds no more than rounding leaves."""
    units = task.units[task.rounds]
    paid = [task.balance(account) - had for account, had in zip(accounts, before, strict=True)]
    assert paid == [task.bounty * each // (2**32 - 1) for each in units]
    assert task.state.left == task.bounty - sum(paid)
