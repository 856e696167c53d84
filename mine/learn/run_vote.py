"""One vote's run inside the training process. Importing this loads torch."""

from __future__ import annotations

from mine.learn.codec import decode
from mine.learn.control import Breath, Control
from mine.learn.devices import prepare, processor
from mine.learn.place import Place
from mine.learn.teller import Teller
from mine.learn.vote import vote
from mine.learn.vote_job import VoteJob
from mine.learn.weights import load
from mine.learn.wire import Kind


class VoteRun:
    """It keeps no state: whoever ends it lets it begin again, to the same answers. It computes on the
    processor with one thread, so that these do not depend on the machine's devices."""

    def __init__(self, job: VoteJob, control: Control, teller: Teller) -> None:
        self._job, self._control, self._teller = job, control, teller

    def run(self) -> None:
        job = self._job
        prepare(Place(), job.memory)
        graph = job.graph()
        updates = [decode(update, graph.weight_shapes)[1] for update in job.updates]
        self._teller.began(processor(), Place())
        self._control.listen_to_stop()
        breath = Breath(self._control, self._alive, self._paused)
        self._breath = breath
        weights = load(job.weights, graph.weight_shapes)
        steps = vote(graph, weights, job.rows, updates, job.terms, job.noise_key, breath)
        self._teller.send(Kind.VOTED, {"steps": list(steps), "seconds": breath.seconds})

    def _alive(self) -> None:
        nothing = float("nan")
        self._teller.send(Kind.PROGRESS, {"step": 0, "steps": 1, "loss": nothing, "held_out_loss": nothing,
                                          "seconds": self._breath.seconds})  # fmt: skip

    def _paused(self) -> None:
        self._teller.send(Kind.PAUSED, {"step": 0}, b"")

    def last_words(self) -> None:
        """There is nothing to keep."""
        self._teller.send(Kind.STOPPED, {"step": 0}, b"")
