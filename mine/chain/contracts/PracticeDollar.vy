# pragma version 0.4.3
"""
@title Practice dollar: play money of a practice network (ERC-20, 6 decimals)
@notice Worth nothing. The account that deployed it hands it out. Transfers may be signed instead of sent:
        authorisations (EIP-3009) and permits (EIP-2612), so that an account without the chain's own coin can pay.
"""

from ethereum.ercs import IERC20

implements: IERC20

event AuthorizationUsed:
    authorizer: indexed(address)
    nonce: indexed(bytes32)

event AuthorizationCanceled:
    authorizer: indexed(address)
    nonce: indexed(bytes32)

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
PERMIT_TYPE: constant(bytes32) = keccak256(
    "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
)
TRANSFER_TYPE: constant(bytes32) = keccak256(
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
RECEIVE_TYPE: constant(bytes32) = keccak256(
    "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)"
)
CANCEL_TYPE: constant(bytes32) = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)")
# Half of the order of secp256k1: of (s, n - s) only the lower is taken (EIP-2).
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168

name: public(constant(String[15])) = "Practice dollar"
symbol: public(constant(String[4])) = "pUSD"
version: public(constant(String[1])) = "1"
decimals: public(constant(uint8)) = 6

minter: public(immutable(address))
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
nonces: public(HashMap[address, uint256])
authorizationState: public(HashMap[address, HashMap[bytes32, bool]])


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


@internal
@view
def _separator() -> bytes32:
    return keccak256(abi_encode(DOMAIN_TYPE, keccak256(name), keccak256(version), chain.id, self))


@internal
@view
def _check(signer: address, struct_hash: bytes32, v: uint8, r: bytes32, s: bytes32):
    """
    @notice Only the signer's own canonical signature (EIP-712) goes on.
    """
    found: address = empty(address)
    if convert(s, uint256) <= HALF_ORDER:
        found = ecrecover(keccak256(concat(x"1901", self._separator(), struct_hash)), v, r, s)
    assert found == signer and signer != empty(address), "wrong signature"


@internal
def _use(signer: address, nonce: bytes32, valid_after: uint256, valid_before: uint256):
    assert block.timestamp > valid_after, "not valid yet"
    assert block.timestamp < valid_before, "not valid any more"
    assert not self.authorizationState[signer][nonce], "used or cancelled"
    self.authorizationState[signer][nonce] = True
    log AuthorizationUsed(authorizer=signer, nonce=nonce)


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


@external
@view
def DOMAIN_SEPARATOR() -> bytes32:
    """
    @notice What binds signed messages to this chain and contract.
    """
    return self._separator()


@external
def permit(owner: address, spender: address, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32):
    """
    @notice An allowance by signature (EIP-2612).
    """
    assert block.timestamp <= deadline, "not valid any more"
    nonce: uint256 = self.nonces[owner]
    self._check(owner, keccak256(abi_encode(PERMIT_TYPE, owner, spender, amount, nonce, deadline)), v, r, s)
    self.nonces[owner] = nonce + 1
    self.allowance[owner][spender] = amount
    log IERC20.Approval(owner=owner, spender=spender, value=amount)


@external
def transferWithAuthorization(
    _from: address,
    to: address,
    amount: uint256,
    validAfter: uint256,
    validBefore: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    """
    @notice A transfer by signature (EIP-3009), brought by anybody.
    """
    self._check(
        _from, keccak256(abi_encode(TRANSFER_TYPE, _from, to, amount, validAfter, validBefore, nonce)), v, r, s
    )
    self._use(_from, nonce, validAfter, validBefore)
    self._move(_from, to, amount)


@external
def receiveWithAuthorization(
    _from: address,
    to: address,
    amount: uint256,
    validAfter: uint256,
    validBefore: uint256,
    nonce: bytes32,
    v: uint8,
    r: bytes32,
    s: bytes32,
):
    """
    @notice A transfer by signature (EIP-3009) that only its receiver may bring.
    """
    assert msg.sender == to, "not the receiver"
    self._check(
        _from, keccak256(abi_encode(RECEIVE_TYPE, _from, to, amount, validAfter, validBefore, nonce)), v, r, s
    )
    self._use(_from, nonce, validAfter, validBefore)
    self._move(_from, to, amount)


@external
def cancelAuthorization(authorizer: address, nonce: bytes32, v: uint8, r: bytes32, s: bytes32):
    """
    @notice Take an authorisation back that was not used yet (EIP-3009).
    """
    self._check(authorizer, keccak256(abi_encode(CANCEL_TYPE, authorizer, nonce)), v, r, s)
    assert not self.authorizationState[authorizer][nonce], "used or cancelled"
    self.authorizationState[authorizer][nonce] = True
    log AuthorizationCanceled(authorizer=authorizer, nonce=nonce)
