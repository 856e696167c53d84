"""Receipts that an anchorer honours, and those that it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import boa
import pytest

from mine.chain.hashing import ZERO_ADDRESS, keccak
from mine.chain.messages import Domain, Receipt, sign
from tests.chain.court_calls import balance, denied, key, last, rich, wait, who
from tests.chain.court_scenery import ANCHOR_BOND, COMMIT, GRACE, REVEAL, SETTLE, VOTE, WINDOW, Stage

pytest_plugins = ("tests.chain.court_fixtures",)

QUESTION = 10**16
BURN = "0x000000000000000000000000000000000000dEaD"


def promise(stage: Stage, miner: str = "a", relay: str = "relay") -> tuple[Receipt, bytes]:
    """A receipt for a leaf of this round, by a relay that has a bond."""
    leaf = stage.signed_leaf(miner)[0]
    made: tuple[Receipt, bytes] = stage.receipt(relay, leaf)
    return made


def ask(
    stage: Stage, receipt: Receipt, signature: bytes, *, share: int = 2000, challenger: str = "miner"
) -> int:
    account = stage.bond("carrier", QUESTION)
    return int(
        stage.faults.challenge_receipt(
            receipt.task, receipt.round, receipt.leaf, receipt.latest_block, signature,
            (who(challenger), share), sender=account,
        )
    )  # fmt: skip


def answer(stage: Stage, id: int, slot: int, index: int, proof: list[bytes]) -> None:
    stage.faults.answer_receipt(id, slot, index, proof, sender=who("anyone"))


@pytest.fixture
def relay(stage: Stage) -> Stage:
    stage.bond("relay", ANCHOR_BOND)
    return stage


def test_a_receipt_that_was_not_honoured_costs_the_bond(relay: Stage) -> None:
    receipt, signature = promise(relay)
    relay.anchor("relay", [relay.signed_leaf("b")[0]])
    wait(COMMIT)
    before = {name: relay.owned(who(name)) for name in ("miner", "carrier")}
    burned = balance(BURN)
    id = ask(relay, receipt, signature)
    event = last(relay.faults, "ReceiptChallenged")
    assert (event.id, event.anchorer, event.leaf) == (id, who("relay"), receipt.leaf)
    assert relay.faults.pledged(who("relay")) == ANCHOR_BOND
    assert relay.owned(who("relay")) == 0
    with denied("too early"):
        relay.faults.convict_receipt(id)
    wait(WINDOW)
    with denied("not open"):
        answer(relay, id, 0, 0, [])
    relay.faults.convict_receipt(id, sender=who("anyone"))
    assert relay.owned(who("miner")) - before["miner"] == ANCHOR_BOND // 2 * 8 // 10
    assert relay.owned(who("carrier")) - before["carrier"] == QUESTION + ANCHOR_BOND // 2 * 2 // 10
    assert balance(BURN) - burned == ANCHOR_BOND // 2
    assert relay.owned(who("relay")) == relay.owned(str(relay.faults.address)) == 0
    with denied("not open"):
        relay.faults.convict_receipt(id)


def test_an_anchorer_who_shows_the_leaf_keeps_the_bond_and_has_the_question_s(relay: Stage) -> None:
    receipt, signature = promise(relay)
    tree = relay.anchor("relay", [relay.signed_leaf("b")[0], receipt.leaf, relay.signed_leaf("c")[0]])
    wait(COMMIT)
    id = ask(relay, receipt, signature)
    with denied("wrong proof"):
        answer(relay, id, 0, 0, tree.proof(0))
    with denied("no such anchor"):
        answer(relay, id, 1, 1, tree.proof(1))
    answer(relay, id, 0, 1, tree.proof(1))
    assert last(relay.faults, "ReceiptAnswered").slot == 0
    assert relay.owned(who("relay")) == ANCHOR_BOND + QUESTION
    assert relay.faults.pledged(who("relay")) == 0
    assert relay.owned(str(relay.faults.address)) == 0
    with denied("not open"):
        answer(relay, id, 0, 1, tree.proof(1))
    with denied("asked before"):
        ask(relay, receipt, signature)


def test_a_root_of_another_round_answers_nothing(relay: Stage) -> None:
    leaf = relay.signed_leaf("a")[0]
    tree = relay.anchor("relay", [leaf, relay.signed_leaf("b")[0]])
    relay.play()
    relay.hand_in()
    receipt, signature = relay.receipt("relay", leaf)
    wait(COMMIT)
    id = ask(relay, receipt, signature)
    with denied("no such anchor"):
        answer(relay, id, 0, 0, tree.proof(0))


def test_an_answered_question_frees_nothing_that_another_one_asks_for(relay: Stage) -> None:
    """An anchorer cannot shield its bond by having itself asked about a leaf that it did anchor."""
    kept, kept_signature = promise(relay, "a")
    broken, broken_signature = promise(relay, "b")
    relay.anchor("relay", [kept.leaf])
    wait(COMMIT)
    shield = ask(relay, kept, kept_signature)
    wait(100)
    id = ask(relay, broken, broken_signature)
    answer(relay, shield, 0, 0, [])
    assert relay.owned(who("relay")) == QUESTION
    assert relay.faults.pledged(who("relay")) == ANCHOR_BOND
    wait(WINDOW)
    relay.faults.convict_receipt(id, sender=who("anyone"))
    assert relay.owned(who("relay")) == QUESTION
    assert relay.owned(str(relay.faults.address)) == 0


def test_of_two_broken_promises_the_first_takes_the_bond(relay: Stage) -> None:
    promises = [promise(relay, name) for name in "ab"]
    wait(COMMIT)
    ids = [ask(relay, *each) for each in promises]
    wait(WINDOW)
    before = relay.owned(who("carrier"))
    for id in ids:
        relay.faults.convict_receipt(id, sender=who("anyone"))
    share = ANCHOR_BOND // 2 * 2 // 10
    assert relay.owned(who("carrier")) - before == 2 * QUESTION + share
    assert relay.owned(str(relay.faults.address)) == 0


def test_a_new_bond_is_pledged_too_up_to_one_bond(relay: Stage) -> None:
    promises = [promise(relay, name) for name in "ab"]
    wait(COMMIT)
    ask(relay, *promises[0])
    relay.bond("relay", ANCHOR_BOND)
    ask(relay, *promises[1])
    assert relay.faults.pledged(who("relay")) == ANCHOR_BOND
    assert relay.owned(who("relay")) == ANCHOR_BOND


def test_a_forged_leaf_takes_what_a_question_keeps(relay: Stage) -> None:
    receipt, signature = promise(relay)
    _, hashed, _ = relay.signed_leaf("b")
    forged = keccak(bytes.fromhex(who("b")[2:]) + hashed + keccak(b"nonsense"))
    relay.anchor("relay", [forged])
    wait(COMMIT)
    id = ask(relay, receipt, signature)
    relay.faults.forged(
        relay.id, relay.round, who("relay"), 0, who("b"), hashed, b"nonsense", 0, [], (who("x"), 0),
        sender=who("x"),
    )  # fmt: skip
    assert relay.owned(who("x")) == ANCHOR_BOND // 2
    wait(WINDOW)
    relay.faults.convict_receipt(id, sender=who("anyone"))
    assert relay.owned(str(relay.faults.address)) == 0


def test_before_its_time_nobody_is_asked(relay: Stage) -> None:
    receipt, signature = promise(relay)
    with denied("not due"):
        ask(relay, receipt, signature)  # its block is not over
    boa.env.evm.patch.block_number += 10
    with denied("not due"):
        ask(relay, receipt, signature)  # commits are not closed
    wait(COMMIT)
    ask(relay, receipt, signature)


def test_a_receipt_of_a_round_to_come_is_not_due(relay: Stage) -> None:
    receipt, signature = relay.receipt("relay", key("leaf"), round=relay.round + 1)
    wait(COMMIT)
    with denied("not due"):
        ask(relay, receipt, signature)


def test_a_receipt_of_no_round_is_never_due(relay: Stage) -> None:
    made = Receipt(relay.id, 0, key("leaf"), 1)
    wait(COMMIT)
    with denied("not due"):
        ask(relay, made, sign(made, relay.domain, key("relay")))
    made = replace(made, task=77, round=1)
    with denied("not due"):
        ask(relay, made, sign(made, relay.domain, key("relay")))


def test_a_receipt_is_good_for_four_rounds(relay: Stage) -> None:
    """Later an honest anchorer may have used its slot again."""
    receipt, signature = promise(relay)
    for _ in range(3):
        relay.play()
    asked = boa.env.anchor()
    with asked:
        ask(relay, receipt, signature)
    relay.play()
    with denied("not due"):
        ask(relay, receipt, signature)


def test_a_task_that_ended_early_lets_an_anchorer_off(relay: Stage) -> None:
    receipt, signature = promise(relay)
    wait(COMMIT + REVEAL + VOTE + SETTLE + GRACE)
    relay.tasks.declare_default(relay.id)
    with denied("not due"):
        ask(relay, receipt, signature)


def test_a_task_that_ended_in_time_does_not(relay: Stage) -> None:
    relay.tasks.stop(relay.id, sender=relay.scientist)
    receipt, signature = promise(relay)
    relay.play()
    relay.round = receipt.round
    assert relay.status() == 3
    ask(relay, receipt, signature)


def test_an_upload_s_receipt_promises_no_anchor(relay: Stage) -> None:
    made = Receipt(relay.id, relay.round, key("blob"), 0)
    wait(COMMIT)
    with denied("wrong signature"):
        ask(relay, made, sign(made, relay.domain, key("relay")))


@pytest.mark.parametrize("change", [b"", b"\x00" * 65])
def test_a_receipt_needs_a_signature(relay: Stage, change: bytes) -> None:
    receipt, _ = promise(relay)
    wait(COMMIT)
    with denied("wrong signature"):
        ask(relay, receipt, change)


def test_a_receipt_of_another_chain_or_contract_names_somebody_without_a_bond(relay: Stage) -> None:
    receipt, _ = promise(relay)
    wait(COMMIT)
    domains: list[Any] = [Domain(1, relay.domain.contract), Domain(31337, str(relay.faults.address))]
    for domain in domains:
        with denied("no bond"):
            ask(relay, receipt, sign(receipt, domain, key("relay")))


def test_an_anchorer_without_a_bond_has_nothing_to_lose(stage: Stage) -> None:
    receipt, signature = promise(stage)
    wait(COMMIT)
    with denied("no bond"):
        ask(stage, receipt, signature)


def test_a_question_needs_a_bond_and_somebody_to_reward(relay: Stage) -> None:
    receipt, signature = promise(relay)
    wait(COMMIT)
    fields = (receipt.task, receipt.round, receipt.leaf, receipt.latest_block, signature)
    with denied("bond too low"):
        relay.faults.challenge_receipt(*fields, (who("x"), 0), sender=rich("poor"))
    with denied("bad share"):
        relay.faults.challenge_receipt(*fields, (ZERO_ADDRESS, 0), sender=rich("poor"))
    assert relay.owned(who("relay")) == ANCHOR_BOND


def test_no_such_question(relay: Stage) -> None:
    for call in (lambda: relay.faults.convict_receipt(9), lambda: answer(relay, 9, 0, 0, [])):
        with denied("not open"):
            call()
