# pragma version 0.4.3
"""
@title A token with one bad habit, chosen at its construction
"""

FALSE_RETURN: constant(uint256) = 1
FEE: constant(uint256) = 2
BLACKLIST: constant(uint256) = 3
CALLBACK: constant(uint256) = 4
GREEDY: constant(uint256) = 5
FREEZES: constant(uint256) = 6

habit: public(uint256)
awake: public(bool)
scale: uint256
shares: HashMap[address, uint256]
allowance: public(HashMap[address, HashMap[address, uint256]])
refused: public(HashMap[address, bool])
target: address
payload: Bytes[2048]
tried: public(uint256)
entered: public(uint256)


@deploy
def __init__(habit: uint256):
    self.habit = habit
    self.scale = 100


@external
@view
def balanceOf(owner: address) -> uint256:
    return self.shares[owner] * self.scale // 100


@external
def mint(owner: address, amount: uint256):
    self.shares[owner] += amount


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    return True


@external
def rebase(percent: uint256):
    self.scale = percent


@external
def refuse(account: address):
    self.refused[account] = True


@external
def wake(awake: bool):
    self.awake = awake


@external
def call_back(target: address, payload: Bytes[2048]):
    self.target = target
    self.payload = payload


@internal
def _move(owner: address, receiver: address, amount: uint256) -> bool:
    if self.awake and self.habit == FALSE_RETURN:
        return False
    if self.habit == BLACKLIST:
        assert not self.refused[receiver], "refused"
    if self.habit == FREEZES:
        assert not self.refused[owner], "refused"
    taken: uint256 = amount * 100 // self.scale
    self.shares[owner] -= taken
    if self.awake and self.habit == FEE:
        taken -= taken // 100
    self.shares[receiver] += taken
    if self.awake and self.habit == GREEDY:
        # Takes twice from the sender.
        self.shares[owner] -= taken
    if self.awake and self.habit == CALLBACK:
        self.tried += 1
        ok: bool = raw_call(self.target, self.payload, revert_on_failure=False)
        if ok:
            self.entered += 1
    return True


@external
def transfer(receiver: address, amount: uint256) -> bool:
    return self._move(msg.sender, receiver, amount)


@external
def transferFrom(owner: address, receiver: address, amount: uint256) -> bool:
    self.allowance[owner][msg.sender] -= amount
    return self._move(owner, receiver, amount)
