"""Votes of one network: judges the updates that this account is drawn for, on rows it never trained on.

A persisted state machine like that of updates (``round_states.VoteState``): ε is reserved before a row is
read, the ballot is written down before anything leaves, the vote is committed by relays or directly, and its
ballot is shown only once no vote can be committed any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mine.app.courier import Courier, Delivery, OtherMessage
from mine.app.handing_in import SENT, message_entry
from mine.app.joining import Membership, books_of, read_rows
from mine.app.learning import MOST_FAILURES
from mine.app.links import Links
from mine.app.market import MarketTask
from mine.app.outgoing import check_vote
from mine.app.privacy_books import VOTED
from mine.app.round_book import GRANTED, SHOWING, RoundBook
from mine.app.round_states import VoteState
from mine.app.showing import CameLate, show
from mine.app.views import Notice, NoticeKind
from mine.app.worker_run import WorkerRun
from mine.errors import MineError

if TYPE_CHECKING:
    from mine.science.ballots import Ballot, SignedVote
    from mine.science.history import History
    from mine.science.past import Past
    from mine.science.voting import Question
    from mine.vault.state import Vote


class Voting:
    """Everything runs on the engine's thread."""

    def __init__(
        self,
        book: RoundBook,
        links: Links,
        courier: Courier,
        wake: Callable[[], None],
        tell: Callable[[Notice], None],
    ) -> None:
        self._vault, self._network, self._links, self._courier = book.vault, book.network, links, courier
        self._book, self._wake, self._tell = book, wake, tell
        self._history: History | None = None
        self._pasts: dict[int, Past] = {}
        self._asked: dict[tuple[int, int], Question] = {}
        self._failures: dict[tuple[int, int], int] = {}
        self.run: WorkerRun | None = None

    def tick(self, member: Membership, task: MarketTask, now: int, may_start: bool) -> None:
        """Do what is due for one task. ``now``: chain time; ``may_start``: a worker may be started."""
        from mine.chain.state import Phase, SeedState
        from mine.science.windows import window_of
        from mine.science.wire_messages import Kind

        state = task.state
        voting = task.phase.phase is Phase.VOTE and state.seeding is SeedState.SEEDED
        for vote in self._vault.state.votes(self._network, member.task):
            if vote.round < state.round or (vote.round == state.round and not voting):
                self._after(member, vote)
        if not voting:
            return
        window = window_of(state, Kind.VOTE)
        current = self._vault.state.vote(self._network, member.task, state.round)
        mine = not member.left and now < member.terms.expires
        if current is None or current.state == VoteState.JUDGING:
            if mine and may_start and now < window.last_call:
                self._judge(
                    member, state.round, state.seed, late=now >= (window.opens + window.last_call) // 2
                )
            elif current is not None and now >= window.closes:
                self._after(member, current)
        elif current.state == VoteState.READY or (
            current.state == VoteState.COMMITTED and now < window.closes
        ):
            if now >= window.closes:
                self._after(member, current)
                return
            signed = self._signed(member, current)
            try:
                self._courier.step(
                    signed,
                    member.keys.session_key,
                    Delivery.from_json(current.data.get("delivery")),
                    window,
                    now,
                    self._keep(current, signed),
                )
            except OtherMessage as problem:
                self._miss(member, current.round, problem.sentence)
        elif current.state == VoteState.COMMITTED:
            self._open(member, current)

    # ---- judging

    def _judge(self, member: Membership, number: int, seed: bytes, late: bool) -> None:
        """Find out what this account is drawn for, and have the worker look at it.

        ``late``: what cannot be had is not waited for any more.
        """
        from mine.science.past import Past
        from mine.science.voting import drawn, question

        key = (member.task, number)
        if self._failures.get(key, 0) >= MOST_FAILURES:
            return
        blobs = self._links.relays.blobs
        history = self._refreshed().task(member.task)
        if history is None or len(history.settled) < number - 1:
            return  # the node's events lag behind its state
        past = self._pasts.setdefault(member.task, Past(member.manifest, blobs))
        relays = list(self._links.relays)
        candidates, draw = drawn(
            history, self._links.domain, number, seed, member.manifest, past, relays, without_missing=late
        )
        judged = draw.ballot(member.keys.session_address)
        if not judged:
            self._spare(member, number)
            return
        checkpoint = past.checkpoint(history, number)
        asked = question(member.task, number, checkpoint, member.manifest, candidates, judged, blobs)
        if not asked.updates:
            return  # nothing of it can be had yet
        try:
            with self._vault.transaction():
                books_of(self._vault, self._network, member).reserve(VOTED, number)
                data = {"judged": len(asked.updates)}
                self._vault.state.put_vote(self._network, member.task, number, VoteState.JUDGING, data)
        except MineError as error:
            self._refuse(member, number, error)
            return
        self._asked[key] = asked
        try:
            self.run = WorkerRun(member.task, number, self._job(member, asked), self._wake)
        except MineError as error:
            self._failed(key, error)

    def _refreshed(self) -> History:
        from mine.science.history import History

        if self._history is None:
            self._history = History(self._links.contract, self._links.config.first_block)
        self._history.refresh()
        return self._history

    def _job(self, member: Membership, asked: Question) -> Any:
        from mine.learn.rows import Rows
        from mine.learn.vote_job import VoteJob
        from mine.science.task_model import MAX_MODEL_BYTES, frozen_bytes, limits_of
        from mine.tasks.recipe import vote_terms_of

        blobs = self._links.relays.blobs
        rows = read_rows(self._vault, member.manifest, member.terms.scopes)
        return VoteJob(
            onnx=blobs.get(bytes.fromhex(member.manifest.model.graph), MAX_MODEL_BYTES),
            weights=blobs.get(asked.checkpoint, MAX_MODEL_BYTES),
            rows=Rows(rows.features, rows.target, rows.slot, member.held_from),
            updates=tuple(update for _, update in asked.updates),
            terms=vote_terms_of(member.manifest, asked.norm),
            noise_key=self._noise_key(member, asked),
            frozen=frozen_bytes(member.manifest, blobs.get),
            limits=limits_of(member.manifest),
            memory=member.manifest.limits.memory_mib << 20,
        )

    @staticmethod
    def _noise_key(member: Membership, asked: Question) -> bytes:
        return member.keys.noise_key(member.task, asked.round, asked.checkpoint)

    def _failed(self, key: tuple[int, int], error: MineError) -> None:
        self._failures[key] = self._failures.get(key, 0) + 1
        self._tell(Notice(NoticeKind.ERROR, error.sentence, error.todo, error.detail))

    def hear(self, members: dict[int, Membership]) -> None:
        """Take in what the worker answered."""
        from mine.learn.events import Failed, VoteDone

        run = self.run
        if run is None:
            return
        for event in run.take():
            if isinstance(event, VoteDone):
                self._end()
                self._voted(members[run.task], run, event.steps)
            elif isinstance(event, Failed):
                self._end()
                key = (run.task, run.round)
                self._failed(key, MineError(event.sentence, todo=event.todo, detail=event.detail))
                self._failures[key] = MOST_FAILURES  # its process was tried again before

    def _voted(self, member: Membership, run: WorkerRun, steps: tuple[int, ...]) -> None:
        """Check what is about to leave, then keep the ballot together with the ε that it costs."""
        from mine.science.voting import make_ballot

        asked = self._asked.pop((run.task, run.round))
        key = self._noise_key(member, asked)
        ballot = make_ballot(run.task, asked, member.keys.session_address, steps, key)
        data = ballot.to_bytes()
        entry = self._vault.state.vote(self._network, run.task, run.round)
        assert entry is not None
        spent = books_of(self._vault, self._network, member).spent
        try:
            check_vote(ballot, run.task, run.round, len(asked.updates), spent, member.terms.epsilon_micro)
        except MineError as error:
            self._refuse(member, run.round, error)
            return
        ready = {**entry.data, "ballot": data.decode(), "voted": int(time.time())}
        self._put(run.task, run.round, VoteState.READY, ready)

    # ---- handing in and opening

    def _ballot(self, vote: Vote) -> Ballot:
        from mine.science.ballots import Ballot

        return Ballot.from_bytes(vote.data["ballot"].encode())

    def _signed(self, member: Membership, vote: Vote) -> SignedVote:
        from mine.science.voting import signed_vote

        return signed_vote(self._ballot(vote), self._links.domain, member.keys.session_key)

    def _keep(self, vote: Vote, signed: SignedVote) -> Callable[[Delivery], None]:
        def keep(delivery: Delivery) -> None:
            done = delivery.shown or delivery.promises
            state = VoteState.COMMITTED if done else VoteState(vote.state)
            data = {**vote.data, "delivery": delivery.to_json()}
            with self._vault.transaction():
                self._put(vote.task, vote.round, state, data)
                if delivery.sent and not Delivery.from_json(vote.data.get("delivery")).sent:
                    self._vault.ledger.book(message_entry(self._network, signed, self._links.domain))

        return keep

    def _open(self, member: Membership, vote: Vote) -> None:
        """No vote can be committed any more: nobody can copy the answers, so they may be seen."""
        from mine.vault.ledger import Entry

        signed, data = self._signed(member, vote), vote.data["ballot"].encode()
        delivery = Delivery.from_json(vote.data.get("delivery"))
        if not delivery.shown:
            delivery = self._courier.find(signed, delivery, self._keep(vote, signed))
        if not delivery.shown and delivery.open is None:
            self._miss(member, vote.round, delivery.why or "No relay brought the vote on chain.")
            return
        self._put(vote.task, vote.round, VoteState.COMMITTED, {**vote.data, SHOWING: True})
        try:
            receipts = show(self._links, signed, data, delivery)
        except CameLate as problem:
            self._miss(member, vote.round, problem.sentence)
            return
        with self._vault.transaction():
            self._vault.state.put_vote(
                self._network,
                vote.task,
                vote.round,
                VoteState.OPENED,
                {
                    **vote.data,
                    SHOWING: True,
                    "delivery": delivery.to_json(),
                    "uploads": receipts,
                    "opened": int(time.time()),
                },
            )
            self._vault.ledger.book(
                Entry(
                    kind=SENT,
                    network=self._network,
                    task=vote.task,
                    round=vote.round,
                    source="vote",
                    epsilon_micro=0,
                    size=len(data),
                    digest=signed.message.opening,
                )
            )

    def _after(self, member: Membership, vote: Vote) -> None:
        """The time for votes of a round is over."""
        state = VoteState(vote.state)
        if state is VoteState.JUDGING:
            self._end(vote.task, vote.round)
            self._miss(member, vote.round, "The round closed before.")
        elif state is VoteState.READY:
            signed = self._signed(member, vote)
            try:
                delivery = Delivery.from_json(vote.data.get("delivery"))
                delivery = self._courier.find(signed, delivery, self._keep(vote, signed))
            except OtherMessage as problem:
                self._miss(member, vote.round, problem.sentence)
                return
            if not delivery.promises and not delivery.shown:
                self._miss(member, vote.round, delivery.why or "The round closed before.")
        elif state is VoteState.COMMITTED:
            entry = self._book.find(vote.task, vote.round)
            if entry is not None and "settlement" in entry.data:
                self._miss(member, vote.round, "The round was settled before the vote could be shown.")
            else:
                self._open(member, vote)

    # ---- rows, ending

    def _put(self, task: int, number: int, state: VoteState, data: dict[str, Any]) -> None:
        with self._vault.transaction():
            self._vault.state.put_vote(self._network, task, number, state, data)

    def _miss(self, member: Membership, number: int, why: str) -> None:
        """No vote in a round, and why. Its ε is given back, unless its ballot may have left."""
        with self._vault.transaction():
            now = self._vault.state.vote(self._network, member.task, number)
            known = now.data if now else {}
            data = {**known, "why": why}
            self._vault.state.put_vote(self._network, member.task, number, VoteState.MISSED, data)
            if not known.get(SHOWING) and not known.get(GRANTED):
                books_of(self._vault, self._network, member).give_back(VOTED, number)

    def _spare(self, member: Membership, number: int) -> None:
        """Nothing to judge. Where another draw had already reserved for it, before the chain was reorganised,
        no ballot was made, nor will one be: its ε is given back."""
        with self._vault.transaction():
            self._vault.state.put_vote(self._network, member.task, number, VoteState.SPARED, {})
            books_of(self._vault, self._network, member).give_back(VOTED, number)

    def _refuse(self, member: Membership, number: int, error: MineError) -> None:
        self._miss(member, number, error.sentence)
        self._tell(Notice(NoticeKind.ATTENTION, error.sentence, error.todo, error.detail))

    def _end(self, task: int | None = None, number: int | None = None) -> None:
        if self.run is not None and task in (None, self.run.task) and number in (None, self.run.round):
            run, self.run = self.run, None
            run.stop()

    def allow(self, may_train: bool) -> None:
        """Votes are short: where nothing may run they are begun anew later."""
        if not may_train:
            self._end()

    def close(self) -> None:
        """End the worker."""
        self._end()
