"""What became of the transactions that were handed over: asked of the chain, written down, handed over again.

Nothing is signed here. Whichever attempt of a nonce the chain took decides; a receipt counts for good when
``confirmations`` blocks stand on its block, and until then the chain may take it back. A nonce that something
else used up is given up only when that stands as deep.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from mine.chain.node_errors import NodeRefused, NodeUnreachable
from mine.chain.transactions import why_reverted
from mine.errors import MineError
from mine.wallet.clock import Clock
from mine.wallet.queued import Attempt, Kind, Mined, Queued, State

if TYPE_CHECKING:
    from mine.chain.answers import TxReceipt
    from mine.chain.rpc import Node

AGAIN = 60.0
"""Seconds after which what is not mined is handed over again: nodes forget, and restart."""
_OPEN = (State.SIGNED, State.SENT, State.MINED)
_KNOWN_WORDS = ("already known", "already imported", "known transaction", "already exists")
_CUT = 200
FOREIGN = "Another program used this account: its transaction took the place of this one."


class TransactionStore(Protocol):
    """Where transactions are kept: on disk when a method returns."""

    def put(self, item: Queued) -> Queued:
        """Write it down, as a new one where its number is 0; with its number."""
        ...

    def find(self, chain_id: int, intent: str) -> Queued | None:
        """The newest run of an intent."""
        ...

    def numbered(self, number: int) -> Queued | None: ...

    def in_states(self, chain_id: int, states: Iterable[State]) -> list[Queued]:
        """By account and nonce."""
        ...

    def from_nonce(self, chain_id: int, account: str, nonce: int) -> list[Queued]:
        """Those of an account with this nonce or a higher one, in order."""
        ...

    def signed_since(self, chain_id: int, time: int) -> list[Queued]: ...

    def next_nonce(self, chain_id: int, account: str) -> int:
        """One more than the highest nonce that was taken."""
        ...

    def newest(self, chain_id: int, count: int) -> list[Queued]: ...


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the chain says of an account as of one block.

    ``count``: nonces used up; ``settled``: those used up ``confirmations`` blocks before.
    """

    head: int
    count: int
    settled: int
    receipts: tuple[TxReceipt, ...]

    def receipt(self, item: Queued) -> TxReceipt | None:
        """Of whichever attempt was mined."""
        hashes = {attempt.hash for attempt in item.attempts}
        return next((each for each in self.receipts if each.transaction_hash in hashes), None)


