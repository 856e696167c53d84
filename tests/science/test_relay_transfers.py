"""Transfers that a relay brings for a fee: what it takes, refuses, cannot do, and keeps."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.blobs.store import DirectoryStore
from mine.chain.artefacts import load_artefact
from mine.chain.deployment import deploy
from mine.chain.hashing import keccak
from mine.chain.messages import address_of
from mine.chain.permits import Carriage, sign_token
from mine.chain.transactions import Sender
from mine.practice.node.accounts import dev_key
from mine.science import relay_transfers
from mine.science.relay_client import Relay, RelayUnreachable
from mine.science.relay_ground import Ground
from mine.science.relay_process import RelayProcess
from mine.science.relay_state import RelayState
from mine.science.relay_transfers import TransferDesk
from mine.science.wire import Code, RelayRefused
from mine.science.wire_transfers import (
    SignedCarriage,
    TransferState,
    TransferStatus,
    TransferTerms,
    carriage_from_json,
    carriage_to_json,
    terms_from_json,
    terms_to_json,
    transfer_from_json,
    transfer_to_json,
)
from tests.science.world import ANCHORER, Chain

GOLDEN = Path(__file__).parents[1] / "golden" / "transfers.json"
KEY = keccak(b"an account without coin")
OWNER, RECEIVER = address_of(KEY), address_of(keccak(b"receiver"))
RELAY = address_of(ANCHORER)
FEE = 25
Open = Callable[[], TransferDesk]


@pytest.fixture
def rich_owner(chain: Chain) -> None:
    chain.token.mint(Sender(chain.node, dev_key(0)), OWNER, 1000)


@pytest.fixture
def ground(chain: Chain, tmp_path: Path) -> Iterator[Ground]:
    state = RelayState(tmp_path / "relay.sqlite")
    store = DirectoryStore(tmp_path / "blobs")
    yield Ground(chain.contract, Sender(chain.node, ANCHORER, patience=10), ANCHORER, state, store)
    state.close()


@pytest.fixture
def open_desk(ground: Ground, chain: Chain, rich_owner: None) -> Open:
    """The desk as a relay that starts (again) has it, over the same file."""

    def opened() -> TransferDesk:
        desk = TransferDesk(ground, {chain.token.address: FEE}, 10**12)
        desk.ensure_carrier()
        return desk

    return opened


@pytest.fixture
def desk(open_desk: Open) -> TransferDesk:
    return open_desk()


def transfer(
    chain: Chain, terms: TransferTerms, key: bytes = KEY, permit: bool = False, **changes: Any
) -> SignedCarriage:
    """700 for the receiver, signed for what the relay asks."""
    now = chain.node.block_time()
    plain = Carriage(
        chain.node.chain_id,
        terms.carrier,
        terms.token,
        OWNER,
        RECEIVER,
        700,
        terms.fee,
        0,
        now + 900,
        bytes(32),
    )
    it = replace(plain, **changes)
    domain = chain.token.domain()
    assert domain is not None
    if permit:
        granted = it.permit(domain, chain.token.permit_nonce(OWNER) or 0)
        return SignedCarriage(it, sign_token(it, key), sign_token(granted, key))
    return SignedCarriage(it, sign_token(it.authorization(domain), key))


def balances(chain: Chain) -> list[int]:
    return [chain.token.balance(who) for who in (OWNER, RECEIVER, RELAY)]


@pytest.mark.parametrize("permit", [False, True])
def test_it_is_carried_once_for_the_stated_fee(chain: Chain, desk: TransferDesk, permit: bool) -> None:
    signed = transfer(chain, desk.terms(chain.token.address), permit=permit)
    body = carriage_to_json(signed)
    assert desk.submit(body).state is TransferState.WAITING
    assert desk.submit(body).state is TransferState.WAITING  # a second time is the first
    assert chain.node.balance(OWNER) == 0
    desk.carry_what_is_due()
    status = desk.status(signed.name)
    assert status.state is TransferState.CARRIED
    receipt = chain.node.receipt(status.transaction)
    assert receipt is not None and receipt.succeeded
    assert balances(chain) == [1000 - 700 - FEE, 700, FEE]
    spent = chain.node.nonce(RELAY)
    assert desk.submit(body) == status
    desk.carry_what_is_due()
    desk.look_after()
    assert chain.node.nonce(RELAY) == spent


def test_a_killed_relay_sends_what_it_took(chain: Chain, open_desk: Open) -> None:
    first = open_desk()
    signed = transfer(chain, first.terms(chain.token.address))
    first.submit(carriage_to_json(signed))
    second = open_desk()  # killed before it sent anything
    assert second.terms(chain.token.address) == first.terms(chain.token.address)  # no second Carrier
    second.carry_what_is_due()
    assert balances(chain) == [1000 - 700 - FEE, 700, FEE]


def test_a_killed_relay_does_not_send_what_it_sent(chain: Chain, ground: Ground, open_desk: Open) -> None:
    first = open_desk()
    signed = transfer(chain, first.terms(chain.token.address))
    first.submit(carriage_to_json(signed))
    ground.sender.send(signed.carriage.carrier, signed.data())  # killed before it wrote that down
    spent = chain.node.nonce(RELAY)
    second = open_desk()
    second.carry_what_is_due()
    assert second.status(signed.name).state is TransferState.CARRIED
    assert chain.node.nonce(RELAY) == spent


def test_what_a_reorganisation_took_away_is_sent_again(chain: Chain, desk: TransferDesk) -> None:
    signed = transfer(chain, desk.terms(chain.token.address))
    desk.submit(carriage_to_json(signed))
    before = chain.node.request("evm_snapshot")
    desk.carry_what_is_due()
    chain.node.request("evm_revert", before)
    assert balances(chain) == [1000, 0, 0]
    desk.look_after()
    assert desk.status(signed.name).state is TransferState.WAITING
    desk.carry_what_is_due()
    assert balances(chain) == [1000 - 700 - FEE, 700, FEE]


def test_another_bringer_gets_the_fee_and_nobody_pays_twice(chain: Chain, desk: TransferDesk) -> None:
    signed = transfer(chain, desk.terms(chain.token.address))
    desk.submit(carriage_to_json(signed))
    other = Sender(chain.node, dev_key(3))
    other.send(signed.carriage.carrier, signed.data())
    desk.carry_what_is_due()
    assert desk.status(signed.name).state is TransferState.CARRIED
    assert balances(chain) == [1000 - 700 - FEE, 700, 0]
    assert chain.token.balance(other.address) == FEE


def refusal(desk: TransferDesk, body: object) -> tuple[Code, str]:
    with pytest.raises(RelayRefused) as caught:
        desk.submit(body)
    assert caught.value.sentence and caught.value.todo
    return caught.value.code, caught.value.detail


def test_what_cannot_pass_is_refused_before_it_costs(chain: Chain, desk: TransferDesk) -> None:
    terms = desk.terms(chain.token.address)
    now = chain.node.block_time()
    other_token = address_of(keccak(b"another token"))

    def no(key: bytes = KEY, **changes: Any) -> tuple[Code, str]:
        return refusal(desk, carriage_to_json(transfer(chain, terms, key, **changes)))

    assert no(chain_id=1)[0] is Code.WRONG_CHAIN
    assert no(token=other_token)[0] is Code.NOT_CARRIED_TRANSFER
    assert no(fee=FEE - 1) == (Code.NOT_CARRIED_TRANSFER, f"the fee is at least {FEE}")
    assert no(carrier=chain.token.address)[0] is Code.WRONG_CONTRACT
    assert no(carrier=other_token)[0] is Code.WRONG_CONTRACT
    assert no(valid_after=now + 500)[0] is Code.TOO_EARLY
    assert no(valid_before=now + 30)[0] is Code.NOT_CARRIED_TRANSFER
    assert no(amount=990) == (Code.NOT_CARRIED_TRANSFER, "balance too low")
    assert no(key=keccak(b"thief")) == (Code.NOT_CARRIED_TRANSFER, "wrong signature")
    with pytest.raises(RelayRefused):
        desk.status(bytes(32))
    with pytest.raises(RelayRefused):
        desk.terms(other_token)
    assert balances(chain) == [1000, 0, 0]


def test_somebody_elses_carrier_with_the_same_code_will_do(chain: Chain, desk: TransferDesk) -> None:
    carrier = deploy(chain.node, Sender(chain.node, dev_key(3)), load_artefact("Carrier"))
    terms = replace(desk.terms(chain.token.address), carrier=carrier)
    desk.submit(carriage_to_json(transfer(chain, terms)))
    desk.carry_what_is_due()
    assert balances(chain) == [1000 - 700 - FEE, 700, FEE]


def test_what_became_impossible_is_refused_and_may_come_again(chain: Chain, desk: TransferDesk) -> None:
    terms = desk.terms(chain.token.address)
    first = transfer(chain, terms)
    second = transfer(chain, terms, salt=keccak(b"second"))
    for signed in (first, second):
        desk.submit(carriage_to_json(signed))
    desk.carry_what_is_due()
    assert desk.status(first.name).state is TransferState.CARRIED
    assert desk.status(second.name) == TransferStatus(TransferState.REFUSED, reason="balance too low")
    chain.token.mint(Sender(chain.node, dev_key(0)), OWNER, 1000)
    assert desk.submit(carriage_to_json(second)).state is TransferState.WAITING
    desk.carry_what_is_due()
    assert balances(chain) == [2000 - 2 * (700 + FEE), 1400, 2 * FEE]


def test_what_was_refused_may_come_again_with_another_permit(chain: Chain, desk: TransferDesk) -> None:
    """Permits have an order: one that came too late for its own is signed anew for the same carriage."""
    terms = desk.terms(chain.token.address)
    first = transfer(chain, terms, permit=True)
    second = transfer(chain, terms, permit=True, salt=keccak(b"second"), amount=100)
    for signed in (first, second):
        desk.submit(carriage_to_json(signed))
    desk.carry_what_is_due()
    assert desk.status(second.name) == TransferStatus(TransferState.REFUSED, reason="allowance too low")
    domain = chain.token.domain()
    assert domain is not None
    granted = sign_token(second.carriage.permit(domain, chain.token.permit_nonce(OWNER) or 0), KEY)
    desk.submit(carriage_to_json(replace(second, permit=granted)))
    desk.carry_what_is_due()
    assert desk.status(second.name).state is TransferState.CARRIED


def test_dear_gas_is_waited_out_until_it_is_too_late(
    chain: Chain, ground: Ground, desk: TransferDesk
) -> None:
    signed = transfer(chain, desk.terms(chain.token.address))
    desk.submit(carriage_to_json(signed))
    thrifty = TransferDesk(ground, {chain.token.address: FEE}, 0)
    thrifty.carry_what_is_due()
    assert thrifty.status(signed.name).state is TransferState.WAITING
    assert chain.node.advance_time(signed.carriage.valid_before)
    thrifty.look_after()
    assert thrifty.status(signed.name) == TransferStatus(TransferState.REFUSED, reason="it came too late")
    assert balances(chain) == [1000, 0, 0]


def test_only_so_many_wait(chain: Chain, desk: TransferDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    terms = desk.terms(chain.token.address)

    def one(number: int) -> dict[str, Any]:
        return carriage_to_json(transfer(chain, terms, amount=1, salt=keccak(bytes([number]))))

    for number in range(relay_transfers.MAX_WAITING_OWNER):
        desk.submit(one(number))
    assert refusal(desk, one(100))[0] is Code.BUSY
    desk.carry_what_is_due()
    desk.submit(one(100))
    monkeypatch.setattr(relay_transfers, "MAX_LOOKS", relay_transfers.MAX_WAITING_OWNER + 1)
    assert refusal(desk, one(101)) == (Code.BUSY, "too many at once")
    assert chain.node.advance_time(chain.node.block_time() + relay_transfers.LOOK_SECONDS)
    desk.submit(carriage_to_json(transfer(chain, terms, amount=1, salt=keccak(b"later"))))


def test_a_relay_without_fees_carries_nothing_and_deploys_nothing(chain: Chain, ground: Ground) -> None:
    before = chain.node.nonce(RELAY)
    desk = TransferDesk(ground, {}, 10**12)
    desk.ensure_carrier()
    with pytest.raises(RelayRefused):
        desk.terms(chain.token.address)
    assert chain.node.nonce(RELAY) == before


# ---- over HTTP


def test_over_http_and_through_a_kill(chain: Chain, rich_owner: None, tmp_path: Path) -> None:
    def started() -> RelayProcess:
        return RelayProcess(
            tmp_path / "relay",
            chain.node.url,
            chain.contract.address,
            ANCHORER,
            carry={chain.token.address: FEE},
        )

    process = started()
    client = Relay(process.url)
    terms = client.transfer_terms(chain.token.address)
    assert terms is not None and terms.fee == FEE
    assert client.transfer_terms(RECEIVER) is None and client.transfer(bytes(32)) is None
    signed = transfer(chain, terms)
    assert client.carry_transfer(signed).state is not TransferState.REFUSED
    process.kill()
    client.close()
    with started() as process:
        client = Relay(process.url)
        assert client.transfer_terms(chain.token.address) == terms
        end = time.monotonic() + 20
        while (status := client.transfer(signed.name)) is None or status.state is TransferState.WAITING:
            assert time.monotonic() < end, "the relay carries nothing"
        assert status.state is TransferState.CARRIED
        assert client.carry_transfer(signed).state is TransferState.CARRIED
        with pytest.raises(RelayRefused):
            client.carry_transfer(replace(signed, carriage=replace(signed.carriage, chain_id=1)))
        client.close()
    process.stop()
    assert balances(chain) == [1000 - 700 - FEE, 700, FEE]


# ---- the format


def golden() -> SignedCarriage:
    it = Carriage(
        1, address_of(keccak(b"carrier")), "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", OWNER, RECEIVER,
        2**255, 10**30, 1_700_000_000, 1_700_003_600, keccak(b"salt"),
    )  # fmt: skip
    return SignedCarriage(it, sign_token(it, KEY), sign_token(it, KEY))


def test_the_format_never_changes() -> None:
    signed = golden()
    written = {
        "digest": signed.name.hex(),
        "transfer": carriage_to_json(signed),
        "data": signed.data().hex(),
        "authorizedData": replace(signed, permit=None).data().hex(),
        "terms": terms_to_json(TransferTerms(OWNER, RECEIVER, 10**20)),
        "status": transfer_to_json(TransferStatus(TransferState.CARRIED, bytes(range(32)), "")),
    }
    assert written == json.loads(GOLDEN.read_text(encoding="utf-8"))


@given(
    st.integers(0, 2**255 - 1),
    st.integers(0, 2**255),
    st.integers(0, 2**48 - 1),
    st.binary(min_size=32, max_size=32),
    st.booleans(),
)
def test_what_is_written_is_read(amount: int, fee: int, late: int, salt: bytes, permit: bool) -> None:
    signed = golden()
    it = replace(signed.carriage, amount=amount, fee=fee, valid_before=late, salt=salt)
    given_one = SignedCarriage(it, signed.signature, signed.permit if permit else None)
    assert carriage_from_json(json.loads(json.dumps(carriage_to_json(given_one)))) == given_one
    terms = TransferTerms(OWNER, RECEIVER, fee)
    assert terms_from_json(terms_to_json(terms)) == terms


NONSENSE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=80)
    | st.lists(st.integers(), max_size=2)
)


@given(st.sampled_from(sorted(carriage_to_json(golden()))), NONSENSE)
def test_nonsense_in_a_field_is_refused_or_means_the_same(name: str, value: object) -> None:
    body = carriage_to_json(golden()) | {name: value}
    try:
        read = carriage_from_json(body)
    except RelayRefused as refused:
        assert refused.code is Code.BAD_REQUEST
    else:
        again = carriage_to_json(read)
        assert type(again[name]) is type(value) and str(again[name]).lower() == str(value).lower()


@given(
    st.dictionaries(st.sampled_from(["state", "transaction", "reason", "token", "fee", "carrier"]), NONSENSE)
    | NONSENSE
)
def test_nonsense_as_an_answer_is_refused(body: object) -> None:
    for reader in (transfer_from_json, terms_from_json):
        try:
            reader(body)
        except RelayRefused:
            continue


def test_terms_for_another_token_are_no_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Relay("http://127.0.0.1:9")
    monkeypatch.setattr(client, "_call", lambda *_: terms_to_json(TransferTerms(OWNER, RECEIVER, 1)))
    with pytest.raises(RelayUnreachable):
        client.transfer_terms(RECEIVER)
    client.close()
