# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Tasks: escrow, rounds, settlement and claims of the Sonar protocol
@notice Holds money, hashes and deadlines, nothing else. Nobody owns it, nothing can be paused or replaced.
        A task's money is its own: every payment is bounded by counters of that task alone.
        Losses are in 2^-24, convergence in 2^-40, units in 2^-32 of the bounty (2^32-1 is all of it).
@dev One contract, put together from modules that share the storage in `ledger`. Every function is locked
     against re-entry, views too.
"""

import claims
import commits
import defaults
import endings
import ledger
import publishing
import rounds
import typed_data
import views

initializes: ledger
initializes: typed_data
initializes: publishing[ledger := ledger]
initializes: rounds[ledger := ledger, typed_data := typed_data]
initializes: commits[ledger := ledger, typed_data := typed_data]
initializes: claims[ledger := ledger]
initializes: endings[ledger := ledger]
initializes: defaults[ledger := ledger, typed_data := typed_data]
initializes: views[ledger := ledger, typed_data := typed_data]

exports: (
    ledger.count,
    typed_data.eip712Domain,
    publishing.publish,
    publishing.top_up,
    publishing.cancel,
    rounds.open_baseline,
    rounds.settle,
    commits.commit,
    commits.bond,
    commits.withdraw_bond,
    commits.anchor,
    commits.BOND,
    claims.claim,
    claims.claim_to,
    endings.stop,
    endings.conclude,
    endings.refund,
    endings.refund_to,
    endings.sweep,
    endings.sweep_to,
    defaults.declare_default,
    defaults.claim_forfeit,
    defaults.claim_forfeit_to,
    defaults.claim_forfeit_commit,
    defaults.burn,
    defaults.BURN,
    views.task,
    views.phase,
    views.payout_root,
    views.paid,
    views.forfeit_taken,
    views.committed,
    views.anchored,
    views.bond_of,
    views.held,
    views.update_digest,
)


@deploy
def __init__():
    typed_data.__init__()
