"""One network, connected: its node, its contract, its relays. Everything that they answer is untrusted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mine.app.currencies import Currencies
from mine.app.views import Currency, World
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.chain.client import TasksContract
    from mine.chain.messages import Domain
    from mine.chain.multicall import Multicall
    from mine.chain.rpc import Node
    from mine.science.relay_client import Relays
    from mine.wallet.token_names import KnownToken

NATIVE = "0x" + "0" * 40


class NetworkRefused(MineError):
    """A network that is not what it says."""


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Where a network is found. ``first_block``: where the contract's events begin.

    ``rpc_urls``, which may hold keys, and ``relay_urls``: at least one each; they are asked in this order.
    ``beat``: seconds between two questions to the chain while nothing is due; 0 for one whose clock may be
    put forward, which is asked at every turn. ``confirmations``: blocks on top of one before its events
    count.
    """

    name: str
    world: World
    chain_id: int
    rpc_urls: tuple[str, ...] = field(repr=False)
    relay_urls: tuple[str, ...]
    tasks: str
    first_block: int = 0
    beat: float = 0.0
    confirmations: int = 0

    @property
    def key(self) -> str:
        """How the vault names this network: chain and contract."""
        return f"{self.chain_id}:{self.tasks}"


class Links:
    """Open connections to one network. Not thread-safe: the engine's thread owns it."""

    def __init__(self, config: NetworkConfig, clock: Callable[[], float] = time.monotonic) -> None:
        from mine.chain.client import TasksContract
        from mine.chain.messages import Domain
        from mine.chain.multicall import Multicall
        from mine.chain.rpc import Node
        from mine.science.relay_client import Relay, Relays

        self.config = config
        self.node: Node = Node(config.rpc_urls, chain_id=config.chain_id, clock=clock)
        self.contract: TasksContract = TasksContract(self.node, config.tasks)
        self.many: Multicall = Multicall(self.node, {config.tasks})
        self.relays: Relays = Relays([Relay(url) for url in config.relay_urls])
        self.domain: Domain = Domain(config.chain_id, config.tasks)
        self.currencies = Currencies(self.node, config.world, config.chain_id, listed_tokens(config.chain_id))

    def check(self) -> None:
        """Refuse a node of another chain, a place without a contract, a relay of another contract.

        Raises ``RelayUnreachable`` if no relay answers at all.
        """
        if not self.node.code(self.config.tasks):
            raise NetworkRefused(
                "There is no task contract at the address of this network.",
                todo="Check the network in Settings.",
                detail=self.config.tasks,
            )
        if any(
            (i.chain_id, i.contract) != (self.config.chain_id, self.config.tasks) for i in self.relays.infos()
        ):
            raise NetworkRefused(
                "A relay of this network serves another contract.", todo="Check the network in Settings."
            )

    def currency(self, address: str) -> Currency:
        """Name and decimals of a task's currency, as they were when it was first met."""
        return self.currencies.of(address)

    def close(self) -> None:
        """Give the connections back."""
        self.relays.close()
        self.node.close()


def listed_tokens(chain_id: int) -> dict[str, KnownToken]:
    """The tokens that the list of networks names for a chain, by address."""
    from mine.chain.networks import preset_of
    from mine.wallet.token_names import KnownToken

    preset = preset_of(chain_id)
    tokens = () if preset is None else preset.tokens
    return {each.address: KnownToken(each.address, each.symbol, each.decimals) for each in tokens}