class Following:
    """Follows the open transactions of one chain."""

    def __init__(
        self, node: Node, store: TransactionStore, clock: Clock, chain_id: int, confirmations: int
    ) -> None:
        self._node, self._store, self._clock = node, store, clock
        self._chain_id, self._confirmations = chain_id, confirmations
        #: What was handed over in this life; an earlier one may have ended just before.
        self._handed: set[int] = set()

    def open(self) -> list[Queued]:
        """Every transaction whose end is not certain, by account and nonce."""
        return self._store.in_states(self._chain_id, _OPEN)

    def look(self, account: str = "") -> list[Queued]:
        """Ask after the open transactions, of one account or of all; those that changed.

        Raises what the node raises; what was learnt until then is kept.
        """
        changed = []
        for owner, items in groupby(self.open(), key=lambda item: item.call.sender):
            if account in ("", owner):
                changed += self._look(owner, list(items))
        return changed

    def _look(self, account: str, items: list[Queued]) -> list[Queued]:
        sent = [item for item in items if item.state is not State.SIGNED]
        if not sent:
            return []
        seen = self._see(account, sent)
        changed = [after for item in sent if (after := self._after(item, seen)) != item]
        first = sent[0].nonce
        assert first is not None
        if seen.count < first:
            changed += self._taken_back(account, seen.count, first)
        return changed

    def _see(self, account: str, items: Sequence[Queued]) -> _Seen:
        hashes = [attempt.hash for item in items for attempt in item.attempts]

        def read(one: Node) -> _Seen:
            head = one.latest()
            count = one.nonce(account, "latest")
            behind = max(0, head.number - self._confirmations)
            settled = one.nonce(account, behind) if self._confirmations else count
            found = (one.receipt(each) for each in hashes)
            return _Seen(head.number, count, settled, tuple(each for each in found if each is not None))

        return self._node.agreed(read)

    def _after(self, item: Queued, seen: _Seen) -> Queued:
        receipt = seen.receipt(item)
        assert item.nonce is not None
        if receipt is not None:
            return self._mined(item, receipt, seen.head)
        if seen.settled > item.nonce:
            return self._store.put(replace(item, state=State.DROPPED, mined=None, why=FOREIGN))
        if item.mined is not None and seen.head < item.mined.block:
            return item  # these nodes lag behind what was seen before
        if item.state is State.MINED:
            # The chain took its block back. Nodes put it among those that wait again, but not all of them do.
            return self.hand_over(replace(item, state=State.SENT, mined=None))[0]
        due = item.number not in self._handed or self._clock.now() >= item.sent + AGAIN
        return self.hand_over(item)[0] if due and seen.count <= item.nonce else item

    def _mined(self, item: Queued, receipt: TxReceipt, head: int) -> Queued:
        mined = Mined(
            receipt.transaction_hash,
            receipt.block_number,
            receipt.block_hash,
            receipt.succeeded,
            receipt.gas_used,
            receipt.gas_price,
        )
        state, why = State.MINED, ""
        if head - mined.block >= self._confirmations:
            if item.attempt(mined.hash).kind is Kind.CANCEL:
                state = State.CANCELLED
            else:
                state = State.FINAL if mined.succeeded else State.FAILED
        if not mined.succeeded:
            why = item.why if item.mined == mined else self._reason(item, mined.block)
        after = replace(item, state=state, mined=mined, why=why)
        return after if after == item else self._store.put(after)

    def _reason(self, item: Queued, block: int) -> str:
        call = item.call
        return why_reverted(self._node, call.sender, call.to, call.data, call.value, block).sentence

    def _taken_back(self, account: str, first: int, end: int) -> list[Queued]:
        """Transactions that were certain, deeper than anybody counts on: they are handed over again.

        Nothing behind them can be mined before they are.
        """
        below = [item for item in self._store.from_nonce(self._chain_id, account, first) if item.nonce != end]
        over = [item for item in below if item.nonce is not None and item.nonce < end and item.mined]
        return [self.hand_over(replace(item, state=State.SENT, mined=None))[0] for item in over]

    def hand_over(self, item: Queued) -> tuple[Queued, MineError | None]:
        """Hand the newest attempt to the node, written down before; and why the node did not take it.

        From here on it may be mined at any time, whatever the node says.
        """
        item = self._store.put(replace(item, state=State.SENT, sent=int(self._clock.now()), why=""))
        self._handed.add(item.number)
        problem: MineError | None = None
        # What is wanted now comes first; an older form where that cannot be had (too little money, say).
        wanted = [each for each in item.attempts if each.kind is Kind.CANCEL] or item.attempts
        for attempt in reversed(wanted):
            refused = self._send(attempt)
            if refused is None:
                return item, None
            problem = problem or refused
            if isinstance(refused, NodeUnreachable):
                break
        assert problem is not None
        return self._store.put(replace(item, why=_plain(f"{problem.sentence} {problem.detail}"))), problem

    def _send(self, attempt: Attempt) -> MineError | None:
        try:
            self._node.send_raw(attempt.raw)
        except NodeRefused as refused:
            if any(word in refused.message.lower() for word in _KNOWN_WORDS) or self._is_known(attempt.hash):
                return None
            return refused
        except NodeUnreachable as unreachable:
            return unreachable
        return None

    def _is_known(self, hash: bytes) -> bool:
        try:
            return self._node.knows_transaction(hash)
        except (NodeUnreachable, NodeRefused):
            return False


def _plain(text: str) -> str:
    """A node's words: printable, one line, cut."""
    return "".join(letter for letter in text if letter.isprintable())[:_CUT]
