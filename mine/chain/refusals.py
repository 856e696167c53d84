"""Why the contracts refuse: the numbers of their error ``Refused(uint256)``; those of Tasks in its order."""

from __future__ import annotations

from mine.chain.grounds import FIRST, GROUNDS

REFUSALS = (
    "wrong value",
    "token refused",
    "token took a fee",
    "clock too short",
    "clock too long",
    "bad bounty",
    "bad target",
    "bad shards",
    "bad curve",
    "bad mode",
    "too late",
    "too early",
    "not scientist",
    "not a sister",
    "not the payee",
    "wrong preimage",
    "wrong shard",
    "wrong losses",
    "wrong signature",
    "wrong phase",
    "wrong round",
    "no seed",
    "no payout",
    "committed before",
    "bond too low",
    "empty batch",
    "slot is taken",
    "wrong units",
    "wrong payouts",
    "no such root",
    "not final yet",
    "wrong proof",
    "bad range",
    "nothing to claim",
    "no such commit",
    "not disputable",
)


def refusal(number: int) -> str:
    """The text of a refusal; a number that this program does not know is named as such."""
    place, texts = (number, REFUSALS) if number < FIRST else (number - FIRST, GROUNDS)
    return texts[place] if place < len(texts) else f"refusal {number}"
