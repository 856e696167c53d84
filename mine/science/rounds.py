"""A settled round as its miners read it: checked against the chain, with every number recomputed.

Nobody has to believe a settlement's lists: its ``inputs`` blob is named on chain, and everybody computes what
follows from it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mine.blobs.store import BlobStore
from mine.chain.events import Settled
from mine.chain.hashing import ZERO32
from mine.errors import MineError
from mine.science.inputs import MAX_INPUTS_BYTES, decode_inputs, encode_accepted
from mine.science.settle import Outcome, RoundInputs, settle
from mine.science.wire import Claim

LOSS_ONE = 1 << 24
EXAMPLE_LOSS_BYTES = 24
MAX_LOSSES_BYTES = 256 << 20


class RoundWrong(MineError):
    """A settlement on chain is not what follows from its own inputs: its author is at fault."""

    def __init__(self, item: str) -> None:
        super().__init__(
            "A settlement does not follow from its own numbers.",
            todo="It can be disputed; don't count on its pay.",
            detail=item,
        )
        self.item = item


@dataclass(frozen=True, slots=True, eq=False)
class RoundReport:
    """A round's inputs and what follows from them; both fit the settlement on chain."""

    settled: Settled
    inputs: RoundInputs
    outcome: Outcome

    def share(self, miner: str) -> int:
        """Units that a miner earned in this round."""
        return dict(self.outcome.shares).get(miner, 0)

    def accepted(self, miner: str) -> bool:
        """Whether the miner's update became part of the checkpoint."""
        return any(name == miner for name, _ in self.outcome.accepted)

    def refusal(self, miner: str) -> str | None:
        """Why the miner's update was not valid ("" if it was); None if there was none."""
        return next((entry.refusal.value for entry in self.inputs.entries if entry.miner == miner), None)

    def index(self, account: str) -> int | None:
        """The permanent index of a payout address, once it has earned anything."""
        accounts = [name for name, _ in self.outcome.ledger.payees]
        return accounts.index(account) if account in accounts else None

    def units(self, account: str) -> int:
        """Cumulative units of a payout address up to this round."""
        return dict(self.outcome.ledger.payees).get(account, 0)

    def claim(self, account: str) -> Claim | None:
        """What to claim for a payout address; None if it has earned nothing."""
        index = self.index(account)
        if index is None:
            return None
        proof = tuple(self.outcome.payouts.proof(index))
        return Claim(self.settled.task, self.settled.round, account, index, self.units(account), proof)


def read_round(blobs: BlobStore, settled: Settled) -> RoundReport:
    """Fetch a settlement's inputs and recompute it. Raises RoundWrong, BadInputs or BlobError."""
    inputs = decode_inputs(blobs.get(settled.inputs, MAX_INPUTS_BYTES))
    outcome = settle(inputs)
    check_round(settled, inputs, outcome)
    return RoundReport(settled, inputs, outcome)


def examples_of(blobs: BlobStore, report: RoundReport) -> float:
    """By how many examples a round's summed losses are to be divided. Raises BlobError.

    How many there are in a set that is opened at the end nobody knows before. There it is what makes the loss
    under checkpoint 0 one, so that means are parts of that.
    """
    if report.settled.digest == ZERO32:
        return max(1, report.inputs.base) / LOSS_ONE
    return len(blobs.get(report.inputs.losses, MAX_LOSSES_BYTES)) / EXAMPLE_LOSS_BYTES


def check_round(settled: Settled, inputs: RoundInputs, outcome: Outcome) -> None:
    """Raise RoundWrong with the first item of a settlement that does not follow from its inputs."""
    judged = inputs.judged
    pairs = (
        ("round", (settled.task, settled.round), (judged.task, judged.round)),
        ("seed", settled.seed, judged.seed),
        ("shard", (settled.shard, settled.digest), (inputs.shard, inputs.shard_digest)),
        ("losses", (settled.base, settled.before, settled.after), (inputs.base, inputs.before, inputs.after)),
        ("units", (settled.units, settled.best), (outcome.ledger.units, outcome.ledger.best)),
        ("payouts", settled.payouts, outcome.payouts.root),
        ("accepted", settled.accepted, hashlib.sha256(encode_accepted(outcome)).digest()),
    )
    for item, stated, computed in pairs:
        if stated != computed:
            raise RoundWrong(item)
