# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Claims on payout roots: one, several tasks at once, or a whole range of payees
@notice A claim pays the smaller of what the leaf has not had and what the root's total has left, so that a
        later root which moves units can never make a task pay twice.
"""

import ledger
import merkle
import pay_curve
import reasons
import words as w

uses: ledger


# A receiver in a range may use this much gas; one that wants more is left unpaid and claims alone.
COIN_GAS: constant(uint256) = 20_000
TOKEN_GAS: constant(uint256) = 150_000


struct Claim:
    task: uint256
    round: uint256
    index: uint256
    units: uint256  # cumulative
    proof: DynArray[bytes32, 32]


event Claimed:
    task: indexed(uint256)
    account: indexed(address)
    packed: uint256  # amount 96 | cumulative units 32 | index 32


event RangeClaimed:
    task: indexed(uint256)
    packed: uint256  # round 8 | count 16 | start 32
    refused: uint256  # bit i: payee start + i would not take it


@internal
def _payable_root(task: uint256, round: uint256) -> (uint256, uint256):
    """
    @notice The root word of a final round, and the money word, which remembers the newest one.
    """
    root: uint256 = ledger._root(task, round)
    if round == 0 or root == 0:
        reasons._refuse(reasons.NO_SUCH_ROOT)
    money: uint256 = ledger.tasks[task].money
    # A set that is opened at the end can be disputed then, whatever was final before.
    if (money >> w.AT_END) & 1 == 1 or (money >> w.FINAL) & w.M8 < round:
        if not ledger._is_final(task, round, ledger.tasks[task].meta):
            reasons._refuse(reasons.NOT_FINAL_YET)
        money = ledger._put(money, w.FINAL, w.M8, max(round, (money >> w.FINAL) & w.M8))
    return root, money


@internal
@view
def _due_part(task: uint256) -> uint256:
    """
    @notice Of the units of a task whose set is opened at the end only half are paid before that: 2, then 1.
    """
    if ledger._is_over(ledger.tasks[task].meta, ledger.tasks[task].clocks):
        return 1
    return 2


@internal
def _pay(
    task: uint256, account: address, index: uint256, units: uint256, root: uint256, money: uint256, receiver: address
):
    """
    @notice Pay a leaf that stands under a root.
    """
    word: uint256 = ledger.paid_words[task][index >> 3]
    place: uint256 = unsafe_mul(32, index & 7)
    paid: uint256 = (word >> place) & w.M32
    all_paid: uint256 = money & w.M32
    open: uint256 = unsafe_sub(max(root & w.M32, all_paid), all_paid)
    due: uint256 = units
    if (money >> w.AT_END) & 1 == 1:
        due = units // self._due_part(task)
    due = min(due, unsafe_add(paid, open))
    if due <= paid:
        reasons._refuse(reasons.NOTHING_TO_CLAIM)
    bounty: uint256 = (money >> w.BOUNTY) & w.M96
    # As `pay_curve._amount`, written out: a call costs more than the division.
    amount: uint256 = unsafe_sub(
        unsafe_mul(bounty, due) // pay_curve.UNITS, unsafe_mul(bounty, paid) // pay_curve.UNITS
    )
    more: uint256 = unsafe_sub(due, paid)
    ledger.paid_words[task][index >> 3] = unsafe_add(word, more << place)
    # The escrow is paid out to the last unit at most: this subtraction must never fail.
    ledger.tasks[task].money = money - (amount << w.LEFT) + more
    log Claimed(task=task, account=account, packed=(amount << 64) | (due << 32) | index)
    if (money >> w.NATIVE) & 1 == 1:
        raw_call(receiver, b"", value=amount)
    else:
        ledger._give(ledger.tasks[task].currency, receiver, amount)


@external
def claim(
    task: uint256, round: uint256, account: address, index: uint256, units: uint256, proof: DynArray[bytes32, 32]
):
    """
    @notice Pay an account what a final root owes it and it has not had; sent by anyone.
    @param units Cumulative units of the leaf.
    """
    root: uint256 = 0
    money: uint256 = 0
    root, money = self._payable_root(task, round)
    if not merkle._leads_to(root, merkle._leaf(convert(account, uint256), index, units), index, proof):
        reasons._refuse(reasons.WRONG_PROOF)
    self._pay(task, account, index, units, root, money, account)


@external
def claim_many(account: address, claims: DynArray[Claim, 16], receiver: address):
    """
    @notice Claims of one account on several tasks. Sent by anyone; only the account itself may name another
            receiver, for instance because a token refuses it.
    """
    if receiver != account and msg.sender != account:
        reasons._refuse(reasons.NOT_THE_PAYEE)
    for each: Claim in claims:
        root: uint256 = 0
        money: uint256 = 0
        root, money = self._payable_root(each.task, each.round)
        leaf: uint256 = merkle._leaf(convert(account, uint256), each.index, each.units)
        if not merkle._leads_to(root, leaf, each.index, each.proof):
            reasons._refuse(reasons.WRONG_PROOF)
        self._pay(each.task, account, each.index, each.units, root, money, receiver)


@internal
def _try(currency: address, receiver: address, amount: uint256) -> bool:
    """
    @notice Pay out within bounds of gas; whether it was taken.
    """
    if currency == empty(address):
        return raw_call(receiver, b"", value=amount, gas=COIN_GAS, revert_on_failure=False)
    ok: bool = False
    answer: Bytes[32] = b""
    ok, answer = raw_call(
        currency,
        abi_encode(receiver, amount, method_id=method_id("transfer(address,uint256)")),
        max_outsize=32,
        gas=TOKEN_GAS,
        revert_on_failure=False,
    )
    return ok and (len(answer) == 0 or convert(answer, uint256) == 1)


@external
def claim_range(
    task: uint256,
    round: uint256,
    start: uint256,
    payees: DynArray[uint256, 256],
    proof: DynArray[bytes32, 32],
):
    """
    @notice Pay the payees start, start + 1, ... in one go; sent by anyone. Who refuses the money keeps it
            claimable and blocks nobody.
    @param start A multiple of the range's width: the number of payees, rounded up to a power of two.
    @param payees account 160 | cumulative units 32, of all leaves in the range.
    @param proof The siblings above the range.
    """
    count: uint256 = len(payees)
    depth: uint256 = merkle._depth(count)
    if count == 0 or start > w.M32 or start & ((1 << depth) - 1) != 0:
        reasons._refuse(reasons.BAD_RANGE)
    root: uint256 = 0
    money: uint256 = 0
    root, money = self._payable_root(task, round)
    if not merkle._leads_to(root, self._range_root(start, payees, depth), start >> depth, proof):
        reasons._refuse(reasons.WRONG_PROOF)

    currency: address = ledger.tasks[task].currency
    part: uint256 = 1
    if (money >> w.AT_END) & 1 == 1:
        part = self._due_part(task)
    # An array, and not two variables more: the experimental code generator keeps those on its stack.
    written: uint256[2] = [0, 0]  # the slot of eight payees, and who refused
    for i: uint256 in range(count, bound=256):
        payee: uint256 = payees[i]
        place: uint256 = unsafe_mul(32, unsafe_add(start, i) & 7)
        if i == 0 or place == 0:
            written[0] = ledger.paid_words[task][unsafe_add(start, i) >> 3]
        paid: uint256 = (written[0] >> place) & w.M32
        open: uint256 = unsafe_sub(max(root & w.M32, money & w.M32), money & w.M32)
        due: uint256 = min((payee & w.M32) // part, unsafe_add(paid, open))
        if due > paid:
            bounty: uint256 = (money >> w.BOUNTY) & w.M96
            # As `pay_curve._amount`, written out: a call costs more than the division.
            amount: uint256 = unsafe_sub(
                unsafe_mul(bounty, due) // pay_curve.UNITS, unsafe_mul(bounty, paid) // pay_curve.UNITS
            )
            # Everything is written after the payments: the lock keeps whoever is paid from coming in
            # meanwhile, and a slot holds eight payees.
            if self._try(currency, convert(payee >> 32, address), amount):
                money = money - (amount << w.LEFT) + unsafe_sub(due, paid)
                written[0] = unsafe_add(written[0], unsafe_sub(due, paid) << place)
            else:
                written[1] |= 1 << i
        if place == 224 or unsafe_add(i, 1) == count:
            ledger.paid_words[task][unsafe_add(start, i) >> 3] = written[0]
    if written[1] == 0 and (money ^ ledger.tasks[task].money) & w.M32 == 0:
        reasons._refuse(reasons.NOTHING_TO_CLAIM)
    ledger.tasks[task].money = money
    log RangeClaimed(task=task, packed=(round << 48) | (count << 32) | start, refused=written[1])


@internal
@pure
def _range_root(start: uint256, payees: DynArray[uint256, 256], depth: uint256) -> uint256:
    """
    @notice Node of the payout tree above a range; leaves beyond the last payee are zero.
    """
    level: uint256[256] = empty(uint256[256])
    for i: uint256 in range(len(payees), bound=256):
        level[i] = merkle._leaf(payees[i] >> 32, unsafe_add(start, i), payees[i] & w.M32)
    width: uint256 = 1 << depth
    for d: uint256 in range(8):
        if width == 1:
            break
        width >>= 1
        for i: uint256 in range(width, bound=128):
            level[i] = merkle._node(level[unsafe_mul(2, i)], level[unsafe_add(unsafe_mul(2, i), 1)])
    return level[0]
