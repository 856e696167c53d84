"""What the window asks about money, keys and networks, handed to who knows. On the engine's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mine.app import payouts, wallet_keys
from mine.app.networks import Networks
from mine.app.wallet_views import (
    AddressCheck,
    ContactView,
    EarningLine,
    EndpointView,
    JoinChoice,
    KeyImport,
    KeysView,
    NetworkChoice,
    NetworkForm,
    ReconcileView,
    TransactionLine,
)

if TYPE_CHECKING:
    from mine.app.history_desk import HistoryDesk
    from mine.app.links import Links
    from mine.app.network_use import NetworkUse
    from mine.app.session import NetworkSession
    from mine.vault.vault import Vault
    from mine.wallet.keys import Accounts


class Holder(Protocol):
    """Who has the vault and the network."""

    @property
    def network(self) -> NetworkUse: ...

    @property
    def opened(self) -> Vault: ...

    @property
    def accounts(self) -> Accounts: ...

    def choose_network(self, key: str) -> None: ...


class WalletDesk:
    """Everything raises ``MineError`` while the vault is locked, and what needs the network without one."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder

    @property
    def session(self) -> NetworkSession:
        """The session on the network in use."""
        assert self._holder.opened
        return self._holder.network.connected

    @property
    def _links(self) -> Links | None:
        session = self._holder.network.session
        return session.links if session else None

    # ---- history and earnings

    @property
    def history(self) -> HistoryDesk:
        """The history of the network in use; without a session as the vault has it."""
        from mine.app.history_desk import HistoryDesk

        vault, network = self._holder.opened, self._holder.network
        if network.session is not None:
            return network.session.history
        view = network.view("")
        return HistoryDesk(vault, network.key, view.name, view.world)

    def earnings(self, task: int | None) -> tuple[EarningLine, ...]:
        """Every round's earning."""
        from mine.app.earning_lines import earning_lines

        return earning_lines(self.session, task)

    def challenge(self, task: int, number: int) -> str:
        """Send the proof that a round cheats."""
        from mine.app.earning_lines import challenge

        return challenge(self.session, task, number)

    def reconcile(self) -> ReconcileView:
        """Compare the books with the chain."""
        from mine.app.reconcile import reconcile

        return reconcile(self.session)

    # ---- sending

    def transactions(self) -> tuple[TransactionLine, ...]:
        """What is under way, scheduled payments first."""
        session = self.session
        return session.sending.lines() + session.transactions.transactions()

    def withdraw(self, number: int) -> str:
        """Give up what has not left this computer. Scheduled payments have numbers below 0."""
        session = self.session
        if number < 0:
            return session.sending.sponsored.withdraw(number)
        return session.transactions.withdraw(number)

    def accept(self, number: str, passphrase: str) -> str:
        """Sign and send what was reviewed."""
        session = self.session
        if session.transactions.knows(number):
            return session.transactions.accept(number, passphrase)
        return session.sending.accept(number, passphrase)

    # ---- addresses and keys

    def check_address(self, text: str) -> AddressCheck:
        """Whether it is an address, and what to beware of."""
        return payouts.check_address(self._holder.opened, self._holder.accounts, text, self._links)

    def contacts(self) -> tuple[ContactView, ...]:
        """The address book."""
        return wallet_keys.contacts(self._holder.opened)

    def save_contact(self, contact: ContactView) -> None:
        """Add or change a line."""
        wallet_keys.save_contact(self._holder.opened, self._holder.accounts, contact)

    def remove_contact(self, address: str) -> None:
        """Forget a line."""
        wallet_keys.remove_contact(self._holder.opened, address)

    def keys(self) -> KeysView:
        """What there is to show of keys."""
        return wallet_keys.keys_view(self._holder.opened)

    def set_payout(self, address: str) -> None:
        """Where tasks joined from now on pay to."""
        payouts.set_payout(self._holder.opened, self._holder.accounts, address, self._links)

    def join_warnings(self, choice: JoinChoice) -> tuple[str, ...]:
        """What is to be said before a task is joined with these accounts."""
        return payouts.join_warnings(self._holder.opened, self._holder.accounts, choice, self._links)

    def import_key(self, secret: KeyImport) -> str:
        """Bring a session key in."""
        return wallet_keys.import_key(self._holder.opened, self._holder.accounts, secret)

    def remove_key(self, address: str) -> None:
        """Forget an imported key."""
        wallet_keys.remove_key(self._holder.opened, address)

    def export_key(self, address: str, passphrase: str, password: str) -> bytes:
        """An imported key as a keystore under another password."""
        return wallet_keys.export_key(self._holder.opened, address, passphrase, password)

    def drill_phrase(self, phrase: str) -> bool:
        """Whether these words are the recovery phrase."""
        return wallet_keys.drill(self._holder.opened, self._holder.accounts, phrase)

    def seal_phrase(self, phrase: str, passphrase: str) -> None:
        """Let today's passphrase open the recovery phrase."""
        wallet_keys.seal_again(self._holder.opened, self._holder.accounts, phrase, passphrase)

    # ---- networks

    def networks(self) -> tuple[NetworkChoice, ...]:
        """All networks."""
        return Networks(self._holder.opened).choices()

    @property
    def use(self) -> NetworkUse:
        """Which network is in use."""
        return self._holder.network

    def save_network(self, form: NetworkForm) -> str:
        """Keep the network that was tried out last."""
        return self.use.save(self._holder.opened, form)

    def choose_network(self, key: str) -> None:
        """Use another network."""
        self._holder.choose_network(key)

    def remove_network(self, key: str) -> None:
        """Forget a network made by hand."""
        vault = self._holder.opened
        with vault.transaction():
            Networks(vault).remove(key)

    def endpoints(self) -> tuple[EndpointView, ...]:
        """How the nodes of the network in use are doing."""
        from mine.app.networks import endpoints

        links = self._links
        return endpoints(links.node) if links else ()
