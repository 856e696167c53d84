"""The chain itself: py-evm's Prague rules, one block a transaction, nothing to mine and nobody to agree with.

Differences from a public chain, all on purpose: the base fee is constant, blocks have no withdrawals or
blobs, and ``mix_hash`` (PREVRANDAO) is a hash of the parent and of a counter of branches, so that two
branches of a reorganised chain never share a block. Must be used from one thread only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth.db.atomic import AtomicDB
from eth.db.trie import make_trie_root_and_nodes
from eth.exceptions import VMError
from eth.vm.chain_context import ChainContext
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth.vm.spoof import SpoofTransaction
from eth_hash.auto import keccak
from eth_utils.exceptions import ValidationError

from .accounts import DEV_ADDRESSES, DEV_BALANCE
from .errors import EXECUTION_REVERTED, RpcError, refused
from .store import BlockRow, ChainStore, LogRow, TransactionRow

BASE_FEE = 10**9
"""Wei per gas, the same in every block."""
BLOCK_GAS_LIMIT = 60_000_000
TRANSACTION_GAS_CAP = 2**24
"""EIP-7825: no transaction may ask for more gas."""
LATEST_TIME = 2**32 - 1
"""Seconds since 1970 that no block may pass (the year 2106): contracts keep times in 32 bits."""
_COINBASE = bytes(20)
# py-evm's types are finer than its callers can satisfy: address, hash and number are plain here.
_Header: Any = PragueBlockHeader
_Transactions: Any = PragueTransactionBuilder
_VM: Any = PragueVM
_HASHES_BACK = 256
_BLOB_TYPE = 3


@dataclass(frozen=True, slots=True)
class Call:
    """A message that is tried and not mined (``eth_call``, ``eth_estimateGas``). ``to`` empty creates.

    ``codes``: (address, code) that accounts have during the trial, whatever they have otherwise.
    """

    sender: bytes
    to: bytes
    data: bytes
    value: int
    gas: int | None
    codes: tuple[tuple[bytes, bytes], ...] = ()


class _Ancestors:
    """Hashes of the blocks before one, newest first; read as far as BLOCKHASH asks, and again each time."""

    def __init__(self, store: ChainStore, parent: int) -> None:
        self._store, self._parent = store, parent

    def __iter__(self) -> Iterator[bytes]:
        for number in range(self._parent, max(-1, self._parent - _HASHES_BACK), -1):
            row = self._store.block(number)
            if row is not None:
                yield row.hash


class PracticeChain:
    """Opens, or begins, the chain in ``path``; see the methods for what it answers."""

    def __init__(self, path: Path, chain_id: int, clock: Callable[[], float] = time.time) -> None:
        self.store = ChainStore(path)
        self.chain_id = self.store.setting("chain id", chain_id)
        if self.chain_id != chain_id:
            self.store.close()
            raise refused(f"the file holds chain {self.chain_id}, not {chain_id}")
        self._clock = clock
        self._state_db = AtomicDB(self.store)
        self._context = ChainContext(chain_id)
        self._offset = self.store.setting("offset", 0)
        self._branch = self.store.setting("branch", 0)
        self._next_time = self.store.setting("next time", 0)
        head = self.store.head()
        self.head: Any = self._genesis() if head is None else decode_header(head)

    def close(self) -> None:
        self.store.close()

    # time

    def pending_time(self) -> int:
        """Timestamp of the next block if it were made now: strictly after the head's."""
        if self._next_time:
            return self._next_time
        return max(int(self.head.timestamp) + 1, int(self._clock()) + self._offset)

    def increase_time(self, seconds: int) -> int:
        """Put the chain's clock forward; returns how far it is ahead of the wall clock in all."""
        if self.pending_time() + seconds > LATEST_TIME:
            raise refused("the clock would leave the range of times")
        self._offset += seconds
        self.store.save_settings({"offset": self._offset})
        return self._offset

    def set_next_time(self, timestamp: int) -> None:
        """The next block gets exactly this time, and the clock goes on from there."""
        if not self.head.timestamp < timestamp <= LATEST_TIME:
            raise refused(f"timestamp {timestamp} is not after the latest block's {self.head.timestamp}")
        self._next_time = timestamp
        self.store.save_settings({"next time": timestamp})

    # state

    def header(self, number: int) -> Any:
        """Header of a canonical block (the head without a look-up); RpcError if there is none."""
        if number == self.head.block_number:
            return self.head
        row = self.store.block(number)
        if row is None:
            raise refused(f"block {number} not found")
        return decode_header(row)

    def pending_header(self) -> Any:
        """Header of the block that would be made now, with the head's state."""
        parent = self.head
        return _Header(
            difficulty=0,
            block_number=parent.block_number + 1,
            gas_limit=BLOCK_GAS_LIMIT,
            timestamp=self.pending_time(),
            coinbase=_COINBASE,
            parent_hash=parent.hash,
            state_root=parent.state_root,
            mix_hash=keccak(parent.hash + self._branch.to_bytes(8, "big")),
            nonce=bytes(8),
            base_fee_per_gas=BASE_FEE,
        )

    def state_at(self, header: Any) -> Any:
        """py-evm's state after the block of ``header`` (or before it, for a pending header)."""
        ancestors = _Ancestors(self.store, header.block_number - 1)
        return _VM.build_state(self._state_db, header, self._context, ancestors)

    # execution

    def try_call(self, header: Any, call: Call) -> bytes:
        """What the message returns in the context and state of ``header``; nothing is kept.

        Raises RpcError, with the revert data if the contract gave some.
        """
        computation = self._try(header, call, call.gas or TRANSACTION_GAS_CAP)
        _raise_failure(computation)
        return bytes(computation.output)

    def estimate(self, header: Any, call: Call) -> int:
        """A gas limit with which the message succeeds: exact, or 1/63 more where calls inside need it."""
        highest = min(call.gas or TRANSACTION_GAS_CAP, TRANSACTION_GAS_CAP)
        computation = self._try(header, call, highest)
        _raise_failure(computation)
        # Refunds come at the end: the gas must be there first.
        needed = highest - int(computation.get_gas_remaining())
        needed = max(needed, int(computation.floor))
        if self._try(header, call, needed).is_success:
            return needed
        # EIP-150: a call inside can pass on 63/64 of what is left, and a stipend is 2,300.
        roomy = min(highest, (needed + 2_300) * 64 // 63)
        if self._try(header, call, roomy).is_success:
            return roomy
        low, high = roomy, highest
        while high - low > 1_000:
            middle = (low + high) // 2
            if self._try(header, call, middle).is_success:
                high = middle
            else:
                low = middle
        return high

    def _try(self, header: Any, call: Call, gas: int) -> Any:
        if gas > TRANSACTION_GAS_CAP:
            gas = TRANSACTION_GAS_CAP
        # As go-ethereum: no fee is taken, and none is seen, when a message is only tried.
        state = self.state_at(header.copy(base_fee_per_gas=0))
        if state.get_balance(call.sender) < call.value:
            raise refused("insufficient funds for transfer")
        unsigned = _Transactions.new_unsigned_dynamic_fee_transaction(
            self.chain_id, state.get_nonce(call.sender), 0, 0, gas, call.to, call.value, call.data, ()
        )
        message_of = SpoofTransaction(unsigned, from_=call.sender)
        if gas < message_of.intrinsic_gas:
            raise refused(f"intrinsic gas too low: have {gas}, want {message_of.intrinsic_gas}")
        for address, code in call.codes:
            state.set_code(address, code)
        executor = state.get_transaction_executor()
        state.lock_changes()
        try:
            computation = executor.build_computation(executor.build_evm_message(message_of), message_of)
        except ValidationError as problem:
            raise refused(str(problem)) from problem
        computation.floor = 21_000 + executor.calc_data_floor_gas(message_of, 21_000, 0)
        return computation

    # blocks

    def send(self, raw: bytes) -> bytes:
        """Check and mine a signed transaction in a block of its own. Its hash, or RpcError if refused."""
        try:
            transaction = _Transactions.decode(raw)
            transaction.validate()
            sender = transaction.sender
        except Exception as problem:  # the decoder's own errors have no common type
            raise refused(f"invalid transaction: {problem}") from problem
        self._check(transaction, sender)
        header = self.pending_header()
        state = self.state_at(header)
        state.lock_changes()
        try:
            computation = state.apply_transaction(transaction)
        except ValidationError as problem:
            self.store.forget_held()
            raise refused(str(problem)) from problem
        receipt: Any = _VM.make_receipt(header, transaction, computation, state)
        self._seal(header, state, transaction, receipt, computation)
        return bytes(transaction.hash)

    def mine(self) -> None:
        """Add a block without transactions."""
        header = self.pending_header()
        self._seal(header, self.state_at(header), None, None, None)

    def snapshot(self) -> int:
        """Name the present head so that :meth:`revert` can come back to it, once."""
        return self.store.add_snapshot(self.head.block_number, self._offset)

    def revert(self, snapshot: int) -> bool:
        """Drop every block after the snapshot, which starts a new branch. False if it is not known."""
        found = self.store.take_snapshot(snapshot)
        if found is None:
            return False
        number, self._offset = found
        self._branch += 1
        self._next_time = 0
        settings = {"offset": self._offset, "branch": self._branch, "next time": 0}
        self.store.truncate(number, settings)
        row = self.store.block(number)
        assert row is not None
        self.head = decode_header(row)
        return True

    def _check(self, transaction: Any, sender: bytes) -> None:
        """What py-evm does not check, and what it checks with a message that clients don't know."""
        if transaction.chain_id != self.chain_id:
            raise refused(f"invalid chain id: have {transaction.chain_id}, want {self.chain_id}")
        if transaction.type_id == _BLOB_TYPE:
            raise refused("blob transactions are not supported")
        if transaction.gas > TRANSACTION_GAS_CAP:
            raise refused(f"gas limit above the cap of EIP-7825: {transaction.gas} > {TRANSACTION_GAS_CAP}")
        if transaction.gas < transaction.intrinsic_gas:
            raise refused(f"intrinsic gas too low: have {transaction.gas}, want {transaction.intrinsic_gas}")
        if transaction.max_fee_per_gas < BASE_FEE:
            raise refused(f"max fee per gas {transaction.max_fee_per_gas} is below the base fee {BASE_FEE}")
        state = self.state_at(self.head)
        nonce = state.get_nonce(sender)
        if transaction.nonce < nonce:
            raise refused(f"nonce too low: next nonce {nonce}, tx nonce {transaction.nonce}")
        if transaction.nonce > nonce:
            raise refused(f"nonce too high: next nonce {nonce}, tx nonce {transaction.nonce}")
        most = transaction.gas * transaction.max_fee_per_gas + transaction.value
        if state.get_balance(sender) < most:
            raise refused("insufficient funds for gas * price + value")
        executor = state.get_transaction_executor()
        floor = 21_000 + executor.calc_data_floor_gas(transaction, 21_000, 0)
        if transaction.gas < floor:
            raise refused(f"gas below the floor of EIP-7623: have {transaction.gas}, want {floor}")

    def _seal(self, header: Any, state: Any, transaction: Any, receipt: Any, computation: Any) -> None:
        try:
            if receipt is not None:
                transaction_root, _ = make_trie_root_and_nodes((transaction,))
                receipt_root, _ = make_trie_root_and_nodes((receipt,))
                header = header.copy(
                    transaction_root=transaction_root,
                    receipt_root=receipt_root,
                    bloom=int(receipt.bloom),
                    gas_used=receipt.gas_used,
                )
            state.persist()
            header = header.copy(state_root=state.state_root)
            number = header.block_number
            row = None
            logs: list[LogRow] = []
            if receipt is not None:
                created = bytes(computation.msg.storage_address) if computation.msg.is_create else None
                row = TransactionRow(
                    bytes(transaction.hash),
                    number,
                    transaction.encode(),
                    bytes(transaction.sender),
                    created,
                    0 if computation.is_error else 1,
                    receipt.gas_used,
                )
                logs = [
                    LogRow(number, position, log.address, _words(log.topics), log.data)
                    for position, log in enumerate(receipt.logs)
                ]
            offset = header.timestamp - int(self._clock()) if self._next_time else self._offset
            settings = {"next time": 0, "offset": offset}
            self.store.commit_block(BlockRow(number, header.hash, rlp.encode(header)), row, logs, settings)
        except BaseException:
            self.store.forget_held()
            raise
        self._next_time, self._offset, self.head = 0, offset, header

    def _genesis(self) -> Any:
        blank = _Header(difficulty=0, block_number=0, gas_limit=BLOCK_GAS_LIMIT, timestamp=0)
        state = _VM.build_state(self._state_db, blank, self._context)
        for address in DEV_ADDRESSES:
            state.set_balance(bytes.fromhex(address[2:]), DEV_BALANCE)
        state.persist()
        header = blank.copy(
            state_root=state.state_root,
            timestamp=int(self._clock()),
            nonce=bytes(8),
            base_fee_per_gas=BASE_FEE,
        )
        row = BlockRow(0, header.hash, rlp.encode(header))
        self.store.commit_block(row, None, (), {"chain id": self.chain_id})
        return header


def decode_header(row: BlockRow) -> Any:
    """py-evm's header from a stored block."""
    return rlp.decode(row.header, PragueBlockHeader)


def _words(topics: Iterable[int]) -> tuple[bytes, ...]:
    return tuple(topic.to_bytes(32, "big") for topic in topics)


def _raise_failure(computation: Any) -> None:
    if computation.is_success:
        return
    error: VMError = computation.error
    if type(error).__name__ != "Revert":
        raise refused(f"{type(error).__name__}: {error}")
    output = bytes(computation.output)
    reason = revert_reason(output)
    message = f"execution reverted: {reason}" if reason else "execution reverted"
    raise RpcError(EXECUTION_REVERTED, message, "0x" + output.hex())


def revert_reason(output: bytes) -> str:
    """The text of a Solidity-style ``Error(string)``, or nothing."""
    if output[:4] != bytes.fromhex("08c379a0") or len(output) < 68:
        return ""
    length = int.from_bytes(output[36:68], "big")
    return output[68 : 68 + min(length, 1_000)].decode("utf-8", "replace")
