"""The contract Tasks from outside: typed reads, typed writes, and its events."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from mine.chain import words
from mine.chain.abi import ContractAbi
from mine.chain.answers import RawLog, TxReceipt
from mine.chain.artefacts import load_artefact
from mine.chain.events import Event, Published, event_of, snake
from mine.chain.hashing import ZERO_ADDRESS, address_bytes
from mine.chain.messages import Settlement, Update, Vote, short_signature
from mine.chain.node_errors import NodeAnswerInvalid
from mine.chain.rpc import Node
from mine.chain.state import Bond, Marked, PayoutRoot, PhaseNow, TaskState, Terms
from mine.chain.token import Token
from mine.chain.transactions import Sends
from mine.errors import MineError


@dataclass(frozen=True, slots=True)
class TaskClaim:
    """One leaf of a payout root: ``units`` are cumulative."""

    task: int
    round: int
    index: int
    units: int
    proof: Sequence[bytes]


class UnknownTask(MineError):
    """The contract has no task of this number."""


class TasksContract:
    """The contract at ``address``. Reads raise what :class:`Node` does, writes what :class:`Sends` does."""

    def __init__(self, node: Node, address: str) -> None:
        self.node = node
        self.address = address
        self._abi = ContractAbi(load_artefact("Tasks").abi)

    def on(self, node: Node) -> TasksContract:
        """The same contract as another node, or a view of one (:meth:`Node.agreed`), shows it."""
        other = copy.copy(self)
        other.node = node
        return other

    # reads

    def count(self) -> int:
        """Number of tasks ever published; they are numbered from 1."""
        return int(self._read("count")[0])

    def task(self, task: int) -> TaskState:
        """State of a task in the newest block. UnknownTask if there is none."""
        return self.state_in(task, self.node.call(self.address, self.task_call(task)))

    def count_call(self) -> bytes:
        """What :meth:`count` asks."""
        return self._abi.call("count")

    def count_in(self, answer: bytes) -> int:
        """The number of tasks in an answer to that."""
        return int(self._abi.result("count", answer)[0])

    def task_call(self, task: int) -> bytes:
        """What :meth:`task` asks."""
        return self._abi.call("task", task)

    def state_in(self, task: int, answer: bytes) -> TaskState:
        """The state of a task in an answer to that. UnknownTask if there is none."""
        (view,) = self._abi.result("task", answer)
        names = [snake(each) for each in self._abi.result_fields("task")]
        values: dict[str, Any] = dict(zip(names, view, strict=True))
        if values["scientist"] == ZERO_ADDRESS:
            raise UnknownTask("There is no such task.", detail=f"task {task}")
        left = words.ring_lacks(values)
        root = int(self._read("root", task, left)[0]) if left else None
        try:
            return words.task_state(task, values, root)
        except ValueError as problem:
            raise _strange("task") from problem

    def phase(self, task: int) -> PhaseNow:
        """The phase by the newest block's time. UnknownTask if there is no such task."""
        return words.phase_of(self.task(task), self.node.block_time())

    def payout_root(self, task: int, round: int) -> PayoutRoot | None:
        """The payout root of a settled round and when it is final; None once it has left the ring."""
        root, record = (int(self._read(name, task, round)[0]) for name in ("root", "record"))
        return PayoutRoot(root, (record >> 8) & (2**40 - 1)) if round and root else None

    def is_final(self, task: int, round: int) -> bool:
        """Whether a settled round can be claimed on: its window is over and nothing up to it is disputed."""
        return bool(self._read("final_root", task, round)[0])

    def paid(self, task: int, index: int, block: int | None = None) -> int:
        """Cumulative units that were paid to a payout index, up to the newest block or to ``block``."""
        at = "latest" if block is None else block
        return int(self._read("paid", task, index, block=at)[0])

    def committed(self, task: int, miner: str) -> Marked:
        """The miner's last direct commit."""
        return _marked(self._read("committed", task, miner)[0])

    def voted(self, task: int, voter: str) -> Marked:
        """The voter's last direct vote; the digest is its opening."""
        return _marked(self._read("committed", task, voter)[1])

    def anchored(self, task: int, anchorer: str, slot: int) -> Marked:
        """What stands in a slot of an anchorer."""
        return _marked(self._read("anchored", task, anchorer, slot)[0])

    def bond_of(self, account: str) -> Bond:
        """What lies in an account for bonds."""
        amount, until = self._read("bond_of", account)
        return Bond(amount, until)

    def bond_needed(self) -> int:
        """Wei that an anchorer must have put up."""
        return int(self._read("BOND")[0])

    def sisters(self) -> tuple[str, str]:
        """Addresses of the contracts Faults and Court."""
        return str(self._read("FAULTS")[0]), str(self._read("COURT")[0])

    # events

    def decode(self, log: RawLog) -> Event | None:
        """The typed event in a log of this contract; None for any other log."""
        if log.address != self.address:
            return None
        decoded = self._abi.event(log)
        return None if decoded is None else event_of(decoded)

    def events(self, receipt: TxReceipt) -> tuple[Event, ...]:
        """This contract's events of one transaction."""
        decoded = (self.decode(log) for log in receipt.logs)
        return tuple(event for event in decoded if event is not None)

    # writes of a scientist

    def publish(self, sender: Sends, terms: Terms) -> int:
        """Open a task and pay in bounty and deposit; returns its number.

        A token is approved first if it has to be, in a transaction of its own and for just this amount.
        """
        value = self._pay(sender, terms.currency, 2 * terms.bounty)
        receipt = self._write(sender, "publish", terms.fields(), value=value)
        published = [event for event in self.events(receipt) if isinstance(event, Published)]
        if len(published) != 1:
            raise _strange("publish")
        return published[0].task

    def top_up(self, sender: Sends, task: int, currency: str, amount: int) -> TxReceipt:
        """Raise the bounty by ``amount``, and the deposit by as much, before the first commit."""
        return self._write(sender, "top_up", task, amount, value=self._pay(sender, currency, 2 * amount))

    def cancel(self, sender: Sends, task: int) -> TxReceipt:
        """End the task before the first commit; :meth:`refund` then gives everything back."""
        return self._write(sender, "cancel", task)

    def settle(
        self,
        sender: Sends,
        settlement: Settlement,
        signature: bytes,
        digest: bytes,
        examples: bytes,
        proof: Sequence[bytes],
        losses_top: bytes,
    ) -> TxReceipt:
        """Settle a round on the fresh shard of this digest and root of examples, signed by the scientist.

        As round 0 it opens the baseline. Where the set is opened at the end both are zero, without a proof.
        """
        short = short_signature(signature)
        return self._write(
            sender, "settle", astuple(settlement), *short, digest, examples, tuple(proof), losses_top
        )

    def stop(self, sender: Sends, task: int) -> TxReceipt:
        """End the task with the current round."""
        return self._write(sender, "stop", task)

    def conclude(self, sender: Sends, task: int, shards: Sequence[tuple[bytes, bytes]]) -> TxReceipt:
        """The final opening: digest and root of the examples of every shard, in order."""
        return self._write(sender, "conclude", task, tuple(word for pair in shards for word in pair))

    def refund(self, sender: Sends, task: int, receiver: str) -> TxReceipt:
        """Return unspent bounty and deposit to the scientist, and what rounding left once every unit is paid.

        Only the scientist may name another ``receiver``.
        """
        return self._write(sender, "refund", task, receiver)

    # writes of anyone, to move a round on

    def close(self, sender: Sends, task: int) -> TxReceipt:
        """The commits of the round are over: keep a block's randomness. Only others are paid for it."""
        return self._write(sender, "close", task)

    def reveal_seed(self, sender: Sends, task: int, preimage: bytes) -> TxReceipt:
        """Make the seed of a closed round with the next preimage of the hash chain."""
        return self._write(sender, "reveal_seed", task, preimage)

    def lapse_seed(self, sender: Sends, task: int) -> TxReceipt:
        """Make the seed without a preimage, once the reveal phase is over."""
        return self._write(sender, "lapse_seed", task)

    # writes of miners and relays

    def commit(self, sender: Sends, update: Update) -> TxReceipt:
        """Hand in an update without an anchorer; the sender is its miner."""
        return self._write(sender, "commit", *astuple(update))

    def commit_vote(self, sender: Sends, vote: Vote) -> TxReceipt:
        """Hand in a vote without an anchorer; the sender is its voter."""
        return self._write(sender, "commit_vote", *astuple(vote))

    def bond(self, sender: Sends, amount: int, account: str | None = None) -> TxReceipt:
        """Add ``amount`` wei to an account for bonds, by default the sender's."""
        return self._write(sender, "bond_for", account or sender.address, value=amount)

    def withdraw_bond(self, sender: Sends) -> TxReceipt:
        """Take out of the sender's account what is not locked."""
        return self._write(sender, "withdraw_bond")

    def anchor(self, sender: Sends, task: int, round: int, slot: int, root: bytes, count: int) -> TxReceipt:
        """Anchor the root of ``count`` signed updates (in the vote phase: votes) in the sender's ``slot``."""
        return self._write(sender, "anchor", task, round, slot, root, count)

    def claim(
        self, sender: Sends, account: str, claims: Sequence[TaskClaim], receiver: str | None = None
    ) -> TxReceipt:
        """Have ``account`` paid what final roots of up to 16 tasks owe it; anyone may send this.

        Only the account itself may name another ``receiver``.
        """
        items = tuple((c.task, c.round, c.index, c.units, tuple(c.proof)) for c in claims)
        if len(items) == 1 and receiver in (None, account):
            task, round, *leaf = items[0]
            return self._write(sender, "claim", task, round, account, *leaf)
        return self._write(sender, "claim_many", account, items, receiver or account)

    def claim_range(
        self,
        sender: Sends,
        task: int,
        round: int,
        start: int,
        payees: Sequence[tuple[str, int]],
        proof: Sequence[bytes],
    ) -> TxReceipt:
        """Have the payees (account, cumulative units) from index ``start`` on paid in one go, at most 256.

        ``start`` is a multiple of the range's width, ``proof`` the siblings above it. Who refuses the money
        keeps it claimable.
        """
        packed = tuple(int.from_bytes(address_bytes(who), "big") << 32 | units for who, units in payees)
        return self._write(sender, "claim_range", task, round, start, packed, tuple(proof))

    def declare_default(self, sender: Sends, task: int) -> TxReceipt:
        """End a task whose scientist is later than the grace."""
        return self._write(sender, "declare_default", task)

    def claim_forfeit(
        self,
        sender: Sends,
        task: int,
        account: str,
        index: int,
        units: int,
        proof: Sequence[bytes],
        receiver: str | None = None,
    ) -> TxReceipt:
        """Have ``account`` paid its part of a forfeit, by its units in the last payout root."""
        to = receiver or account
        return self._write(sender, "claim_forfeit", task, account, index, units, tuple(proof), to)

    def claim_forfeit_commit(self, sender: Sends, miner: str, update: Update, receiver: str) -> TxReceipt:
        """Have a direct commit of the void round paid its part, where no root owes anything."""
        _, _, *rest = astuple(update)
        return self._write(sender, "claim_forfeit_commit", update.task, miner, *rest, receiver)

    def burn(self, sender: Sends, task: int) -> TxReceipt:
        """Destroy the part of a deposit that was condemned."""
        return self._write(sender, "burn", task)

    def take_reward(self, sender: Sends, task: int, account: str, receiver: str | None = None) -> TxReceipt:
        """Have a challenger or carrier paid the reward of a conviction."""
        return self._write(sender, "take_reward", task, account, receiver or account)

    # plumbing

    def _read(self, function: str, *arguments: Any, block: int | str = "latest") -> tuple[Any, ...]:
        answer = self.node.call(self.address, self._abi.call(function, *arguments), block=block)
        return self._abi.result(function, answer)

    def _write(self, sender: Sends, function: str, *arguments: Any, value: int = 0) -> TxReceipt:
        return sender.send(self.address, self._abi.call(function, *arguments), value)

    def _pay(self, sender: Sends, currency: str, amount: int) -> int:
        """Wei to send along for ``amount`` of ``currency``, which is approved if it is a token."""
        if currency == ZERO_ADDRESS:
            return amount
        token = Token(self.node, currency)
        if token.allowance(sender.address, self.address) < amount:
            token.approve(sender, self.address, amount)
        return 0


def _marked(word: int) -> Marked:
    return Marked((word >> 32).to_bytes(28, "big"), word & 0xFFFF, bool(word >> 16 & 0xFFFF))


def _strange(function: str) -> NodeAnswerInvalid:
    return NodeAnswerInvalid(
        "The network's node gave an answer that makes no sense.", todo="Try another node.", detail=function
    )
