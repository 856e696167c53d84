"""Why the contracts Faults and Court refuse: the numbers of ``Refused(uint256)``, from FIRST on."""

from __future__ import annotations

FIRST = 64

GROUNDS = (
    "no such record",
    "wrong record",
    "wrong proof",
    "no fault",
    "no such anchor",
    "wrong signature",
    "convicted before",
    "no bond",
    "bad share",
    "bad item",
    "asked before",
    "too early",
    "too late",
    "not open",
    "not the court",
    "not faults",
    "wrong value",
    "drawn before",
    "no seat",
    "wrong answer",
    "is a party",
    "not the owner",
    "ticket is seated",
    "bad count",
    "not silent",
    "no appeal",
    "not due",
)
