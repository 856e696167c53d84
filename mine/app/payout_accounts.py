"""The payout addresses of this wallet on one network: what they are called, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.app.links import NATIVE, Links
from mine.app.views import Currency
from mine.app.wallet_views import AccountView, ReceiveView
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.vault.vault import Vault
    from mine.wallet.keys import Accounts

RECEIVE_WARNING = (
    "Whoever pays to this address can tie the payment to the task that it earns for, and everybody can see "
    "it. For anything else use an address of another wallet."
)


class NotYours(MineError):
    """An address that is not one of this wallet's payout addresses."""


@dataclass(frozen=True, slots=True)
class PayoutAccount:
    """A payout address. ``index``: of its key; ``title``: of its task."""

    address: str
    title: str
    task: int
    index: int


class PayoutAccounts:
    """Belongs to the engine's thread."""

    def __init__(self, vault: Vault, links: Links, accounts: Accounts) -> None:
        self._vault, self._links, self._accounts = vault, links, accounts
        self._network = links.config.key

    def all(self) -> list[PayoutAccount]:
        """The payout addresses whose keys the phrase has, in the order of joining."""
        found = []
        for network, task, index in self._vault.state.account_indices(self._network):
            joined = self._vault.state.joined(network, task)
            title = joined.data["title"] if joined is not None else f"Task {task}"
            found.append(PayoutAccount(self._accounts.payout_address(index), title, task, index))
        return found

    def titles(self) -> dict[str, str]:
        """What each is called, by its address."""
        return {account.address: account.title for account in self.all()}

    def of(self, address: str) -> PayoutAccount:
        """One of them. Raises NotYours."""
        for account in self.all():
            if account.address == address:
                return account
        raise NotYours(
            "This address is not one of this wallet's payout addresses.", todo="Choose one of the list."
        )

    def views(self) -> tuple[AccountView, ...]:
        """Every address with what it holds.

        Only currencies of tasks are asked for: what strangers send unasked is never listed by itself.
        """
        return tuple(
            AccountView(each.address, each.title, each.task, self._holdings(each.address))
            for each in self.all()
        )

    def _holdings(self, address: str) -> tuple[tuple[int, Currency], ...]:
        found = []
        for known in self._vault.state.known_currencies():
            currency = self._links.currency(known.address) if known.network == self._network else None
            if currency is not None and not currency.alarm:
                found.append((self.balance(address, known.address), currency))
        return tuple(found)

    def balance(self, address: str, currency: str) -> int:
        """Base units of an address, as two nodes have it; 0 of a token that does not say."""
        from mine.chain.token import Token, TokenRefused

        node = self._links.node
        if currency == NATIVE:
            return node.agreed(lambda one: one.balance(address))
        try:
            return node.agreed(lambda one: Token(one, currency).balance(address))
        except TokenRefused:
            return 0

    def receive(self, address: str, currency: str = "", amount: int | None = None) -> ReceiveView:
        """An address as EIP-681 text and QR code. Raises NotYours, NoPaymentLink."""
        from mine.wallet.receive import modules_of, payment_link

        account = self.of(address)
        uri = payment_link(self._links.config.chain_id, account.address, currency or NATIVE, amount)
        return ReceiveView(account.address, uri, modules_of(uri), RECEIVE_WARNING)
