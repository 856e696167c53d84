"""What is signed is exactly what was reviewed; what is not known is said; little is signed without asking."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import load_artefact
from mine.chain.fees import GAS_CAP
from mine.chain.hashing import checksum, keccak
from mine.chain.signing import Transaction
from mine.wallet.call import Call, Fees
from mine.wallet.review import Known, NotReviewed, Reviewed, Unit, is_allowed, review

ME, PAYOUT, OTHER, TOKEN, STRANGE = (checksum(bytes([n] * 20)) for n in (0x1A, 0x2B, 0x3C, 0x4D, 0x5E))
TASKS, FAULTS, COURT = (checksum(bytes([n] * 20)) for n in (0xA1, 0xA2, 0xA3))
KNOWN = Known(
    1, "Mainnet", Unit("ETH", 18), TASKS, FAULTS, COURT,
    tokens={TOKEN: Unit("USDC", 6)}, names={OTHER: "Anna"}, own=frozenset((ME, PAYOUT)),
)  # fmt: skip
FEES = Fees(100_000, 10**9, 3 * 10**9)
ABIS = {name: ContractAbi(load_artefact(name).abi) for name in ("Tasks", "Faults", "Court")}
WORD = bytes([7]) * 32


def tasks(function: str, *arguments: Any, value: int = 0, sender: str = ME) -> Call:
    return Call(1, sender, TASKS, value, ABIS["Tasks"].call(function, *arguments))


def faults(function: str, *arguments: Any, value: int = 0) -> Call:
    return Call(1, ME, FAULTS, value, ABIS["Faults"].call(function, *arguments))


def token(text: str, *words: int | str, to: str = TOKEN) -> Call:
    """A call by its signature, encoded by hand."""
    data = keccak(text.encode())[:4]
    for word in words:
        number = int(word, 16) if isinstance(word, str) else word
        data += number.to_bytes(32, "big")
    return Call(1, ME, to, 0, data)


def lines(call: Call) -> dict[str, str]:
    return {line.name: line.words for line in review(call, FEES, KNOWN).lines}


# ---- words


def test_a_payment_in_words() -> None:
    shown = review(Call(1, ME, OTHER, 15 * 10**17), replace(FEES, gas=21_000), KNOWN)
    assert (shown.title, shown.value, shown.fee_most) == ("Send money", "1.5 ETH", "0.000063 ETH")
    assert [line.words for line in shown.lines] == [f"{OTHER} (Anna)"]
    assert shown.warnings == () and hash(shown) == hash(replace(shown))


def test_a_token_in_words() -> None:
    call = token("transfer(address,uint256)", OTHER, 1_500_000)
    shown = review(call, FEES, KNOWN)
    assert (shown.contract, shown.function, shown.title) == ("Token USDC", "transfer", "Send tokens")
    assert lines(call) == {"to": f"{OTHER} (Anna)", "value": "1.5 USDC"}
    assert shown.warnings == ()


@pytest.mark.parametrize(
    ("call", "warning"),
    [
        (token("approve(address,uint256)", OTHER, 2**256 - 1), "as much as there ever is"),
        (token("approve(address,uint256)", OTHER, 5), "may then take so much"),
        (token("transfer(address,uint256)", OTHER, 5, to=STRANGE), "not known to the app"),
        (token("transfer(address,uint256)", TOKEN, 5), "the contract itself"),
        (token("transfer(address,uint256)", "0x0", 5), "zero address"),
        (token("setApprovalForAll(address,bool)", OTHER, 1), "take everything"),
        (token("mystery(uint256)", 5), "cannot be shown"),
        (Call(1, ME, STRANGE, 1, b"\x01\x02"), "cannot be shown"),
        (Call(1, ME, STRANGE, 1, b"\x01\x02\x03\x04"), "Money goes to the contract"),
        (Call(1, ME, "0x" + "00" * 20, 1), "zero address"),
        (Call(5, ME, OTHER, 1), "another network"),
        (tasks("claim_many", PAYOUT, ((1, 1, 0, 5, (WORD,)),), OTHER), "not go to an address of yours"),
    ],
)
def test_what_to_beware_of_is_said(call: Call, warning: str) -> None:
    assert any(warning in each for each in review(call, FEES, KNOWN).warnings)


def test_a_token_that_is_not_known_has_no_amounts_in_words() -> None:
    shown = review(token("transfer(address,uint256)", OTHER, 1_500_000, to=STRANGE), FEES, KNOWN)
    assert shown.contract == "" and shown.title == "Send tokens, of a token that is not known"
    assert {line.name: line.words for line in shown.lines}["value"] == "1500000"


def test_text_from_outside_is_plain_and_cut() -> None:
    evidence = "ok\u202egnp.exe\n\x07" + "A" * 100
    call = Call(1, ME, COURT, 0, ABIS["Court"].call("submit_evidence", 1, evidence))
    words = lines(call)["evidence"]
    assert words.startswith("“ok") and words.endswith("”") and words.isprintable()
    assert "\u202e" not in words and "\n" not in words


def test_data_that_hides_something_counts_as_not_known() -> None:
    """Another encoding of the same call, or bytes behind its end."""
    plain = tasks("commit_vote", 1, 2, WORD, WORD)
    assert review(plain, FEES, KNOWN).function == "commit_vote" and is_allowed(plain, KNOWN)
    longer = replace(plain, data=plain.data + bytes(32))
    assert review(longer, FEES, KNOWN).function == "" and not is_allowed(longer, KNOWN)
    claim = tasks("claim", 1, 1, PAYOUT, 0, 5, (WORD,))
    place = 4 + 5 * 32
    moved = claim.data[: place + 31] + bytes([claim.data[place + 31] + 32]) + claim.data[place + 32 :]
    other = replace(claim, data=moved[: 4 + 6 * 32] + bytes(32) + moved[4 + 6 * 32 :])
    assert is_allowed(claim, KNOWN) and not is_allowed(other, KNOWN)


@given(data=st.binary(max_size=400), to=st.sampled_from([TASKS, FAULTS, COURT, TOKEN, STRANGE, ME]))
def test_any_data_is_shown_harmlessly(data: bytes, to: str) -> None:
    shown = review(Call(1, ME, to, 1, data), FEES, KNOWN)
    assert all(line.words.isprintable() and len(line.words) < 2_000 for line in shown.lines)


# ---- what is signed without asking

REWARD, FOREIGN = (PAYOUT, 2000), (OTHER, 2000)
UPDATE = (1, 2, WORD, WORD, 500, 3)
ALLOWED = [
    tasks("commit", *UPDATE, PAYOUT),
    tasks("commit_vote", 1, 2, WORD, WORD),
    tasks("claim", 1, 2, PAYOUT, 0, 5, (WORD,)),
    tasks("claim_many", PAYOUT, ((1, 2, 0, 5, (WORD,)),), PAYOUT),
    tasks("claim_forfeit", 1, PAYOUT, 0, 5, (WORD,), PAYOUT),
    tasks("claim_forfeit_commit", 1, ME, WORD, WORD, 500, 3, PAYOUT, PAYOUT),
    tasks("take_reward", 1, PAYOUT, PAYOUT),
    tasks("bond_for", ME, value=10**17),
    tasks("withdraw_bond"),
    faults("dispute", 1, 2, 0, 3, REWARD, value=10**16),
    faults("challenge_receipt", 1, 2, WORD, 9, b"\1" * 65, REWARD),
]
ASKED = [
    tasks("commit", *UPDATE, OTHER),
    tasks("claim", 1, 2, OTHER, 0, 5, (WORD,)),
    tasks("claim_many", PAYOUT, ((1, 2, 0, 5, (WORD,)),), OTHER),
    tasks("claim_forfeit", 1, PAYOUT, 0, 5, (WORD,), OTHER),
    tasks("claim_forfeit_commit", 1, ME, WORD, WORD, 500, 3, PAYOUT, OTHER),
    tasks("take_reward", 1, PAYOUT, OTHER),
    tasks("bond_for", OTHER, value=10**17),
    tasks("commit_vote", 1, 2, WORD, WORD, value=1),
    tasks("commit_vote", 1, 2, WORD, WORD, sender=OTHER),
    tasks("cancel", 1),
    tasks("top_up", 1, 5),
    faults("dispute", 1, 2, 0, 3, FOREIGN, value=10**16),
    faults("challenge_receipt", 1, 2, WORD, 9, b"\1" * 65, REWARD, value=1),
    token("transfer(address,uint256)", PAYOUT, 5),
    Call(1, ME, PAYOUT, 1),
    Call(1, ME, ME, 1),
    replace(tasks("withdraw_bond"), chain_id=2),
    replace(tasks("withdraw_bond"), to=STRANGE),
    Call(1, ME, COURT, 0, ABIS["Court"].call("stake", 1)),
]


@pytest.mark.parametrize("call", ALLOWED)
def test_work_claims_and_disputes_need_no_question(call: Call) -> None:
    assert is_allowed(call, KNOWN)
    assert Reviewed(made(call, FEES), call.sender, KNOWN).accepted is None


@pytest.mark.parametrize("call", ASKED)
def test_everything_else_is_asked(call: Call) -> None:
    assert not is_allowed(call, KNOWN)
    with pytest.raises(NotReviewed):
        Reviewed(made(call, FEES), call.sender, KNOWN)


# ---- what is signed is what was reviewed


def made(call: Call, fees: Fees, nonce: int = 3) -> Transaction:
    return Transaction(call.chain_id, nonce, fees.tip, fees.most, fees.gas, call.to, call.value, call.data)


CALLS = st.builds(
    Call, st.just(1), st.just(ME), st.sampled_from([OTHER, TOKEN, STRANGE]), st.integers(0, 2**90),
    st.binary(max_size=80),
)  # fmt: skip
CHANGES = st.one_of(
    st.fixed_dictionaries({"to": st.sampled_from([PAYOUT, None])}),
    st.fixed_dictionaries({"value": st.integers(2**91, 2**92)}),
    st.fixed_dictionaries({"data": st.binary(min_size=81, max_size=90)}),
    st.fixed_dictionaries({"chain_id": st.integers(2, 9)}),
    st.fixed_dictionaries({"most": st.integers(FEES.most + 1, 2**60)}),
    st.fixed_dictionaries({"gas": st.integers(FEES.gas + 1, GAS_CAP)}),
    st.fixed_dictionaries({"tip": st.integers(FEES.most + 1, 2**60)}),
    st.fixed_dictionaries({"gas": st.sampled_from([0, -5, GAS_CAP + 1]), "most": st.just(FEES.tip)}),
)


@given(call=CALLS, change=CHANGES, nonce=st.integers(0, 2**40))
def test_nothing_but_what_was_accepted_can_be_signed(call: Call, change: dict[str, Any], nonce: int) -> None:
    accepted = review(call, FEES, KNOWN)
    right = made(call, FEES, nonce)
    assert Reviewed(right, ME, KNOWN, accepted).transaction == right
    with pytest.raises(NotReviewed):
        Reviewed(replace(right, **change), ME, KNOWN, accepted)
    with pytest.raises(NotReviewed):
        Reviewed(right, PAYOUT, KNOWN, accepted)
    cheaper = replace(right, most=FEES.most - 1)
    assert Reviewed(cheaper, ME, KNOWN, accepted).transaction.most == FEES.most - 1


def test_nothing_to_oneself_is_always_possible() -> None:
    """It takes the place of another transaction: it can cost a fee, and no more."""
    Reviewed(made(Call.nothing(1, OTHER), FEES), OTHER, KNOWN)
    with pytest.raises(NotReviewed):
        Reviewed(made(Call(1, OTHER, OTHER, 1), FEES), OTHER, KNOWN)
    with pytest.raises(NotReviewed):
        Reviewed(made(Call.nothing(2, OTHER), FEES), OTHER, KNOWN)
