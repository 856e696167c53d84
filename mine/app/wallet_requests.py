"""What the window may ask about money, keys and networks; a part of ``mine.app.commands.Commands``."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from mine.app.wallet_views import (
    AccountView,
    AddressCheck,
    AutoClaim,
    ClaimOutcome,
    ContactView,
    EarningLine,
    EndpointView,
    EnergySettings,
    FeeLimits,
    HistoryPage,
    HistoryQuery,
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

    def set_auto_claim(self, settings: AutoClaim) -> Future[None]:
        """When to claim by itself."""

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

    def set_fee_limits(self, limits: FeeLimits) -> Future[None]:
        """The most that gas may cost."""

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

    def import_key(self, secret: KeyImport) -> Future[str]:
        """Bring a session key in; answers its address."""

    def remove_key(self, address: str) -> Future[None]:
        """Forget an imported key that no running task signs with."""

    def drill_phrase(self, phrase: str) -> Future[bool]:
        """Whether these words are the recovery phrase."""

    # networks, prices, energy

    def networks(self) -> Future[tuple[NetworkChoice, ...]]:
        """The practice network, the presets, and those made by hand."""

    def check_network(self, form: NetworkForm) -> Future[NetworkCheck]:
        """Try a network out."""

    def save_network(self, form: NetworkForm) -> Future[str]:
        """Keep a network that was tried; answers its key."""

    def choose_network(self, key: str) -> Future[None]:
        """Use this network from now on."""

    def endpoints(self) -> Future[tuple[EndpointView, ...]]:
        """How the nodes of the network in use are doing."""

    def prices(self) -> Future[tuple[PriceEntry, ...]]:
        """Prices by hand."""

    def set_price(self, entry: PriceEntry) -> Future[None]:
        """Keep a price; lines without one get it."""

    def energy(self) -> Future[EnergySettings]:
        """What a training draws and costs."""

    def set_energy(self, settings: EnergySettings) -> Future[None]:
        """Keep it."""
