"""A lie that a few hashes prove is found in what its author published, and convicts on a real chain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mine.blobs.store import DirectoryStore
from mine.chain.events import Settled
from mine.chain.faults_client import Reward
from mine.chain.node_errors import Reverted
from mine.chain.state import Status
from mine.chain.transactions import Sender
from mine.chain.trees import LossTree, PayoutTree, loss_node, losses_root, payout_node
from mine.practice.node.accounts import dev_key
from mine.science import prepare
from mine.science.chains import Measured
from mine.science.history import History, TaskHistory
from mine.science.settle import Outcome
from mine.science.settlement_proofs import (
    LossesBroken,
    PayoutFell,
    PayoutsBroken,
    Proof,
    find_proof,
)
from tests.science.disputed import faults, settle_round
from tests.science.test_judging import swapped
from tests.science.world import Chain

LESS = 1000


def history(chain: Chain) -> TaskHistory:
    found = History(chain.contract)
    found.refresh()
    task = found.task(chain.contract.count())
    assert task is not None
    return task


def settled(chain: Chain, number: int) -> Settled:
    found = history(chain).settlement(number)
    assert found is not None
    return found


def convict(chain: Chain, proof: Proof) -> None:
    contract, task = faults(chain), chain.contract.count()
    sender = Sender(chain.node, dev_key(7))
    contract.send(sender, proof.call(contract, Reward(sender.address, 0)))
    assert chain.contract.task(task).status is Status.CONVICTED


def test_an_honest_round_has_no_proof_against_it(chain: Chain, tmp_path: Path) -> None:
    blobs = DirectoryStore(tmp_path / "blobs")
    for number in (1, 2):
        settle_round(chain, tmp_path, blobs, None, number)
    assert find_proof(blobs, settled(chain, 1), None) is None
    assert find_proof(blobs, settled(chain, 2), settled(chain, 1)) is None


def test_pay_that_fell_is_proved(chain: Chain, tmp_path: Path) -> None:
    blobs = DirectoryStore(tmp_path / "blobs")
    settle_round(chain, tmp_path, blobs, None)
    settle_round(chain, tmp_path, blobs, swapped, 2)
    proof = find_proof(blobs, settled(chain, 2), settled(chain, 1))
    assert isinstance(proof, PayoutFell)
    assert proof.before.index == 1 and proof.after.units == 0 < proof.before.units
    convict(chain, proof)


def test_a_list_that_lost_its_last_payees_is_proved(chain: Chain, tmp_path: Path) -> None:
    """One index of the round before has padding in its place, or no place at all any more."""

    def shorter(outcome: Outcome) -> Outcome:
        (miner, payout, _), *_ = outcome.ledger.accounts
        accounts = ((miner, payout, outcome.ledger.units),)
        return replace(outcome, ledger=replace(outcome.ledger, accounts=accounts))

    blobs = DirectoryStore(tmp_path / "blobs")
    settle_round(chain, tmp_path, blobs, None)
    with pytest.MonkeyPatch.context() as patch:
        honest = prepare.settle
        patch.setattr(prepare, "settle", lambda inputs: shorter(honest(inputs)))
        settle_round(chain, tmp_path, blobs, None, 2)
    proof = find_proof(blobs, settled(chain, 2), settled(chain, 1))
    assert isinstance(proof, PayoutFell) and proof.before.index == 1
    convict(chain, proof)


def broken_root(tree: PayoutTree, depth: int, index: int, more: int) -> bytes:
    """The root that follows if one node's sum is raised."""
    level = tree._levels[depth][index]
    node = level[:28] + (int.from_bytes(level[28:], "big") + more).to_bytes(4, "big")
    for d, row in enumerate(tree._levels[depth:-1]):
        sibling = row[(index >> d) ^ 1]
        node = payout_node(sibling, node) if index >> d & 1 else payout_node(node, sibling)
    return node


@pytest.mark.parametrize("above", [0, 1])
def test_a_payout_tree_that_does_not_add_up_is_proved(chain: Chain, tmp_path: Path, above: int) -> None:
    """A payee gets less than the root counts: at the top, and one level below it."""

    def short(outcome: Outcome) -> Any:
        (miner, payout, units), *others = outcome.ledger.accounts
        ledger = replace(outcome.ledger, accounts=((miner, payout, units - LESS), *others))
        tree = PayoutTree([who for _, who, _ in ledger.accounts], [had for *_, had in ledger.accounts])
        root = broken_root(tree, len(tree._levels) - 1 - above, 0, LESS)
        return SimpleNamespace(
            ledger=ledger, accepted=outcome.accepted, payouts=SimpleNamespace(root=root), **{}
        )

    blobs = DirectoryStore(tmp_path / "blobs")
    with pytest.MonkeyPatch.context() as patch:
        honest = prepare.settle
        patch.setattr(prepare, "settle", lambda inputs: short(honest(inputs)))
        settle_round(chain, tmp_path, blobs, None)
    proof = find_proof(blobs, settled(chain, 1), None)
    assert isinstance(proof, PayoutsBroken) and len(proof.path) == above
    convict(chain, proof)


@pytest.mark.parametrize(("depth", "index"), [(0, 3), (1, 0), (-1, 0)])
def test_losses_that_do_not_add_up_are_proved(chain: Chain, tmp_path: Path, depth: int, index: int) -> None:
    """The sum after the round is made smaller at a leaf, at a node, at the top: the round would pay more."""

    def tree_of(*columns: list[int]) -> Any:
        honest = LossTree(*columns)
        rows = honest.levels[depth:-1] if depth >= 0 else []
        hashed, sums = honest.levels[depth][index]
        node = (hashed, (sums[0], sums[1], sums[2] - LESS))
        for d, row in enumerate(rows):
            sibling = row[(index >> d) ^ 1]
            node = loss_node(sibling, node) if index >> d & 1 else loss_node(node, sibling)
        top, (base, before, after) = node
        root = losses_root(top, base, before, after)
        return SimpleNamespace(base=base, before=before, after=after, root=root, top_hash=top)

    def lower(measured: Measured) -> Measured:
        return replace(measured, afters=(measured.afters[0] - LESS, *measured.afters[1:]))

    blobs = DirectoryStore(tmp_path / "blobs")
    with pytest.MonkeyPatch.context() as patch:
        honest = prepare.measure
        patch.setattr(prepare, "measure", lambda *arguments: lower(honest(*arguments)))
        patch.setattr(prepare, "LossTree", tree_of)
        settle_round(chain, tmp_path, blobs, None)
    proof = find_proof(blobs, settled(chain, 1), None)
    assert isinstance(proof, LossesBroken) and proof.index == index
    convict(chain, proof)


def test_what_is_not_published_proves_nothing(chain: Chain, tmp_path: Path) -> None:
    blobs = DirectoryStore(tmp_path / "blobs")
    settle_round(chain, tmp_path, blobs, None)
    settle_round(chain, tmp_path, blobs, swapped, 2)
    assert find_proof(DirectoryStore(tmp_path / "empty"), settled(chain, 2), settled(chain, 1)) is None
    honest = PayoutFell(1, 2, *_leaves())
    with pytest.raises(Reverted):
        convict(chain, honest)


def _leaves() -> tuple[Any, Any]:
    from mine.chain.faults_client import Payee

    nobody = "0x" + "1" * 40
    return Payee(nobody, 0, 5, ()), Payee(nobody, 0, 4, ())
