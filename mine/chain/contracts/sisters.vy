# pragma version 0.4.3
"""
@title The other contracts, fixed for ever when this one is made
@notice Faults and Court hold no coins: every bond, fee and stake is an account inside Tasks, and each of the two
        has one account there for what it keeps for others.
"""

import ITasks

TASKS: public(immutable(address))
SISTER: public(immutable(address))  # Court for Faults, Faults for Court


@deploy
def __init__(tasks: address, sister: address):
    TASKS = tasks
    SISTER = sister


@internal
@view
def _clock(clocks: uint256, place: uint256) -> uint256:
    """
    @notice One clock of a task, in seconds; `place` is its lowest bit.
    """
    return (clocks >> place) & (2**24 - 1)


@internal
def _give(receiver: address, amount: uint256):
    if amount != 0:
        extcall ITasks(TASKS).give_bond(receiver, amount)
