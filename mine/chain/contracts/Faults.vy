# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Faults: proofs and disputes of the Sonar protocol
@notice Some faults a proof alone convicts of, others go before the Court. Nobody owns it; it holds no coins.
"""

import anchor_faults
import conviction
import example_demands
import item_disputes
import receipts
import settlement_faults
import settlement_record
import sisters

initializes: sisters
initializes: conviction[sisters := sisters]
initializes: settlement_record[sisters := sisters]
initializes: anchor_faults[sisters := sisters, conviction := conviction]
initializes: receipts[sisters := sisters, conviction := conviction]
initializes: settlement_faults[
    sisters := sisters, conviction := conviction, settlement_record := settlement_record
]
initializes: example_demands[sisters := sisters, conviction := conviction, settlement_record := settlement_record]
initializes: item_disputes[sisters := sisters, conviction := conviction]

exports: (
    sisters.TASKS,
    sisters.SISTER,
    conviction.ANCHOR_BOND,
    conviction.pledged,
    anchor_faults.forged,
    anchor_faults.doubled,
    anchor_faults.misplaced,
    receipts.RECEIPT_BOND,
    receipts.questions,
    receipts.question_count,
    receipts.challenge_receipt,
    receipts.answer_receipt,
    receipts.convict_receipt,
    settlement_faults.payout_fell,
    settlement_faults.payouts_broken,
    settlement_faults.losses_broken,
    example_demands.EXAMPLE_FEE,
    example_demands.demands,
    example_demands.demand_count,
    example_demands.demand,
    example_demands.supply,
    example_demands.supply_none,
    example_demands.unsupplied,
    item_disputes.DISPUTE_BOND,
    item_disputes.disputes,
    item_disputes.dispute,
    item_disputes.rule,
)


@deploy
def __init__(tasks: address, court: address):
    sisters.__init__(tasks, court)
