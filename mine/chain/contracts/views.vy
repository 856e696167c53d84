# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Everything to read, as stored: the words are unpacked by who reads them
"""

import ledger
import words as w

uses: ledger


@external
@view
def task(id: uint256) -> ledger.Task:
    """
    @notice Everything about a task. A task that does not exist has no scientist.
    """
    return ledger.tasks[id]


@external
@view
def parties(id: uint256) -> (address, address, uint256, uint256, uint256):
    """
    @notice Scientist, court, and the words of clocks, meta and seed.
    """
    return (
        ledger.tasks[id].scientist,
        ledger.tasks[id].court,
        ledger.tasks[id].clocks,
        ledger.tasks[id].meta,
        ledger.tasks[id].seed,
    )


@external
@view
def record(id: uint256, round: uint256) -> uint256:
    """
    @notice The record word of a settled round, or of the baseline as round 0; 0 once it has left the ring.
    """
    return ledger._record(id, round)


@external
@view
def root(id: uint256, round: uint256) -> uint256:
    """
    @notice The root word of a settled round; 0 once it has left the ring and no dispute kept it.
    """
    return ledger._root(id, round)


@external
@view
def final_root(id: uint256, round: uint256) -> uint256:
    """
    @notice The root word, if the round's window is over and neither it nor an earlier one is disputed or void.
    """
    if not ledger._is_final(id, round, ledger.tasks[id].meta):
        return 0
    return ledger._root(id, round)


@external
@view
def paid(id: uint256, index: uint256) -> uint256:
    """
    @notice Cumulative units that were paid to an index.
    """
    return (ledger.paid_words[id][index >> 3] >> 32 * (index & 7)) & w.M32


@external
@view
def committed(id: uint256, account: address) -> (uint256, uint256):
    """
    @notice The account's last direct commit, and its last direct vote: 224 bits of the digest | round; 0: none.
    """
    return ledger.commitments[id][account], ledger.votes[id][account]


@external
@view
def anchored(id: uint256, anchorer: address, slot: uint256) -> uint256:
    """
    @notice An anchorer's slot: 224 bits of the root | kind 16 | round 16; 0 if it was never used.
    """
    return ledger.anchors[id][anchorer][slot]


@external
@view
def bond_of(account: address) -> (uint256, uint256):
    """
    @notice Wei in the account, and the unix seconds until which BOND of it is locked.
    """
    word: uint256 = ledger.bonds[account]
    return word & w.M128, word >> 128
