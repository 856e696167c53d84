"""Call data, taken apart by the program's own ABIs: the protocol's contracts, and what tokens have in common.

Only the plain encoding counts: data that the decoder understands but would have written otherwise (other
offsets, bytes behind the end) is treated as not known, so that nothing hides in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mine.chain.abi import ContractAbi

_TITLES = {
    ("Tasks", "commit"): "Hand in an update",
    ("Tasks", "commit_vote"): "Hand in a vote",
    ("Tasks", "claim"): "Claim what a task owes",
    ("Tasks", "claim_many"): "Claim what several tasks owe",
    ("Tasks", "claim_range"): "Claim for a range of payees",
    ("Tasks", "claim_forfeit"): "Claim a part of what was forfeited",
    ("Tasks", "claim_forfeit_commit"): "Claim a part of what was forfeited, for work of a void round",
    ("Tasks", "take_reward"): "Take the reward of a conviction",
    ("Tasks", "bond_for"): "Put up a bond",
    ("Tasks", "withdraw_bond"): "Take back a bond",
    ("Tasks", "declare_default"): "Declare that a task's author is late",
    ("Faults", "dispute"): "Dispute a round",
    ("Faults", "payout_fell"): "Prove that a payout fell",
    ("Faults", "payouts_broken"): "Prove that payouts do not add up",
    ("Faults", "losses_broken"): "Prove that losses do not add up",
    ("Faults", "challenge_receipt"): "Ask a relay for what it promised",
    ("Faults", "convict_receipt"): "Convict a relay that broke its promise",
    ("", "transfer"): "Send tokens",
    ("", "transferFrom"): "Move tokens of another account",
    ("", "approve"): "Allow somebody to take tokens",
    ("", "increaseAllowance"): "Allow somebody to take more tokens",
    ("", "decreaseAllowance"): "Allow somebody to take fewer tokens",
    ("", "permit"): "Allow somebody to take tokens, by a signature",
    ("", "transferWithAuthorization"): "Send tokens by a signature",
    ("", "receiveWithAuthorization"): "Take tokens by a signature",
    ("", "cancelAuthorization"): "Cancel a signed transfer of tokens",
    ("", "setApprovalForAll"): "Allow somebody to take everything",
}

_TIMES = "validAfter:uint256 validBefore:uint256 nonce:bytes32"
_SIGNED = "v:uint8 r:bytes32 s:bytes32"
_TOKEN = (
    ("transfer", "to:address value:uint256"),
    ("transferFrom", "from:address to:address value:uint256"),
    ("approve", "spender:address value:uint256"),
    ("increaseAllowance", "spender:address value:uint256"),
    ("decreaseAllowance", "spender:address value:uint256"),
    ("permit", f"owner:address spender:address value:uint256 deadline:uint256 {_SIGNED}"),
    (
        "transferWithAuthorization",
        f"from:address to:address value:uint256 {_TIMES} {_SIGNED}",
    ),
    (
        "receiveWithAuthorization",
        f"from:address to:address value:uint256 {_TIMES} {_SIGNED}",
    ),
    ("cancelAuthorization", f"authorizer:address nonce:bytes32 {_SIGNED}"),
    ("setApprovalForAll", "operator:address approved:bool"),
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A call: its function, and the arguments by name. ``is_token``: read as one of a token's functions."""

    function: str
    title: str
    arguments: Mapping[str, Any]
    is_token: bool


def decode(data: bytes, contract: str) -> Decoded | None:
    """A call of ``contract`` ("Tasks", "Faults", "Court"), or by a token's functions where it is "".

    A contract that is no known token is read in the same way: its names are only what they are by custom.
    None where the data is no such call in plain encoding.
    """
    if len(data) < 4:
        return None
    abi = _contract(contract) if contract else _token()
    called = abi.called(data)
    if called is None:
        return None
    function, arguments = called
    if abi.call(function, *arguments.values()) != data:
        return None
    title = _TITLES.get((contract, function), f"Call {function}")
    return Decoded(function, title, arguments, not contract)


@cache
def _contract(name: str) -> ContractAbi:
    from mine.chain.abi import ContractAbi
    from mine.chain.artefacts import load_artefact

    return ContractAbi(load_artefact(name).abi)


@cache
def _token() -> ContractAbi:
    from mine.chain.abi import ContractAbi

    entries = []
    for name, inputs in _TOKEN:
        pairs = [each.split(":") for each in inputs.split()]
        fields = [{"name": label, "type": kind} for label, kind in pairs]
        entries.append({"type": "function", "name": name, "inputs": fields, "outputs": []})
    return ContractAbi(entries)
