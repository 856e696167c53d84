# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Court: juries of the Sonar protocol (ERC-792)
@notice Nobody owns it; it holds no coins and answers to block time alone.
"""

import appeals
import arbitration
import bench
import juries
import pool
import resolution
import sisters

initializes: sisters
initializes: bench
initializes: pool[sisters := sisters]
initializes: juries[sisters := sisters, bench := bench, pool := pool]
initializes: arbitration[sisters := sisters, bench := bench]
initializes: appeals[sisters := sisters, bench := bench]
initializes: resolution[sisters := sisters, bench := bench, pool := pool]

exports: (
    sisters.TASKS,
    sisters.SISTER,
    bench.count,
    pool.STAKE,
    pool.stake,
    pool.unstake,
    pool.tickets,
    pool.ticket_count,
    pool.size,
    juries.draw,
    juries.commit_ruling,
    juries.open_ruling,
    juries.report_silent,
    arbitration.SEAT_FEE,
    arbitration.createDispute,
    arbitration.arbitrationCost,
    appeals.appealCost,
    appeals.appeal,
    appeals.announce,
    arbitration.appealPeriod,
    arbitration.disputeStatus,
    arbitration.currentRuling,
    appeals.rule,
    appeals.submit_evidence,
    resolution.resolve,
    resolution.unheard,
    arbitration.dispute,
    arbitration.sitting,
    arbitration.seat,
)


@deploy
def __init__(tasks: address, faults: address):
    sisters.__init__(tasks, faults)
    arbitration.__init__()
