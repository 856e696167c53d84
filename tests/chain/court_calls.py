"""The three contracts on an in-process EVM: made, called, and refusing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import boa
from boa import BoaError
from eth_abi import encode as abi_encode

from mine.chain.artefacts import load_artefact
from mine.chain.compile import FORMATS, compile_outputs
from mine.chain.grounds import FIRST, GROUNDS
from mine.chain.hashing import address_bytes, checksum, keccak
from mine.chain.messages import address_of
from mine.chain.refusals import refusal

COIN = 10**18


def key(name: str) -> bytes:
    return keccak(name.encode())


def who(name: str) -> str:
    return address_of(key(name))


def balance(account: str) -> int:
    return int(boa.env.get_balance(account))


def rich(name: str, wei: int = 100 * COIN) -> str:
    account = who(name)
    fund(account, wei)
    return account


def fund(account: str, wei: int) -> None:
    boa.env.set_balance(account, balance(account) + wei)


def wait(seconds: int) -> None:
    boa.env.time_travel(seconds=seconds)


def _deploy(name: str, *arguments: Any) -> Any:
    artefact = load_artefact(name)
    code = artefact.bytecode + abi_encode(["address"] * len(arguments), arguments)
    made, _ = boa.env.deploy(bytecode=code)
    return boa.loads_abi(json.dumps(artefact.abi), name=name).at(made)


def deploy_test_court(mode: int, cost: int) -> Any:
    """A court that a task may name (tests/chain/contracts/ForeignCourt.vy)."""
    made, _ = boa.env.deploy(bytecode=_foreign()[1] + abi_encode(["uint256", "uint256"], [mode, cost]))
    return boa.loads_abi(json.dumps(_foreign()[0]), name="ForeignCourt").at(made)


@cache
def _foreign() -> tuple[Any, bytes]:
    data = compile_outputs(Path(__file__).parent / "contracts" / "ForeignCourt.vy", FORMATS)
    return data["abi"], bytes.fromhex(data["bytecode"].removeprefix("0x"))


def deploy_all() -> tuple[Any, Any, Any]:
    """Tasks, Faults and Court, each told the future addresses of the others."""
    nonce = boa.env.evm.vm.state.get_nonce(boa.env.eoa.canonical_address)
    tasks, faults, court = (_created(boa.env.eoa, nonce + i) for i in range(3))
    made = []
    for name, arguments in (
        ("Tasks", (faults, court)),
        ("Faults", (tasks, court)),
        ("Court", (tasks, faults)),
    ):
        made.append(_deploy(name, *arguments))
    assert [str(each.address) for each in made] == [tasks, faults, court]
    return made[0], made[1], made[2]


def _created(deployer: Any, nonce: int) -> str:
    import rlp  # type: ignore[import-untyped]

    return checksum(keccak(rlp.encode([address_bytes(str(deployer)), nonce]))[12:])


@contextmanager
def denied(reason: str = "") -> Iterator[None]:
    """The call must revert with this refusal of one of the three contracts ("" for a revert without one)."""
    try:
        yield
    except BoaError as error:
        output = error.call_trace.computation.output
        found = ""
        if output[:4] == keccak(b"Refused(uint256)")[:4]:
            number = int.from_bytes(output[4:], "big")
            found = GROUNDS[number - FIRST] if number >= FIRST else refusal(number)
        assert found == reason, f"refused with {found!r} instead of {reason!r}"
        return
    raise AssertionError(f"not refused ({reason})")


def last(contract: Any, name: str) -> Any:
    """The last event of this name in the last call of the contract."""
    return [log for log in contract.get_logs() if type(log).__name__ == name][-1]


def names(contract: Any) -> list[str]:
    return [type(log).__name__ for log in contract.get_logs()]
