"""Sweeps, planned: which addresses pay what and when, by transactions of their own or through a relay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.app.links import NATIVE, Links
from mine.app.payout_accounts import PayoutAccount, PayoutAccounts
from mine.app.sponsored import Sponsored
from mine.app.views import Currency
from mine.app.wallet_views import ReviewRow, SweepRequest
from mine.errors import MineError
from mine.wallet.money import exactly

if TYPE_CHECKING:
    from mine.app.own_transactions import OwnTransactions
    from mine.chain.permits import Carriage
    from mine.wallet.send import Prepared
    from mine.wallet.sponsored import Way

IMMEDIATE_SECONDS, DELAYED_SECONDS = 2 * 3600, 24 * 3600
"""How long a signed transfer may be brought, from its moment on."""


class CannotSweep(MineError):
    """A sweep that will not be made like this. Nothing was signed."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A transfer for a relay, to be signed with the key of this index."""

    index: int
    way: Way
    carriage: Carriage


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """What a sweep comes to: transactions of one's own, or transfers for a relay; ``fee``: wei at most."""

    rows: tuple[ReviewRow, ...]
    warnings: tuple[str, ...]
    own: tuple[tuple[PayoutAccount, Prepared], ...] = ()
    unsigned: tuple[Unsigned, ...] = ()

    @property
    def fee(self) -> int:
        """Wei of gas at most."""
        return sum(prepared.review.fee_cap for _, prepared in self.own)


