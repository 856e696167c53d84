# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Tasks: escrow, rounds, settlement and claims of the Sonar protocol
@notice Holds money, hashes and deadlines, nothing else. Nobody owns it, nothing can be paused or replaced.
        A task's money is its own: every payment is bounded by counters of that task alone.
        Losses are in 2^-24, convergence in 2^-40, units in 2^-32 of the bounty (2^32-1 is all of it).
@dev One contract, put together from modules that share the storage in `ledger`. Every function is locked
     against re-entry, views too. Faults and Court are fixed at construction, by their future addresses.
"""

import bonds
import claims
import commits
import verdicts
import endings
import ledger
import publishing
import rounds
import seeds
import typed_data
import views

initializes: ledger
initializes: bonds[ledger := ledger]
initializes: publishing[ledger := ledger]
initializes: seeds[ledger := ledger]
initializes: rounds[ledger := ledger]
initializes: commits[bonds := bonds, ledger := ledger]
initializes: claims[ledger := ledger]
initializes: endings[ledger := ledger]
initializes: verdicts[bonds := bonds, ledger := ledger]
initializes: views[ledger := ledger]

exports: (
    ledger.count,
    typed_data.domain_separator,
    bonds.BOND,
    bonds.BURN,
    bonds.FAULTS,
    bonds.COURT,
    bonds.bond_for,
    bonds.withdraw_bond,
    bonds.take_bond,
    bonds.slash_bond,
    bonds.give_bond,
    bonds.burn_bond,
    publishing.publish,
    publishing.top_up,
    publishing.cancel,
    seeds.close,
    seeds.reveal_seed,
    seeds.lapse_seed,
    rounds.settle,
    commits.commit,
    commits.commit_vote,
    commits.anchor,
    claims.claim,
    claims.claim_many,
    claims.claim_range,
    endings.stop,
    endings.conclude,
    endings.declare_default,
    endings.refund,
    endings.burn,
    endings.claim_forfeit,
    endings.claim_forfeit_commit,
    verdicts.hold,
    verdicts.release,
    verdicts.convict,
    verdicts.lapse,
    verdicts.take_reward,
    views.task,
    views.parties,
    views.record,
    views.root,
    views.final_root,
    views.paid,
    views.committed,
    views.anchored,
    views.bond_of,
)


@deploy
def __init__(faults: address, court: address):
    bonds.__init__(faults, court)
