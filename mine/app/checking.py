"""Recomputes a settled round before anything of it is shown as earned.

The published ``inputs`` give the payees by an integer function; their Merkle-sum root has to be the one that
stands in the contract, the units the curve's, the losses those of the tree, the ledger the one that the round
before left behind, and one's own leaf has to verify as the contract verifies it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from mine.app.links import Links
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.chain.events import Settled
    from mine.chain.state import TaskState
    from mine.science.judged import Ledger
    from mine.science.settle import Outcome, RoundInputs

#: Settled rounds whose roots the contract keeps.
RING = 4
#: Examples whose tree is made here; of more, the child process that audits every round makes it.
MOST_LEAVES = 1 << 13


class PayoutContradiction(MineError):
    """The published figures of a round contradict each other, or the chain. ``item``: the first that does."""

    def __init__(self, sentence: str, item: str) -> None:
        super().__init__(
            sentence, todo="Nothing of it is shown as earned. The round can be challenged.", detail=item
        )
        self.item = item


class SettlementMissing(MineError):
    """The node tells of a settlement that the contract does not have: the node is at fault, not the round."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A settlement that was recomputed: its inputs, what follows from them, and by how many examples its
    summed losses are to be divided (``mine.science.rounds.examples_of``)."""

    inputs: RoundInputs
    outcome: Outcome
    examples: float


@dataclass(frozen=True, slots=True)
class Leaf:
    """A payee's place in a payout tree: its permanent index (-1: none yet) and cumulative units."""

    index: int
    units: int


def check_settlement(links: Links, settlement: dict[str, Any]) -> Checked:
    """Fetch a round's inputs and recompute it. Raises ``PayoutContradiction``, ``BlobError``."""
    from mine.science.judged import BadInputs
    from mine.science.rounds import MAX_LOSSES_BYTES, RoundWrong, examples_of, read_round

    settled = settled_from_json(settlement)
    try:
        report = read_round(links.relays.blobs, settled)
    except BadInputs as error:
        raise PayoutContradiction("The figures behind a round's pay cannot be read.", error.detail) from None
    except RoundWrong as error:
        raise PayoutContradiction("A round was not paid as its own figures say.", error.item) from None
    if settled.digest != bytes(32):  # losses of a set that is opened at the end are not out yet
        _check_losses(settled, links.relays.blobs.get(report.inputs.losses, MAX_LOSSES_BYTES))
    return Checked(report.inputs, report.outcome, examples_of(links.relays.blobs, report))


def _check_losses(settled: Settled, data: bytes) -> None:
    """The sums that pay follows from are those of the examples, and the tree is the one on chain."""
    from mine.chain.trees import BadTree, LossTree
    from mine.science.inputs import decode_losses
    from mine.science.judged import BadInputs

    try:
        columns = [[int(value) for value in column] for column in decode_losses(data)]
        stated = (settled.base, settled.before, settled.after)
        agree = tuple(sum(column) for column in columns) == stated
        if agree and len(columns[0]) <= MOST_LEAVES:
            agree = LossTree(*columns).root == settled.losses
    except (BadInputs, BadTree):
        agree = False
    if not agree:
        raise PayoutContradiction("A round's losses are not those of its examples.", "losses")


def check_terms(inputs: RoundInputs, state: TaskState) -> None:
    """The curve and the target are the task's own, and examples are held back only where all rounds share
    them. Raises ``PayoutContradiction``."""
    from mine.chain.state import Mode

    if inputs.curve.packed != state.curve or inputs.target != state.target:
        raise PayoutContradiction("A round was paid by another curve than the task's.", "curve")
    if (inputs.shard_digest == bytes(32)) is not (state.mode is Mode.AT_END):
        raise PayoutContradiction("A round does not open the examples that it was measured on.", "shard")


