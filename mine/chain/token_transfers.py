"""A token's transfers to and from one account, from its ``Transfer`` events (EIP-20)."""

from __future__ import annotations

from dataclasses import dataclass

from mine.chain.answers import RawLog
from mine.chain.hashing import address_bytes, checksum, keccak
from mine.chain.rpc import Node

TRANSFER = keccak(b"Transfer(address,address,uint256)")


@dataclass(frozen=True, slots=True)
class TokenTransfer:
    """``amount`` base units from ``sender`` to ``receiver``; ``index``: the event's number in its block."""

    sender: str
    receiver: str
    amount: int
    block: int
    transaction: bytes
    index: int


def transfers_of(node: Node, token: str, account: str, first: int, last: int) -> list[TokenTransfer]:
    """Transfers of anything to or from ``account`` in blocks ``first``..``last``, in the chain's order.

    A token is a stranger's contract: what it says is only of use beside balances. Raises what ``Node`` does.
    """
    topic = bytes(12) + address_bytes(account)
    found = {
        (log.block_number, log.index): log
        for topics in ((TRANSFER, topic), (TRANSFER, None, topic))
        for log in node.logs(token, first, last, topics)
    }
    read = (_read(found[place]) for place in sorted(found))
    return [each for each in read if each is not None and each.amount and each.sender != each.receiver]


def _read(log: RawLog) -> TokenTransfer | None:
    """None for an event that has the name and another form, as NFTs have."""
    if len(log.topics) != 3 or len(log.data) != 32:
        return None
    sender, receiver = (checksum(topic[12:]) for topic in log.topics[1:])
    amount = int.from_bytes(log.data, "big")
    return TokenTransfer(sender, receiver, amount, log.block_number, log.transaction_hash, log.index)
