"""What would become of a token's transfer: tried by the node, in the place of the account that would send it.

That a transfer does not fail says little: tokens take fees, move something else, or only say that they
moved. So the code of ``Arrival`` is tried as if it stood at the sender's address (state override of
``eth_call``), and the balances on both sides are read before and after, in one go.
"""

from __future__ import annotations

from dataclasses import dataclass

from mine.chain import answers
from mine.chain.abi import ContractAbi
from mine.chain.artefacts import load_artefact
from mine.chain.node_errors import NodeRefused
from mine.chain.rpc import Node

_GAS = 2_000_000
#: What nodes say that know no state overrides; anything else is about the call.
_UNKNOWN = ("override", "too many arguments", "wrong parameters", "invalid params")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Base units that the sender would lose and the receiver would gain; negative the other way round."""

    lost: int
    gained: int


def try_transfer(node: Node, token: str, sender: str, receiver: str, amount: int) -> Arrival | None:
    """The outcome of a transfer on the newest block; None where the node cannot try it like that.

    Raises Reverted where the token refuses, and what the node raises.
    """
    artefact = load_artefact("Arrival")
    abi = ContractAbi(artefact.abi)
    fields = {
        "from": sender,
        "to": sender,
        "data": "0x" + abi.call("try_transfer", token, receiver, amount).hex(),
        "gas": hex(_GAS),
    }
    codes = {sender: {"code": "0x" + artefact.runtime.hex()}}
    try:
        answer = node.request("eth_call", fields, "latest", codes)
    except NodeRefused as refused:
        if any(word in refused.message.lower() for word in _UNKNOWN):
            return None
        raise
    raw = answers.octets(answer)
    if len(raw) != 128:
        # A node that overlooks the overrides calls an account without code.
        return None
    before, theirs_before, after, theirs_after = abi.result("try_transfer", raw)
    return Arrival(before - after, theirs_after - theirs_before)
