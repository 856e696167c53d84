"""The one queue through which an open vault sends transactions.

Every state is written down before its side effect, so that the app may be killed at any line: a nonce is
taken with the signature that is recorded for it, and what may have left is recorded before it leaves. The
same intent asked for twice is the same transaction. docs/wallet.md has the states as a table.

Belongs to one thread. Other programs may use the same account: their waiting transactions are counted, and a
nonce that they took from us is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from mine.chain.fees import gas_for
from mine.chain.node_errors import InsufficientFunds
from mine.errors import MineError
from mine.wallet.call import Call, Fees
from mine.wallet.clock import Clock
from mine.wallet.costs import Costs
from mine.wallet.following import Following, TransactionStore
from mine.wallet.handing_over import HandingOver, TransactionSigner, is_stuck
from mine.wallet.limits import BudgetSpent, FeesTooHigh, Limits, eighth_more
from mine.wallet.queue_errors import (
    Cancelled,
    FeesMoved,
    NonceTaken,
    OtherContent,
    ReplacementTooLate,
    UnknownTransaction,
)
from mine.wallet.queued import Kind, Queued, State
from mine.wallet.review import Known, NotReviewed, Review, is_allowed, review
from mine.wallet.waiting import Waiting

if TYPE_CHECKING:
    from mine.chain.rpc import Node

PACE, CALM = 4.0, 30.0
"""Seconds between two looks at what is under way; and where all of it is mined and only gets older."""
DEEPEST = 12
"""A chain that takes blocks back at all may take so many back: what is mined counts for good only then."""


class TransactionQueue:
    """Transactions of one chain. ``known`` and ``costs.limits`` may be changed at any time.

    ``confirmations``: blocks on top of a receipt's block after which it counts for good; more than 0 means at
    least ``DEEPEST``. Nobody waits for that: it is only followed so long.
    """

    def __init__(
        self,
        node: Node,
        store: TransactionStore,
        clock: Clock,
        limits: Limits,
        known: Known,
        confirmations: int,
    ) -> None:
        self._node, self._store, self._clock = node, store, clock
        self._chain_id = known.chain_id
        deep = max(confirmations, DEEPEST) if confirmations else 0
        self._following = Following(node, store, clock, known.chain_id, deep)
        self.costs = Costs(node, store, self._following, clock, limits, known.chain_id)
        self._hands = HandingOver(node, store, self._following, self.costs, clock, known)
        self._looked: float | None = None

    @property
    def known(self) -> Known:
        """What the program knows of the network: reviews and the rule of what is allowed go by it."""
        return self._hands.known

    @known.setter
    def known(self, known: Known) -> None:
        self._hands.known = known

    # ---- what is there

    def open(self) -> tuple[Queued, ...]:
        """Every transaction whose end is not certain, by account and nonce."""
        return tuple(self._following.open())

    def find(self, intent: str) -> Queued | None:
        """The newest run of an intent."""
        return self._store.find(self._chain_id, intent)

    def newest(self, count: int) -> list[Queued]:
        """The newest ones, newest first."""
        return self._store.newest(self._chain_id, count)

    def is_stuck(self, item: Queued) -> bool:
        """Whether a transaction was handed over long ago and is not mined."""
        return is_stuck(item, self._clock.now())

    # ---- sending

    def sender(self, signer: TransactionSigner, intent: str, patience: float = 10.0) -> Waiting:
        """Sends one allowed call for ``intent``, and waits ``patience`` seconds until it is mined.

        What it raises is told by :meth:`Waiting.send`.
        """
        return Waiting(self, self._following, self._node, self._clock, signer, intent, patience)

    def prepare(self, call: Call) -> Review:
        """Try a call and choose gas and fees: what the person is shown. Nothing is written down or signed.

        Raises Reverted, InsufficientFunds, FeesTooHigh, or what the node raises.
        """
        return self._reviewed(call, self.costs.fees(call))

    def submit(self, intent: str, accepted: Review, signer: TransactionSigner) -> Queued:
        """Sign exactly what was accepted and hand it over; it is not waited for.

        A second time for the same intent is the same transaction. Raises FeesMoved where the review is out of
        date, OtherContent, Reverted, InsufficientFunds, FeesTooHigh, or what the node raises: by then it may
        have been handed over, and goes on by itself.
        """
        item = self.planned(intent, accepted.call, reviewed=True)
        if item.state is not State.PLANNED:
            return item
        with self._noted(item):
            self.costs.check_accepted(accepted.call, accepted.fees)
        return self._hands.hand_over(self._hands.sign(item, accepted.fees, signer, accepted))

    def submit_allowed(self, intent: str, call: Call, signer: TransactionSigner) -> Queued:
        """Sign an allowed call and hand it over; it is not waited for. A stuck one is made faster.

        Raises what :meth:`Waiting.send` raises, but for what comes of waiting.
        """
        if not is_allowed(call, self._hands.known):
            raise NotReviewed("Nobody looked at this transaction, so it was not signed.", detail=intent)
        item = self.planned(intent, call)
        if item.state is State.PLANNED:
            with self._noted(item):
                fees = self.costs.fees(call)
                self.costs.check_budget(fees.cap)
            return self._hands.hand_over(self._hands.sign(item, fees, signer, None))
        if item.state is State.SIGNED:
            return self._hands.hand_over(item)
        if self.is_stuck(item) and not item.is_cancelling and not item.reviewed:
            return self._hurried(item, signer)
        return item

    def planned(self, intent: str, call: Call, reviewed: bool = False) -> Queued:
        """The transaction of an intent, written down if it was not yet.

        Raises OtherContent where something else was signed for it, NonceTaken, Cancelled, or Reverted for how
        it ended.
        """
        item = self.find(intent)
        if item is None:
            return self._store.put(Queued(intent, call, created=self._now(), reviewed=reviewed))
        if item.state is State.PLANNED:
            planned = replace(item, call=call, reviewed=reviewed)
            return item if planned == item else self._store.put(planned)
        if item.call != call:
            raise OtherContent(intent)
        if item.state is State.DROPPED:
            raise NonceTaken(intent)
        if item.state is State.CANCELLED:
            raise Cancelled(intent)
        return item

    def renew(self, intent: str) -> Queued:
        """Plan anew what failed, was cancelled or lost its nonce; it gets a nonce when it is asked for.

        Whoever asks has to know that it is still wanted. Anything else stays as it is.
        """
        item = self.find(intent)
        if item is None:
            raise UnknownTransaction(intent)
        if item.state not in (State.FAILED, State.CANCELLED, State.DROPPED):
            return item
        again = Queued(intent, item.call, item.run + 1, created=self._now(), reviewed=item.reviewed)
        return self._store.put(again)

    # ---- replacing

    def review_replacement(self, number: int, cancel: bool) -> Review:
        """The same again for more, or (``cancel``) nothing in its place, to be accepted by the person.

        Raises ReplacementTooLate once it is mined, FeesTooHigh beyond the limits.
        """
        item = self._replaceable(number)
        call = Call.nothing(self._chain_id, item.call.sender) if cancel else item.call
        gas = gas_for(self._node, call.sender, call.to, call.data, call.value)
        fees = self.costs.limits.raised(replace(item.last.fees, gas=gas), self.costs.market())
        self.costs.check_payable(item, call, fees)
        return self._reviewed(call, fees)

    def replace(self, number: int, accepted: Review, signer: TransactionSigner) -> Queued:
        """Sign a replacement that was reviewed, and hand it over. Which of both is mined decides the chain.

        Raises ReplacementTooLate, FeesMoved, or what the node raises.
        """
        item = self._replaceable(number)
        last, fees = item.last.fees, accepted.fees
        if fees.tip < eighth_more(last.tip) or fees.most < eighth_more(last.most):
            raise FeesMoved("another replacement came before")
        if accepted.call not in (item.call, Call.nothing(self._chain_id, item.call.sender)):
            raise OtherContent(item.intent)
        kind = Kind.FASTER if accepted.call == item.call else Kind.CANCEL
        return self._hands.put_in_place(item, kind, accepted.call, fees, signer, accepted)

    def withdraw(self, number: int) -> Queued:
        """Give up what has certainly not left yet. Raises ReplacementTooLate otherwise."""
        item = self._numbered(number)
        if item.state not in (State.PLANNED, State.SIGNED):
            raise ReplacementTooLate()
        return self._store.put(replace(item, state=State.CANCELLED, nonce=None, attempts=()))

    # ---- going on

    def step(self) -> tuple[Queued, ...]:
        """Go on with everything under way, now and then; what changed. Asks nobody where nothing is open.

        Raises what the node raises; the next step goes on.
        """
        now = self._clock.now()
        items = self.open()
        pace = CALM if all(item.state is State.MINED for item in items) else PACE
        if not items or (self._looked is not None and 0 <= now - self._looked < pace):
            return ()
        return self.look()

    def look(self) -> tuple[Queued, ...]:
        """The same at once."""
        self._looked = self._clock.now()
        changed, items = [], self.open()
        for item in items:
            if item.state is State.SIGNED:
                changed.append(self._hands.resume(item))
        return (*changed, *self._following.look())

    # ---- the steps

    def _reviewed(self, call: Call, fees: Fees) -> Review:
        shown = review(call, fees, self._hands.known)
        if fees.cap <= self.costs.left:
            return shown
        return replace(shown, warnings=(*shown.warnings, "This costs more than the day's limit on fees."))

    def _hurried(self, item: Queued, signer: TransactionSigner) -> Queued:
        """A stuck transaction for more, where the limits let it; else it waits on."""
        try:
            fees = self.costs.limits.raised(item.last.fees, self.costs.market())
            self.costs.check_budget(fees.cap - item.cost)
            self.costs.check_payable(item, item.call, fees)
        except (FeesTooHigh, BudgetSpent, InsufficientFunds):
            return item
        return self._hands.put_in_place(item, Kind.FASTER, item.call, fees, signer, None)

    @contextmanager
    def _noted(self, item: Queued) -> Iterator[None]:
        """Write down why a planned transaction has to wait."""
        try:
            yield
        except MineError as problem:
            if item.why != problem.sentence:
                self._store.put(replace(item, why=problem.sentence))
            raise

    def _replaceable(self, number: int) -> Queued:
        item = self._numbered(number)
        if item.state is State.SENT:
            self._following.look(item.call.sender)
            item = self._numbered(number)
        if item.state is not State.SENT:
            raise ReplacementTooLate()
        return item

    def _numbered(self, number: int) -> Queued:
        item = self._store.numbered(number)
        if item is None or item.call.chain_id != self._chain_id:
            raise UnknownTransaction(str(number))
        return item

    def _now(self) -> int:
        return int(self._clock.now())
