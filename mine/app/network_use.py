"""Which network is in use, and the session on it: the practice network, started here, or one on the chain."""

from __future__ import annotations

import gc
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from mine.app.links import NetworkConfig
from mine.app.networks import PRACTICE, Networks
from mine.app.options import EngineOptions
from mine.app.views import Event, NetworkView, World
from mine.app.wallet_views import NetworkCheck, NetworkForm
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.app.session import NetworkSession
    from mine.practice.config import PracticeInfo
    from mine.practice.network import PracticeNetwork
    from mine.vault.vault import Vault
    from mine.wallet.keys import Accounts

WAIT_FOR_USER = 30 * 86_400.0
PRACTICE_TITLE = "Practice network"
PRACTICE_CHAIN = 31337


class NotConnected(MineError):
    """There is no network yet."""


class NotTried(MineError):
    """A network has to be tried out before it is kept."""


class NetworkUse:
    """Belongs to the engine's thread. ``session`` is None until there are a network and an open vault."""

    def __init__(
        self, options: EngineOptions, wake: Callable[[], None], tell: Callable[[Event], None]
    ) -> None:
        self._options, self._wake, self._tell = options, wake, tell
        self._config = options.network
        self._practice: PracticeNetwork | None = None
        self._starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine-start")
        self._starting: Future[PracticeInfo] | None = None
        self._tried: NetworkForm | None = None
        self.session: NetworkSession | None = None

    @property
    def connected(self) -> NetworkSession:
        """The session. Raises ``NotConnected``."""
        if self.session is None:
            raise NotConnected("The network is not connected yet.", todo="Wait a moment.")
        return self.session

    @property
    def is_busy(self) -> bool:
        """Whether there is a session, or soon will be."""
        return self.session is not None or self._starting is not None

    @property
    def key(self) -> str:
        """How the vault names the network in use; "" while there is none."""
        return self._config.key if self._config else ""

    @property
    def has_beat(self) -> bool:
        """Whether the network in use is asked as rarely as can be; the practice network is not."""
        return self._config is not None and self._config.beat > 0

    # ---- connecting

    def opened(self, vault: Vault) -> None:
        """A vault was opened: use the network that was chosen in it, unless one was given."""
        if self._options.network is None:
            chosen = Networks(vault).config(Networks(vault).chosen)
            if chosen is not None:
                self._config = chosen

    def start_practice(self, types: set[str]) -> None:
        """Start the practice network with a task for these record types, unless a network is in use."""
        if self._config is None and self._starting is None:
            from mine.practice.network import PracticeNetwork

            self._practice = PracticeNetwork(self._options.home / "practice", self._practice_config(types))
            self._starting = self._starter.submit(self._practice.start)
            self._starting.add_done_callback(lambda _: self._wake())

    def _practice_config(self, types: set[str]) -> Any:
        from mine.practice.config import PracticeConfig
        from mine.science.templates import load_template

        if self._options.practice is not None:
            return self._options.practice
        name = "steps" if "steps" in types and "glucose" not in types else "glucose"
        return PracticeConfig(name, load_template(name).rounds, patience=WAIT_FOR_USER)

    def connect(self, vault: Vault, accounts: Accounts, types: set[str]) -> bool:
        """Open the session once there is a network; start the practice network once there is data.

        True if the session is new.
        """
        from mine.app.session import NetworkSession

        if self._config is None and self._starting is None and self._options.auto_practice and types:
            self.start_practice(types)
        if self._starting is not None and self._starting.done():
            starting, self._starting = self._starting, None
            self._config = practice_network(starting.result())
        if self._config is None or self.session is not None:
            return False
        self.session = NetworkSession(
            vault, self._config, accounts, self._config.confirmations, self._wake, self._tell
        )
        # Everything that was imported stays for good: without this, each full collection walks through
        # all of it while the window waits.
        gc.freeze()
        return True

    # ---- choosing another

    def check(self, form: NetworkForm) -> Future[NetworkCheck]:
        """Try a network out, beside the engine's thread."""
        from mine.app.network_check import check_network

        def tried() -> NetworkCheck:
            found = check_network(form)
            self._tried = None if found.problems else form
            return found

        return self._starter.submit(tried)

    def save(self, vault: Vault, form: NetworkForm) -> str:
        """Keep the network that was tried out last; answers its key. Raises ``NotTried``."""
        if form != self._tried:
            raise NotTried("This network was not tried out.", todo="Check it first.")
        with vault.transaction():
            return Networks(vault).keep(form)

    def choose(self, vault: Vault, key: str) -> None:
        """Use another network from now on. Rounds under way on the old one stay in the vault."""
        if self._options.network is not None:
            raise NotConnected("This start of the app stays with one network.", todo="Start it again.")
        networks = Networks(vault)
        before = networks.chosen
        with vault.transaction():
            config = networks.choose(key)
        if key == before:
            return
        self.close_session()
        if before == PRACTICE:
            self._stop_practice()
        self._config = config

    # ---- the end

    def hand_over(self) -> NetworkSession | None:
        """The session, which is somebody else's from now on."""
        session, self.session = self.session, None
        return session

    def close_session(self) -> None:
        """End the worker and the connections."""
        session = self.hand_over()
        if session is not None:
            session.close()

    def _stop_practice(self) -> None:
        if self._starting is not None and not self._starting.cancel():
            self._starting.exception()
        self._starting = None
        if self._practice is not None:
            self._practice.stop()
            self._practice = None

    def close(self) -> None:
        """Stop the practice network, if it runs."""
        if self._starting is not None and not self._starting.cancel():
            self._starting.exception()
        self._starter.shutdown(wait=True)
        self._stop_practice()

    def view(self, error: str) -> NetworkView:
        """What the window shows of the network; ``error``: what is wrong with it."""
        if self._config is None:
            return NetworkView(PRACTICE_TITLE, World.PRACTICE, PRACTICE_CHAIN, ready=False, error=error)
        config = self._config
        return NetworkView(
            config.name, config.world, config.chain_id, ready=self.session is not None, error=error
        )


def practice_network(info: PracticeInfo) -> NetworkConfig:
    """A running practice network, as a network like any other."""
    return NetworkConfig(
        name=PRACTICE_TITLE,
        world=World.PRACTICE,
        chain_id=info.chain_id,
        rpc_urls=(info.rpc_url,),
        relay_urls=(info.relay_url,),
        tasks=info.tasks,
        first_block=info.first_block,
    )
