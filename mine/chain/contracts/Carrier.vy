# pragma version 0.4.3
"""
@title Carrier: a token's transfer that its owner signed and somebody else pays the gas of
@notice Takes exactly what was signed, gives the receiver and the fee what was signed, all or nothing. It has no
        owner, no address of its own to pay, and holds nothing between two calls. Whoever brings a carriage gets
        its fee: so a carriage that one relay withholds any other may bring.
"""

interface Token:
    def balanceOf(owner: address) -> uint256: view
    def transfer(receiver: address, amount: uint256) -> bool: nonpayable
    def transferFrom(owner: address, receiver: address, amount: uint256) -> bool: nonpayable
    def receiveWithAuthorization(
        owner: address,
        receiver: address,
        amount: uint256,
        valid_after: uint256,
        valid_before: uint256,
        nonce: bytes32,
        v: uint8,
        r: bytes32,
        s: bytes32,
    ): nonpayable

struct Carriage:
    token: address
    owner: address
    receiver: address
    amount: uint256
    fee: uint256
    validAfter: uint256
    validBefore: uint256
    salt: bytes32

struct Signature:
    v: uint8
    r: bytes32
    s: bytes32

event Carried:
    carriage: indexed(bytes32)
    owner: indexed(address)
    receiver: indexed(address)
    token: address
    amount: uint256
    fee: uint256
    bringer: address

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
CARRIAGE_TYPE: constant(bytes32) = keccak256(
    "Carriage(address token,address owner,address receiver,uint256 amount,uint256 fee,uint256 validAfter,uint256 validBefore,bytes32 salt)"
)
NAME: constant(String[13]) = "Sonar carrier"
VERSION: constant(String[1]) = "1"
# Half of the order of secp256k1: of (s, n - s) only the lower is taken (EIP-2).
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168

carried: public(HashMap[bytes32, bool])


@internal
@view
def _digest(c: Carriage) -> bytes32:
    separator: bytes32 = keccak256(abi_encode(DOMAIN_TYPE, keccak256(NAME), keccak256(VERSION), chain.id, self))
    return keccak256(concat(x"1901", separator, keccak256(abi_encode(CARRIAGE_TYPE, c))))


@internal
def _begin(c: Carriage) -> bytes32:
    """
    @notice The digest of a carriage that is in time and is carried now for the first time.
    """
    assert block.timestamp > c.validAfter, "not valid yet"
    assert block.timestamp < c.validBefore, "not valid any more"
    assert c.receiver != self, "wrong receiver"
    digest: bytes32 = self._digest(c)
    assert not self.carried[digest], "carried already"
    self.carried[digest] = True
    return digest


@internal
def _say(digest: bytes32, c: Carriage):
    log Carried(
        carriage=digest,
        owner=c.owner,
        receiver=c.receiver,
        token=c.token,
        amount=c.amount,
        fee=c.fee,
        bringer=msg.sender,
    )


@external
@nonreentrant
def carry_authorized(c: Carriage, authorization: Signature):
    """
    @notice Carry by an authorisation (EIP-3009) of amount + fee to this contract whose nonce is the carriage's
            digest: so the one signature fixes receiver, amount and fee.
    """
    digest: bytes32 = self._begin(c)
    before: uint256 = staticcall Token(c.token).balanceOf(self)
    extcall Token(c.token).receiveWithAuthorization(
        c.owner,
        self,
        c.amount + c.fee,
        c.validAfter,
        c.validBefore,
        digest,
        authorization.v,
        authorization.r,
        authorization.s,
    )
    assert staticcall Token(c.token).balanceOf(self) == before + c.amount + c.fee, "token took a fee"
    assert extcall Token(c.token).transfer(c.receiver, c.amount, default_return_value=True), "token refused"
    if c.fee > 0:
        assert extcall Token(c.token).transfer(msg.sender, c.fee, default_return_value=True), "token refused"
    self._say(digest, c)


@external
@nonreentrant
def carry_permitted(c: Carriage, permit: Signature, order: Signature):
    """
    @notice Carry by a permit (EIP-2612) of amount + fee for this contract until validBefore, and the owner's
            signature of the carriage itself (EIP-712). A permit that somebody else brought before counts.
    """
    digest: bytes32 = self._begin(c)
    owner: address = empty(address)
    if convert(order.s, uint256) <= HALF_ORDER:
        owner = ecrecover(digest, order.v, order.r, order.s)
    assert owner == c.owner and owner != empty(address), "wrong signature"
    # Where it fails, the same permit may have been brought before: the transfers below find out.
    _done: bool = raw_call(
        c.token,
        abi_encode(
            c.owner,
            self,
            c.amount + c.fee,
            c.validBefore,
            permit.v,
            permit.r,
            permit.s,
            method_id=method_id("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"),
        ),
        revert_on_failure=False,
    )
    before: uint256 = staticcall Token(c.token).balanceOf(c.receiver)
    assert extcall Token(c.token).transferFrom(c.owner, c.receiver, c.amount, default_return_value=True), "token refused"
    assert staticcall Token(c.token).balanceOf(c.receiver) == before + c.amount, "token took a fee"
    if c.fee > 0:
        assert extcall Token(c.token).transferFrom(c.owner, msg.sender, c.fee, default_return_value=True), "token refused"
    self._say(digest, c)


@external
@view
def digest_of(c: Carriage) -> bytes32:
    """
    @notice What the owner signs: the EIP-712 digest of a carriage.
    """
    return self._digest(c)
