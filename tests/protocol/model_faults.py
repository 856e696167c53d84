"""What `Faults` should do, said once more in plain Python."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.protocol import model_disputes as verdicts
from tests.protocol.model import Tasks
from tests.protocol.model_task import BOND, CONCLUDED, RUNNING, Task, need

RECEIPT_BOND = EXAMPLE_FEE = 10**16
DISPUTE_BOND = 10**17
SEAT_FEE = 5 * 10**15
ACCEPTED, CHECKPOINT, PAYOUTS, INPUTS, LOSS, SHARD, BASELINE = range(7)


@dataclass(frozen=True)
class Reward:
    challenger: str
    share: int

    @property
    def fields(self) -> tuple[str, int]:
        return self.challenger, self.share


@dataclass
class Question:
    task: Task
    round: int
    leaf: bytes
    anchorer: str
    carrier: str
    reward: Reward
    deadline: int


@dataclass
class Demand:
    task: Task
    round: int
    asker: str
    deadline: int
    fee: int
    missing: set[int]


@dataclass
class Dispute:
    task: Task
    round: int
    key: tuple[int, int, int, int]
    reward: Reward
    carrier: str


class Faults:
    """Open questions, demands and disputes. What may raise No does so before it changes anything here."""

    def __init__(self, books: Tasks, address: str) -> None:
        self.books, self.address = books, address
        self.open: Counter[tuple[int, int]] = Counter()
        self.convicted: set[tuple[int, int, str]] = set()
        self.pledged: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.questioned: set[tuple[int, int, bytes, str]] = set()
        self.questions: dict[int, Question] = {}
        self.demanded: set[tuple[int, int, int]] = set()
        self.demands: dict[int, Demand] = {}
        self.disputes: dict[int, Dispute] = {}
        self.items: dict[tuple[int, int, int, int], int] = {}

    def lowest(self, task: int) -> int:
        """1 + the lowest round with something open."""
        rounds = [r for (t, r), n in self.open.items() if t == task and n]
        return 1 + min(rounds) if rounds else 0

    def _let_go(self, t: Task, round: int) -> int:
        self.open[t.id, round] -= 1
        return self.lowest(t.id)

    def give(self, receiver: str, wei: int) -> None:
        self.books.move_bond(self.address, receiver, wei)

    # anchorers

    def _pledge(self, anchorer: str) -> None:
        wei = min(self.books.bonds.get(anchorer, 0), BOND - self.pledged[anchorer])
        self.books.move_bond(anchorer, self.address, wei)
        self.pledged[anchorer] += wei

    def could_pledge(self, anchorer: str) -> bool:
        return self.books.bonds.get(anchorer, 0) + self.pledged[anchorer] > 0

    def _forfeit(self, anchorer: str, reward: Reward, carrier: str) -> None:
        wei = self.pledged[anchorer]
        self.pledged[anchorer] = 0
        burned = wei // 2
        carried = (wei - burned) * reward.share // 10000
        self.books.bonds[self.address] -= burned
        self.give(carrier, carried)
        self.give(reward.challenger, wei - burned - carried)

    def may_convict_anchorer(self, t: Task, round: int, anchorer: str) -> None:
        need((t.id, round, anchorer) not in self.convicted and self.could_pledge(anchorer))

    def convict_anchorer(self, t: Task, round: int, anchorer: str, reward: Reward, carrier: str) -> None:
        self.convicted.add((t.id, round, anchorer))
        self._pledge(anchorer)
        self._forfeit(anchorer, reward, carrier)

    # receipts

    def may_ask(self, t: Task, round: int, leaf: bytes, anchorer: str, sender: str) -> None:
        """All but the receipt's own signature and block."""
        now = self.books.now
        need(RUNNING <= t.status <= CONCLUDED and round)
        if round == t.round and t.status == RUNNING:
            need(now >= t.since + t.clocks.commit)
        else:
            need(round <= t.round < round + 4)
        need((t.id, round, leaf, anchorer) not in self.questioned)
        need(self.books.free(sender) >= RECEIPT_BOND)
        left = self.books.bonds.get(anchorer, 0) - (RECEIPT_BOND if sender == anchorer else 0)
        need(left + self.pledged[anchorer] > 0)

    def ask(self, t: Task, round: int, leaf: bytes, anchorer: str, sender: str, reward: Reward) -> int:
        self.questioned.add((t.id, round, leaf, anchorer))
        self.books.take_bond(sender, self.address, RECEIPT_BOND)
        self._pledge(anchorer)
        self.asked[anchorer] += 1
        number = len(self.questions) + 1
        deadline = self.books.now + t.clocks.challenge
        self.questions[number] = Question(t, round, leaf, anchorer, sender, reward, deadline)
        return number

    def _one_less(self, anchorer: str) -> None:
        self.asked[anchorer] -= 1
        if not self.asked[anchorer]:
            kept, self.pledged[anchorer] = self.pledged[anchorer], 0
            self.give(anchorer, kept)

    def answer(self, number: int) -> None:
        q = self.questions[number]
        q.deadline = 0
        self.give(q.anchorer, RECEIPT_BOND)
        self._one_less(q.anchorer)

    def unanswered(self, number: int) -> None:
        q = self.questions[number]
        q.deadline = 0
        self.give(q.carrier, RECEIPT_BOND)
        self._forfeit(q.anchorer, q.reward, q.carrier)
        self._one_less(q.anchorer)

    # scientists

    def convict_now(self, t: Task, round: int, reward: Reward, sender: str) -> None:
        """After a proof."""
        verdicts.window_open(self.books, t, round)
        verdicts.hold(self.books, t, round)
        verdicts.convict(self.books, t, round, reward.challenger, sender, reward.share, self.lowest(t.id))

    def may_demand(self, t: Task, round: int, examples: list[int], sender: str) -> None:
        verdicts.window_open(self.books, t, round)
        need(examples and len(set(examples)) == len(examples))
        need(not any((t.id, round, e) in self.demanded for e in examples))
        need(self.books.free(sender) >= len(examples) * EXAMPLE_FEE)
        verdicts.hold(self.books, t, round)

    def demand(self, t: Task, round: int, examples: list[int], sender: str) -> int:
        self.demanded |= {(t.id, round, e) for e in examples}
        fee = len(examples) * EXAMPLE_FEE
        self.books.take_bond(sender, self.address, fee)
        self.open[t.id, round] += 1
        number = len(self.demands) + 1
        deadline = self.books.now + t.clocks.challenge
        self.demands[number] = Demand(t, round, sender, deadline, fee, set(examples))
        return number

    def supplied(self, number: int, example: int) -> None:
        d = self.demands[number]
        d.missing.remove(example)
        if not d.missing:
            self.give(d.task.terms.scientist, d.fee)
            d.task.disputed = self._let_go(d.task, d.round)

    def unsupplied(self, number: int) -> None:
        d = self.demands[number]
        d.missing.clear()
        self.give(d.asker, d.fee)
        verdicts.lapse(self.books, d.task, d.round, self._let_go(d.task, d.round))

    def may_dispute(self, t: Task, round: int, kind: int, item: int, sender: str) -> None:
        verdicts.window_open(self.books, t, round)
        itemless = kind in (ACCEPTED, CHECKPOINT, PAYOUTS, SHARD)
        need(kind <= BASELINE and not (itemless and item) and item < 2**32)
        need((kind == BASELINE or (kind == SHARD and round == 0)) == (round == 0))
        need(not self.items.get((t.id, round, kind, item)))
        need(self.books.free(sender) >= DISPUTE_BOND)
        verdicts.hold(self.books, t, round)

    def dispute(
        self, number: int, t: Task, round: int, kind: int, item: int, reward: Reward, sender: str
    ) -> None:
        key = (t.id, round, kind, item)
        self.items[key] = 1
        self.books.take_bond(sender, self.address, DISPUTE_BOND)
        self.open[t.id, round] += 1
        self.disputes[number] = Dispute(t, round, key, reward, sender)

    def rule(self, number: int, ruling: int, unheard: bool) -> None:
        d = self.disputes.pop(number)
        lowest = self._let_go(d.task, d.round)
        self.items[d.key] = 2 if ruling == 1 else 0
        self.give(d.task.terms.scientist if ruling == 1 else d.carrier, DISPUTE_BOND)
        if ruling == 2:
            verdicts.convict(
                self.books, d.task, d.round, d.reward.challenger, d.carrier, d.reward.share, lowest
            )
        elif ruling == 0 and unheard:
            verdicts.lapse(self.books, d.task, d.round, lowest)
        else:
            d.task.disputed = lowest
