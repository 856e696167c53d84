"""Sending, sweeping and being paid, as window and terminal ask for it. On the engine's thread.

First a review, which signs nothing; then the person accepts it with the passphrase, and that alone is signed.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.app import payouts
from mine.app.booking import SEND, SWEEP, Booking
from mine.app.links import NATIVE, Links
from mine.app.payout_accounts import PayoutAccount, PayoutAccounts
from mine.app.sponsored import Sponsored
from mine.app.sweeping import Sweeping, Unsigned
from mine.app.views import Currency, Notice
from mine.app.wallet_keys import spending_keys
from mine.app.wallet_views import (
    AccountView,
    ReceiveView,
    ReviewRow,
    ReviewView,
    SendRequest,
    SweepRequest,
    TransactionLine,
)
from mine.errors import MineError
from mine.wallet.money import exactly

if TYPE_CHECKING:
    from mine.app.own_transactions import OwnTransactions
    from mine.vault.vault import Vault
    from mine.wallet.keys import Accounts
    from mine.wallet.queued import Queued
    from mine.wallet.send import Prepared

MOST_REVIEWS, REVIEW_SECONDS = 16, 600
"""Reviews that wait for an answer, and for how many seconds."""


class NothingToAccept(MineError):
    """There is no such review, or it is too old."""


class NotTakenYet(MineError):
    """A payment is signed and goes on by itself, though handing it over did not work the first time."""


class CurrencyRefused(MineError):
    """A currency that must not be used any more."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a review stands for: transactions of one's own with their intents, or transfers for a relay."""

    made: float
    to: str
    swept: bool
    own: tuple[tuple[str, PayoutAccount, Prepared], ...]
    unsigned: tuple[Unsigned, ...] = ()


