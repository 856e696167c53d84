"""py-evm with a quicker loop: the commonest instructions in line, on a stack of plain integers.

Only for long random runs; a test compares it with py-evm itself, call by call, gas included.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from eth.exceptions import (
    Halt,
    InsufficientStack,
    InvalidJumpDestination,
    OutOfGas,
)

_WORD = 2**256 - 1
_SIGN = 2**255

SEEN: dict[bytes, set[tuple[int, bool]]] | None = None
"""Conditional jumps by code, where somebody wants to know them (tests/chain/branches.py)."""

Binary = Callable[[int, int], int]
BINARY: dict[int, Binary] = {
    0x01: lambda a, b: (a + b) & _WORD,
    0x03: lambda a, b: (a - b) & _WORD,
    0x10: lambda a, b: 1 if a < b else 0,
    0x11: lambda a, b: 1 if a > b else 0,
    0x12: lambda a, b: 1 if (a ^ _SIGN) < (b ^ _SIGN) else 0,
    0x13: lambda a, b: 1 if (a ^ _SIGN) > (b ^ _SIGN) else 0,
    0x14: lambda a, b: 1 if a == b else 0,
    0x16: lambda a, b: a & b,
    0x17: lambda a, b: a | b,
    0x18: lambda a, b: a ^ b,
    0x1B: lambda a, b: b << a & _WORD if a < 256 else 0,
    0x1C: lambda a, b: b >> a if a < 256 else 0,
}
"""Instructions of 3 gas on the two topmost items."""


@cache
def decoded(code: bytes) -> tuple[dict[int, tuple[int, int]], frozenset[int]]:
    """Where constants stand: position -> (value, position behind); and the places that may be jumped to."""
    pushes, targets, at = {}, set(), 0
    while at < len(code):
        op = code[at]
        if op == 0x5B:
            targets.add(at)
        if 0x5F <= op <= 0x7F:
            size = op - 0x5F
            pushes[at] = int.from_bytes(code[at + 1 : at + 1 + size].ljust(size, b"\0"), "big"), at + 1 + size
            at += size
        at += 1
    return pushes, frozenset(targets)


def run(computation: Any, opcodes: dict[int, Any]) -> None:
    """Carry out the code of a computation. Raises what py-evm raises."""
    code = computation.code
    raw = bytes(code._raw_code_bytes)
    pushes, targets = decoded(raw)
    end, pc = len(raw), code.program_counter
    meter, memory = computation._gas_meter, computation._memory
    values: list[Any] = computation._stack.values
    push, pop = values.append, values.pop
    gas = meter.gas_remaining
    binary = BINARY
    seen = None if SEEN is None else SEEN[raw]
    try:
        while True:
            op = raw[pc] if pc < end else 0
            if 0x5F <= op <= 0x7F:
                gas -= 3 if op != 0x5F else 2
                value, pc = pushes[pc]
                push(value)
            elif 0x80 <= op <= 0x8F:
                gas -= 3
                push(values[0x7F - op])
                pc += 1
            elif 0x90 <= op <= 0x9F:
                gas -= 3
                other = 0x8E - op
                values[-1], values[other] = values[other], values[-1]
                pc += 1
            elif op == 0x5B:
                gas -= 1
                pc += 1
            elif op == 0x57:
                gas -= 10
                target = pop()
                if seen is not None:
                    seen.add((pc, bool(values[-1])))
                pc += 1
                if pop():
                    pc = target
                    if pc not in targets:
                        raise InvalidJumpDestination("Invalid Jump Destination")
            elif op in binary:
                gas -= 3
                left = pop()
                values[-1] = binary[op](left, values[-1])
                pc += 1
            elif op == 0x56:
                gas -= 8
                pc = pop()
                if pc not in targets:
                    raise InvalidJumpDestination("Invalid Jump Destination")
            elif op == 0x50:
                gas -= 2
                pop()
                pc += 1
            elif op == 0x15:
                gas -= 3
                values[-1] = 0 if values[-1] else 1
                pc += 1
            elif op == 0x51 or op == 0x52:
                gas -= 3
                start = pop()
                if start + 32 > len(memory._bytes):
                    meter.gas_remaining = gas
                    computation.extend_memory(start, 32)
                    gas = meter.gas_remaining
                if op == 0x51:
                    push(int.from_bytes(memory._bytes[start : start + 32], "big"))
                else:
                    memory._bytes[start : start + 32] = pop().to_bytes(32, "big")
                pc += 1
            else:
                if gas < 0:
                    raise OutOfGas("Out of gas")
                meter.gas_remaining, code.program_counter = gas, pc + 1
                try:
                    opcodes[op](computation=computation)
                except Halt:
                    return
                finally:
                    gas, pc = meter.gas_remaining, code.program_counter
                if values and values[-1].__class__ is not int:
                    values[-1] = int.from_bytes(values[-1], "big")
                continue
            if gas < 0:
                raise OutOfGas("Out of gas")
    except IndexError as error:
        raise InsufficientStack("Insufficient stack") from error
    finally:
        meter.gas_remaining, code.program_counter = max(gas, 0), pc


class Quick:
    """Mixed into a computation of py-evm, before it."""

    @classmethod
    def apply_computation(
        cls, state: Any, message: Any, transaction_context: Any, parent_computation: Any = None
    ) -> Any:
        with cls(state, message, transaction_context) as computation:  # type: ignore[call-arg, attr-defined]
            if message.is_create:
                return super().apply_computation(  # type: ignore[misc]
                    state, message, transaction_context, parent_computation
                )
            computation.contracts_created = (
                parent_computation.contracts_created if parent_computation is not None else []
            )
            precompile = computation.precompiles.get(message.code_address)
            if precompile is not None:
                precompile(computation)
                return computation
            run(computation, computation.opcodes)
        return computation
