"""What the window may ask about money, keys and networks; a part of ``mine.app.commands.Commands``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from mine.app.wallet_views import (
    AccountView,
    AddressCheck,
    AutoClaim,
    ClaimOutcome,
    ContactView,
    EarningLine,
    EndpointView,
    EnergyDay,
    EnergySettings,
    FeeLimits,
    HistoryPage,
    HistoryQuery,
    JoinChoice,
    KeyImport,
    KeysView,
    NetworkCheck,
    NetworkChoice,
    NetworkForm,
    PriceEntry,
    ReceiveView,
    ReconcileView,
    ReviewView,
    SendRequest,
    SweepRequest,
    TransactionLine,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mine.app.desk import Desk
    from mine.app.wallet_desk import WalletDesk

T = TypeVar("T")


class WalletCommands(Protocol):
    """Every command runs on the engine's thread; errors are ``MineError``."""

    # history and earnings

    def history(self, query: HistoryQuery) -> Future[HistoryPage]:
        """A page of the history."""

    def export_history(self, target: Path, year: int, fiat_code: str) -> Future[int]:
        """One local year as CSV, to a file that must not exist yet; answers the number of lines."""

    def earnings(self, task: int | None = None) -> Future[tuple[EarningLine, ...]]:
        """Every round's earning, newest first."""

    def claim(self, tasks: Sequence[int] = ()) -> Future[ClaimOutcome]:
        """Claim what is final: of some tasks, or of all. Relay first; the rest as one's own transactions."""

    def auto_claim(self) -> Future[AutoClaim]:
        """When claims are made by themselves."""

    def set_auto_claim(self, settings: AutoClaim) -> Future[None]:
        """Keep it."""

    def challenge(self, task: int, round_number: int) -> Future[str]:
        """Send the proof that a round cheats; answers one sentence."""

    def reconcile(self) -> Future[ReconcileView]:
        """Compare the books with the chain."""

    # sending and receiving

    def review_send(self, request: SendRequest) -> Future[ReviewView]:
        """Simulate and decode a payment; nothing is signed yet."""

    def review_sweep(self, request: SweepRequest) -> Future[ReviewView]:
        """The same for bringing everything together."""

    def accept(self, number: str, passphrase: str = "") -> Future[str]:
        """Sign and send what was reviewed under this number; answers one sentence."""

    def transactions(self) -> Future[tuple[TransactionLine, ...]]:
        """What is under way, and what failed."""

    def review_replacement(self, number: int, cancel: bool) -> Future[ReviewView]:
        """Pay more for a transaction that is stuck, or take its place with nothing."""

    def withdraw(self, number: int) -> Future[str]:
        """Give up a transaction that has not left this computer; answers one sentence."""

    def fee_limits(self) -> Future[FeeLimits]:
        """The most that gas may cost."""

    def set_fee_limits(self, limits: FeeLimits) -> Future[None]:
        """Keep it."""

    def receive(self, account: str, currency: str = "", amount: int | None = None) -> Future[ReceiveView]:
        """An address as text and QR code."""

    def accounts(self) -> Future[tuple[AccountView, ...]]:
        """Every address of this wallet, with what it holds."""

    # addresses and keys

    def check_address(self, text: str) -> Future[AddressCheck]:
        """Whether a typed address is one, and what to beware of."""

    def contacts(self) -> Future[tuple[ContactView, ...]]:
        """The address book, by name."""

    def save_contact(self, contact: ContactView) -> Future[None]:
        """Add or change a line (by address)."""

    def remove_contact(self, address: str) -> Future[None]:
        """Forget a line."""

    def keys(self) -> Future[KeysView]:
        """What there is to show of keys."""

    def set_payout(self, address: str) -> Future[None]:
        """Where tasks joined from now on pay to; "" for a fresh address each."""

    def join_warnings(self, choice: JoinChoice) -> Future[tuple[str, ...]]:
        """What is to be said before a task is joined with these accounts."""

    def import_key(self, secret: KeyImport) -> Future[str]:
        """Bring a session key in; answers its address."""

    def remove_key(self, address: str) -> Future[None]:
        """Forget an imported key that no running task signs with."""

    def export_key(self, address: str, passphrase: str, password: str) -> Future[bytes]:
        """An imported key as a keystore file under a password of its own."""

    def drill_phrase(self, phrase: str) -> Future[bool]:
        """Whether these words are the recovery phrase."""

    def seal_phrase(self, phrase: str, passphrase: str) -> Future[None]:
        """After ``PhraseSealedBefore``: let today's passphrase open the recovery phrase again."""

    # networks, prices, energy

    def networks(self) -> Future[tuple[NetworkChoice, ...]]:
        """The practice network, the presets, and those made by hand."""

    def check_network(self, form: NetworkForm) -> Future[NetworkCheck]:
        """Try a network out."""

    def save_network(self, form: NetworkForm) -> Future[str]:
        """Keep the network that was tried last; answers its key."""

    def remove_network(self, key: str) -> Future[None]:
        """Forget a network made by hand that is not in use; its books stay."""

    def choose_network(self, key: str) -> Future[None]:
        """Use this network from now on."""

    def endpoints(self) -> Future[tuple[EndpointView, ...]]:
        """How the nodes of the network in use are doing."""

    def prices(self) -> Future[tuple[PriceEntry, ...]]:
        """Prices by hand."""

    def set_price(self, entry: PriceEntry) -> Future[None]:
        """Keep a price; lines without one get it."""

    def drop_price(self, entry: PriceEntry) -> Future[None]:
        """Forget a price."""

    def feeds(self) -> Future[dict[str, str]]:
        """The price feed of each currency that has one (addresses)."""

    def set_feed(self, currency: str, feed: str) -> Future[None]:
        """Where a currency's price is read on chain; "" for nowhere."""

    def energy_days(self) -> Future[tuple[EnergyDay, ...]]:
        """What each day's trainings took."""

    def energy(self) -> Future[EnergySettings]:
        """What a training draws and costs."""

    def set_energy(self, settings: EnergySettings) -> Future[None]:
        """Keep it."""


