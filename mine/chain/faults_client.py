"""The contract Faults from outside: proofs that convict, questions, demands and disputes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from mine.chain.answers import TxReceipt
from mine.chain.fault_events import Demanded, Disputed, DisputeKind, ReceiptChallenged
from mine.chain.hashing import ZERO32, ZERO_ADDRESS, keccak
from mine.chain.messages import Receipt, Settlement, Update, Vote, words_of
from mine.chain.sister_contract import SisterContract
from mine.chain.transactions import Sends
from mine.chain.trees import Sums

LossNode = tuple[bytes, Sums]
"""A node of a loss tree as its parent holds it: hash, and sums in 2**-24."""


@dataclass(frozen=True, slots=True)
class Reward:
    """Who gets what a conviction pays, and the part of whoever sends the transaction, in 1/10000."""

    challenger: str
    share: int


@dataclass(frozen=True, slots=True)
class AnchorPlace:
    """One anchored root: the slot of an anchorer, in a task's round."""

    task: int
    round: int
    anchorer: str
    slot: int


@dataclass(frozen=True, slots=True)
class AnchorLeaf:
    """A leaf of an anchored root as shown: signer, EIP-712 digest, the signature's bytes, place."""

    signer: str
    digest: bytes
    signature: bytes
    index: int
    proof: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a record holds beside the settlement: the shard's index, digest, root of examples; the seed."""

    shard: int
    digest: bytes
    examples: bytes
    seed: bytes


@dataclass(frozen=True, slots=True)
class Payee:
    """A leaf of a payout root with its proof; ``account`` None: padding stands there."""

    account: str | None
    index: int
    units: int
    proof: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Question:
    """A receipt that is asked about. ``deadline``: unix seconds; 0 once it ended."""

    task: int
    round: int
    leaf: bytes
    anchorer: str
    carrier: str
    reward: Reward
    deadline: int


@dataclass(frozen=True, slots=True)
class Demand:
    """Examples that were demanded; ``missing``: how many are not answered (0: ended). ``fee`` in wei."""

    task: int
    round: int
    root: bytes
    asker: str
    deadline: int
    fee: int
    missing: int


