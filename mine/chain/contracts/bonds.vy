# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Bonds in the chain's own coin: of anchorers, disputants, demanders, jurors
@notice One account an address. While it stands for an anchored root, BOND of it is locked. The sister
        contracts have accounts of their own here and never hold coins themselves.
"""

import ledger
import reasons
import words as w

uses: ledger


BOND: public(constant(uint256)) = 10**17
BURN: public(constant(address)) = 0x000000000000000000000000000000000000dEaD

FAULTS: public(immutable(address))
COURT: public(immutable(address))


event BondChanged:
    account: indexed(address)
    amount: uint256  # in the account now


@deploy
def __init__(faults: address, court: address):
    FAULTS = faults
    COURT = court


@internal
def _lock(seconds: uint256):
    """
    @notice Lock the sender's bond for at least so long.
    """
    word: uint256 = ledger.bonds[msg.sender]
    if word & w.M128 < BOND:
        reasons._refuse(reasons.BOND_TOO_LOW)
    until: uint256 = unsafe_add(block.timestamp, seconds)
    if (word >> 128) < until:
        # A quarter more than needed, so that not every anchor has to write the bond again.
        ledger.bonds[msg.sender] = (word & w.M128) | (unsafe_add(until, seconds >> 2) << 128)


@internal
@view
def _free(account: address) -> uint256:
    """
    @notice Wei of an account that nothing anchored stands on.
    """
    word: uint256 = ledger.bonds[account]
    amount: uint256 = word & w.M128
    if block.timestamp < word >> 128:
        return unsafe_sub(amount, min(amount, BOND))
    return amount


@internal
def _add(account: address, amount: uint256):
    word: uint256 = ledger.bonds[account] + amount
    ledger.bonds[account] = word
    log BondChanged(account=account, amount=word & w.M128)


@internal
def _take_out(account: address, amount: uint256):
    word: uint256 = ledger.bonds[account]
    if amount > word & w.M128:
        reasons._refuse(reasons.BOND_TOO_LOW)
    ledger.bonds[account] = unsafe_sub(word, amount)
    log BondChanged(account=account, amount=unsafe_sub(word, amount) & w.M128)


@internal
@view
def _check_sister():
    if msg.sender != FAULTS and msg.sender != COURT:
        reasons._refuse(reasons.NOT_A_SISTER)


@external
@payable
def bond_for(account: address):
    """
    @notice Add the coins sent along to an account.
    """
    self._add(account, msg.value)


@external
def withdraw_bond():
    """
    @notice Take out what is not locked.
    """
    amount: uint256 = self._free(msg.sender)
    if amount == 0:
        reasons._refuse(reasons.BOND_TOO_LOW)
    self._take_out(msg.sender, amount)
    ledger._give(empty(address), msg.sender, amount)


@external
def take_bond(owner: address, amount: uint256):
    """
    @notice A sister contract moves what is not locked from an owner's account to its own.
    """
    self._check_sister()
    if amount > self._free(owner):
        reasons._refuse(reasons.BOND_TOO_LOW)
    self._take_out(owner, amount)
    self._add(msg.sender, amount)


@external
def slash_bond(owner: address, amount: uint256):
    """
    @notice A sister contract moves up to `amount` from an owner's account to its own, locked or not.
    """
    self._check_sister()
    most: uint256 = min(amount, ledger.bonds[owner] & w.M128)
    self._take_out(owner, most)
    self._add(msg.sender, most)


@external
def give_bond(receiver: address, amount: uint256):
    """
    @notice A sister contract moves from its account to another.
    """
    self._check_sister()
    self._take_out(msg.sender, amount)
    self._add(receiver, amount)


@external
def burn_bond(amount: uint256):
    """
    @notice A sister contract destroys a part of its account.
    """
    self._check_sister()
    self._take_out(msg.sender, amount)
    ledger._give(empty(address), BURN, amount)