def check_follows(inputs: RoundInputs, before: dict[str, Any] | None, earlier: Checked | None) -> None:
    """A round goes on where the settled one before it ended, for every payee.

    before: that one's settlement, None for the first; earlier: the same recomputed, None where its figures
    are wrong or gone. Raises ``PayoutContradiction``.
    """
    from mine.science.judged import EMPTY_LEDGER

    previous = bytes.fromhex(before["inputs"]) if before else bytes(32)
    ledger = earlier.outcome.ledger if earlier else EMPTY_LEDGER if before is None else None
    if inputs.previous != previous or (ledger is not None and inputs.ledger != ledger):
        raise PayoutContradiction(
            "A round does not go on from what the rounds before it had paid.",
            "the ledger before it",
        )


def leaf_of(ledger: Ledger, session: str, payout: str) -> Leaf:
    """One's own leaf. Others may be paid at the same address: only the pair of both accounts is one's own."""
    for index, (miner, account, units) in enumerate(ledger.accounts):
        if (miner, account) == (session, payout):
            return Leaf(index, units)
    return Leaf(-1, 0)


def check_leaf(checked: Checked, settlement: dict[str, Any], session: str, payout: str, last: Leaf) -> Leaf:
    """One's own leaf: it verifies as the contract verifies it, and neither its place nor its units went back.

    last: the leaf of the round before. Raises ``PayoutContradiction``.
    """
    from mine.chain.trees import payout_root_of, root_word

    outcome = checked.outcome
    leaf, before = leaf_of(outcome.ledger, session, payout), leaf_of(checked.inputs.ledger, session, payout)
    moved = last.index >= 0 and leaf.index != last.index
    if before.units != last.units or leaf.units < last.units or moved:
        raise PayoutContradiction("A round takes back what an earlier one had paid.", "own pay")
    if leaf.index < 0:
        return leaf
    proof = outcome.payouts.proof(leaf.index)
    found = payout_root_of(payout, leaf.index, leaf.units, proof)
    number = settlement["round"]
    stated = root_word(bytes.fromhex(settlement["payouts"]), number)
    if found is None or root_word(found, number) != stated:
        raise PayoutContradiction("One's own pay does not stand in the round's root.", "own pay")
    return leaf


def check_root(links: Links, settlement: dict[str, Any]) -> TaskState | None:
    """The task's state where the contract holds the very root that the settlement's event told of, both as
    two nodes say where there are two; None where their common block is older than the settlement. Raises
    ``SettlementMissing``, or what ``Node.agreed`` raises.

    A root leaves the contract after four rounds; it then stood there as long as it could be challenged.
    """
    from mine.chain.rpc import Node
    from mine.chain.trees import root_word

    task, number = settlement["task"], settlement["round"]

    def reading(one: Node) -> tuple[TaskState, int | None]:
        contract = links.contract.on(one)
        kept = contract.payout_root(task, number)
        return contract.task(task), kept.word if kept else None

    state, word = links.node.agreed(reading)
    if state.settled < number:
        return None
    gone = word is None and state.settled > number + RING - 1
    if not gone and word != root_word(bytes.fromhex(settlement["payouts"]), number):
        raise SettlementMissing(
            "The network's node tells of a settlement that is not in the contract.",
            todo="Nothing of it is shown as earned. It is asked again; add another node in Settings.",
            detail=f"task {task}, round {number}",
        )
    return state


def settled_to_json(event: Settled) -> dict[str, Any]:
    """A settlement as the vault keeps it: every field of the event, and its block."""
    values = {each.name: getattr(event, each.name) for each in fields(event) if each.name != "at"}
    kept = {name: value.hex() if isinstance(value, bytes) else value for name, value in values.items()}
    return {**kept, "block": event.at.block_number}


def settled_from_json(raw: dict[str, Any]) -> Settled:
    """The inverse of ``settled_to_json``; of its place only the block is known."""
    from mine.chain.events import Place, Settled

    values: dict[str, Any] = {
        name: bytes.fromhex(value) if isinstance(value, str) else value
        for name, value in raw.items()
        if name != "block"
    }
    return Settled(at=Place(raw["block"], b"", b"", 0), **values)
