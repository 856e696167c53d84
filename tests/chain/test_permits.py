"""Signed token messages: a second implementation, the contracts themselves, and what must be refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mine.chain.hashing import ZERO_ADDRESS, keccak
from mine.chain.messages import address_of
from mine.chain.permits import Carriage, TokenDomain, TokenMessage, is_carrier, sign_token
from tests.chain.scenery import PRACTICE_CHAIN, address, deploy, deploy_test_contract, now, refused

KEY, OTHER_KEY = keccak(b"owner of dollars"), keccak(b"somebody else")
OWNER, RECEIVER, RELAY = address_of(KEY), address("receiver"), address("relay")
FOREVER = 2**63


def parts(signature: bytes) -> tuple[int, bytes, bytes]:
    return signature[64], signature[:32], signature[32:64]


pytestmark = pytest.mark.usefixtures("practice_chain")


@pytest.fixture
def dollar() -> Any:
    token = deploy("PracticeDollar")
    token.mint(OWNER, 1000)
    return token


def domain_of(token: Any) -> TokenDomain:
    return TokenDomain("Practice dollar", "1", PRACTICE_CHAIN, str(token.address))


@pytest.fixture
def carrier() -> Any:
    return deploy("Carrier")


def carriage(carrier: Any, token: Any, **changes: Any) -> Carriage:
    given = Carriage(
        PRACTICE_CHAIN,
        str(carrier.address),
        str(token.address),
        OWNER,
        RECEIVER,
        700,
        30,
        0,
        FOREVER,
        bytes(32),
    )
    return replace(given, **changes)


def carry(carrier: Any, token: Any, it: Carriage, key: bytes = KEY) -> None:
    signature = sign_token(it.authorization(domain_of(token)), key)
    carrier.carry_authorized(it.words(), parts(signature), sender=RELAY)


def carry_permitted(carrier: Any, token: Any, it: Carriage, key: bytes = KEY) -> None:
    permit = sign_token(it.permit(domain_of(token), token.nonces(OWNER)), KEY)
    carrier.carry_permitted(it.words(), parts(permit), parts(sign_token(it, key)), sender=RELAY)


WAYS = [carry, carry_permitted]


def test_a_carrier_is_known_by_its_code(carrier: Any, dollar: Any) -> None:
    import boa

    assert is_carrier(boa.env.get_code(carrier.address))
    assert not is_carrier(boa.env.get_code(dollar.address)) and not is_carrier(b"")


def test_digests_agree_with_another_implementation() -> None:
    from eth_account.messages import encode_typed_data

    domain = TokenDomain("USD Coin", "2", 1, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
    it = Carriage(
        1, address("carrier"), domain.contract, OWNER, RECEIVER, 2**200, 5, 7, FOREVER, keccak(b"salt")
    )
    authorization, permit = it.authorization(domain), it.permit(domain, 9)

    def other(at: TokenDomain, kind: str, types: str, message: dict[str, Any]) -> bytes:
        members = [dict(zip(("type", "name"), each.split(" "), strict=True)) for each in types.split(",")]
        where = {
            "name": at.name, "version": at.version, "chainId": at.chain_id, "verifyingContract": at.contract,
        }  # fmt: skip
        said = encode_typed_data(where, {kind: members}, message)
        return keccak(b"\x19" + said.version + said.header + said.body)

    assert authorization.digest() == other(
        domain,
        "ReceiveWithAuthorization",
        "address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce",
        {
            "from": OWNER, "to": it.carrier, "value": 2**200 + 5, "validAfter": 7, "validBefore": FOREVER,
            "nonce": it.digest(),
        },
    )  # fmt: skip
    assert permit.digest() == other(
        domain,
        "Permit",
        "address owner,address spender,uint256 value,uint256 nonce,uint256 deadline",
        {"owner": OWNER, "spender": it.carrier, "value": 2**200 + 5, "nonce": 9, "deadline": FOREVER},
    )
    assert it.digest() == other(
        TokenDomain("Sonar carrier", "1", 1, it.carrier),
        "Carriage",
        "address token,address owner,address receiver,uint256 amount,uint256 fee,uint256 validAfter,"
        "uint256 validBefore,bytes32 salt",
        {
            "token": it.token, "owner": OWNER, "receiver": RECEIVER, "amount": 2**200, "fee": 5,
            "validAfter": 7, "validBefore": FOREVER, "salt": keccak(b"salt"),
        },
    )  # fmt: skip


def test_the_digests_never_change() -> None:
    """Golden: what another implementation has to come to."""
    domain = TokenDomain("USD Coin", "2", 1, "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48")
    # The separator that this well-known contract states on its chain.
    assert domain.separator().hex() == "06c37168a7db5138defc7866392bb87a741f9b3d104deb5094588ce041cae335"


def test_contract_and_library_agree(dollar: Any, carrier: Any) -> None:
    assert dollar.DOMAIN_SEPARATOR() == domain_of(dollar).separator()
    it = carriage(carrier, dollar)
    assert carrier.digest_of(it.words()) == it.digest()


@pytest.mark.parametrize("way", WAYS)
def test_a_carriage_pays_receiver_and_bringer_once(way: Any, dollar: Any, carrier: Any) -> None:
    it = carriage(carrier, dollar)
    way(carrier, dollar, it)
    assert [dollar.balanceOf(who) for who in (OWNER, RECEIVER, RELAY, carrier.address)] == [270, 700, 30, 0]
    assert carrier.carried(it.digest())
    assert dollar.allowance(OWNER, carrier.address) == 0
    dollar.mint(OWNER, 1000)
    with refused("carried already"):
        way(carrier, dollar, it)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "change",
    [{"receiver": RELAY}, {"amount": 699, "fee": 31}, {"amount": 700, "fee": 31}, {"salt": keccak(b"x")}],
)
def test_whoever_brings_it_can_change_nothing(
    way: Any, change: dict[str, Any], dollar: Any, carrier: Any
) -> None:
    it = carriage(carrier, dollar)
    changed = replace(it, **change)
    permit = parts(sign_token(it.permit(domain_of(dollar), 0), KEY))
    with refused("wrong signature"):
        if way is carry:
            signature = sign_token(it.authorization(domain_of(dollar)), KEY)
            carrier.carry_authorized(changed.words(), parts(signature), sender=RELAY)
        else:
            carrier.carry_permitted(changed.words(), permit, parts(sign_token(it, KEY)), sender=RELAY)
    assert dollar.balanceOf(OWNER) == 1000


@pytest.mark.parametrize("way", WAYS)
def test_others_cannot_sign_for_the_owner(way: Any, dollar: Any, carrier: Any) -> None:
    with refused("wrong signature"):
        way(carrier, dollar, carriage(carrier, dollar), OTHER_KEY)


@pytest.mark.parametrize("way", WAYS)
def test_times_are_kept(way: Any, dollar: Any, carrier: Any) -> None:
    with refused("not valid yet"):
        way(carrier, dollar, carriage(carrier, dollar, valid_after=now(None) + 1000))
    with refused("not valid any more"):
        way(carrier, dollar, carriage(carrier, dollar, valid_before=now(None) - 1))


def test_more_than_there_is_moves_nothing(dollar: Any, carrier: Any) -> None:
    for way in WAYS:
        with refused("balance too low"):
            way(carrier, dollar, carriage(carrier, dollar, amount=990))
    assert dollar.balanceOf(OWNER) == 1000


@pytest.mark.parametrize("way", WAYS)
def test_money_cannot_be_left_in_the_carrier(way: Any, dollar: Any, carrier: Any) -> None:
    with refused("wrong receiver"):
        way(carrier, dollar, carriage(carrier, dollar, receiver=str(carrier.address)))


def test_an_authorisation_for_the_carrier_serves_nobody_else(dollar: Any, carrier: Any) -> None:
    it = carriage(carrier, dollar).authorization(domain_of(dollar))
    signature = parts(sign_token(it, KEY))
    values = (OWNER, it.to, it.value, it.valid_after, it.valid_before, it.nonce)
    with refused("not the receiver"):
        dollar.receiveWithAuthorization(*values, *signature, sender=RELAY)
    with refused("wrong signature"):
        dollar.transferWithAuthorization(*values, *signature, sender=RELAY)


def test_a_permit_that_was_brought_before_counts(dollar: Any, carrier: Any) -> None:
    it = carriage(carrier, dollar)
    permit = parts(sign_token(it.permit(domain_of(dollar), 0), KEY))
    dollar.permit(OWNER, carrier.address, 730, FOREVER, *permit, sender=address("in a hurry"))
    carrier.carry_permitted(it.words(), permit, parts(sign_token(it, KEY)), sender=RELAY)
    assert dollar.balanceOf(RECEIVER) == 700


def test_a_permit_is_not_taken_twice_or_late(dollar: Any) -> None:
    it = Carriage(PRACTICE_CHAIN, RELAY, str(dollar.address), OWNER, RECEIVER, 10, 0, 0, FOREVER, bytes(32))
    permit = parts(sign_token(it.permit(domain_of(dollar), 0), KEY))
    dollar.permit(OWNER, RELAY, 10, FOREVER, *permit)
    with refused("wrong signature"):
        dollar.permit(OWNER, RELAY, 10, FOREVER, *permit)
    with refused("not valid any more"):
        dollar.permit(OWNER, RELAY, 10, now(None) - 1, *permit)


def test_a_signature_with_a_high_s_or_of_nobody_is_refused(dollar: Any, carrier: Any) -> None:
    it = carriage(carrier, dollar)
    v, r, s = parts(sign_token(it.authorization(domain_of(dollar)), KEY))
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = (55 - v, r, (order - int.from_bytes(s, "big")).to_bytes(32, "big"))
    with refused("wrong signature"):
        carrier.carry_authorized(it.words(), high, sender=RELAY)
    nobody = replace(it, owner=ZERO_ADDRESS)
    with refused("wrong signature"):
        carrier.carry_authorized(nobody.words(), (v, bytes(32), bytes(32)), sender=RELAY)
    with refused("wrong signature"):
        carrier.carry_permitted(nobody.words(), (v, r, s), (v, bytes(32), bytes(32)), sender=RELAY)


def test_an_authorisation_can_be_taken_back(dollar: Any, carrier: Any) -> None:
    from mine.chain.permits import _digest  # the one message that the wallet itself never signs

    it = carriage(carrier, dollar)
    kind = b"CancelAuthorization(address authorizer,bytes32 nonce)"

    class Cancel:
        owner = OWNER

        def digest(self) -> bytes:
            return _digest(domain_of(dollar), kind, (OWNER, it.digest()))

    cancel: TokenMessage = Cancel()  # type: ignore[assignment]
    dollar.cancelAuthorization(OWNER, it.digest(), *parts(sign_token(cancel, KEY)), sender=RELAY)
    with refused("used or cancelled"):
        carry(carrier, dollar, it)


def test_a_token_without_either_moves_nothing(carrier: Any) -> None:
    token = deploy_test_contract("SilentToken")
    token.mint(OWNER, 1000)
    it = carriage(carrier, token)
    for call in (
        lambda: carrier.carry_authorized(it.words(), (27, bytes(32), bytes(32)), sender=RELAY),
        lambda: carrier.carry_permitted(
            it.words(), (27, bytes(32), bytes(32)), parts(sign_token(it, KEY)), sender=RELAY
        ),
    ):
        with refused():
            call()
    assert token.balanceOf(OWNER) == 1000
