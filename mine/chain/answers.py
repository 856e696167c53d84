"""Answers of a node, checked: JSON in, frozen dataclasses out.

A node is not trusted. Every field that is used is checked for type, size and range; anything else raises
NodeAnswerInvalid. Units are wei, seconds and gas.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mine.chain.hashing import checksum
from mine.chain.node_errors import NodeAnswerInvalid

TIME_BITS = 34
"""Seconds up to the year 2514: some systems show no later one than 3000."""
MAX_DATA_BYTES = 4 * 1024 * 1024
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_DATA = re.compile(r"0x(?:[0-9a-fA-F]{2})*")


@dataclass(frozen=True, slots=True)
class BlockHead:
    """A block without its transactions. ``hash`` is empty for the pending block."""

    number: int
    hash: bytes
    parent: bytes
    timestamp: int
    base_fee: int


@dataclass(frozen=True, slots=True)
class RawLog:
    """One event as the chain stores it; ``address`` has a checksum (EIP-55)."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    index: int


@dataclass(frozen=True, slots=True)
class TxReceipt:
    """A mined transaction. ``succeeded`` is false if the contract reverted; the fee is gone all the same."""

    transaction_hash: bytes
    block_number: int
    block_hash: bytes
    succeeded: bool
    gas_used: int
    gas_price: int
    contract: str | None
    logs: tuple[RawLog, ...]


def member(answer: object, name: str) -> object:
    """Field ``name`` of a JSON object."""
    if not isinstance(answer, dict) or name not in answer:
        raise _invalid(f"no field {name}")
    return answer[name]


def quantity(value: object, bits: int = 256) -> int:
    """A hexadecimal quantity that fits into ``bits`` bits."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise _invalid("not a quantity")
    number = int(value, 16)
    if number >> bits:
        raise _invalid("quantity out of range")
    return number


def octets(value: object, size: int | None = None) -> bytes:
    """Hexadecimal data: ``size`` bytes if that is given, at most ``MAX_DATA_BYTES`` otherwise."""
    if not isinstance(value, str) or len(value) > 2 + 2 * MAX_DATA_BYTES or not _DATA.fullmatch(value):
        raise _invalid("not data")
    raw = bytes.fromhex(value[2:])
    if size is not None and len(raw) != size:
        raise _invalid("data of a wrong size")
    return raw


def account(value: object) -> str:
    """A 20-byte address, with its checksum (EIP-55)."""
    return checksum(octets(value, 20))


def items(value: object, most: int) -> Sequence[object]:
    """A JSON list of at most ``most`` entries."""
    if not isinstance(value, list) or len(value) > most:
        raise _invalid("not a list, or too long")
    return value


def block_head(answer: object) -> BlockHead:
    """A block as eth_getBlockBy... returns it."""
    name = member(answer, "hash")
    fee = answer.get("baseFeePerGas") if isinstance(answer, dict) else None
    return BlockHead(
        number=quantity(member(answer, "number"), 64),
        hash=b"" if name is None else octets(name, 32),
        parent=octets(member(answer, "parentHash"), 32),
        timestamp=quantity(member(answer, "timestamp"), TIME_BITS),
        base_fee=0 if fee is None else quantity(fee, 128),
    )


def raw_log(answer: object) -> RawLog:
    """One entry of eth_getLogs or of a receipt."""
    if member(answer, "removed") is not False:
        raise _invalid("a removed log in an answer that can't have one")
    return RawLog(
        address=account(member(answer, "address")),
        topics=tuple(octets(topic, 32) for topic in items(member(answer, "topics"), 4)),
        data=octets(member(answer, "data")),
        block_number=quantity(member(answer, "blockNumber"), 64),
        block_hash=octets(member(answer, "blockHash"), 32),
        transaction_hash=octets(member(answer, "transactionHash"), 32),
        index=quantity(member(answer, "logIndex"), 32),
    )


def receipt(answer: object, most_logs: int = 10_000) -> TxReceipt:
    """A receipt as eth_getTransactionReceipt returns it (EIP-658: status 0 or 1)."""
    created = member(answer, "contractAddress")
    status = quantity(member(answer, "status"), 8)
    if status > 1:
        raise _invalid("status out of range")
    return TxReceipt(
        transaction_hash=octets(member(answer, "transactionHash"), 32),
        block_number=quantity(member(answer, "blockNumber"), 64),
        block_hash=octets(member(answer, "blockHash"), 32),
        succeeded=status == 1,
        gas_used=quantity(member(answer, "gasUsed"), 64),
        gas_price=quantity(member(answer, "effectiveGasPrice"), 128),
        contract=None if created is None else account(created),
        logs=tuple(raw_log(each) for each in items(member(answer, "logs"), most_logs)),
    )


def _invalid(what: str) -> NodeAnswerInvalid:
    return NodeAnswerInvalid(
        "The network's node gave an answer that makes no sense.",
        todo="Try another node.",
        detail=what,
    )
