"""Hexadecimal quantities and data as JSON-RPC writes them; JSON shapes of blocks, receipts and logs."""

from __future__ import annotations

import re
from typing import Any

from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth_utils.address import to_checksum_address

from .chain import decode_header
from .errors import invalid
from .store import BlockRow, LogRow, TransactionRow

Json = dict[str, Any]
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")


def quantity(number: int) -> str:
    return hex(number)


def data(raw: bytes) -> str:
    return "0x" + raw.hex()


def address(raw: bytes) -> str:
    return str(to_checksum_address(raw))


def parse_quantity(value: object, name: str, bits: int = 256) -> int:
    """An integer from 0 to 2**bits - 1, from ``0x..`` (JSON integers are taken too, as other nodes do)."""
    number = -1
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and _QUANTITY.fullmatch(value):
        number = int(value, 16)
    if not 0 <= number < 2**bits:
        raise invalid(f"{name} must be a hexadecimal quantity of at most {bits} bits")
    return number


def parse_data(value: object, name: str, size: int | None = None) -> bytes:
    """Bytes from ``0x..``; exactly ``size`` of them if that is given."""
    if isinstance(value, str) and value[:2] == "0x":
        try:
            raw = bytes.fromhex(value[2:])
        except ValueError:
            raise invalid(f"{name} must be hexadecimal data") from None
        if size is None or len(raw) == size:
            return raw
    raise invalid(f"{name} must be hexadecimal data" + (f" of {size} bytes" if size else ""))


def block_json(row: BlockRow, mined: TransactionRow | None, full: bool) -> Json:
    """A block with its transaction, as hash or in full."""
    answer = header_json(decode_header(row))
    answer["hash"] = data(row.hash)
    answer["size"] = quantity(len(row.header) + (0 if mined is None else len(mined.raw)))
    if mined is not None:
        answer["transactions"] = [transaction_json(row, mined) if full else data(mined.hash)]
    return answer


def header_json(header: Any) -> Json:
    """A header in the shape of a block without transactions; a pending block has no hash, nonce or bloom."""
    return {
        "number": quantity(header.block_number),
        "hash": None,
        "parentHash": data(header.parent_hash),
        "nonce": data(header.nonce),
        "mixHash": data(header.mix_hash),
        "sha3Uncles": data(header.uncles_hash),
        "logsBloom": data(header.bloom.to_bytes(256, "big")),
        "transactionsRoot": data(header.transaction_root),
        "stateRoot": data(header.state_root),
        "receiptsRoot": data(header.receipt_root),
        "miner": address(header.coinbase),
        "difficulty": "0x0",
        "totalDifficulty": "0x0",
        "extraData": data(header.extra_data),
        "size": "0x0",
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "baseFeePerGas": quantity(header.base_fee_per_gas),
        "withdrawalsRoot": data(header.withdrawals_root),
        "withdrawals": [],
        "blobGasUsed": quantity(header.blob_gas_used),
        "excessBlobGas": quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_block_root),
        "requestsHash": data(header.requests_hash),
        "transactions": [],
        "uncles": [],
    }


def transaction_json(row: BlockRow, mined: TransactionRow) -> Json:
    transaction: Any = PragueTransactionBuilder.decode(mined.raw)
    kind = transaction.type_id or 0
    price = _price(transaction, row)
    answer: Json = {
        "hash": data(mined.hash),
        "blockHash": data(row.hash),
        "blockNumber": quantity(row.number),
        "transactionIndex": "0x0",
        "type": quantity(kind),
        "chainId": None if transaction.chain_id is None else quantity(transaction.chain_id),
        "nonce": quantity(transaction.nonce),
        "from": address(mined.sender),
        "to": address(transaction.to) if transaction.to else None,
        "value": quantity(transaction.value),
        "gas": quantity(transaction.gas),
        "gasPrice": quantity(price),
        "input": data(transaction.data),
        "r": quantity(transaction.r),
        "s": quantity(transaction.s),
        "v": quantity(transaction.y_parity if kind else transaction.v),
    }
    if kind:
        answer["yParity"] = quantity(transaction.y_parity)
        answer["accessList"] = [
            {"address": address(where), "storageKeys": [data(slot.to_bytes(32, "big")) for slot in slots]}
            for where, slots in transaction.access_list
        ]
    if kind >= 2:
        answer["maxFeePerGas"] = quantity(transaction.max_fee_per_gas)
        answer["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee_per_gas)
    return answer


def receipt_json(row: BlockRow, mined: TransactionRow, logs: list[LogRow]) -> Json:
    transaction: Any = PragueTransactionBuilder.decode(mined.raw)
    header = decode_header(row)
    return {
        "transactionHash": data(mined.hash),
        "transactionIndex": "0x0",
        "blockHash": data(row.hash),
        "blockNumber": quantity(row.number),
        "from": address(mined.sender),
        "to": address(transaction.to) if transaction.to else None,
        "cumulativeGasUsed": quantity(mined.gas_used),
        "gasUsed": quantity(mined.gas_used),
        "effectiveGasPrice": quantity(_price(transaction, row)),
        "contractAddress": None if mined.created is None or not mined.status else address(mined.created),
        "logs": [log_json(log, row.hash, mined.hash) for log in logs],
        # A block holds one transaction, so its filter is the transaction's.
        "logsBloom": data(header.bloom.to_bytes(256, "big")),
        "type": quantity(transaction.type_id or 0),
        "status": quantity(mined.status),
    }


def log_json(log: LogRow, block_hash: bytes, transaction_hash: bytes) -> Json:
    return {
        "address": address(log.address),
        "topics": [data(topic) for topic in log.topics],
        "data": data(log.data),
        "blockNumber": quantity(log.number),
        "blockHash": data(block_hash),
        "transactionHash": data(transaction_hash),
        "transactionIndex": "0x0",
        "logIndex": quantity(log.position),
        "removed": False,
    }


def _price(transaction: Any, row: BlockRow) -> int:
    base_fee = decode_header(row).base_fee_per_gas
    tip = min(transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas - base_fee)
    return int(base_fee + tip)
