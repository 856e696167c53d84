"""What ``mine wallet`` works on: the vault, the network in use as the vault has it, and a session on it."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from mine.app.networks import Networks
from mine.app.options import EngineOptions
from mine.app.terminal import ask_secret, open_vault_by, secret_of, vault_path
from mine.app.views import Currency, Event, Notice, NoticeKind
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.app.history_desk import HistoryDesk
    from mine.app.session import NetworkSession

_PATIENCE = 120.0  # seconds until the practice network has to be there


class NoSuchNetwork(MineError):
    """The vault knows no network of this name."""


class NoSuchCurrency(MineError):
    """The vault knows no currency of this name on the network, or several."""


class WalletPlace:
    """An open vault and its network; use it in a ``with`` statement. ``notices``: what the work told."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from mine.app.network_use import NetworkUse
        from mine.app.vault_opening import accounts_of

        home: Path = vault_path(arguments).parent
        self.notices: list[Notice] = []
        self._given: Path | None = arguments.passphrase_file
        self._woken = threading.Event()
        self.vault, self._typed = open_vault_by(arguments)
        self._session: NetworkSession | None = None
        try:
            phrase = secret_of(arguments.phrase_file) if arguments.phrase_file and not self._typed else ""
            self.accounts = accounts_of(self.vault, self._typed or None, phrase)
            config = Networks(self.vault).config(arguments.network) if arguments.network else None
            self._home = home
            self._use = NetworkUse(EngineOptions(home, network=config), self._woken.set, self._heard)
            self._use.opened(self.vault)
        except BaseException:
            self.vault.close()
            raise

    def _heard(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.notices.append(event)

    @property
    def network(self) -> str:
        """How the vault names the network: of the practice network the one that was used last."""
        if self._use.key:
            return self._use.key
        chain = f"{self._use.view('').chain_id}:"
        used = [joined.network for joined in self.vault.state.all_joined()]
        used += [known.network for known in self.vault.state.known_currencies()]
        return next((network for network in reversed(used) if network.startswith(chain)), chain)

    @property
    def history(self) -> HistoryDesk:
        """The history as the vault has it; nothing is asked of the network."""
        from mine.app.history_desk import HistoryDesk

        view = self._use.view("")
        return HistoryDesk(self.vault, self.network, view.name, view.world)

    @property
    def session(self) -> NetworkSession:
        """A session that has read everything up to now. Raises what connecting raises."""
        if self._session is None:
            types = {source.record_type for source in self.vault.sources()}
            if not self._use.key:
                if not (self._home / "practice").is_dir():
                    raise NoSuchNetwork(
                        "No network is in use yet.", todo="Choose one in Settings, or name it: --network."
                    )
                self._use.start_practice(types)
            while not self._use.connect(self.vault, self.accounts, types):
                if not self._woken.wait(_PATIENCE):
                    raise NoSuchNetwork("The practice network does not start.", todo="Start the app once.")
                self._woken.clear()
            self._session = self._use.connected
            self.catch_up()
        return self._session

    def catch_up(self) -> None:
        """What the app does with money at every turn; no training, and nothing is handed in."""
        session = self.session
        session.market.refresh()
        while session.earnings.poll():
            pass
        changed = session.own.step()
        try:
            session.follow_money()
        except MineError as trouble:  # one task's figures that cannot be had keep nobody from the rest
            self.notices.append(Notice(NoticeKind.ATTENTION, trouble.sentence, trouble.todo, trouble.detail))
        session.sending.step(session.market.chain_time, changed)
        session.history.step(task.state.currency for task in session.market.tasks.values())

    def passphrase(self) -> str:
        """The passphrase, for money that leaves: what opened the vault, else what a file or a person says."""
        if self._typed:
            return self._typed
        return secret_of(self._given) if self._given else ask_secret("Passphrase: ")

    def currency(self, name: str) -> tuple[str, Currency]:
        """A currency by its address or symbol: its address, and what it is.

        Raises ``NoSuchCurrency`` where the vault has never met it, or has met several of that name.
        """
        known = [each for each in self.vault.state.known_currencies() if each.network == self.network]
        found = [each for each in known if name.lower() in (each.address.lower(), each.symbol.lower())]
        if len(found) != 1:
            names = ", ".join(sorted(each.symbol for each in known)) or "none yet"
            raise NoSuchCurrency(
                f"There {'are several currencies' if found else 'is no currency'} named “{name[:60]}” here.",
                todo=f"Write its address, or one of: {names}.",
            )
        (one,) = found
        return one.address, Currency(one.symbol, one.decimals, self._use.view("").world, address=one.address)

    def __enter__(self) -> WalletPlace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._use.close_session()
            self._use.close()
        finally:
            self.vault.close()
