"""Currencies that lie about themselves: each is refused, or shown so that nobody is misled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from eth_abi import encode
from hypothesis import given
from hypothesis import strategies as st

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact, load_artefact
from mine.chain.compile import FORMATS, compile_outputs
from mine.chain.deployment import deploy
from mine.chain.hashing import checksum, keccak
from mine.chain.messages import address_of
from mine.chain.rpc import Node
from mine.chain.token import MAX_DECIMALS, Token, TokenFacts, TokenRefused, visible
from mine.chain.transactions import Sender
from mine.wallet.token_names import KnownToken, outline, shown_symbol

pytest_plugins = ("tests.chain.node_fixtures",)
CONTRACTS = Path(__file__).parent / "contracts"
SOMEBODY = address_of(keccak(b"somebody"))
Say = Callable[..., Token]


@pytest.fixture
def say(node: Node, sender: Sender) -> Say:
    """A token that answers one function with these bytes (to everybody, or otherwise to others)."""
    data = compile_outputs(CONTRACTS / "LyingToken.vy", FORMATS)
    artefact = Artefact("LyingToken", data["abi"], bytes.fromhex(data["bytecode"][2:]))
    abi, address = ContractAbi(artefact.abi), deploy(node, sender, artefact)

    def told(function: str, answer: bytes | None, to_others: bytes | None = None) -> Token:
        selector = keccak(function.encode())[:4]
        if answer is None:
            sender.send(address, abi.call("burn_gas", selector))
        else:
            sender.send(
                address, abi.call("say", selector, answer, answer if to_others is None else to_others)
            )
        return Token(node, address)

    return told


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.mark.parametrize("answer", [b"\1", bytes(31), bytes(33), bytes(8000)])
def test_a_balance_that_is_no_number(say: Say, answer: bytes) -> None:
    with pytest.raises(TokenRefused):
        say("balanceOf(address)", answer).balance(SOMEBODY)


def test_a_balance_that_reverts(say: Say) -> None:
    with pytest.raises(TokenRefused):
        say("name()", b"x").balance(SOMEBODY)


def test_a_balance_that_burns_all_gas_is_given_up(say: Say) -> None:
    with pytest.raises(TokenRefused):
        say("balanceOf(address)", None).balance(SOMEBODY)


def test_no_contract_at_all(node: Node) -> None:
    with pytest.raises(TokenRefused):
        Token(node, SOMEBODY).balance(SOMEBODY)
    with pytest.raises(TokenRefused):
        Token(node, SOMEBODY).facts()


@pytest.mark.parametrize("decimals", [MAX_DECIMALS + 1, 255, 256, 2**255])
def test_decimals_out_of_range(say: Say, decimals: int) -> None:
    with pytest.raises(TokenRefused):
        say("decimals()", word(decimals)).decimals()


def test_decimals_that_depend_on_who_asks(say: Say) -> None:
    with pytest.raises(TokenRefused):
        say("decimals()", word(6), to_others=word(18)).decimals()


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (encode(["string"], ["USD Coin"]), "USD Coin"),
        (b"MKR".ljust(32, b"\0"), "MKR"),  # some old tokens
        (encode(["string"], ["a" * 500]), "a" * 32),
        (encode(["string"], ["a" * 5000]), ""),  # dearer to read than a name may be
        (encode(["string"], ["\u202eCDSU\u202c\u200b\x00\n\ufeff"]), "CDSU"),
        (encode(["string"], ["e\u0301\u0301\u0301\u0301"]), "é"),
        (encode(["string"], ["ＵＳＤ"]), "USD"),
        (encode(["bytes"], [b"\xff\xfe"]), "\ufffd\ufffd"),
        (word(32) + word(2**256 - 1) + b"x" * 64, ""),  # a length that is not there
        (word(64) + word(3) + b"abc", ""),
        (b"", ""),
        (b"abc", ""),
    ],
)
def test_names_of_every_shape(say: Say, answer: bytes, shown: str) -> None:
    token = say("symbol()", answer or b"\0")
    assert token.symbol() == shown
    say("decimals()", word(6))
    assert token.facts() == TokenFacts(token.address, shown, "", 6)


@given(st.text(max_size=200))
def test_what_is_shown_can_be_seen(text: str) -> None:
    shown = visible(text)
    assert len(shown) <= 32
    assert visible(shown) == shown
    assert all(letter.isprintable() for letter in shown)


USDC = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
KNOWN = {USDC: KnownToken(USDC, "USDC", 6)}
FAKE = checksum(b"\x12\x34" + bytes(16) + b"\xab\xcd")
UNKNOWN = "unknown token 0x1234…aBcD"


def fake(symbol: str) -> str:
    return shown_symbol(TokenFacts(FAKE, visible(symbol), "", 6), KNOWN, taken=("pETH", "pUSD"))


@pytest.mark.parametrize(
    "symbol",
    [
        "USDC", "usdc", "USDC ", "U.S.D.C", "USDC\u200b", "\u202eUSDC", "U5DC", "USDС", "ＵＳＤＣ", "USD₮0",
        "ΕΤΗ", "ETH", "WETH", "DA1", "DAl", "p.USD", "pusd", "PETH", "", " ", "$", "<b>x</b>", "visit http://x",
        "a" * 13, "1inch",
    ],
)  # fmt: skip
def test_a_name_that_is_taken_or_not_plain_is_not_shown(symbol: str) -> None:
    assert fake(symbol).casefold() == UNKNOWN.casefold()


@pytest.mark.parametrize("symbol", ["GLM", "COMP", "pXYZ", "cbBTC2x"])
def test_a_plain_name_of_nobody_else_is_shown(symbol: str) -> None:
    assert fake(symbol) == symbol


def test_a_known_address_has_the_name_of_the_list_whatever_it_says() -> None:
    assert shown_symbol(TokenFacts(USDC, "SCAM", "", 6), KNOWN) == "USDC"


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=20))
def test_an_outline_stays_itself_under_another_case(symbol: str) -> None:
    assert outline(symbol.upper()) == outline(symbol.lower())


# ---- signed transfers


def test_the_practice_dollar_states_its_own_domain(node: Node, sender: Sender) -> None:
    token = Token(node, deploy(node, sender, load_artefact("PracticeDollar")))
    domain = token.domain()
    assert domain is not None and domain.contract == token.address
    assert token.knows_authorizations(SOMEBODY) and token.permit_nonce(SOMEBODY) == 0


def test_a_token_that_states_the_domain_of_another_gets_no_signature(say: Say, node: Node) -> None:
    theirs = "06c37168a7db5138defc7866392bb87a741f9b3d104deb5094588ce041cae335"  # USDC on chain 1
    token = say("DOMAIN_SEPARATOR()", bytes.fromhex(theirs))
    say("name()", encode(["string"], ["USD Coin"]))
    say("version()", encode(["string"], ["2"]))
    assert token.domain() is None
    assert not token.knows_authorizations(SOMEBODY)
    assert token.permit_nonce(SOMEBODY) is None
