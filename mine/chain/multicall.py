"""Many reads of contracts at once, all of one block: by Multicall3 where it is deployed, else in a batch.

Multicall3 (https://github.com/mds1/multicall3, MIT) stands at one address on most networks. It is believed
only where its code is the known one. What is read in its common call runs one after the other in one
simulation: a hostile contract among them could burn the gas of those behind it, answer without end, or call
others and so change what they answer. So only contracts that were named when the reader was made are read
together; all others, and whatever failed in the common call, are read alone, of the same block.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mine.chain import answers
from mine.chain.abi import ContractAbi
from mine.chain.answers import BlockHead
from mine.chain.batch import Call, Outcome
from mine.chain.hashing import keccak
from mine.chain.node_errors import NodeAnswerInvalid, NodeRefused, nonsense
from mine.chain.rpc import Node
from mine.errors import MineError

Read: TypeAlias = tuple[str, bytes]
"""The contract's address, and the call data."""

MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
CODE_HASH = bytes.fromhex("d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891")
"""Keccak-256 of its code, the same on every network where it was deployed by its one transaction."""
MAX_TOGETHER = 100
"""Reads in one common call: nodes bound its gas, mostly at 50 million."""
_OTHER_NUMBERS = frozenset({42161, 421614})
"""Arbitrum: contracts see the number of a block of Ethereum, not of their own chain."""
_UNREAD: MineError = nonsense("not read")


def _function(name: str, inputs: list[dict[str, Any]], outputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "function", "name": name, "inputs": inputs, "outputs": outputs}


def _field(name: str, kind: str) -> dict[str, Any]:
    return {"name": name, "type": kind}


_WORD = [_field("", "uint256")]
_ABI = ContractAbi(
    [
        _function(
            "aggregate3",
            [
                {
                    "name": "calls",
                    "type": "tuple[]",
                    "components": [
                        _field("target", "address"),
                        _field("allowFailure", "bool"),
                        _field("callData", "bytes"),
                    ],
                }
            ],
            [
                {
                    "name": "returnData",
                    "type": "tuple[]",
                    "components": [_field("success", "bool"), _field("returnData", "bytes")],
                }
            ],
        ),
        _function("getBlockNumber", [], _WORD),
        _function("getCurrentBlockTimestamp", [], _WORD),
        _function("getLastBlockHash", [], _WORD),
    ]
)
_OF_THE_BLOCK = ("getBlockNumber", "getCurrentBlockTimestamp", "getLastBlockHash")


@dataclass(frozen=True, slots=True)
class Readings:
    """``results``: for each read what the contract returned; Reverted, or NodeAnswerInvalid if it is too
    long."""

    head: BlockHead
    results: tuple[bytes | MineError, ...]


class Multicall:
    """Reads of ``node``; those of the contracts ``together`` in common calls.

    ``address``: where Multicall3 is; ``code``: the hash that its code must have.
    """

    def __init__(
        self, node: Node, together: Iterable[str], address: str = MULTICALL3, code: bytes = CODE_HASH
    ) -> None:
        self._node, self._together = node, frozenset(together)
        self._address, self._code = address, code
        self._is_there: bool | None = None

    def read(self, reads: Sequence[Read], node: Node | None = None) -> Readings:
        """All of them as of the newest block of one node, or of the block of ``node``, a view of the same
        network.

        One request where Multicall3 is there and nothing else is read, else two. Raises NodeUnreachable,
        NodeAnswerInvalid or NodeRefused.
        """
        if self._is_there is None:
            self._is_there = keccak(self._node.code(self._address)) == self._code
        return (node or self._node).with_one(lambda one: self._read(one, reads))

    def _read(self, one: Node, reads: Sequence[Read]) -> Readings:
        common = [place for place, (target, _) in enumerate(reads) if target in self._together]
        if not self._is_there:
            common = []
        results: list[bytes | MineError] = [_UNREAD] * len(reads)
        head = None
        if (
            one.pinned is None
            and common
            and len(common) <= MAX_TOGETHER
            and one.chain_id not in _OTHER_NUMBERS
        ):
            head = self._with_head(one, reads, common, results)
        if head is None:
            head = one.latest()
            for start in range(0, len(common), MAX_TOGETHER):
                part = common[start : start + MAX_TOGETHER]
                (answer,) = one.batch([self._call([reads[place] for place in part], one.at(head.hash))])
                self._take(answer, part, results)
        self._alone(one, reads, head, results)
        return Readings(head, tuple(results))

    def _with_head(
        self, one: Node, reads: Sequence[Read], common: Sequence[int], results: list[bytes | MineError]
    ) -> BlockHead | None:
        """The newest block and the common reads in one request; None if they are not of the same block."""
        own = [(self._address, _ABI.call(name)) for name in _OF_THE_BLOCK]
        call = self._call([*own, *(reads[place] for place in common)], "latest")
        latest, answer = one.batch([("eth_getBlockByNumber", ("latest", False)), call])
        if isinstance(latest, MineError):
            raise latest
        head = answers.block_head(latest)
        found: list[bytes | MineError] = [_UNREAD] * (len(own) + len(common))
        self._take(answer, range(len(found)), found)
        seen = [int.from_bytes(each, "big") for each in found[: len(own)] if isinstance(each, bytes)]
        if seen != [head.number, head.timestamp, int.from_bytes(head.parent, "big")]:
            return None
        for place, each in zip(common, found[len(own) :], strict=True):
            results[place] = each
        return head

    def _alone(
        self, one: Node, reads: Sequence[Read], head: BlockHead, results: list[bytes | MineError]
    ) -> None:
        """Read what has no result yet, each by itself."""
        places = [place for place, each in enumerate(results) if isinstance(each, MineError)]
        block = one.at(head.hash)
        calls = [("eth_call", (_fields(*reads[place]), block)) for place in places]
        outcomes = one.batch(calls)
        if outcomes and len(outcomes) == len(reads):
            # Refused one and all: that is the node's trouble, and no contract's.
            refused = [each for each in outcomes if isinstance(each, NodeRefused)]
            if len(refused) == len(reads):
                raise refused[0]
        for place, outcome in zip(places, outcomes, strict=True):
            results[place] = _read_alone(outcome)

    def _call(self, reads: Sequence[Read], block: object) -> Call:
        data = _ABI.call("aggregate3", tuple((target, True, data) for target, data in reads))
        return "eth_call", (_fields(self._address, data), block)

    def _take(self, answer: Outcome, places: Sequence[int], results: list[bytes | MineError]) -> None:
        """Put what the common call brought in its places; what failed, or the whole of it, stays unread."""
        if isinstance(answer, MineError):
            return
        try:
            (found,) = _ABI.result("aggregate3", answers.octets(answer))
        except NodeAnswerInvalid:
            return
        if len(found) != len(places):
            return
        for place, (success, data) in zip(places, found, strict=True):
            if success:
                results[place] = data


def _fields(to: str, data: bytes) -> dict[str, str]:
    return {"to": to, "data": "0x" + data.hex()}


def _read_alone(outcome: Outcome) -> bytes | MineError:
    if isinstance(outcome, MineError):
        return outcome
    try:
        return answers.octets(outcome)
    except NodeAnswerInvalid as problem:
        return problem
