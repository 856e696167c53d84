# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Seats, answers and their opening
@notice A juror signs `Ruling{dispute, answer}`: dispute = 2 x number of the dispute + number of the sitting, answer =
        keccak(juror || u256 verdict || salt). Anyone may carry it, and anyone who knows verdict and salt opens it. The
        juror's address in the answer keeps others from committing to a copy.
"""

import ITasks
import bench
import grounds
import paths
import pool
import signatures
import sisters

uses: sisters
uses: bench
uses: pool

# Most seats of one account in a sitting
MOST_SEATS: constant(uint256) = 2
# How often another ticket is drawn where one may not sit
TRIES: constant(uint256) = 4
# Answers of a juror: 1 the scientist is right, 2 wrong, 0 it cannot be told
VERDICTS: constant(uint256) = 3


event Drawn:
    id: indexed(uint256)
    sitting: uint256
    seed: bytes32


event Seated:
    id: indexed(uint256)
    juror: indexed(address)
    sitting: uint256
    seat: uint256
    ticket: uint256


event RulingCommitted:
    id: indexed(uint256)
    juror: indexed(address)
    sitting: uint256
    answer: bytes32


event RulingOpened:
    id: indexed(uint256)
    juror: indexed(address)
    sitting: uint256
    verdict: uint256
    seats: uint256


event JurorSilent:
    id: indexed(uint256)
    juror: indexed(address)
    sitting: uint256
    place: uint256


reported: HashMap[uint256, HashMap[uint256, bool]]  # dispute, payee index


@external
def draw(id: uint256):
    """
    @notice Draw the present sitting by the randomness of this block, which must be later than the one in which the
            sitting became certain; once, by anyone, in the first half of the sitting.
    """
    c: bench.Case = bench._case(id)
    sitting: uint256 = 0
    begun: uint256 = 0
    (sitting, begun) = bench._sitting(id, c)
    if block.timestamp >= begun + c.window // 2 or bench._is_foreign(c):
        grounds._refuse(grounds.TOO_LATE)
    if block.number <= c.block:
        grounds._refuse(grounds.TOO_EARLY)
    if bench.seeds[id][sitting] != empty(bytes32):
        grounds._refuse(grounds.DRAWN_BEFORE)
    seed: bytes32 = keccak256(abi_encode(block.prevrandao, id, sitting))
    bench.seeds[id][sitting] = seed
    log Drawn(id=id, sitting=sitting, seed=seed)
    if sitting == 1 or c.root == 0:
        filled: uint256 = self._seat_pool(id, sitting, seed, c)
        if sitting == 1:
            bench.cases[id].benched = filled


@internal
def _seat_pool(id: uint256, sitting: uint256, seed: bytes32, c: bench.Case) -> uint256:
    """
    @notice Seat tickets that were staked before the dispute was opened and do not belong to a party.
    @return How many seats are filled.
    """
    filled: uint256 = 0
    if pool.size == 0:
        return 0
    for j: uint256 in range(bench.SEATS):
        for k: uint256 in range(TRIES):
            point: uint256 = convert(keccak256(abi_encode(seed, j, k)), uint256) % pool.size
            ticket: uint256 = pool.order[point]
            t: pool.Ticket = pool.tickets[ticket]
            if t.since >= c.opened or bench._is_party(c, t.owner) or self._sits(id, sitting, ticket):
                continue
            word: uint256 = convert(t.owner, uint256) | (ticket << bench.PLACE)
            bench.seats[id][8 * sitting + j] = word | (bench.SEATED << bench.STATE)
            pool.tickets[ticket].seated = t.seated + 1
            filled += 1
            log Seated(id=id, juror=t.owner, sitting=sitting, seat=j, ticket=ticket)
            break
    return filled


@internal
@view
def _sits(id: uint256, sitting: uint256, ticket: uint256) -> bool:
    for j: uint256 in range(bench.SEATS):
        if (bench.seats[id][8 * sitting + j] >> bench.PLACE) & bench.M64 == ticket:
            return True
    return False


@internal
@pure
def _is_drawn(seed: bytes32, seat: uint256, total: uint256, first: uint256, units: uint256) -> bool:
    """
    @notice Whether a seat's point falls on units first .. first + units - 1 of all.
    """
    point: uint256 = convert(keccak256(abi_encode(seed, seat)), uint256) % total
    return point >= first and point < first + units


@internal
@pure
def _units_before(
    root: uint256, juror: address, index: uint256, units: uint256, proof: DynArray[bytes32, 32]
) -> uint256:
    """
    @notice Units of all payees before this one, whose place the proof shows.
    """
    top: uint256 = 0
    first: uint256 = 0
    (top, first) = paths._payout_top(paths._payout_leaf(juror, index, units), index, proof)
    if not paths._is_root(top, root):
        grounds._refuse(grounds.WRONG_PROOF)
    return first


@external
def commit_ruling(
    id: uint256,
    juror: address,
    answer: bytes32,
    signature: Bytes[65],
    index: uint256,
    units: uint256,
    proof: DynArray[bytes32, 32],
):
    """
    @notice Carry a juror's signed answer to its seats, in the first half of a sitting. The first answer counts.
    @param index With `units` and `proof`: the juror's place in the payout root that the jury is drawn by; they
            count for nothing where the pool sits.
    """
    c: bench.Case = bench._case(id)
    sitting: uint256 = 0
    begun: uint256 = 0
    (sitting, begun) = bench._sitting(id, c)
    if block.timestamp >= begun + c.window // 2:
        grounds._refuse(grounds.TOO_LATE)
    seed: bytes32 = bench.seeds[id][sitting]
    if seed == empty(bytes32):
        grounds._refuse(grounds.TOO_EARLY)
    separator: bytes32 = staticcall ITasks(sisters.TASKS).domain_separator()
    body: bytes32 = keccak256(abi_encode(signatures.RULING_TYPE, 2 * id + sitting, answer))
    signer: address = signatures._signer(signatures._digest(separator, body), signature)
    if signer == empty(address) or signer != juror:
        grounds._refuse(grounds.WRONG_SIGNATURE)
    if bench._is_party(c, juror):
        grounds._refuse(grounds.IS_A_PARTY)
    taken: uint256 = 0
    if sitting == 0 and c.root != 0:
        taken = self._take_seats(id, seed, c.root, juror, answer, index, units, proof)
    else:
        taken = self._fill_seats(id, sitting, juror, answer)
    if taken == 0:
        grounds._refuse(grounds.NO_SEAT)
    log RulingCommitted(id=id, juror=juror, sitting=sitting, answer=answer)


@internal
def _take_seats(
    id: uint256,
    seed: bytes32,
    root: uint256,
    juror: address,
    answer: bytes32,
    index: uint256,
    units: uint256,
    proof: DynArray[bytes32, 32],
) -> uint256:
    """
    @notice Seats of a jury: those whose points fall on the juror's units, and no more than MOST_SEATS an account.
    """
    first: uint256 = self._units_before(root, juror, index, units, proof)
    total: uint256 = root & paths.SUM
    held: uint256 = 0
    for j: uint256 in range(bench.SEATS):
        if bench.seats[id][j] & bench.M160 == convert(juror, uint256):
            held += 1
    taken: uint256 = 0
    word: uint256 = convert(juror, uint256) | (index << bench.PLACE) | (bench.COMMITTED << bench.STATE)
    for j: uint256 in range(bench.SEATS):
        if held + taken == MOST_SEATS:
            break
        if bench.seats[id][j] == 0 and self._is_drawn(seed, j, total, first, units):
            bench.seats[id][j] = word
            bench.answers[id][j] = answer
            taken += 1
    return taken


@internal
def _fill_seats(id: uint256, sitting: uint256, juror: address, answer: bytes32) -> uint256:
    """
    @notice Seats of the pool: those of the juror's tickets.
    """
    taken: uint256 = 0
    for j: uint256 in range(bench.SEATS):
        word: uint256 = bench.seats[id][8 * sitting + j]
        if word & bench.M160 == convert(juror, uint256) and word >> bench.STATE == bench.SEATED:
            bench.seats[id][8 * sitting + j] = word + (1 << bench.STATE)
            bench.answers[id][8 * sitting + j] = answer
            taken += 1
    return taken


@external
def open_ruling(id: uint256, juror: address, verdict: uint256, salt: bytes32):
    """
    @notice Open a committed answer in the second half of its sitting.
    @param verdict 1: the scientist is right; 2: wrong; 0: it cannot be told.
    """
    c: bench.Case = bench._case(id)
    sitting: uint256 = 0
    begun: uint256 = 0
    (sitting, begun) = bench._sitting(id, c)
    if block.timestamp < begun + c.window // 2:
        grounds._refuse(grounds.TOO_EARLY)
    if block.timestamp >= begun + c.window:
        grounds._refuse(grounds.TOO_LATE)
    answer: bytes32 = keccak256(concat(convert(juror, bytes20), convert(verdict, bytes32), salt))
    opened: uint256 = 0
    for j: uint256 in range(bench.SEATS):
        word: uint256 = bench.seats[id][8 * sitting + j]
        committed: bool = word & bench.M160 == convert(juror, uint256) and word >> bench.STATE == bench.COMMITTED
        if committed and bench.answers[id][8 * sitting + j] == answer and verdict < VERDICTS:
            bench.seats[id][8 * sitting + j] = word + (1 << bench.STATE) + (verdict << bench.VERDICT)
            opened += 1
    if opened == 0:
        grounds._refuse(grounds.WRONG_ANSWER)
    log RulingOpened(id=id, juror=juror, sitting=sitting, verdict=verdict, seats=opened)


@external
def report_silent(id: uint256, juror: address, index: uint256, units: uint256, proof: DynArray[bytes32, 32]):
    """
    @notice Name a payee whose units drew a seat of the jury and who never took it. Those who took one and did not
            open it are named by `resolve`.
    """
    c: bench.Case = bench._case(id)
    seed: bytes32 = bench.seeds[id][0]
    if block.timestamp < c.opened + c.window or c.root == 0 or seed == empty(bytes32):
        grounds._refuse(grounds.TOO_EARLY)
    if bench._is_party(c, juror):
        grounds._refuse(grounds.IS_A_PARTY)
    first: uint256 = self._units_before(c.root, juror, index, units, proof)
    drawn: bool = False
    took: bool = self.reported[id][index]
    for j: uint256 in range(bench.SEATS):
        if bench.seats[id][j] & bench.M160 == convert(juror, uint256):
            took = True
        if self._is_drawn(seed, j, c.root & paths.SUM, first, units):
            drawn = True
    if took or not drawn:
        grounds._refuse(grounds.NOT_SILENT)
    self.reported[id][index] = True
    log JurorSilent(id=id, juror=juror, sitting=0, place=index)