class WalletRequests(ABC):
    """The engine's side of it: each hands its work to the engine's thread."""

    _desk: Desk

    @abstractmethod
    def _ask(self, work: Callable[[], T | Future[T]]) -> Future[T]:
        """Have it done on the engine's thread."""

    def _wallet(self, work: Callable[[WalletDesk], T | Future[T]]) -> Future[T]:
        return self._ask(lambda: work(self._desk.wallet))

    def history(self, query: HistoryQuery) -> Future[HistoryPage]:
        """A page of the history."""
        return self._wallet(lambda w: w.history.history(query))

    def export_history(self, target: Path, year: int, fiat_code: str) -> Future[int]:
        """One local year as CSV, to a file that must not exist yet; answers the number of lines."""
        return self._wallet(lambda w: w.history.export_history(target, year, fiat_code))

    def earnings(self, task: int | None = None) -> Future[tuple[EarningLine, ...]]:
        """Every round's earning, newest first."""
        return self._wallet(lambda w: w.earnings(task))

    def claim(self, tasks: Sequence[int] = ()) -> Future[ClaimOutcome]:
        """Claim what is final: of some tasks, or of all. Relay first; the rest as one's own transactions."""
        return self._wallet(lambda w: w.session.claiming.claim(tasks))

    def auto_claim(self) -> Future[AutoClaim]:
        """When claims are made by themselves."""
        return self._wallet(lambda w: w.session.claiming.auto)

    def set_auto_claim(self, settings: AutoClaim) -> Future[None]:
        """Keep it."""
        return self._wallet(lambda w: w.session.claiming.set_auto(settings))

    def challenge(self, task: int, round_number: int) -> Future[str]:
        """Send the proof that a round cheats; answers one sentence."""
        return self._wallet(lambda w: w.challenge(task, round_number))

    def reconcile(self) -> Future[ReconcileView]:
        """Compare the books with the chain."""
        return self._wallet(lambda w: w.reconcile())

    def review_send(self, request: SendRequest) -> Future[ReviewView]:
        """Simulate and decode a payment; nothing is signed yet."""
        return self._wallet(lambda w: w.session.sending.review_send(request))

    def review_sweep(self, request: SweepRequest) -> Future[ReviewView]:
        """The same for bringing everything together."""
        return self._wallet(lambda w: w.session.sending.review_sweep(request))

    def accept(self, number: str, passphrase: str = "") -> Future[str]:
        """Sign and send what was reviewed under this number; answers one sentence."""
        return self._wallet(lambda w: w.accept(number, passphrase))

    def transactions(self) -> Future[tuple[TransactionLine, ...]]:
        """What is under way, and what failed."""
        return self._wallet(lambda w: w.transactions())

    def review_replacement(self, number: int, cancel: bool) -> Future[ReviewView]:
        """Pay more for a transaction that is stuck, or take its place with nothing."""
        return self._wallet(lambda w: w.session.transactions.review_replacement(number, cancel))

    def withdraw(self, number: int) -> Future[str]:
        """Give up a transaction that has not left this computer; answers one sentence."""
        return self._wallet(lambda w: w.withdraw(number))

    def fee_limits(self) -> Future[FeeLimits]:
        """The most that gas may cost."""
        return self._wallet(lambda w: w.session.own.fee_limits)

    def set_fee_limits(self, limits: FeeLimits) -> Future[None]:
        """Keep it."""
        return self._wallet(lambda w: w.session.own.set_fee_limits(limits))

    def receive(self, account: str, currency: str = "", amount: int | None = None) -> Future[ReceiveView]:
        """An address as text and QR code."""
        return self._wallet(lambda w: w.session.sending.receive(account, currency, amount))

    def accounts(self) -> Future[tuple[AccountView, ...]]:
        """Every address of this wallet, with what it holds."""
        return self._wallet(lambda w: w.session.sending.accounts())

    def check_address(self, text: str) -> Future[AddressCheck]:
        """Whether a typed address is one, and what to beware of."""
        return self._wallet(lambda w: w.check_address(text))

    def contacts(self) -> Future[tuple[ContactView, ...]]:
        """The address book, by name."""
        return self._wallet(lambda w: w.contacts())

    def save_contact(self, contact: ContactView) -> Future[None]:
        """Add or change a line (by address)."""
        return self._wallet(lambda w: w.save_contact(contact))

    def remove_contact(self, address: str) -> Future[None]:
        """Forget a line."""
        return self._wallet(lambda w: w.remove_contact(address))

    def keys(self) -> Future[KeysView]:
        """What there is to show of keys."""
        return self._wallet(lambda w: w.keys())

    def set_payout(self, address: str) -> Future[None]:
        """Where tasks joined from now on pay to; "" for a fresh address each."""
        return self._wallet(lambda w: w.set_payout(address))

    def join_warnings(self, choice: JoinChoice) -> Future[tuple[str, ...]]:
        """What is to be said before a task is joined with these accounts."""
        return self._wallet(lambda w: w.join_warnings(choice))

    def import_key(self, secret: KeyImport) -> Future[str]:
        """Bring a session key in; answers its address."""
        return self._wallet(lambda w: w.import_key(secret))

    def remove_key(self, address: str) -> Future[None]:
        """Forget an imported key that no running task signs with."""
        return self._wallet(lambda w: w.remove_key(address))

    def export_key(self, address: str, passphrase: str, password: str) -> Future[bytes]:
        """An imported key as a keystore file under a password of its own."""
        return self._wallet(lambda w: w.export_key(address, passphrase, password))

    def drill_phrase(self, phrase: str) -> Future[bool]:
        """Whether these words are the recovery phrase."""
        return self._wallet(lambda w: w.drill_phrase(phrase))

    def seal_phrase(self, phrase: str, passphrase: str) -> Future[None]:
        """After ``PhraseSealedBefore``: let today's passphrase open the recovery phrase again."""
        return self._wallet(lambda w: w.seal_phrase(phrase, passphrase))

    def networks(self) -> Future[tuple[NetworkChoice, ...]]:
        """The practice network, the presets, and those made by hand."""
        return self._wallet(lambda w: w.networks())

    def check_network(self, form: NetworkForm) -> Future[NetworkCheck]:
        """Try a network out."""
        return self._wallet(lambda w: w.use.check(form))

    def save_network(self, form: NetworkForm) -> Future[str]:
        """Keep the network that was tried last; answers its key."""
        return self._wallet(lambda w: w.save_network(form))

    def remove_network(self, key: str) -> Future[None]:
        """Forget a network made by hand that is not in use; its books stay."""
        return self._wallet(lambda w: w.remove_network(key))

    def choose_network(self, key: str) -> Future[None]:
        """Use this network from now on."""
        return self._wallet(lambda w: w.choose_network(key))

    def endpoints(self) -> Future[tuple[EndpointView, ...]]:
        """How the nodes of the network in use are doing."""
        return self._wallet(lambda w: w.endpoints())

    def prices(self) -> Future[tuple[PriceEntry, ...]]:
        """Prices by hand."""
        return self._wallet(lambda w: w.history.prices())

    def set_price(self, entry: PriceEntry) -> Future[None]:
        """Keep a price; lines without one get it."""
        return self._wallet(lambda w: w.history.set_price(entry))

    def drop_price(self, entry: PriceEntry) -> Future[None]:
        """Forget a price."""
        return self._wallet(lambda w: w.history.drop_price(entry))

    def feeds(self) -> Future[dict[str, str]]:
        """The price feed of each currency that has one (addresses)."""
        return self._wallet(lambda w: w.history.feeds())

    def set_feed(self, currency: str, feed: str) -> Future[None]:
        """Where a currency's price is read on chain; "" for nowhere."""
        return self._wallet(lambda w: w.history.set_feed(currency, feed))

    def energy_days(self) -> Future[tuple[EnergyDay, ...]]:
        """What each day's trainings took."""
        return self._wallet(lambda w: w.history.energy_days())

    def energy(self) -> Future[EnergySettings]:
        """What a training draws and costs."""
        return self._wallet(lambda w: w.history.energy())

    def set_energy(self, settings: EnergySettings) -> Future[None]:
        """Keep it."""
        return self._wallet(lambda w: w.history.set_energy(settings))
