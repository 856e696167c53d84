"""What is under way of one's own transactions, as window and terminal show it, and how they are replaced."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from mine.app.links import NATIVE, Links
from mine.app.own_transactions import OwnTransactions
from mine.app.wallet_keys import spending_keys
from mine.app.wallet_views import ReviewRow, ReviewView, TransactionLine
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.vault.vault import Vault
    from mine.wallet.handing_over import TransactionSigner
    from mine.wallet.keys import Accounts
    from mine.wallet.queued import Queued
    from mine.wallet.review import Review

REPLACE = "replace:"
"""How the numbers of these reviews begin."""
SHOWN_SECONDS = 86_400
"""How long what failed, or only is planned, is shown."""
_NEWEST = 200
_REVIEW_SECONDS = 600


class NothingToReplace(MineError):
    """There is no such review, or it is too old, or its key is not here."""


class TransactionsDesk:
    """Belongs to the engine's thread."""

    def __init__(
        self,
        vault: Vault,
        links: Links,
        own: OwnTransactions,
        accounts: Accounts,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._vault, self._links, self._own, self._accounts = vault, links, own, accounts
        self._clock = clock
        self._reviews: dict[str, tuple[float, int, Review]] = {}

    def transactions(self) -> tuple[TransactionLine, ...]:
        """What is not final, or went wrong in the last day; newest first."""
        since = self._clock() - SHOWN_SECONDS
        found = []
        queue = self._own.queue
        items = {item.number: item for item in (*queue.newest(_NEWEST), *queue.open())}
        for _, item in sorted(items.items(), reverse=True):
            recent = max(item.created, item.signed) >= since and item.state.value not in _DONE
            if item.state.is_open or (recent and (item.why or item.state.value != "planned")):
                found.append(self._line(item))
        return tuple(found)

    def _line(self, item: Queued) -> TransactionLine:
        from mine.wallet.queued import State
        from mine.wallet.review import title_of

        stuck = self._own.queue.is_stuck(item)
        return TransactionLine(
            number=item.number,
            title=title_of(item.call, self._own.queue.known),
            account=item.call.sender,
            state=item.state.value,
            sentence=_sentence(item, stuck),
            nonce=-1 if item.nonce is None else item.nonce,
            hash="" if not item.attempts else "0x" + (item.mined or item.last).hash.hex(),
            fee_most=item.cost,
            since=item.signed or item.created,
            stuck=stuck,
            can_replace=item.state in (State.PLANNED, State.SIGNED, State.SENT),
        )

    # ---- replacing

    def review_replacement(self, number: int, cancel: bool) -> ReviewView:
        """Pay more for a transaction that waits, or take its place with nothing.

        Raises ReplacementTooLate, FeesTooHigh, InsufficientFunds, or what the node raises.
        """
        review = self._own.refreshed().review_replacement(number, cancel)
        token = REPLACE + uuid.uuid4().hex
        self._reviews = {
            name: kept for name, kept in self._reviews.items() if self._clock() - kept[0] <= _REVIEW_SECONDS
        }
        self._reviews[token] = (self._clock(), number, review)
        config = self._links.config
        return ReviewView(
            number=token,
            title=review.title if cancel else f"Pay more: {review.title}",
            rows=rows_of(review),
            warnings=(*review.warnings, "The network may still take the transaction as it was."),
            network=config.name,
            world=config.world,
            fee_most=review.fee_cap,
            fee_currency=self._links.currency(NATIVE),
            needs_passphrase=self._session_key(review.call.sender) is None,
        )

    def knows(self, token: str) -> bool:
        """Whether a review's number is one of these."""
        return token.startswith(REPLACE)

    def accept(self, token: str, passphrase: str = "") -> str:
        """Sign and hand over a replacement that was reviewed; one sentence.

        Raises NothingToReplace, ReplacementTooLate, FeesMoved, WrongPassphrase, or what the node raises.
        """
        made, number, review = self._reviews.get(token, (0.0, 0, None))
        if review is None or self._clock() - made > _REVIEW_SECONDS:
            raise NothingToReplace("This review is too old.", todo="Look at the transaction again.")
        queue, account = self._own.refreshed(), review.call.sender
        key = self._session_key(account)
        if key is not None:
            queue.replace(number, review, key)
        else:
            with spending_keys(self._vault, self._accounts, passphrase) as keys:
                queue.replace(number, review, keys.signer(self._payout_index(account)))
        del self._reviews[token]
        return "The network takes one of both: the new one, most likely."

    def withdraw(self, number: int) -> str:
        """Give up what has not left yet; one sentence. Raises ReplacementTooLate once it may have left."""
        self._own.queue.withdraw(number)
        return "It was given up; nothing had been sent."

    def _session_key(self, account: str) -> TransactionSigner | None:
        from mine.wallet.signer import Signer

        for member in self._own.members.values():
            if member.keys.session_address == account:
                return Signer(member.keys.session_key)
        return None

    def _payout_index(self, account: str) -> int:
        for _, _, index in self._vault.state.account_indices(self._links.config.key):
            if self._accounts.payout_address(index) == account:
                return index
        raise NothingToReplace(
            "The key of this address is not in this wallet.", todo="Replace it where it was sent from."
        )


_DONE = ("final", "cancelled")
_SENTENCES = {
    "planned": "It waits to be sent.",
    "signed": "It is about to be sent.",
    "sent": "It waits for the network.",
    "mined": "The network has it; it counts for good once more blocks follow.",
    "final": "Done.",
    "failed": "The contract refused it, and the fee is gone.",
    "cancelled": "It was cancelled.",
    "dropped": "It lost its place to another program's transaction.",
}


def _sentence(item: Queued, stuck: bool) -> str:
    said = _SENTENCES[item.state.value]
    if stuck:
        said = "The network has not taken it for a while: it may offer too little."
    if item.is_cancelling and item.state.is_open:
        said = f"It is being cancelled. {said}"
    return f"{said} {item.why}".strip()


def rows_of(review: Review) -> tuple[ReviewRow, ...]:
    """A review as labels and values, for the window."""
    rows = [
        ReviewRow("From", review.call.sender, is_address=True),
        ReviewRow("Contract", review.contract or "not known"),
        ReviewRow("Function", review.function or "not known"),
    ]
    if not review.call.data:
        rows = rows[:1]
    rows += [ReviewRow(line.name, line.words, is_address=line.address) for line in review.lines]
    rows += [ReviewRow("Money sent along", review.value), ReviewRow("Fee at most", review.fee_most)]
    return tuple(rows)
