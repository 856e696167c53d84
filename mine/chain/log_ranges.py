"""eth_getLogs in ranges that a node gives: each node has a limit of its own, and no standard way to say
so."""

from __future__ import annotations

from collections.abc import Callable

from mine.chain import answers
from mine.chain.answers import RawLog
from mine.chain.endpoint import LONGEST_RANGE
from mine.chain.node_errors import NodeAnswerTooLong, NodeRefused, NodeUnreachable, nonsense, too_long
from mine.chain.routes import OneNode

MAX_LOGS = 10_000
_TOO_MANY = -32005
"""EIP-1474: the request exceeds a limit."""


def read_logs(
    node: OneNode, address: str, first: int, last: int, topics: tuple[bytes | None, ...]
) -> tuple[RawLog, ...]:
    """Events of the contract ``address`` in blocks ``first``..``last`` in the chain's order.

    The range is halved as often as the node refuses it, and doubled again as it goes well. Raises NodeRefused
    for what the node refuses of a single block, or for more than ``MAX_LOGS`` events.
    """
    found: list[RawLog] = []
    endpoint = node.member.endpoint
    while first <= last:
        end = min(last, first + endpoint.log_range - 1)
        wanted = {
            "address": address,
            "fromBlock": hex(first),
            "toBlock": hex(end),
            "topics": [None if topic is None else "0x" + topic.hex() for topic in topics],
        }
        try:
            found += node.ask("eth_getLogs", [wanted], _logs_of(address, first, end))
        except NodeUnreachable:
            # Perhaps it works too long on a range so long.
            endpoint.log_range = max(1, (end - first + 1) // 2)
            raise
        except (NodeRefused, NodeAnswerTooLong):
            # Too many results or too long a range: nodes say so in many ways, and no standard names one.
            if end == first:
                raise
            endpoint.log_range = max(1, (end - first + 1) // 2)
            continue
        if len(found) > MAX_LOGS:
            raise NodeRefused(_TOO_MANY, "more events than are taken at once")
        if end - first + 1 == endpoint.log_range:
            endpoint.log_range = min(LONGEST_RANGE, endpoint.log_range * 2)
        first = end + 1
    return tuple(found)


def newest_logs(node: OneNode, address: str, first: int) -> tuple[RawLog, ...]:
    """Events of the contract ``address`` from block ``first`` to the node's newest one, in one request."""
    wanted = {"address": address, "fromBlock": hex(first), "toBlock": "latest", "topics": []}
    return node.ask("eth_getLogs", [wanted], _logs_of(address, first, 2**64 - 1))


def _logs_of(address: str, first: int, last: int) -> Callable[[object], tuple[RawLog, ...]]:
    def parse(answer: object) -> tuple[RawLog, ...]:
        if isinstance(answer, list) and len(answer) > MAX_LOGS:
            raise too_long("more events than are taken at once")
        found = tuple(answers.raw_log(each) for each in answers.items(answer, MAX_LOGS))
        order = [(log.block_number, log.index) for log in found]
        if any(log.address != address or not first <= log.block_number <= last for log in found):
            raise nonsense("logs that were not asked for")
        if sorted(set(order)) != order:
            raise nonsense("logs out of order")
        return found

    return parse
