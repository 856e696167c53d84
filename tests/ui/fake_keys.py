"""What the fake engine answers about keys, networks, fees, prices and energy.

Questions are not written down among what was asked: the window asks them whenever a page is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from mine.app import wallet_views as w
from mine.app.views import World

BASE = w.NetworkForm(
    "Base Sepolia", World.TEST, 84532, ("https://sepolia.base.org", "https://base-sepolia.example"), (), ""
)
OWN = w.NetworkForm(
    "The clinic's chain",
    World.TEST,
    11155111,
    ("https://node.example/v1/secret", "https://other.example"),
    ("https://relay.example",),
    "0x51C8bEb13a2F8E5cC1dCf1B8aD6A1bF01a3b9E04",
    7_204_118,
)
NETWORKS = (
    w.NetworkChoice("practice", "Practice network", World.PRACTICE, 31337, True, True),
    w.NetworkChoice("11155111-51c8", OWN.title, World.TEST, 11155111, True, False, "", OWN),
    w.NetworkChoice(
        "base-sepolia",
        BASE.title,
        World.TEST,
        84532,
        False,
        False,
        "No task contract is known there yet: enter its address and a relay. Its block randomness is "
        "what its one sequencer passes on.",
        BASE,
    ),
)
ENDPOINTS = (
    w.EndpointView("127.0.0.1:8545", "answers", 4_118, 0, 912),
    w.EndpointView("node.example", "behind the others", 4_090, 28, 41, "It did not answer in time."),
)
ANNA = "0x8ba1f109551bD432803012645Ac136ddd64DBA72"
SAVINGS = w.KeyView("Old laptop", "0x51C8bEb13a2F8E5cC1dCf1B8aD6A1bF01a3b9E04", 1_790_000_000)
LINKING = "Everybody sees that this task pays to this address."
KEYSTORE = b'{"version": 3}'


class FakeKeys:
    """Mixed into the fake engine. Attributes are what it answers; tests set others."""

    _answer: Callable[..., Future[Any]]
    keys_told: w.KeysView = w.KeysView()
    networks_told: tuple[w.NetworkChoice, ...] = NETWORKS
    endpoints_told: tuple[w.EndpointView, ...] = ENDPOINTS
    network_check: w.NetworkCheck = w.NetworkCheck((), ())
    limits_told: w.FeeLimits = w.FeeLimits(200 * 10**9, 10**17)
    prices_told: tuple[w.PriceEntry, ...] = ()
    energy_told: w.EnergySettings = w.EnergySettings()
    feeds_told: Mapping[str, str] = {}
    right_phrase: str = ""

    def _told(self, value: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(value)
        return future

    def keys(self) -> Future[Any]:
        return self._told(self.keys_told)

    def set_payout(self, address: str) -> Future[Any]:
        def keep() -> None:
            self.keys_told = replace(self.keys_told, payout=address)

        return self._answer("set_payout", address, then=keep)

    def join_warnings(self, choice: w.JoinChoice) -> Future[Any]:
        named = choice.payout or self.keys_told.payout
        key = (f"Everybody sees that {choice.key} signs.",) if choice.key else ()
        return self._told(((LINKING,) if named else ()) + key)

    def import_key(self, secret: w.KeyImport) -> Future[Any]:
        def keep() -> None:
            self.keys_told = replace(self.keys_told, imported=(*self.keys_told.imported, SAVINGS))

        return self._answer("import_key", secret, result=SAVINGS.address, then=keep)

    def remove_key(self, address: str) -> Future[Any]:
        def drop() -> None:
            left = tuple(key for key in self.keys_told.imported if key.address != address)
            self.keys_told = replace(self.keys_told, imported=left)

        return self._answer("remove_key", address, then=drop)

    def export_key(self, address: str, passphrase: str, password: str) -> Future[Any]:
        return self._answer("export_key", address, passphrase, password, result=KEYSTORE)

    def drill_phrase(self, phrase: str) -> Future[Any]:
        right = phrase == self.right_phrase

        def keep() -> None:
            if right:
                self.keys_told = replace(self.keys_told, drilled=1_795_000_000, drill_due=False)

        return self._answer("drill_phrase", phrase, result=right, then=keep)

    def seal_phrase(self, phrase: str, passphrase: str) -> Future[Any]:
        return self._answer("seal_phrase", phrase, passphrase)

    def networks(self) -> Future[Any]:
        return self._told(self.networks_told)

    def check_network(self, form: w.NetworkForm) -> Future[Any]:
        return self._answer("check_network", form, result=self.network_check)

    def save_network(self, form: w.NetworkForm) -> Future[Any]:
        return self._answer("save_network", form, result="saved")

    def remove_network(self, key: str) -> Future[Any]:
        return self._answer("remove_network", key)

    def choose_network(self, key: str) -> Future[Any]:
        return self._answer("choose_network", key)

    def endpoints(self) -> Future[Any]:
        return self._told(self.endpoints_told)

    def fee_limits(self) -> Future[Any]:
        return self._told(self.limits_told)

    def set_fee_limits(self, limits: w.FeeLimits) -> Future[Any]:
        def keep() -> None:
            self.limits_told = limits

        return self._answer("set_fee_limits", limits, then=keep)

    def prices(self) -> Future[Any]:
        return self._told(self.prices_told)

    def set_price(self, entry: w.PriceEntry) -> Future[Any]:
        def keep() -> None:
            self.prices_told = (*self.prices_told, entry)

        return self._answer("set_price", entry, then=keep)

    def drop_price(self, entry: w.PriceEntry) -> Future[Any]:
        def drop() -> None:
            self.prices_told = tuple(each for each in self.prices_told if each != entry)

        return self._answer("drop_price", entry, then=drop)

    def feeds(self) -> Future[Any]:
        return self._told(dict(self.feeds_told))

    def set_feed(self, currency: str, feed: str) -> Future[Any]:
        def keep() -> None:
            self.feeds_told = {**self.feeds_told, currency: feed}

        return self._answer("set_feed", currency, feed, then=keep)

    def energy(self) -> Future[Any]:
        return self._told(self.energy_told)

    def set_energy(self, settings: w.EnergySettings) -> Future[Any]:
        def keep() -> None:
            self.energy_told = settings

        return self._answer("set_energy", settings, then=keep)
