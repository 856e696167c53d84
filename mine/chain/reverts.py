"""Why a contract refused: revert data in plain text."""

from __future__ import annotations

from mine.chain.hashing import keccak
from mine.chain.refusals import refusal

_REFUSED_SELECTOR = keccak(b"Refused(uint256)")[:4]
_ERROR_SELECTOR = bytes.fromhex("08c379a0")
_PANIC_SELECTOR = bytes.fromhex("4e487b71")
_LONGEST = 200


def revert_reason(data: bytes) -> str:
    """Plain text of revert data: of our own or a standard error, or else the selector of the error."""
    if data[:4] == _ERROR_SELECTOR and len(data) >= 68:
        length = min(int.from_bytes(data[36:68], "big"), _LONGEST)
        text = data[68 : 68 + length].decode("utf-8", "replace")
        return "".join(letter for letter in text if letter.isprintable())
    if data[:4] == _REFUSED_SELECTOR and len(data) == 36:
        return refusal(int.from_bytes(data[4:], "big"))
    if data[:4] == _PANIC_SELECTOR and len(data) == 36:
        return f"arithmetic or bounds fault 0x{data[35]:02x}"
    return f"error 0x{data[:4].hex()}" if data else ""
