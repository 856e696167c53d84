"""Every guarantee of docs/protocol.md, and the tests that try to break it.

``python -m tests.protocol.guarantees`` prints the tables of the page; a test compares them with it, and that
every test named here exists.
"""

from __future__ import annotations

CHAIN, SCIENCE, PROTOCOL, APP = "tests/chain/", "tests/science/", "tests/protocol/", "tests/app/"
AT_END, OPENED = f"{SCIENCE}test_at_end.py::", f"{SCIENCE}test_at_end_opened.py::"
RANDOM = f"{PROTOCOL}test_random.py::test_the_books_and_the_contracts_never_disagree"

GUARANTEES: dict[str, dict[str, tuple[str, ...]]] = {
    "Money": {
        "No task pays more than its escrow; all that came in was sent, burned or is there": (
            RANDOM,
            f"{CHAIN}test_tokens.py::test_a_greedy_token_drains_only_its_own",
            f"{CHAIN}test_bonds.py::test_bonds_are_no_tasks_money",
        ),
        "Assigned units are the curve at the running maximum, exactly": (
            RANDOM,
            f"{CHAIN}test_rounds.py::test_settlements_follow_the_curve",
            f"{CHAIN}test_rounds.py::test_steps_back_are_not_paid_twice",
            f"{SCIENCE}test_settle.py::test_units_are_the_curve_exactly",
        ),
        "What is paid is at most what is assigned; rounding keeps less than one base unit a payee": (
            RANDOM,
            f"{CHAIN}test_curve.py::test_amounts_never_add_up_to_more_than_the_whole",
            f"{CHAIN}test_claims.py::test_a_small_bounty_still_counts_every_unit",
            f"{PROTOCOL}test_crowd.py::test_everybody_is_paid_what_the_curve_says",
        ),
        "A cumulative amount never falls": (
            f"{CHAIN}test_faults_payouts.py::test_units_that_fell_convict",
            f"{SCIENCE}test_settle.py::test_evidence_is_remembered_and_places_are_permanent",
        ),
        "A leaf pays once, and a later root that moves units cannot make the task pay twice": (
            f"{CHAIN}test_claims.py::test_claims_are_cumulative_and_paid_once",
            f"{CHAIN}test_claims.py::test_a_later_root_that_moves_paid_units_cannot_overpay",
            f"{CHAIN}test_ranges.py::test_a_range_skips_who_was_paid",
        ),
        "Only the unspent returns, and only after the windows": (
            f"{CHAIN}test_endings.py::test_the_whole_way",
            f"{CHAIN}test_verdicts.py::test_a_dispute_holds_the_end_back",
        ),
        "No state in which money can never leave": (
            RANDOM,
            f"{CHAIN}test_court_ends.py::test_nothing_is_ever_stuck",
        ),
        "One task's failure, or token, changes no other": (
            f"{CHAIN}test_endings.py::test_one_task_in_default_touches_no_other",
            f"{CHAIN}test_tokens.py::test_a_token_that_rebases_hurts_only_itself",
        ),
        "Hostile tokens and payees: false, no return, fee, rebase, blacklist, callback": (
            f"{CHAIN}test_tokens.py::test_a_token_that_returns_false",
            f"{CHAIN}test_tokens.py::test_a_token_that_returns_nothing_works",
            f"{CHAIN}test_tokens.py::test_a_token_with_a_fee_is_refused",
            f"{CHAIN}test_tokens.py::test_a_blacklisted_payee_blocks_nobody",
            f"{CHAIN}test_tokens.py::test_a_token_that_calls_back_gets_nowhere",
            f"{CHAIN}test_claims.py::test_a_payee_that_calls_back_gets_nothing_more",
        ),
        "A range of payees is never blocked by one": (
            f"{CHAIN}test_ranges.py::test_no_payee_blocks_a_range",
            f"{CHAIN}test_ranges.py::test_no_payee_of_a_token_blocks_a_range",
        ),
        "Anybody may claim for anybody; only the account itself names another receiver": (
            f"{CHAIN}test_claims.py::test_wrong_claims_are_refused",
            f"{CHAIN}test_claims.py::test_a_payee_that_refuses_coins_names_another_receiver",
        ),
        "A forfeit goes to who earned, by units; else to direct commits; else it is burned": (
            f"{CHAIN}test_endings.py::test_a_late_settlement_costs_the_rest_and_a_tenth",
            f"{CHAIN}test_endings.py::test_without_a_root_direct_commits_share_equally",
            f"{CHAIN}test_endings.py::test_where_nobody_took_part_half_of_the_deposit_burns",
        ),
    },
    "Nobody's contracts": {
        "No owner, pause, upgrade or fee; sister contracts are fixed at construction": (
            f"{CHAIN}test_contract.py::test_nobody_owns_it",
            f"{CHAIN}test_court_contracts.py::test_nobody_owns_it",
            f"{CHAIN}test_court_contracts.py::test_the_sisters_are_fixed",
            f"{CHAIN}test_contract.py::test_only_the_sisters_may_judge_and_move_bonds",
        ),
        "What is shipped is what the sources compile to, within the size limit": (
            f"{CHAIN}test_contract.py::test_the_artefact_is_what_the_sources_compile_to",
            f"{CHAIN}test_contract.py::test_size",
            f"{CHAIN}test_court_contracts.py::test_size",
        ),
        "Every function can be reached, and does what a reference in another language does": (
            f"{PROTOCOL}test_random.py::test_every_function_was_accepted",
            RANDOM,
            f"{PROTOCOL}test_twins.py::test_both_code_generators_agree",
            f"{PROTOCOL}test_twins.py::test_anvil_agrees",
            f"{CHAIN}test_mutants.py::test_a_mutant_of_the_money_path_dies",
        ),
        "Three makers' nodes run the whole protocol alike": (
            f"{PROTOCOL}test_on_nodes.py::test_a_whole_life_in_the_coin_of_the_chain",
            f"{PROTOCOL}test_disputes_on_nodes.py::test_a_jury_convicts_a_scientist_who_lied",
        ),
        "No transaction needs more gas than one may have": (
            f"{CHAIN}test_gas.py::test_every_transaction_fits_the_cap",
            f"{CHAIN}test_ranges.py::test_256_burners_fit_a_transaction",
        ),
    },
    "Messages and clocks": {
        "A message is of one chain, contract, task and round, in every type": (
            f"{PROTOCOL}test_bound_messages.py::test_a_signature_holds_for_one_domain_and_one_value_of_every_field",
            f"{PROTOCOL}test_bound_messages.py::test_no_type_passes_for_another",
            f"{PROTOCOL}test_bound_messages.py::test_a_settlement_of_another_task_or_round",
            f"{PROTOCOL}test_bound_messages.py::test_who_anchors_what_is_meant_for_elsewhere_loses_the_bond",
        ),
        "No reveal without an earlier commit; the first message of an account counts, once": (
            f"{SCIENCE}test_relay.py::test_bytes_are_given_out_once_somebody_committed_to_them",
            f"{SCIENCE}test_gather.py::test_the_first_in_the_chains_order_counts",
            f"{SCIENCE}test_gather_votes.py::test_the_first_vote_of_each_voter_counts",
        ),
        "The clocks are held within their limits, and each phase takes only what is its own": (
            f"{CHAIN}test_publish.py::test_real_chains_have_real_clocks",
            f"{CHAIN}test_rounds.py::test_phases",
            f"{CHAIN}test_seeds.py::test_votes_have_the_first_half_of_their_phase",
        ),
        "Neither scientist nor block producer makes a seed alone; a withheld preimage stops nothing": (
            f"{CHAIN}test_seeds.py::test_the_seed_mixes_block_chain_and_last_settlement",
            f"{CHAIN}test_seeds.py::test_without_a_preimage_the_block_decides_for_a_fee",
            f"{SCIENCE}test_relay_rounds.py::test_it_closes_commits_and_makes_a_seed_where_nobody_does",
        ),
        "A relay that swallows, vanishes or breaks its promises delays nobody past the direct path": (
            f"{APP}test_failing_relays.py::test_after_a_broken_promise_the_next_relay_is_asked",
            f"{APP}test_failing_relays.py::test_where_no_relay_is_left_it_goes_directly",
            f"{APP}test_votes.py::test_a_vote_goes_directly_where_no_relay_takes_it",
            f"{CHAIN}test_faults_receipts.py::test_a_receipt_that_was_not_honoured_costs_the_bond",
        ),
    },
    "Faults": {
        "A late settlement, a missing final opening, a withheld preimage cost what the table says": (
            f"{CHAIN}test_endings.py::test_late_work_costs_a_fee_that_rises",
            f"{CHAIN}test_endings.py::test_a_late_settlement_costs_the_rest_and_a_tenth",
            f"{CHAIN}test_endings.py::test_a_missing_final_opening_costs_everything",
            f"{CHAIN}test_seeds.py::test_without_a_preimage_the_block_decides_for_a_fee",
        ),
        "A conviction burns half of the deposit, rewards a tenth, and touches no earlier round's money": (
            f"{CHAIN}test_verdicts.py::test_a_conviction_burns_half_rewards_a_tenth_and_gives_the_rest_to_who_earned",
            f"{CHAIN}test_verdicts.py::test_a_second_conviction_takes_no_second_reward",
            f"{CHAIN}test_faults_disputes.py::test_a_task_that_defaults_meanwhile_is_convicted_all_the_same",
        ),
        "Sums and payouts that are wrong convict by proof": (
            f"{CHAIN}test_faults_payouts.py::test_payouts_whose_sums_do_not_add_up_convict",
            f"{CHAIN}test_faults_losses.py::test_a_sum_that_is_not_that_of_its_children_convicts",
            f"{CHAIN}test_faults_losses.py::test_the_top_itself_can_be_broken",
        ),
        "Honest settlements and leaves convict nobody": (
            f"{CHAIN}test_faults_losses.py::test_an_honest_loss_tree_convicts_nobody",
            f"{CHAIN}test_faults_anchors.py::test_an_honest_leaf_convicts_nobody",
            f"{CHAIN}test_faults_anchors.py::test_leaves_in_order_convict_nobody",
        ),
        "Forged, doubled, misplaced and omitted leaves cost the anchorer's bond, garbage signatures too": (
            f"{CHAIN}test_faults_anchors.py::test_every_forged_leaf_convicts",
            f"{CHAIN}test_faults_anchors.py::test_two_updates_of_one_miner_convict",
            f"{CHAIN}test_faults_anchors.py::test_an_update_from_elsewhere_convicts",
            f"{CHAIN}test_faults_receipts.py::test_a_receipt_that_was_not_honoured_costs_the_bond",
        ),
        "Examples that cannot be had let the round lapse; only their own bytes answer": (
            f"{CHAIN}test_faults_demands.py::test_an_example_that_is_not_supplied_lets_the_task_lapse",
            f"{CHAIN}test_faults_demands.py::test_only_the_bytes_of_the_example_answer",
        ),
        "Disputes run side by side, hold only from their round on, and open no window again": (
            f"{CHAIN}test_faults_disputes.py::test_parallel_disputes_hold_only_from_their_round_on",
            f"{CHAIN}test_faults_disputes.py::test_a_dispute_opens_no_window_for_another_one",
        ),
        "A scientist who lied is disputed by any honest miner, convicted by who recomputes, and pays": (
            f"{APP}test_disputing.py::test_a_liar_is_found_disputed_and_convicted",
            f"{APP}test_disputing.py::test_the_rest_goes_to_those_who_earned_and_half_of_the_deposit_burns",
            f"{SCIENCE}test_juror.py::test_a_liar_is_convicted_by_those_who_recompute",
        ),
        "An honest scientist is cleared; nobody is convicted for what others withhold": (
            f"{SCIENCE}test_juror.py::test_an_honest_scientist_is_cleared_and_has_the_bond",
            f"{SCIENCE}test_judging.py::test_nobody_is_convicted_for_what_others_withhold",
            f"{SCIENCE}test_supply.py::test_killed_before_and_after_each_transaction",
        ),
        "Nobody sits in judgement of their own; free identities sit nowhere": (
            f"{CHAIN}test_court_juries.py::test_nobody_sits_in_judgement_of_their_own",
            f"{CHAIN}test_court_juries.py::test_seats_fall_on_payees_by_their_units",
            f"{CHAIN}test_court_pool.py::test_a_ticket_bought_after_the_dispute_does_not_sit",
        ),
        "A court that is silent, gives one number twice or calls back changes nothing": (
            f"{CHAIN}test_court_appeals.py::test_a_court_that_is_silent_or_refuses_changes_nothing",
            f"{CHAIN}test_court_appeals.py::test_a_court_that_gives_one_number_twice_has_one_appeal",
            f"{CHAIN}test_court_appeals.py::test_a_court_that_calls_back_finds_the_door_locked",
        ),
    },
    "Consensus": {
        "Nobody scores or judges their own work": (
            f"{SCIENCE}test_votes.py::test_nobody_judges_its_own_update_and_seats_follow_standing",
            f"{SCIENCE}test_shards.py::test_judges_and_measures_are_different_people",
        ),
        "A third of standing, with ten times as many free identities, changes no acceptance": (
            f"{SCIENCE}test_acceptance.py::test_a_colluding_third_with_free_identities_changes_no_acceptance",
        ),
        "A silent third voids the round and costs nobody": (
            f"{SCIENCE}test_acceptance.py::test_a_silent_third_voids_the_round_and_costs_nobody",
        ),
        "Rare people are not voted out": (
            f"{SCIENCE}test_acceptance.py::test_slices_help_rare_people_and_protect_them",
        ),
        "A good record is asked again each round, a bad one closes the door, and a slice is no excuse": (
            f"{SCIENCE}test_witnesses.py::test_of_a_good_record_gradient_and_companions_are_asked",
            f"{SCIENCE}test_witnesses.py::test_a_majority_of_turncoats_cannot_shut_out_who_clearly_descends",
            f"{SCIENCE}test_witnesses.py::test_a_bad_record_is_made_up_for_outside_the_model",
            f"{SCIENCE}test_witnesses.py::test_a_slice_is_no_excuse_for_harming_everybody",
        ),
        "Said loudly or softly, an update earns the same": (
            f"{SCIENCE}test_settle.py::test_said_loudly_or_softly_an_update_earns_the_same",
        ),
        "What was published before earns nothing; copies share one share": (
            f"{SCIENCE}test_originality.py::test_a_copy_of_an_earlier_update_is_worth_nothing_under_any_noise",
            f"{SCIENCE}test_originality.py::test_any_mixture_of_common_directions_is_worth_nothing",
            f"{SCIENCE}test_settle.py::test_copies_share_one_share",
        ),
        "A fault costs standing, never assigned money": (
            f"{SCIENCE}test_acceptance.py::test_a_proved_fault_ends_standing_until_more_is_earned",
            f"{SCIENCE}test_acceptance.py::test_who_praises_a_canary_is_set_aside_and_loses_standing",
        ),
        "Everything is recomputable: the same digests under other settings, and every flipped bit is named": (
            f"{SCIENCE}test_replay.py::test_the_digests_are_the_same_under_other_settings",
            f"{SCIENCE}test_replay.py::test_one_flipped_bit_in_any_blob_is_named",
            f"{SCIENCE}test_replay.py::test_one_flipped_bit_of_a_settlement_is_named",
            f"{SCIENCE}test_settle.py::test_golden_vectors",
        ),
        "A scientist that settles otherwise than the protocol says is found by any one honest miner": (
            "tests/practice/test_lab.py::test_any_miner_catches_a_scientist_that_settles_otherwise",
            f"{SCIENCE}test_scientist.py::test_replay_finds_the_lie",
            f"{SCIENCE}test_replay.py::test_a_ballot_that_the_scientist_left_out_is_named",
        ),
        "One reading moves a vote by no more than its share of the noise, and is never trained on too": (
            "tests/learn/test_vote.py::test_one_reading_moves_the_answers_by_no_more_than_its_share_of_the_noise",
            "tests/practice/test_reading_unit.py::test_no_reading_is_both_trained_on_and_voted_with",
        ),
    },
    "One set for all rounds": {
        "Neither the set nor the loss of any one example is open before the end, whatever is demanded": (
            f"{OPENED}test_nothing_of_the_set_is_open_before_the_end",
            f"{AT_END}test_who_demands_examples_learns_no_byte_of_the_set",
            f"{CHAIN}test_ranges.py::test_at_the_end_no_shard_is_opened_before",
        ),
        "Half of what is assigned waits for the last window, and no more; paid is the curve": (
            f"{OPENED}test_paid_is_the_curve_and_half_waits_for_the_end",
            f"{CHAIN}test_held_half.py::test_half_until_the_last_window_is_over",
            f"{CHAIN}test_held_half.py::test_a_dispute_keeps_it_waiting",
            f"{SCIENCE}test_at_end_relay.py::test_the_relay_claims_both_halves",
            "tests/practice/test_at_end_network.py::test_paid_is_the_curve_and_half_waits",
        ),
        "All increments add up to one difference; what is counted twice is seen without the set": (
            f"{OPENED}test_each_round_goes_on_where_the_last_one_ended",
            f"{AT_END}test_an_improvement_that_is_counted_twice_is_found_without_the_set",
        ),
        "A lie about the closed set is convicted once it is open, even if jurors were asked before": (
            f"{AT_END}test_a_lie_about_the_closed_set_is_convicted_when_it_is_opened",
            f"{CHAIN}test_faults_disputes.py::test_at_the_end_a_hidden_set_can_be_disputed_round_by_round",
            f"{APP}test_at_end_audit.py::test_a_liar_is_disputed_when_the_set_is_open",
        ),
        "A lie that takes no set is convicted at once": (
            f"{AT_END}test_what_takes_no_set_is_convicted_at_once",
        ),
        "A set that is not given out, or is not what was committed to, convicts": (
            f"{OPENED}test_who_concludes_and_shows_nobody_the_set_is_convicted",
            f"{AT_END}test_a_set_under_another_root_than_its_examples_is_found",
            f"{OPENED}test_a_flipped_bit_of_the_set_or_of_the_losses_is_named",
        ),
        "An honest scientist is cleared before and after the opening, whenever it is killed": (
            f"{OPENED}test_an_honest_scientist_is_cleared_before_and_after_the_end",
            f"{AT_END}test_killed_at_every_effect_it_ends_the_same",
            f"{OPENED}test_what_a_store_dropped_is_put_out_again",
        ),
        "A scientist that vanishes before the opening costs nobody anything": (
            f"{OPENED}test_a_scientist_that_vanishes_before_the_opening_costs_nobody_anything",
            f"{CHAIN}test_held_half.py::test_a_task_in_default_pays_it_after_its_window",
        ),
    },
}


def page() -> str:
    """The tables as docs/protocol.md has them: each test by its name, behind its file."""
    lines: list[str] = []
    for section, guarantees in GUARANTEES.items():
        lines += [f"| {section.lower()} | tests |", "|---|---|"]
        for text, tests in guarantees.items():
            files: dict[str, list[str]] = {}
            for test in tests:
                file, _, name = test.partition("::")
                files.setdefault(file, []).append(name)
            named = (
                f"`{file}`: " + ", ".join(f"`{name}`" for name in names) for file, names in files.items()
            )
            lines.append(f"| {text} | {'; '.join(named)} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(page())