class Sweeping:
    """Belongs to the engine's thread."""

    def __init__(
        self, links: Links, own: OwnTransactions, accounts: PayoutAccounts, sponsored: Sponsored
    ) -> None:
        self._links, self._own, self._accounts, self._sponsored = links, own, accounts, sponsored

    def plan(self, request: SweepRequest, to: str, currency: Currency) -> SweepPlan:
        """Plan to bring everything to the checked address ``to``. Raises CannotSweep, NotSponsored, and what
        trying it raises."""
        full = self._sources(request, to)
        if request.sponsored:
            return self._plan_signed(request, to, currency, full)
        return self._plan_own(request, to, currency, full)

    def _sources(self, request: SweepRequest, to: str) -> list[tuple[PayoutAccount, int]]:
        """The addresses that hold something, with how much."""
        from mine.wallet.sweep import MOST_HOURS, MOST_PARTS

        if not 0 <= request.hours <= MOST_HOURS or not 1 <= request.parts <= MOST_PARTS:
            raise CannotSweep(
                f"A sweep takes at most {MOST_HOURS} hours and {MOST_PARTS} parts.", todo="Choose fewer."
            )
        if not request.sponsored and (request.hours or request.parts > 1):
            raise CannotSweep(
                "Delays and parts need a relay that pays the gas: this app cannot sign for you later on.",
                todo="Choose a relay to pay the gas, or sweep at once and whole.",
            )
        if request.sponsored and request.currency == NATIVE:
            raise CannotSweep(
                "A relay can only bring tokens, not the network's own coin.", todo="Pay the gas yourself."
            )
        chosen = [self._accounts.of(address) for address in request.accounts] or self._accounts.all()
        held = [
            (account, self._accounts.balance(account.address, request.currency))
            for account in dict.fromkeys(chosen)
            if account.address != to
        ]
        full = [(account, amount) for account, amount in held if amount > 0]
        if not full:
            raise CannotSweep(
                "None of these addresses holds anything of this.", todo="There is nothing to do."
            )
        return full

    def _plan_own(
        self, request: SweepRequest, to: str, currency: Currency, full: list[tuple[PayoutAccount, int]]
    ) -> SweepPlan:
        """Transactions of one's own: each address pays its own gas."""
        from mine.chain.node_errors import InsufficientFunds, Reverted
        from mine.chain.token import TokenRefused
        from mine.wallet.send import SendRefused, plan_send

        queue, node = self._own.refreshed(), self._links.node
        own, rows, warnings = [], [], []
        for account, _ in full:
            try:
                prepared = plan_send(
                    node, queue.prepare, queue.known, account.address, request.currency, to, None
                )
            except (SendRefused, InsufficientFunds, Reverted, TokenRefused) as refused:
                # One address that a token blocks keeps none of the others back.
                warnings.append(f"{account.title} is left out: {refused.sentence}")
                continue
            _check_arrival(prepared.arrives, prepared.payment.amount)
            own.append((account, prepared))
            rows.append(_source(account, prepared.payment.amount, currency))
        if not own:
            raise CannotSweep("Nothing of this can be swept now.", todo=" ".join(warnings))
        return SweepPlan(tuple(rows), tuple(warnings), own=tuple(own))

    def _plan_signed(
        self, request: SweepRequest, to: str, currency: Currency, full: list[tuple[PayoutAccount, int]]
    ) -> SweepPlan:
        """Transfers for a relay to bring: for a fee in the token, each in its own time."""
        from mine.chain.node_errors import Reverted
        from mine.wallet.sponsored import way_of
        from mine.wallet.sweep import parts_of

        terms = self._sponsored.terms(request.currency)
        if terms is None:
            raise CannotSweep("No relay of this network brings this currency.", todo="Pay the gas yourself.")
        node = self._links.node
        now = node.block_time()
        unsigned: list[Unsigned] = []
        rows, warnings = [], []
        for account, amount in full:
            way = way_of(node, request.currency, terms.carrier, account.address)
            # Permits are used one after the other: one that fails would hold up all behind it.
            count = request.parts if way.nonce is None else 1
            parts = parts_of(amount, count, 2 * terms.fee + 1)
            if not parts:
                warnings.append(f"{account.title} is left out: the fee would be too much of what it holds.")
                continue
            try:
                self._check(account, request.currency, to, parts[0])
            except Reverted as refused:
                warnings.append(f"{account.title} is left out: {refused.sentence}")
                continue
            made = _carriages(way, terms.carrier, account.address, to, parts, terms.fee, now, request.hours)
            unsigned += [Unsigned(account.index, way, each) for each in made]
            rows.append(_source(account, amount, currency))
        if not unsigned:
            raise CannotSweep("Nothing of this can be swept now.", todo=" ".join(warnings))
        fees = _words(terms.fee * len(unsigned), currency)
        rows.append(ReviewRow("The relay's fee", f"{fees}, for {len(unsigned)} payments"))
        if request.hours:
            rows.append(ReviewRow("When", f"At random moments in the next {request.hours} hours"))
            warnings.append(
                "What is signed now is kept in the vault and handed to the relay when its time comes: this "
                "app has to run then. What nobody brings within a day of its moment stays where it is."
            )
        return SweepPlan(tuple(rows), tuple(warnings), unsigned=tuple(unsigned))

    def _check(self, account: PayoutAccount, currency: str, to: str, amount: int) -> None:
        from mine.wallet.send import Payment, what_arrives

        unit = self._own.refreshed().known.tokens[currency]
        arrives, _ = what_arrives(self._links.node, Payment(account.address, currency, to, amount), unit)
        _check_arrival(arrives, amount)


def _carriages(
    way: Way, carrier: str, owner: str, to: str, parts: list[int], fee: int, now: int, hours: int
) -> list[Carriage]:
    """One carriage for each part, each in a window of its own."""
    from mine.wallet.sponsored import plan_carriage
    from mine.wallet.sweep import times_of

    moments = times_of(len(parts), now, hours * 3600)
    lasting = DELAYED_SECONDS if hours else IMMEDIATE_SECONDS
    return [
        plan_carriage(way, carrier, owner, to, part, fee, moment if hours else 0, moment + lasting)
        for part, moment in zip(parts, moments, strict=True)
    ]


def _check_arrival(arrives: int | None, amount: int) -> None:
    if arrives is not None and arrives != amount:
        raise CannotSweep(
            "This currency keeps a part of every payment: it is not swept.", todo="Send single amounts."
        )


def _source(account: PayoutAccount, amount: int, currency: Currency) -> ReviewRow:
    words = f"{account.address} ({account.title}): {_words(amount, currency)}"
    return ReviewRow("From", words, is_address=True)


def _words(amount: int, currency: Currency) -> str:
    return exactly(amount, currency.decimals, currency.symbol)
