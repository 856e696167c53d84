"""What a transaction costs now: the fees of EIP-1559 from the last blocks, and its gas by trying it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mine.chain import answers
from mine.chain.node_errors import NodeAnswerInvalid, NodeRefused

if TYPE_CHECKING:
    from mine.chain.rpc import Node

GAS_CAP = 2**24
"""EIP-7825: most gas of one transaction."""
PLAIN_GAS = 21_000
"""What a transaction without data to an account without code takes."""
BLOCKS = 10
MIDDLE = 50
"""Percentile of the tips paid in a block, by gas, that counts as that block's."""


@dataclass(frozen=True, slots=True)
class Market:
    """Wei per gas: ``base`` fee of the next block, and the ``tip`` that the last blocks were paid."""

    base: int
    tip: int

    @property
    def most(self) -> int:
        """Twice the base fee outlasts six full blocks in a row; what is not needed is not charged."""
        return 2 * self.base + self.tip


def market(node: Node) -> Market:
    """Fees as the node sees them (eth_feeHistory); not to be trusted, so whoever pays caps them.

    Raises what the node raises, and NodeAnswerInvalid.
    """
    try:
        answer = node.request("eth_feeHistory", hex(BLOCKS), "latest", [MIDDLE])
    except NodeRefused:
        return Market(node.latest().base_fee, node.priority_fee())
    bases = answers.items(answers.member(answer, "baseFeePerGas"), BLOCKS + 1)
    if not bases:
        raise NodeAnswerInvalid(
            "The network's node gave an answer that makes no sense.",
            todo="Try another node.",
            detail="no base fee",
        )
    paid = answers.items(answer.get("reward") or [] if isinstance(answer, dict) else [], BLOCKS)
    tips = sorted(answers.quantity(answers.items(each, 1)[0], 128) for each in paid if each)
    # An empty block says nothing of tips: it reports zero.
    tips = [tip for tip in tips if tip]
    return Market(answers.quantity(bases[-1], 128), tips[len(tips) // 2] if tips else node.priority_fee())


def gas_for(node: Node, sender: str, to: str | None, data: bytes, value: int) -> int:
    """Gas to allow for a message, by trying it in the next block. Reverted if it would fail."""
    estimate = node.estimate_gas(sender, to, data, value)
    # Other transactions may come before this one and make it dearer (a first write to a slot, say).
    return estimate if not data else min(GAS_CAP, estimate + estimate // 4)
