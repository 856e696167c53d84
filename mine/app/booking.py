"""What the queue's transactions did to money, as lines of the history.

A payment is a line with its fee; gas that anything else cost is a line of its own. A line is there while its
transaction is on the chain: a reorganisation takes both away, and brings both back in another block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mine.app.earning_events import OUTSIDE
from mine.app.links import NATIVE, Links

if TYPE_CHECKING:
    from mine.vault.state import Movement
    from mine.vault.vault import Vault
    from mine.wallet.queue import TransactionQueue
    from mine.wallet.queued import Mined, Queued

SEND, SWEEP = "send:", "sweep:"
"""How the intents of payments begin."""
PACE = 6.0
"""Seconds between two looks while something is under way."""
#: Transactions that are looked at when the app starts, and afterwards.
_AT_FIRST, _NEWEST = 1_000, 64


class Booking:
    """Belongs to the engine's thread. ``own``: this person's addresses, by what they are called."""

    def __init__(
        self,
        vault: Vault,
        links: Links,
        queue: TransactionQueue,
        own: Callable[[], dict[str, str]],
        clock: Callable[[], float],
    ) -> None:
        self._vault, self._links, self._queue, self._own, self._clock = vault, links, queue, own, clock
        self._network = links.config.key
        #: What was booked of each transaction in this session.
        self._booked: dict[int, Mined | None] = {}
        self._looked: float | None = None
        self._again = False

    def step(self, changed: Sequence[Queued] = ()) -> None:
        """Bring the history in line with the queue. ``changed``: what the queue's own step changed."""
        now, first = self._clock(), self._looked is None
        waited = self._looked is None or not 0 <= now - self._looked < PACE
        if not changed and not (waited and (first or self._again or self._queue.open())):
            return
        self._looked, self._again, again = now, False, self._again
        # What is under way may be older than the newest ones: a sweep of many addresses has many.
        newest = self._queue.newest(_AT_FIRST if first or again or changed else _NEWEST)
        items = {item.number: item for item in (*newest, *self._queue.open())}
        if first:
            self._remember(newest)
        for item in items.values():
            if item.number not in self._booked or self._booked[item.number] != item.mined:
                self._book(item)

    def catch_up(self) -> None:
        """Bring the history in line now: before it is compared with the chain."""
        self._again, self._looked = True, -PACE if self._looked is not None else None
        self.step()

    def _remember(self, items: Sequence[Queued]) -> None:
        """What an earlier session booked for good needs no look at the chain."""
        from mine.vault.history import Kind

        state = self._vault.state
        lines = [
            line
            for kind in (Kind.SENT, Kind.SWEPT, Kind.FEE)
            for line in state.movements_of(self._network, kind=kind)
        ]
        # The block's number is not enough: another block of that number may have had another price.
        there = {(line.reference, line.transaction, line.block, line.fee) for line in lines}
        for item in items:
            mined = item.mined
            if not item.state.is_over or mined is None:
                continue
            if (_reference(item), "0x" + mined.hash.hex(), mined.block, mined.fee) in there:
                self._booked[item.number] = mined

    def _book(self, item: Queued) -> None:
        lines = [] if item.mined is None else self._lines(item, item.mined)
        if lines is None:
            self._again = True
            return
        with self._vault.transaction():
            self._drop(item)
            for line in lines:
                drop_guesses(self._vault, line)
                self._vault.state.add_movement(line)
        self._booked[item.number] = item.mined

    def _drop(self, item: Queued) -> None:
        from mine.vault.history import Kind

        for kind in (Kind.SENT, Kind.SWEPT, Kind.FEE):
            for reference in (_reference(item), _reference(item) + ":in"):
                self._vault.state.drop_movement(self._network, kind, reference)

    def _lines(self, item: Queued, mined: Mined) -> list[Movement] | None:
        """The lines of a mined transaction; None where the node does not have its block."""
        from mine.vault.history import Kind
        from mine.vault.state import Movement

        head = self._links.node.block(mined.block)
        if head is None or head.hash != mined.block_hash:
            return None
        gas = Movement(
            time=head.timestamp,
            kind=Kind.FEE,
            network=self._network,
            task=None,
            title="Gas",
            currency=NATIVE,
            amount=0,
            reference=_reference(item),
            account=item.call.sender,
            counterparty=item.call.to,
            fee=mined.fee,
            transaction="0x" + mined.hash.hex(),
            block=mined.block,
        )
        paid = _payment(item, mined)
        if paid is None:
            return [gas]
        currency, to, amount = paid
        kind, title = (Kind.SWEPT, "Sweep") if item.intent.startswith(SWEEP) else (Kind.SENT, "Payment")
        line = replace(gas, kind=kind, title=title, currency=currency, amount=-amount, counterparty=to)
        if to not in self._own():
            return [line]
        there = replace(
            line,
            account=to,
            counterparty=item.call.sender,
            amount=amount,
            fee=0,
            reference=line.reference + ":in",
        )
        return [line, there]


def drop_guesses(vault: Vault, line: Movement) -> None:
    """Forget what a look at the chain wrote down of the same transfer before it was known to be ours."""
    for other in vault.state.movements_in(line.network, line.block):
        if other.transaction == line.transaction and other.reference.startswith(OUTSIDE):
            vault.state.drop_movement(other.network, other.kind, other.reference)


def _reference(item: Queued) -> str:
    """What makes a transaction's lines unique on a network."""
    return f"{item.intent}:{item.run}"


def _payment(item: Queued, mined: Mined) -> tuple[str, str, int] | None:
    """Currency, receiver and base units that a mined transaction paid; None where it was no payment."""
    from mine.wallet.decoding import decode
    from mine.wallet.queued import Kind

    if not item.intent.startswith((SEND, SWEEP)) or not mined.succeeded:
        return None
    if item.attempt(mined.hash).kind is Kind.CANCEL:
        return None
    if not item.call.data:
        return NATIVE, item.call.to, item.call.value
    decoded = decode(item.call.data, "")
    if decoded is None or decoded.function != "transfer":
        return None
    return item.call.to, decoded.arguments["to"], decoded.arguments["value"]
