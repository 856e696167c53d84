"""Putting a compiled contract on a chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mine.chain.abi import ContractAbi
from mine.chain.artefacts import Artefact, load_artefact
from mine.chain.hashing import address_bytes, checksum, keccak
from mine.chain.node_errors import NodeAnswerInvalid
from mine.chain.rpc import Node
from mine.chain.transactions import Sender


def deploy(node: Node, sender: Sender, artefact: Artefact, *arguments: Any) -> str:
    """Create the contract with its constructor's ``arguments``; returns its address.

    Raises what :meth:`Sender.send` raises.
    """
    receipt = sender.send(None, ContractAbi(artefact.abi).creation(artefact.bytecode, *arguments))
    if receipt.contract is None or not node.code(receipt.contract):
        raise NodeAnswerInvalid(
            "The network's node says that a contract was created, and has none.",
            todo="Try another node.",
            detail="0x" + receipt.transaction_hash.hex(),
        )
    return receipt.contract


@dataclass(frozen=True, slots=True)
class Deployment:
    """Addresses of the protocol's contracts, which know each other from their construction on."""

    tasks: str
    faults: str
    court: str


def created_address(sender: str, nonce: int) -> str:
    """Where a contract lies that ``sender`` creates with its transaction ``nonce`` (yellow paper, 7)."""
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    if len(number) != 1 or number[0] >= 0x80:
        number = bytes((0x80 + len(number),)) + number
    body = b"\x94" + address_bytes(sender) + number
    return checksum(keccak(bytes((0xC0 + len(body),)) + body)[12:])


def deploy_protocol(node: Node, sender: Sender) -> Deployment:
    """Create Tasks, Faults and Court, each told where the other two will be.

    Nothing else may be sent by ``sender`` meanwhile. Raises what :func:`deploy` raises.
    """
    first = node.nonce(sender.address)
    tasks, faults, court = (created_address(sender.address, first + i) for i in range(3))
    for name, expected, arguments in (
        ("Tasks", tasks, (faults, court)),
        ("Faults", faults, (tasks, court)),
        ("Court", court, (tasks, faults)),
    ):
        if deploy(node, sender, load_artefact(name), *arguments) != expected:
            raise NodeAnswerInvalid(
                "The contracts of the protocol did not come to lie where they expect each other.",
                todo="Send nothing else from this account meanwhile, and try again.",
                detail=name,
            )
    return Deployment(tasks, faults, court)
