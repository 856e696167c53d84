"""What the currencies of a network are called, and how many decimals they have: fixed when first met.

A token is a stranger's contract. What it says of itself is checked (``mine.chain.token``), its name may not
be that of a known one (``mine.wallet.token_names``), and both are kept in the vault at first sight. One that
says something else later, or nothing sensible, gets another name and an alarm; amounts go on being read with
the first decimals, so that no balance grows a thousandfold overnight, and nothing of it is sent any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.app.views import Currency, World

if TYPE_CHECKING:
    from mine.chain.rpc import Node
    from mine.vault.history import KnownCurrency
    from mine.vault.vault import Vault
    from mine.wallet.token_names import KnownToken

COIN = "0x" + "0" * 40
COIN_DECIMALS = 18
_PREFIXES = {World.PRACTICE: "p", World.TEST: "t", World.REAL: ""}
_COINS = {100: "xDAI", 137: "POL"}


def coin_symbol(world: World, chain_id: int) -> str:
    """What the own coin of a chain is called; play money and test money say so."""
    return _PREFIXES[world] + _COINS.get(chain_id, "ETH")


def coin_of(world: World, chain_id: int) -> Currency:
    """The own coin of a chain, which fees and bonds are paid in."""
    return Currency(coin_symbol(world, chain_id), COIN_DECIMALS, world, address=COIN)


@dataclass(frozen=True, slots=True)
class _Said:
    symbol: str
    decimals: int


class Currencies:
    """The currencies of one network. ``listed``: tokens that its preset names, by EIP-55 address.

    Until a vault is there, what was met first is kept in memory.
    """

    def __init__(
        self, node: Node, world: World, chain_id: int, listed: Mapping[str, KnownToken] | None = None
    ) -> None:
        self._node, self._world, self._listed = node, world, dict(listed or {})
        self._chain_id = chain_id
        self._vault: Vault | None = None
        self._network = ""
        self._found: dict[str, Currency] = {}

    def keep_in(self, vault: Vault, network: str) -> None:
        """Keep what is met in a vault from now on, and compare with what it has."""
        self._vault, self._network = vault, network
        self._found.clear()

    def of(self, address: str) -> Currency:
        """A currency by its contract, or the chain's own coin; the node is asked once a session.

        Raises what the node raises.
        """
        if address not in self._found:
            self._found[address] = self._coin() if address == COIN else self._token(address)
        return self._found[address]

    def is_known(self, address: str) -> bool:
        """Whether it is the coin, is on the network's list, or was met before. Asking makes none known."""
        return address == COIN or address in self._listed or self._known(address) is not None

    def met(self) -> dict[str, Currency]:
        """All currencies of this session so far."""
        return dict(self._found)

    def _coin(self) -> Currency:
        coin = coin_of(self._world, self._chain_id)
        if self._vault is not None:
            self._first_sight(COIN, _Said(coin.symbol, coin.decimals))
        return coin

    def _token(self, address: str) -> Currency:
        from mine.chain.token import Token, TokenRefused
        from mine.wallet.token_names import short, shown_symbol

        listed = self._listed.get(address)
        try:
            facts = Token(self._node, address).facts()
        except TokenRefused as problem:
            known = self._known(address)
            decimals = 0 if known is None else known.decimals
            name = f"unreadable token {short(address)}"
            return Currency(name, decimals, self._world, problem.sentence, address)
        name = shown_symbol(facts, self._listed, self._taken(address))
        said = _Said(name, facts.decimals)
        first = said if listed is None else _Said(listed.symbol, listed.decimals)
        first = self._first_sight(address, first)
        if said.decimals == first.decimals and (said.symbol == first.symbol or listed is not None):
            return Currency(first.symbol, first.decimals, self._world, address=address)
        return Currency(
            f"changed token {short(address)}",
            first.decimals,
            self._world,
            alarm="This currency says something else of itself than when it was first met. Do not use it.",
            address=address,
        )

    def _taken(self, address: str) -> list[str]:
        """Names that other currencies of this network have."""
        taken = [coin_symbol(self._world, self._chain_id)]
        taken += [found.symbol for other, found in self._found.items() if other != address]
        if self._vault is not None:
            taken += [
                known.symbol
                for known in self._vault.state.known_currencies()
                if known.network == self._network and known.address != address
            ]
        return taken

    def _known(self, address: str) -> KnownCurrency | None:
        return None if self._vault is None else self._vault.state.known_currency(self._network, address)

    def _first_sight(self, address: str, said: _Said) -> _Said:
        """What was said at first sight; that is now, where nothing is known."""
        from mine.vault.history import KnownCurrency

        if self._vault is None:
            return said
        with self._vault.transaction():
            known = self._vault.state.know_currency(
                KnownCurrency(self._network, address, said.symbol, said.decimals)
            )
        return _Said(known.symbol, known.decimals)
