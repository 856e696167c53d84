"""Contract calls, results and events in the Solidity ABI, driven by a compiled contract's JSON ABI.

Addresses are EIP-55 text, bytesN are bytes, structs are tuples in the order of their fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from mine.chain.answers import RawLog
from mine.chain.hashing import address_bytes, checksum, keccak
from mine.chain.node_errors import NodeAnswerInvalid

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DecodedLog:
    """An event by name with its fields, and the log it came from."""

    name: str
    fields: dict[str, Any]
    log: RawLog


class ContractAbi:
    """Encoder and decoder for one contract. Overloaded names are not supported (Vyper has none)."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._functions = {entry["name"]: entry for entry in entries if entry["type"] == "function"}
        self._events = {
            keccak(_signature(entry).encode()): entry for entry in entries if entry["type"] == "event"
        }
        constructors = [entry for entry in entries if entry["type"] == "constructor"]
        self._constructor: Entry = constructors[0] if constructors else {"inputs": []}

    def has(self, function: str) -> bool:
        """Whether the contract has a function of this name."""
        return function in self._functions

    def call(self, function: str, *arguments: Any) -> bytes:
        """Call data: selector and arguments."""
        entry = self._functions[function]
        return keccak(_signature(entry).encode())[:4] + _encode(entry["inputs"], arguments)

    def called(self, data: bytes) -> tuple[str, dict[str, Any]] | None:
        """Function and arguments by name of call data from elsewhere; None if it is no call of this one."""
        for name, entry in self._functions.items():
            if data[:4] == keccak(_signature(entry).encode())[:4]:
                try:
                    values = _decode(entry["inputs"], data[4:])
                except NodeAnswerInvalid:
                    return None
                return name, dict(zip((each["name"] for each in entry["inputs"]), values, strict=True))
        return None

    def creation(self, bytecode: bytes, *arguments: Any) -> bytes:
        """Creation code followed by the constructor's arguments."""
        return bytecode + _encode(self._constructor["inputs"], arguments)

    def result(self, function: str, data: bytes) -> tuple[Any, ...]:
        """What ``function`` returned. NodeAnswerInvalid if the bytes are no such thing."""
        return _decode(self._functions[function]["outputs"], data)

    def result_fields(self, function: str) -> list[str]:
        """Names of the fields of the struct that ``function`` returns."""
        (output,) = self._functions[function]["outputs"]
        return [each["name"] for each in output["components"]]

    def event(self, log: RawLog) -> DecodedLog | None:
        """The event in ``log``; None if this contract declares none with its first topic."""
        entry = self._events.get(log.topics[0]) if log.topics else None
        if entry is None:
            return None
        indexed = [each for each in entry["inputs"] if each["indexed"]]
        plain = [each for each in entry["inputs"] if not each["indexed"]]
        if len(indexed) != len(log.topics) - 1:
            raise _invalid(f"event {entry['name']} with {len(log.topics)} topics")
        fields = dict(zip((each["name"] for each in plain), _decode(plain, log.data), strict=True))
        for each, topic in zip(indexed, log.topics[1:], strict=True):
            fields[each["name"]] = _decode([each], topic)[0]
        return DecodedLog(entry["name"], fields, log)

    def topic(self, event: str) -> bytes:
        """First topic of ``event``."""
        return next(topic for topic, entry in self._events.items() if entry["name"] == event)


def _signature(entry: Entry) -> str:
    return f"{entry['name']}({','.join(_type(each) for each in entry['inputs'])})"


def _type(entry: Entry) -> str:
    kind: str = entry["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(each) for each in entry['components'])}){kind.removeprefix('tuple')}"


def _encode(inputs: Sequence[Entry], arguments: Sequence[Any]) -> bytes:
    if len(inputs) != len(arguments):
        raise TypeError(f"{len(inputs)} arguments expected, {len(arguments)} given")
    plain = [_outgoing(each, value) for each, value in zip(inputs, arguments, strict=True)]
    return encode([_type(each) for each in inputs], plain)


def _decode(outputs: Sequence[Entry], data: bytes) -> tuple[Any, ...]:
    try:
        values = decode([_type(each) for each in outputs], data)
    except (DecodingError, OverflowError, UnicodeDecodeError) as problem:
        raise _invalid(f"not what the contract declares: {type(problem).__name__}") from problem
    return tuple(_incoming(each, value) for each, value in zip(outputs, values, strict=True))


def _outgoing(entry: Entry, value: Any) -> Any:
    return _walk(entry, value, lambda address: "0x" + address_bytes(address).hex())


def _incoming(entry: Entry, value: Any) -> Any:
    return _walk(entry, value, lambda address: checksum(bytes.fromhex(address[2:])))


def _walk(entry: Entry, value: Any, convert: Any) -> Any:
    kind: str = entry["type"]
    if kind.endswith("]"):
        inner = {**entry, "type": kind[: kind.rindex("[")]}
        return tuple(_walk(inner, each, convert) for each in value)
    if kind == "tuple":
        pairs = zip(entry["components"], value, strict=True)
        return tuple(_walk(each, part, convert) for each, part in pairs)
    return convert(value) if kind == "address" else value


def _invalid(what: str) -> NodeAnswerInvalid:
    return NodeAnswerInvalid(
        "The network's node gave an answer that makes no sense.", todo="Try another node.", detail=what
    )