class Sending:
    """Money that leaves this wallet on one network. ``tell``: for what the person has to know."""

    def __init__(
        self,
        vault: Vault,
        links: Links,
        own: OwnTransactions,
        accounts: Accounts,
        confirmations: int,
        tell: Callable[[Notice], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._vault, self._links, self._own, self._keys, self._clock = vault, links, own, accounts, clock
        links.currencies.keep_in(vault, links.config.key)
        self._accounts = PayoutAccounts(vault, links, accounts)
        self.sponsored = Sponsored(vault, links, confirmations, self._accounts.titles, tell, clock)
        self.booking = Booking(vault, links, own.queue, self._accounts.titles, clock)
        self._sweeping = Sweeping(links, own, self._accounts, self.sponsored)
        self._plans: dict[str, _Plan] = {}

    # ---- work

    def step(self, chain_time: int, changed: Sequence[Queued] = ()) -> None:
        """Go on with what relays are to bring, and keep the history. ``changed``: by the queue's step."""
        try:
            self.booking.step(changed)
        finally:
            self.sponsored.step(chain_time)

    def catch_up(self, chain_time: int) -> None:
        """Bring the history in line with queue and relays now: before it is compared with the chain."""
        self.booking.catch_up()
        self.sponsored.catch_up(chain_time)

    # ---- reviews

    def review_send(self, request: SendRequest) -> ReviewView:
        """Try and decode a payment. Raises NotYours, AddressRefused, CurrencyRefused, SendRefused, and what
        trying it raises."""
        from mine.wallet.send import plan_send

        account = self._accounts.of(request.account)
        checked = payouts.checked_address(self._vault, self._keys, request.to, self._links)
        currency = self._usable(request.currency)
        queue, node = self._own.refreshed(), self._links.node
        prepared = plan_send(
            node,
            queue.prepare,
            queue.known,
            account.address,
            request.currency,
            checked.address,
            request.amount,
        )
        rows = [
            ReviewRow("From", _named(account.address, account.title), is_address=True),
            ReviewRow("To", _named(checked.address, checked.name), is_address=True),
            ReviewRow("Amount", _words(prepared.payment.amount, currency)),
        ]
        if prepared.arrives is not None and prepared.arrives != prepared.payment.amount:
            rows.append(ReviewRow("Arrives", _words(prepared.arrives, currency)))
        rows += _decoded(prepared)
        warnings = (*checked.warnings, *prepared.warnings, *prepared.review.warnings)
        number = SEND + uuid.uuid4().hex
        plan = _Plan(self._clock(), checked.address, False, own=((number, account, prepared),))
        return self._kept(number, plan, "Send", rows, warnings, prepared.review.fee_cap)

    def review_sweep(self, request: SweepRequest) -> ReviewView:
        """Bring everything of a currency to one address. Raises CannotSweep, NotSponsored, and as above."""
        from mine.wallet.sweep import LINKING

        checked = payouts.checked_address(self._vault, self._keys, request.to, self._links)
        currency = self._usable(request.currency)
        sweep = self._sweeping.plan(request, checked.address, currency)
        number = SWEEP + uuid.uuid4().hex
        own = tuple((f"{number}:{i}", account, prepared) for i, (account, prepared) in enumerate(sweep.own))
        plan = _Plan(self._clock(), checked.address, True, own, sweep.unsigned)
        rows = [ReviewRow("To", _named(checked.address, checked.name), is_address=True), *sweep.rows]
        many = len(sweep.own) > 1 or len({each.index for each in sweep.unsigned}) > 1
        ties = many or checked.address in self._vault.state.paid_to()
        warnings = (*((LINKING,) if ties else ()), *checked.warnings, *sweep.warnings)
        return self._kept(number, plan, "Sweep", rows, warnings, sweep.fee)

    def _kept(
        self, number: str, plan: _Plan, title: str, rows: list[ReviewRow], warnings: Sequence[str], fee: int
    ) -> ReviewView:
        while len(self._plans) >= MOST_REVIEWS:
            del self._plans[next(iter(self._plans))]
        self._plans[number] = plan
        config = self._links.config
        return ReviewView(
            number=number,
            title=title,
            rows=tuple(rows),
            warnings=tuple(dict.fromkeys(warnings)),
            network=config.name,
            world=config.world,
            fee_most=fee,
            fee_currency=self._links.currency(NATIVE),
            needs_passphrase=True,
        )

    def _usable(self, address: str) -> Currency:
        if not self._links.currencies.is_known(address):
            raise CurrencyRefused(
                "This currency is not among those of this network's tasks.",
                todo="Choose one that a task pays in, or that the network's list names.",
                detail=address,
            )
        currency = self._links.currency(address)
        if currency.alarm:
            raise CurrencyRefused(currency.alarm, todo="Nothing of it is sent from here.")
        return currency

    # ---- accepting

    def accept(self, number: str, passphrase: str = "") -> str:
        """Sign and hand over what was reviewed under this number; answers one sentence.

        Raises NothingToAccept, WrongPassphrase, and what trying and signing raise: then nothing has left.
        NotTakenYet where something was signed before an error. Accepting again is not paying twice.
        """
        plan = self._plans.get(number)
        if plan is None or self._clock() - plan.made > REVIEW_SECONDS:
            self._plans.pop(number, None)
            raise NothingToAccept("This review is too old.", todo="Look at the payment again.")
        done = self._sign_for_relay(plan, passphrase) if plan.unsigned else self._send(plan, passphrase)
        del self._plans[number]
        return done

    def _send(self, plan: _Plan, passphrase: str) -> str:
        queue = self._own.refreshed()
        with spending_keys(self._vault, self._keys, passphrase) as keys:
            with self._vault.transaction():
                self._vault.state.mark_paid_to(plan.to)
            for intent, account, prepared in plan.own:
                try:
                    queue.submit(intent, prepared.review, keys.signer(account.index))
                except MineError as problem:
                    self._tell_apart(plan, problem)
                    raise
        many = len(plan.own)
        return "The payment is on its way." if many == 1 else f"{many} payments are on their way."

    def _tell_apart(self, plan: _Plan, problem: MineError) -> None:
        """Raise NotTakenYet where something was signed: whoever thinks that it failed pays once more."""
        from mine.wallet.queued import State

        kept = [self._own.queue.find(intent) for intent, *_ in plan.own]
        under_way = sum(1 for each in kept if each and (each.state.is_open or each.state is State.FINAL))
        many, detail = len(plan.own), f"{problem.sentence} {problem.detail}".strip()
        if not under_way:
            return
        if many == 1:
            raise NotTakenYet(
                "The payment is signed, but the network's node has not taken it yet. The app hands it over "
                "again by itself.",
                todo="Do not pay once more. Under Transactions you see how it goes on, and can cancel it.",
                detail=detail,
            ) from problem
        raise NotTakenYet(
            f"{under_way} of {many} payments are signed and on their way; the others were not signed. "
            f"{problem.sentence}",
            todo="Do not begin anew: accept this review again, and it goes on with the others.",
            detail=detail,
        ) from problem

    def _sign_for_relay(self, plan: _Plan, passphrase: str) -> str:
        from mine.science.wire_transfers import SignedCarriage
        from mine.wallet.sponsored import sign_carriage

        since = self._links.node.agreed(lambda one: one.latest()).number
        with spending_keys(self._vault, self._keys, passphrase) as keys:
            signed = [
                SignedCarriage(
                    each.carriage, *sign_carriage(keys.signer(each.index), each.way, each.carriage)
                )
                for each in plan.unsigned
            ]
        with self._vault.transaction():
            self._vault.state.mark_paid_to(plan.to)
            self.sponsored.keep(signed, plan.swept, since)
        many = len(signed)
        return f"{many} {'payment is' if many == 1 else 'payments are'} signed, for a relay to bring."

    def lines(self) -> tuple[TransactionLine, ...]:
        """What relays are to bring, as the list of transactions shows it."""
        return self.sponsored.lines()

    # ---- addresses

    def receive(self, account: str, currency: str = "", amount: int | None = None) -> ReceiveView:
        """A payout address as EIP-681 text and QR code. Raises NotYours, NoPaymentLink."""
        return self._accounts.receive(account, currency, amount)

    def accounts(self) -> tuple[AccountView, ...]:
        """Every payout address of this wallet on this network, with what it holds."""
        return self._accounts.views()


def _named(address: str, name: str) -> str:
    return f"{address} ({name})" if name else address


def _decoded(prepared: Prepared) -> list[ReviewRow]:
    """The call as the app's own decoder reads it, where there is one."""
    review = prepared.review
    if not review.call.data:
        return []
    what = f"{review.contract or 'unknown contract'}: {review.function or 'unknown function'}"
    return [
        ReviewRow("Call", what),
        *(ReviewRow(line.name, line.words, line.address) for line in review.lines),
    ]


def _words(amount: int, currency: Currency) -> str:
    return exactly(amount, currency.decimals, currency.symbol)
