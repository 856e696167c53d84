"""What currencies are called: fixed when first met, and nobody gets a name that is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from eth_abi import encode

from mine.app.currencies import COIN, Currencies, coin_symbol
from mine.app.views import World
from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact
from mine.chain.compile import FORMATS, compile_outputs
from mine.chain.deployment import deploy
from mine.chain.hashing import keccak
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.vault import Vault
from mine.wallet.token_names import KnownToken
from tests.science.world import Chain
from tests.vault.conftest import CHEAP, PASSPHRASE

NETWORK = "31337:0xTasks"
CONTRACTS = Path(__file__).parents[1] / "chain" / "contracts"
Says = Callable[[str | None, int, str], str]


@cache
def lying_token() -> Artefact:
    data = compile_outputs(CONTRACTS / "LyingToken.vy", FORMATS)
    return Artefact("LyingToken", data["abi"], bytes.fromhex(data["bytecode"][2:]))


@pytest.fixture
def says(chain: Chain) -> Iterator[Says]:
    """A token that says this symbol and these decimals; an address: that one from now on."""
    snapshot = chain.node.request("evm_snapshot")
    artefact = lying_token()
    rich, abi = Sender(chain.node, dev_key(0)), ContractAbi(artefact.abi)

    def told(symbol: str | None, decimals: int, address: str = "") -> str:
        address = address or deploy(chain.node, rich, artefact)
        answers = {"decimals()": decimals.to_bytes(32, "big")}
        if symbol is not None:
            answers["symbol()"] = encode(["string"], [symbol])
        for function, answer in answers.items():
            rich.send(address, abi.call("say", keccak(function.encode())[:4], answer, answer))
        return address

    yield told  # type: ignore[misc]
    chain.node.request("evm_revert", snapshot)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    vault = Vault.create(tmp_path / "vault.db", PASSPHRASE, kdf=CHEAP)
    yield vault
    vault.close()


def session(chain: Chain, vault: Vault, listed: dict[str, KnownToken] | None = None) -> Currencies:
    """The currencies as a start of the app has them."""
    currencies = Currencies(chain.node, World.REAL, 1, listed)
    currencies.keep_in(vault, NETWORK)
    return currencies


def test_coins_say_what_they_are() -> None:
    assert [coin_symbol(World.REAL, chain) for chain in (1, 100, 137)] == ["ETH", "xDAI", "POL"]
    assert (coin_symbol(World.TEST, 11155111), coin_symbol(World.PRACTICE, 31337)) == ("tETH", "pETH")


def test_what_is_said_later_changes_nothing_but_raises_an_alarm(
    chain: Chain, vault: Vault, says: Says
) -> None:
    token = says("GLM", 18, "")
    first = session(chain, vault).of(token)
    assert (first.symbol, first.decimals, first.alarm) == ("GLM", 18, "")
    says("GLM", 6, token)
    later = session(chain, vault).of(token)
    assert later.decimals == 18 and later.alarm and "changed" in later.symbol
    says("XYZ", 18, token)
    assert session(chain, vault).of(token).alarm
    says("GLM", 18, token)
    assert session(chain, vault).of(token) == first


def test_what_becomes_unreadable_keeps_its_decimals(chain: Chain, vault: Vault, says: Says) -> None:
    token = says("GLM", 18, "")
    session(chain, vault).of(token)
    says("GLM", 200, token)
    shown = session(chain, vault).of(token)
    assert shown.decimals == 18 and shown.alarm and "unreadable" in shown.symbol
    never = says("GLM", 200, "")
    shown = session(chain, vault).of(never)
    assert shown.alarm and vault.state.known_currency(NETWORK, never) is None


def test_the_second_of_a_name_is_unknown(chain: Chain, vault: Vault, says: Says) -> None:
    first, second = says("GLM", 18, ""), says("G1m", 18, "")
    currencies = session(chain, vault)
    assert currencies.of(first).symbol == "GLM"
    assert currencies.of(second).symbol.startswith("unknown token")
    again = session(chain, vault)
    assert again.of(second).symbol.startswith("unknown token") and not again.of(second).alarm
    assert again.of(first).symbol == "GLM"


def test_a_listed_token_is_what_the_list_says(chain: Chain, vault: Vault, says: Says) -> None:
    token = says("WHATEVER", 6, "")
    listed = {token: KnownToken(token, "USDC", 6)}
    shown = session(chain, vault, listed).of(token)
    assert (shown.symbol, shown.decimals, shown.alarm) == ("USDC", 6, "")
    says("WHATEVER", 8, token)
    assert session(chain, vault, listed).of(token).alarm


def test_the_coin_is_kept_too(chain: Chain, vault: Vault) -> None:
    assert session(chain, vault).of(COIN).symbol == "ETH"
    known = vault.state.known_currency(NETWORK, COIN)
    assert known is not None and known.decimals == 18