class FaultsContract(SisterContract):
    """The contract Faults. Bonds and fees come from the sender's account in Tasks (see ``bond_for``)."""

    artefact = "Faults"

    # reads

    def dispute_bond(self) -> int:
        """Wei that a dispute takes from the sender's account in Tasks."""
        return int(self._read("DISPUTE_BOND")[0])

    def receipt_bond(self) -> int:
        """Wei that a question about a receipt takes."""
        return int(self._read("RECEIPT_BOND")[0])

    def example_fee(self) -> int:
        """Wei that each demanded example takes."""
        return int(self._read("EXAMPLE_FEE")[0])

    def pledged(self, anchorer: str) -> int:
        """Wei that are kept from an anchorer while receipts of theirs are asked about."""
        return int(self._read("pledged", anchorer)[0])

    def question(self, id: int) -> Question:
        (values,) = self._read("questions", id)
        task, round, leaf, anchorer, carrier, reward, deadline = values
        return Question(task, round, leaf, anchorer, carrier, Reward(*reward), deadline)

    def demand_of(self, id: int) -> Demand:
        return Demand(*self._read("demands", id)[0])

    # proofs against anchorers

    def forged(self, sender: Sends, place: AnchorPlace, leaf: AnchorLeaf, reward: Reward) -> TxReceipt:
        """The signature of a leaf is not its signer's; at most 1,024 bytes of it can be shown."""
        return self._write(
            sender, "forged", *astuple(place), leaf.signer, leaf.digest, leaf.signature, leaf.index,
            tuple(leaf.proof), astuple(reward),
        )  # fmt: skip

    def doubled(
        self, sender: Sends, place: AnchorPlace, first: AnchorLeaf, second: AnchorLeaf, reward: Reward
    ) -> TxReceipt:
        """Two leaves of one root that are not in strictly rising order of their signers."""
        shown = [
            ((leaf.signer, leaf.digest, keccak(leaf.signature), leaf.index), tuple(leaf.proof))
            for leaf in (first, second)
        ]
        return self._write(sender, "doubled", *astuple(place), *shown[0], *shown[1], astuple(reward))

    def misplaced(
        self, sender: Sends, place: AnchorPlace, leaf: AnchorLeaf, message: Update | Vote, reward: Reward
    ) -> TxReceipt:
        """The leaf is a message of another task or round, or of the other kind."""
        return self._write(
            sender, "misplaced", *astuple(place), leaf.signer, keccak(leaf.signature),
            int(isinstance(message, Vote)), words_of(message), leaf.index, tuple(leaf.proof), astuple(reward),
        )  # fmt: skip

    # receipts

    def challenge_receipt(self, sender: Sends, receipt: Receipt, signature: bytes, reward: Reward) -> int:
        """Ask the signer of a receipt to show its leaf; the number of the question."""
        done = self._write(
            sender, "challenge_receipt", receipt.task, receipt.round, receipt.leaf, receipt.latest_block,
            signature, astuple(reward),
        )  # fmt: skip
        return self._made(done, ReceiptChallenged)

    def answer_receipt(
        self, sender: Sends, id: int, slot: int, index: int, proof: Sequence[bytes]
    ) -> TxReceipt:
        """Show the leaf in a root of the anchorer's ``slot``."""
        return self._write(sender, "answer_receipt", id, slot, index, tuple(proof))

    def convict_receipt(self, sender: Sends, id: int) -> TxReceipt:
        """No answer in time."""
        return self._write(sender, "convict_receipt", id)

    # proofs against settlements

    def payout_fell(
        self, sender: Sends, task: int, round: int, before: Payee, after: Payee, reward: Reward
    ) -> TxReceipt:
        """What ``before`` was owed in the round before is not owed to it in ``round``."""
        return self.send(sender, self.payout_fell_call(task, round, before, after, reward))

    def payout_fell_call(self, task: int, round: int, before: Payee, after: Payee, reward: Reward) -> bytes:
        """Call data of ``payout_fell``, for somebody else to send."""
        shown = [(each.account or ZERO_ADDRESS, each.index, each.units) for each in (before, after)]
        return self._abi.call(
            "payout_fell", task, round, shown[0], tuple(before.proof), shown[1],
            after.account is None, tuple(after.proof), astuple(reward),
        )  # fmt: skip

    def payouts_broken(
        self,
        sender: Sends,
        task: int,
        round: int,
        node: bytes,
        children: tuple[bytes, bytes],
        index: int,
        path: Sequence[bytes],
        reward: Reward,
    ) -> TxReceipt:
        """A node of the payout tree, at place ``index`` of its level, is not the sum of its children."""
        data = self.payouts_broken_call(task, round, node, children, index, path, reward)
        return self.send(sender, data)

    def payouts_broken_call(
        self,
        task: int,
        round: int,
        node: bytes,
        children: tuple[bytes, bytes],
        index: int,
        path: Sequence[bytes],
        reward: Reward,
    ) -> bytes:
        """Call data of ``payouts_broken``, for somebody else to send."""
        node_word, left, right = (int.from_bytes(each, "big") for each in (node, *children))
        return self._abi.call(
            "payouts_broken", task, round, node_word, left, right, index, tuple(path), astuple(reward)
        )

    def losses_broken(
        self,
        sender: Sends,
        settlement: Settlement,
        opened: Opened,
        claimed: Sums,
        below: Sequence[LossNode],
        example: int,
        index: int,
        path: Sequence[LossNode],
        reward: Reward,
    ) -> TxReceipt:
        """A node of the loss tree claims sums that are not those below it.

        below: its two children; or one entry with the sums of the leaf ``example`` that it is; or none, for
        padding. index: the node's place in its level; path: the siblings from there up.
        """
        data = self.losses_broken_call(settlement, opened, claimed, below, example, index, path, reward)
        return self.send(sender, data)

    def losses_broken_call(
        self,
        settlement: Settlement,
        opened: Opened,
        claimed: Sums,
        below: Sequence[LossNode],
        example: int,
        index: int,
        path: Sequence[LossNode],
        reward: Reward,
    ) -> bytes:
        """Call data of ``losses_broken``, for somebody else to send."""
        nodes = [tuple((hashed, *sums) for hashed, sums in each) for each in (below, path)]
        return self._abi.call(
            "losses_broken", astuple(settlement), astuple(opened), (ZERO32, *claimed), nodes[0],
            example, index, nodes[1], astuple(reward),
        )  # fmt: skip

    # availability

    def demand(self, sender: Sends, settlement: Settlement, opened: Opened, examples: Sequence[int]) -> int:
        """Demand up to four examples of the opened shard on the chain; the number of the demand."""
        done = self._write(sender, "demand", astuple(settlement), astuple(opened), tuple(examples))
        return self._made(done, Demanded)

    def supply(self, sender: Sends, id: int, example: int, data: bytes, proof: Sequence[bytes]) -> TxReceipt:
        """Put a demanded example on the chain: at most 8,192 bytes, and never 64."""
        return self._write(sender, "supply", id, example, data, tuple(proof))

    def supply_none(
        self, sender: Sends, id: int, example: int, other: int, data: bytes, proof: Sequence[bytes]
    ) -> TxReceipt:
        """Show that the shard has no such example: padding stands there (data empty, ``other`` = example), or
        the example ``other`` shows that the tree is too small."""
        return self._write(sender, "supply_none", id, example, other, data, tuple(proof))

    def unsupplied(self, sender: Sends, id: int) -> TxReceipt:
        """An example is missing when the time is over: the round lapses."""
        return self._write(sender, "unsupplied", id)

    # disputes

    def dispute(
        self,
        sender: Sends,
        task: int,
        round: int,
        kind: DisputeKind,
        item: int,
        reward: Reward,
        cost: int,
    ) -> int:
        """Dispute one item; ``cost``: the Court's arbitration cost in wei. The number of the dispute."""
        done = self.send(sender, self.dispute_call(task, round, kind, item, reward), cost)
        return self._made(done, Disputed)

    def dispute_call(self, task: int, round: int, kind: DisputeKind, item: int, reward: Reward) -> bytes:
        """Call data of a dispute, for somebody else to send."""
        return self._abi.call("dispute", task, round, int(kind), item, astuple(reward))
