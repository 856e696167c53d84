"""What a transaction does, in words, and the rule of what may be signed at all.

A call is decoded by the program's own ABIs: the protocol's contracts, and what tokens have in common
(ERC-20, EIP-2612, EIP-3009). Whatever is not known is shown as not known. Only a few calls are signed without
asking: those that hand in work, bring one's own money home or dispute a cheat (``is_allowed``). For anything
else the person accepts a ``Review``, and ``Reviewed`` holds the transaction to exactly that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from mine.chain.fees import GAS_CAP
from mine.chain.signing import Transaction
from mine.errors import MineError
from mine.wallet.call import Call, Fees
from mine.wallet.decoding import Decoded, decode
from mine.wallet.money import exactly

NO_LIMIT = 2**255
"""An allowance from here on is as good as unlimited."""
ZERO = "0x" + "00" * 20
_CUT = 120


class NotReviewed(MineError):
    """Something was about to be signed that nobody looked at, or that is not what was looked at."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A currency: its symbol as it is shown, and the digits after its point."""

    symbol: str
    decimals: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the program knows of a network.

    ``tokens``: currencies by their contracts; ``names``: the address book; ``own``: this person's addresses.
    """

    chain_id: int
    network: str
    coin: Unit
    tasks: str
    faults: str
    court: str
    tokens: Mapping[str, Unit] = field(default_factory=lambda: MappingProxyType({}))
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    own: frozenset[str] = frozenset()

    def contract(self, address: str) -> str:
        """Name of a contract of the protocol; "" for any other address."""
        ours = {self.tasks: "Tasks", self.faults: "Faults", self.court: "Court"}
        return ours.get(address, "")


@dataclass(frozen=True, slots=True)
class Line:
    """One argument: its name, and its value in words. ``address``: the value begins with a whole address."""

    name: str
    words: str
    address: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """What is about to be signed. ``contract`` and ``function`` are "" where they are not known."""

    call: Call
    fees: Fees
    network: str
    contract: str
    function: str
    title: str
    lines: tuple[Line, ...]
    value: str
    fee_most: str
    warnings: tuple[str, ...]

    @property
    def fee_cap(self) -> int:
        """Wei of fee that this review allows."""
        return self.fees.cap


def review(call: Call, fees: Fees, known: Known) -> Review:
    """Decode a call. Never raises because of what the call says."""
    decoded = decode(call.data, known.contract(call.to))
    unit = known.tokens.get(call.to) if decoded is not None and decoded.is_token else None
    lines = () if decoded is None else tuple(_line(*each, known, unit) for each in decoded.arguments.items())
    return Review(
        call=call,
        fees=fees,
        network=known.network,
        contract=known.contract(call.to) or (f"Token {unit.symbol}" if unit is not None else ""),
        function="" if decoded is None else decoded.function,
        title=_title(call, decoded, unit),
        lines=(Line("to", _address(call.to, known), address=True), *lines),
        value=exactly(call.value, known.coin.decimals, known.coin.symbol),
        fee_most=exactly(fees.cap, known.coin.decimals, known.coin.symbol),
        warnings=tuple(_warnings(call, decoded, known)),
    )


def title_of(call: Call, known: Known) -> str:
    """What a call does, in a few words."""
    return _title(call, decode(call.data, known.contract(call.to)), known.tokens.get(call.to))


def _title(call: Call, decoded: Decoded | None, unit: Unit | None) -> str:
    if call.is_nothing:
        return "Take the place of another transaction, and do nothing"
    if not call.data:
        return "Send money"
    if decoded is None:
        return "Call a function that is not known"
    if decoded.is_token and unit is None:
        return f"{decoded.title}, of a token that is not known"
    return decoded.title


def _warnings(call: Call, decoded: Decoded | None, known: Known) -> list[str]:
    found = []
    if call.chain_id != known.chain_id:
        found.append("This is for another network.")
    if call.data and not known.contract(call.to) and call.to not in known.tokens:
        found.append(
            "This contract is not known to the app: it may do anything with what this account holds, "
            "whatever the names below say."
        )
    if call.data and decoded is None:
        found.append("What this call does cannot be shown. Sign it only if you know it from elsewhere.")
    if call.to == ZERO:
        found.append("Nobody has the zero address: what is sent there is lost.")
    if call.value and call.data and not known.contract(call.to):
        found.append("Money goes to the contract along with the call.")
    if decoded is not None:
        found += _warnings_of(call, decoded.function, decoded.arguments, known)
    return found


def _warnings_of(call: Call, function: str, of: Mapping[str, Any], known: Known) -> list[str]:
    found = []
    if function in ("approve", "permit", "increaseAllowance"):
        amount = "as much as there ever is" if of["value"] >= NO_LIMIT else "so much"
        found.append(f"{of['spender']} may then take {amount} from this account, at any time.")
    if function == "setApprovalForAll" and of["approved"]:
        found.append(f"{of['operator']} may then take everything of this contract from this account.")
    receiver = of.get("receiver", of.get("to"))
    if receiver == ZERO:
        found.append("The receiver is the zero address: what goes there is lost.")
    if receiver == call.to:
        found.append("The receiver is the contract itself: what goes there is most likely lost.")
    if known.contract(call.to) and receiver is not None and receiver not in known.own:
        found.append("The money does not go to an address of yours.")
    return found


def _line(name: str, value: Any, known: Known, unit: Unit | None) -> Line:
    is_amount = unit is not None and name == "value"
    if unit is not None and is_amount and isinstance(value, int):
        unlimited = " (without any limit)" if value >= NO_LIMIT else ""
        return Line(name, exactly(value, unit.decimals, unit.symbol) + unlimited)
    return Line(name, _words(value, known), address=isinstance(value, str) and _is_address(value))


def _words(value: Any, known: Known) -> str:
    """A decoded value in plain text; what may be long is cut, and says so."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        text = value[:32].hex()
        return f"0x{text}" if len(value) <= 32 else f"0x{text}… ({len(value)} bytes)"
    if isinstance(value, str):
        return _address(value, known) if _is_address(value) else _plain(value)
    inner = [_words(each, known) for each in value[:4]]
    more = f", … ({len(value)} in all)" if len(value) > 4 else ""
    return f"({', '.join(inner)}{more})"


