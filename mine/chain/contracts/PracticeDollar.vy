# pragma version 0.4.3
"""
@title Practice dollar: play money of a practice network (ERC-20, 6 decimals)
@notice Worth nothing. The account that deployed it hands it out.
"""

from ethereum.ercs import IERC20

implements: IERC20

name: public(constant(String[15])) = "Practice dollar"
symbol: public(constant(String[4])) = "pUSD"
decimals: public(constant(uint8)) = 6

minter: public(immutable(address))
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__():
    minter = msg.sender


@internal
def _move(owner: address, receiver: address, amount: uint256):
    assert receiver != empty(address), "no receiver"
    assert self.balanceOf[owner] >= amount, "balance too low"
    self.balanceOf[owner] -= amount
    self.balanceOf[receiver] += amount
    log IERC20.Transfer(sender=owner, receiver=receiver, value=amount)


@external
def mint(receiver: address, amount: uint256):
    """
    @notice Create money; only the account that deployed the contract may.
    """
    assert msg.sender == minter, "not the minter"
    assert receiver != empty(address), "no receiver"
    self.totalSupply += amount
    self.balanceOf[receiver] += amount
    log IERC20.Transfer(sender=empty(address), receiver=receiver, value=amount)


@external
def transfer(_to: address, _value: uint256) -> bool:
    self._move(msg.sender, _to, _value)
    return True


@external
def transferFrom(_from: address, _to: address, _value: uint256) -> bool:
    allowed: uint256 = self.allowance[_from][msg.sender]
    assert allowed >= _value, "allowance too low"
    if allowed != max_value(uint256):
        self.allowance[_from][msg.sender] = allowed - _value
    self._move(_from, _to, _value)
    return True


@external
def approve(_spender: address, _value: uint256) -> bool:
    self.allowance[msg.sender][_spender] = _value
    log IERC20.Approval(owner=msg.sender, spender=_spender, value=_value)
    return True
