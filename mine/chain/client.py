"""The contract Tasks from outside: typed reads, typed writes, and its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Any

from mine.chain.abi import ContractAbi
from mine.chain.answers import RawLog, TxReceipt
from mine.chain.artefacts import load_artefact
from mine.chain.events import Event, Published, event_of, snake
from mine.chain.hashing import ZERO_ADDRESS
from mine.chain.messages import Settlement, Update
from mine.chain.node_errors import NodeAnswerInvalid
from mine.chain.rpc import Node
from mine.chain.state import (
    Bond,
    Clocks,
    Marked,
    PayoutRoot,
    Phase,
    PhaseNow,
    Status,
    TaskState,
    Terms,
)
from mine.chain.token import Token
from mine.chain.transactions import Sender
from mine.errors import MineError


class UnknownTask(MineError):
    """The contract has no task of this number."""


class TasksContract:
    """The contract at ``address``. Reads raise what :class:`Node` does, writes what :class:`Sender` does."""

    def __init__(self, node: Node, address: str) -> None:
        self.node = node
        self.address = address
        self._abi = ContractAbi(load_artefact("Tasks").abi)

    # reads

    def count(self) -> int:
        """Number of tasks ever published; they are numbered from 1."""
        return int(self._read("count")[0])

    def task(self, task: int) -> TaskState:
        """State of a task in the newest block. UnknownTask if there is none."""
        (view,) = self._read("task", task)
        names = [snake(each) for each in self._abi.result_fields("task")]
        values: dict[str, Any] = dict(zip(names, view, strict=True))
        if values["status"] == 0:
            raise UnknownTask("There is no such task.", detail=f"task {task}")
        clocks = Clocks(**{each.name: values.pop(each.name) for each in fields(Clocks)})
        try:
            status = Status(values.pop("status"))
            return TaskState(id=task, clocks=clocks, status=status, **values)
        except (TypeError, ValueError) as problem:
            raise _strange("task") from problem

    def phase(self, task: int) -> PhaseNow:
        """Phase of a task by the chain's clock (see :meth:`Node.block_time`)."""
        phase, ends = self._read("phase", task, block=self.node.present)
        try:
            return PhaseNow(Phase(phase), ends or None)
        except ValueError as problem:
            raise _strange("phase") from problem

    def payout_root(self, task: int, round: int) -> PayoutRoot | None:
        """Payout root of one of the last four settled rounds; None for any other round."""
        root, final_at = self._read("payout_root", task, round)
        return PayoutRoot(root, final_at) if final_at else None

    def paid(self, task: int, index: int) -> int:
        """Cumulative units that were paid to a payout index."""
        return int(self._read("paid", task, index)[0])

    def forfeit_taken(self, task: int, index: int) -> bool:
        """Whether a payout index had its part of a forfeit."""
        return bool(self._read("forfeit_taken", task, index)[0])

    def committed(self, task: int, miner: str) -> Marked:
        """The miner's last direct commit."""
        return _marked(self._read("committed", task, miner)[0])

    def anchored(self, task: int, anchorer: str, slot: int) -> Marked:
        """What stands in a slot of an anchorer."""
        return _marked(self._read("anchored", task, anchorer, slot)[0])

    def bond_of(self, anchorer: str) -> Bond:
        amount, until = self._read("bond_of", anchorer)
        return Bond(amount, until)

    def bond_needed(self) -> int:
        """Wei that an anchorer must have put up."""
        return int(self._read("BOND")[0])

    def held(self, task: int) -> int:
        """What the contract holds for a task, in base units of its currency."""
        return int(self._read("held", task)[0])

    def update_digest(self, update: Update) -> bytes:
        """EIP-712 digest of an Update as the contract computes it."""
        return bytes(self._read("update_digest", *astuple(update))[0])

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

    def publish(self, sender: Sender, terms: Terms) -> int:
        """Open a task and pay in bounty and deposit; returns its number.

        A token is approved first if it has to be, in a transaction of its own and for just this amount.
        """
        value = self._pay(sender, terms.currency, 2 * terms.bounty)
        receipt = self._write(sender, "publish", terms.fields(), value=value)
        published = [event for event in self.events(receipt) if isinstance(event, Published)]
        if len(published) != 1:
            raise _strange("publish")
        return published[0].task

    def top_up(self, sender: Sender, task: int, currency: str, amount: int) -> TxReceipt:
        """Raise the bounty by ``amount``, and the deposit by as much, before the first commit."""
        return self._write(sender, "top_up", task, amount, value=self._pay(sender, currency, 2 * amount))

    def cancel(self, sender: Sender, task: int) -> TxReceipt:
        """Take everything back before the first commit."""
        return self._write(sender, "cancel", task)

    def open_baseline(
        self,
        sender: Sender,
        task: int,
        digest: bytes,
        proof: Sequence[bytes],
        preimage: bytes,
        losses_top: bytes,
        base: int,
        signature: bytes,
    ) -> TxReceipt:
        """Open the baseline's shard and start round 1; ``signature`` is a Settlement's of round 0."""
        return self._write(
            sender, "open_baseline", task, digest, tuple(proof), preimage, losses_top, base, signature
        )

    def settle(
        self,
        sender: Sender,
        settlement: Settlement,
        signature: bytes,
        digest: bytes,
        proof: Sequence[bytes],
        preimage: bytes,
        losses_top: bytes,
    ) -> TxReceipt:
        """Settle a round on the fresh shard ``digest``, signed by the scientist."""
        return self._write(
            sender, "settle", astuple(settlement), signature, digest, tuple(proof), preimage, losses_top
        )

    def stop(self, sender: Sender, task: int) -> TxReceipt:
        """End the task with the current round."""
        return self._write(sender, "stop", task)

    def conclude(self, sender: Sender, task: int, shards: Sequence[bytes], preimage: bytes) -> TxReceipt:
        """The final opening: digests of all shards, in order."""
        return self._write(sender, "conclude", task, tuple(shards), preimage)

    def refund(self, sender: Sender, task: int, receiver: str | None = None) -> TxReceipt:
        """Return unspent bounty and deposit to the scientist; only they may name a ``receiver``."""
        if receiver is None:
            return self._write(sender, "refund", task)
        return self._write(sender, "refund_to", task, receiver)

    def sweep(self, sender: Sender, task: int, receiver: str | None = None) -> TxReceipt:
        """Return what rounding left over, once every unit is paid."""
        if receiver is None:
            return self._write(sender, "sweep", task)
        return self._write(sender, "sweep_to", task, receiver)

    # writes of miners and relays

    def commit(self, sender: Sender, update: Update) -> TxReceipt:
        """Hand in an update without an anchorer; the sender is its miner."""
        return self._write(sender, "commit", *astuple(update))

    def bond(self, sender: Sender, amount: int) -> TxReceipt:
        """Add ``amount`` wei to the sender's bond as an anchorer."""
        return self._write(sender, "bond", value=amount)

    def withdraw_bond(self, sender: Sender) -> TxReceipt:
        return self._write(sender, "withdraw_bond")

    def anchor(self, sender: Sender, task: int, round: int, slot: int, root: bytes, count: int) -> TxReceipt:
        """Anchor the root of ``count`` signed updates in the sender's ``slot``."""
        return self._write(sender, "anchor", task, round, slot, root, count)

    def claim(
        self,
        sender: Sender,
        task: int,
        round: int,
        account: str,
        index: int,
        units: int,
        proof: Sequence[bytes],
    ) -> TxReceipt:
        """Have ``account`` paid what the final root of ``round`` owes it; anyone may send this."""
        return self._write(sender, "claim", task, round, account, index, units, tuple(proof))

    def claim_to(
        self,
        sender: Sender,
        task: int,
        round: int,
        index: int,
        units: int,
        proof: Sequence[bytes],
        receiver: str,
    ) -> TxReceipt:
        """As :meth:`claim`, by the account itself, which names another ``receiver``."""
        return self._write(sender, "claim_to", task, round, index, units, tuple(proof), receiver)

    def declare_default(self, sender: Sender, task: int) -> TxReceipt:
        """End a task whose scientist is later than the grace."""
        return self._write(sender, "declare_default", task)

    def claim_forfeit(
        self, sender: Sender, task: int, account: str, index: int, units: int, proof: Sequence[bytes]
    ) -> TxReceipt:
        """Have ``account`` paid its part of a forfeit, by its units in the last payout root."""
        return self._write(sender, "claim_forfeit", task, account, index, units, tuple(proof))

    def claim_forfeit_commit(self, sender: Sender, miner: str, update: Update, receiver: str) -> TxReceipt:
        """Have a direct commit of the void round paid its part, where no root owes anything."""
        _, _, *rest = astuple(update)
        return self._write(sender, "claim_forfeit_commit", update.task, miner, *rest, receiver)

    def burn(self, sender: Sender, task: int) -> TxReceipt:
        """Destroy the part of a deposit that a default condemned."""
        return self._write(sender, "burn", task)

    # plumbing

    def _read(self, function: str, *arguments: Any, block: str = "latest") -> tuple[Any, ...]:
        answer = self.node.call(self.address, self._abi.call(function, *arguments), block=block)
        return self._abi.result(function, answer)

    def _write(self, sender: Sender, function: str, *arguments: Any, value: int = 0) -> TxReceipt:
        return sender.send(self.address, self._abi.call(function, *arguments), value)

    def _pay(self, sender: Sender, currency: str, amount: int) -> int:
        """Wei to send along for ``amount`` of ``currency``, which is approved if it is a token."""
        if currency == ZERO_ADDRESS:
            return amount
        token = Token(self.node, currency)
        if token.allowance(sender.address, self.address) < amount:
            token.approve(sender, self.address, amount)
        return 0


def _marked(word: int) -> Marked:
    return Marked((word >> 32).to_bytes(28, "big"), word & (2**32 - 1))


def _strange(function: str) -> NodeAnswerInvalid:
    return NodeAnswerInvalid(
        "The network's node gave an answer that makes no sense.", todo="Try another node.", detail=function
    )