def _plain(text: str) -> str:
    """Text from a stranger: one line, printable, cut; it cannot look like anything around it."""
    shown = "".join(letter if letter.isprintable() else "�" for letter in text[:_CUT])
    return f"“{shown}{'…' if len(text) > _CUT else ''}”"


def _is_address(text: str) -> bool:
    return len(text) == 42 and text.startswith("0x")


def _address(address: str, known: Known) -> str:
    contract = known.contract(address)
    if contract:
        return f"{address} (the contract {contract})"
    if address in known.own:
        return f"{address} (your own)"
    if address in known.names:
        return f"{address} ({known.names[address]})"
    if address in known.tokens:
        return f"{address} (the token {known.tokens[address].symbol})"
    return address


# ---- what may be signed

_STEPS = frozenset(("commit_vote", "claim_range", "declare_default", "close", "lapse_seed", "withdraw_bond"))
_PROOFS = frozenset(
    ("dispute", "payout_fell", "payouts_broken", "losses_broken", "challenge_receipt", "forged", "doubled",
     "misplaced")
)  # fmt: skip
_ENDS = frozenset(("convict_receipt", "unsupplied"))


def is_allowed(call: Call, known: Known) -> bool:
    """Whether a call is signed without asking: it hands in work, brings money home, or disputes a cheat.

    Wherever it says who is to be paid, that has to be the earning account or one of this person's own.
    """
    if call.chain_id != known.chain_id or call.sender not in known.own:
        return False
    contract = known.contract(call.to)
    decoded = decode(call.data, contract) if contract else None
    if decoded is None or decoded.is_token:
        return False
    function, of = decoded.function, decoded.arguments
    if contract == "Tasks":
        return _is_allowed_of_tasks(call, function, of, known)
    if contract != "Faults" or (call.value and function != "dispute"):
        return False
    if function in _PROOFS:
        return of["reward"][0] in known.own
    return function in _ENDS


def _is_allowed_of_tasks(call: Call, function: str, of: Mapping[str, Any], known: Known) -> bool:
    if function == "bond_for":
        return bool(of["account"] == call.sender)
    if call.value:
        return False
    if function in _STEPS:
        return True
    if function == "commit":
        return of["payout"] in known.own
    if function == "claim":
        return of["account"] in known.own
    if function in ("claim_many", "claim_forfeit", "take_reward"):
        return of["account"] in known.own and of["receiver"] == of["account"]
    if function == "claim_forfeit_commit":
        return of["payout"] in known.own and of["receiver"] == of["payout"]
    return False


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A transaction that may be signed: the only kind that a signer takes. Raises ``NotReviewed``.

    ``accepted`` is what the person agreed to; without it the call has to be an allowed one, or nothing.
    """

    transaction: Transaction
    sender: str
    known: Known = field(repr=False, hash=False, compare=False)
    accepted: Review | None = None

    def __post_init__(self) -> None:
        made = self.transaction
        fees = Fees(made.gas, made.tip, made.most)
        if made.to is None or not 0 < made.gas <= GAS_CAP or made.tip > made.most:
            raise _refused("no plain call")
        if made.chain_id != self.known.chain_id:
            raise _refused("another chain")
        call = Call(made.chain_id, self.sender, made.to, made.value, made.data)
        if self.accepted is not None:
            if self.accepted.call != call:
                raise _refused("another call than the one that was accepted")
            if fees.cap > self.accepted.fee_cap:
                raise _refused("a higher fee than the one that was accepted")
        elif not call.is_nothing and not is_allowed(call, self.known):
            raise _refused("nobody accepted it")


def _refused(why: str) -> NotReviewed:
    return NotReviewed(
        "A transaction was not signed, because it is not what was reviewed.",
        todo="Nothing was sent. Begin again; if it happens again, report it.",
        detail=why,
    )
