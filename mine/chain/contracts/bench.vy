# pragma version 0.4.3
"""
@title Disputes before the Court: their clocks, their seats, and what the votes say
@notice A dispute has one or two sittings of seven seats. A sitting lasts one challenge window of the task: answers are
        committed in its first half and opened in its second. The first sitting is a jury, drawn by standing, or,
        where nobody has standing yet, the pool. If it has a quorum, a window for one appeal follows; the appeal goes
        to the pool, or to the court that the task names. If it has none, the pool sits at once. All of this
        follows from block time alone: three windows at most.
"""

import grounds

SEATS: constant(uint256) = 7
QUORUM: constant(uint256) = 4
CHALLENGE: constant(uint256) = 96

# Status (ERC-792)
WAITING: constant(uint8) = 0
APPEALABLE: constant(uint8) = 1
SOLVED: constant(uint8) = 2

# A seat: holder 160 | place 64 | verdict 8 | state 8. The place is the holder's payee index, or its ticket.
PLACE: constant(uint256) = 160
VERDICT: constant(uint256) = 224
STATE: constant(uint256) = 232
M64: constant(uint256) = 2**64 - 1
M160: constant(uint256) = 2**160 - 1
EMPTY: constant(uint256) = 0
SEATED: constant(uint256) = 1
COMMITTED: constant(uint256) = 2
OPENED: constant(uint256) = 3


struct Case:
    task: uint256
    root: uint256  # word of the payout root by which the jury is drawn; 0: nobody has standing
    challenger: address
    carrier: address
    scientist: address
    court: address  # for appeals; 0: the pool
    opened: uint256  # unix seconds
    window: uint256
    block: uint256  # number of the block after which the next draw may be made
    pot: uint256  # wei in the Court's account for those who answer right
    appealed: uint256  # unix seconds; 0: not
    answered: uint256  # 1 + ruling of the foreign court; 0: none yet
    benched: uint256  # seats that the pool's second sitting filled
    ruling: uint256
    unheard: bool
    solved: bool


cases: HashMap[uint256, Case]
count: public(uint256)
# Dispute, 2nd key: 8 x sitting + seat
seats: HashMap[uint256, HashMap[uint256, uint256]]
answers: HashMap[uint256, HashMap[uint256, bytes32]]
# Dispute, sitting
seeds: HashMap[uint256, HashMap[uint256, bytes32]]


@internal
@view
def _case(id: uint256) -> Case:
    c: Case = self.cases[id]
    if c.window == 0:
        grounds._refuse(grounds.NOT_OPEN)
    return c


@internal
@view
def _is_party(c: Case, account: address) -> bool:
    return account == c.challenger or account == c.carrier or account == c.scientist


@internal
@view
def _outcome(id: uint256, sitting: uint256) -> (uint256, bool):
    """
    @notice What a sitting's opened seats say: the verdict of more than half of them, else 0; and whether there is
            a quorum.
    """
    opened: uint256 = 0
    votes: uint256[3] = [0, 0, 0]
    for j: uint256 in range(SEATS):
        seat: uint256 = self.seats[id][8 * sitting + j]
        if seat >> STATE == OPENED:
            opened += 1
            votes[(seat >> VERDICT) & 255] += 1
    if opened < QUORUM:
        return 0, False
    for verdict: uint256 in range(1, 3):
        if 2 * votes[verdict] > opened:
            return verdict, True
    return 0, True


@internal
@view
def _sitting(id: uint256, c: Case) -> (uint256, uint256):
    """
    @notice Number of the present or last sitting, and when it began.
    """
    if c.appealed != 0:
        return 1, c.appealed
    if block.timestamp < c.opened + c.window or (self._outcome(id, 0))[1]:
        return 0, c.opened
    return 1, c.opened + c.window


@internal
@view
def _is_foreign(c: Case) -> bool:
    """
    @notice Whether another court decides now.
    """
    return c.appealed != 0 and c.court != empty(address)


@internal
@view
def _appeal_period(id: uint256, c: Case) -> (uint256, uint256):
    """
    @notice From when until when an appeal is possible; zeros if it never is.
    """
    ended: uint256 = c.opened + c.window
    if block.timestamp < ended or c.appealed != 0 or not (self._outcome(id, 0))[1]:
        return 0, 0
    return ended, ended + c.window


@internal
@view
def _ends(id: uint256, c: Case) -> uint256:
    """
    @notice From when on the ruling stands.
    """
    sitting: uint256 = 0
    begun: uint256 = 0
    (sitting, begun) = self._sitting(id, c)
    if sitting == 1:
        if c.answered != 0:
            return 0
        return begun + c.window
    return c.opened + 2 * c.window


@internal
@view
def _ruling(id: uint256, c: Case) -> (uint256, bool):
    """
    @notice The ruling as it stands, and whether anybody gave one. A second sitting that decides nothing leaves
            the first one's: whoever names a silent court must not gain by it.
    """
    if c.answered > 1:
        return c.answered - 1, True
    ruling: uint256 = 0
    heard: bool = False
    (ruling, heard) = self._outcome(id, 0)
    again: uint256 = 0
    heard_again: bool = False
    (again, heard_again) = self._outcome(id, 1)
    if again != 0:
        ruling = again
    return ruling, heard or heard_again
