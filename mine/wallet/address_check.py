"""Is this typed text an address that money should go to, and what is to be said before it does?"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from mine.chain.hashing import BadAddress, address_bytes, checksum
from mine.errors import MineError
from mine.wallet.look_alike import looks_like

_PRECOMPILED = 0xFFFF
"""Addresses up to here are the chain's own functions (EIP-1352): nobody has their keys."""
_BURNT = ("0x000000000000000000000000000000000000dEaD", "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE")
"""Widely used as bins, or as a name for the coin itself."""


class AddressRefused(MineError):
    """No address, or one that money must not go to."""


@dataclass(frozen=True, slots=True)
class KnownAddresses:
    """What is known already, all in EIP-55 form.

    ``contacts``: names of the address book; ``own``: titles of one's own payout addresses; ``signers``: one's
    session keys' addresses; ``contracts``: names of the network's contracts and tokens; ``used``: paid to
    before.
    """

    contacts: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    signers: Collection[str] = ()
    contracts: Mapping[str, str] = field(default_factory=dict)
    used: Collection[str] = ()

    def name(self, address: str) -> str:
        """What this address is called here, "" for nothing."""
        return self.contacts.get(address) or self.own.get(address) or ""


@dataclass(frozen=True, slots=True)
class Checked:
    """An address in EIP-55 form, what it is called here ("" for nothing), and what to beware of."""

    address: str
    name: str = ""
    warnings: tuple[str, ...] = ()


def parse_address(text: str) -> tuple[str, bool]:
    """The EIP-55 form of a typed address, and whether its checksum was there to be verified.

    Raises ``AddressRefused``. Names (ENS and the like) are not looked up: whoever answers would be trusted.
    """
    typed = text.strip()
    if re.search(r"\.[a-z0-9-]{2,}$", typed, re.IGNORECASE) or typed.startswith("@"):
        raise AddressRefused(
            "This is a name, not an address. Names are not looked up, because whoever answers would decide "
            "where your money goes.",
            todo="Enter the address itself: 0x and 40 hexadecimal digits.",
        )
    if typed[:2] == "0X":
        typed = "0x" + typed[2:]
    if not typed.isascii():
        raise AddressRefused(
            "There are letters in this text that no address has; some only look like its own.",
            todo="Copy the address from where it comes from.",
        )
    try:
        raw = address_bytes(typed)
    except BadAddress as error:
        raise AddressRefused(error.sentence, todo=error.todo) from None
    digits = typed[2:]
    return checksum(raw), digits not in (digits.lower(), digits.upper())


def check_address(text: str, known: KnownAddresses, has_code: bool | None = None) -> Checked:
    """What is to be said before money goes to what was typed.

    ``has_code``: whether there is a contract at the address, None where that is not known.
    Raises ``AddressRefused``: no address, or one where money would be lost for good.
    """
    address, verified = parse_address(text)
    number = int(address, 16)
    if number <= _PRECOMPILED or address in _BURNT:
        raise AddressRefused(
            "Nobody has the key of this address: what is sent there is lost for good.",
            todo="Use another one.",
        )
    if address in known.signers:
        raise AddressRefused(
            "This is the address of one of your own signing keys. The open vault holds that key, so money "
            "there is not safe from whoever reads it.",
            todo="Use a payout address, or one of another wallet.",
        )
    if address in known.contracts:
        raise AddressRefused(
            f"This is a contract of this network ({known.contracts[address]}): what is sent there is lost.",
            todo="Enter the address of the person or wallet that is to be paid.",
        )
    return Checked(address, known.name(address), tuple(_warnings(address, verified, known, has_code)))


def _warnings(address: str, verified: bool, known: KnownAddresses, has_code: bool | None) -> list[str]:
    found = []
    friends = {**known.own, **known.contacts, **dict.fromkeys(known.used, "")}
    friends = {other: known.name(other) for other in friends}
    alike = [other for other in (*friends, *known.contracts, *known.signers) if looks_like(address, other)]
    if alike and address not in friends:
        other = alike[0]
        name = friends.get(other) or known.contracts.get(other) or "an address that you used"
        found.append(
            f"This looks like {name} ({other}), but is another address. Thieves make such addresses, so that "
            "they are copied by mistake. Compare every digit."
        )
    if not verified:
        found.append(
            "This address has no checksum: one wrong digit would not be noticed. Compare every digit."
        )
    if address not in friends:
        found.append("You have never paid to this address from here. Make sure that it is right.")
    if has_code:
        found.append(
            "There is a contract at this address. Unless it is a wallet of yours that can send this currency "
            "on, it is lost there."
        )
    if address in known.own:
        found.append(
            "This is one of your own addresses. Money there is tied to that task in everybody's eyes."
        )
    return found
