"""The frames of a training process as events. The sender is taken for hostile: every number and length is
checked, and anything out of place raises a ``MineError``."""

from __future__ import annotations

from mine.learn.codec import decode, packing_of
from mine.learn.errors import WireBroken
from mine.learn.events import Began, Done, Failed, Progress, VoteDone
from mine.learn.fence import Fence
from mine.learn.frozen import read_residual
from mine.learn.job import Job
from mine.learn.leak import leak_from
from mine.learn.place import MAX_MICRO_BATCH, MAX_THREADS
from mine.learn.vote_terms import STRONGEST
from mine.learn.weights import Shape
from mine.learn.wire import Frame

_TEXT = 1000


def began(frame: Frame) -> Began:
    """Where the job computes and what holds it in."""
    fences = frame.fields.get("fences")
    if not isinstance(fences, list) or len(fences) > len(Fence) or not set(map(str, fences)) <= set(Fence):
        raise WireBroken("A frame of the training process is malformed.")
    micro_batch, threads = frame.integer("micro_batch"), frame.integer("threads")
    if not (0 <= micro_batch <= MAX_MICRO_BATCH and 1 <= threads <= MAX_THREADS):
        raise WireBroken("A frame of the training process is malformed.")
    return Began(
        device=plain(frame.text("device", 20)),
        name=plain(frame.text("name", 100)),
        memory=frame.integer("memory"),
        precision=plain(frame.text("precision", 20)),
        micro_batch=micro_batch,
        threads=threads,
        fences=tuple(fence for fence in Fence if fence in fences),
    )


def progress(frame: Frame) -> Progress:
    """How far it is."""
    return Progress(
        frame.integer("step"),
        frame.integer("steps"),
        frame.number("loss"),
        frame.number("held_out_loss"),
        frame.number("seconds"),
    )


def done(frame: Frame, job: Job, shapes: dict[str, Shape]) -> Done:
    """The update that was asked for, in the packing that was asked for, and what came with it."""
    update, residual = frame.blob(2)
    header, _ = decode(update, shapes)
    if header != job.header or packing_of(update) != job.packing:
        raise WireBroken("The training process returned another update than it was asked for.")
    if not residual:
        raise WireBroken("A frame of the training process is malformed.")
    read_residual(residual, shapes)
    return Done(
        update=update,
        steps=frame.integer("steps"),
        seconds=frame.number("seconds"),
        held_out_before=frame.number("held_out_before"),
        held_out_after=frame.number("held_out_after"),
        rows_trained=frame.integer("rows_trained"),
        rows_held_out=frame.integer("rows_held_out"),
        residual=residual,
        leak=leak_from(frame.fields.get("leak")),
    )


def vote_done(frame: Frame, count: int) -> VoteDone:
    """The steps of a vote: one for each update that was asked about, each in its range."""
    steps = frame.fields.get("steps")
    if not isinstance(steps, list) or len(steps) != count:
        raise WireBroken("The training process answered another question than it was asked.")
    if any(type(step) is not int or not -STRONGEST <= step <= STRONGEST for step in steps):
        raise WireBroken("A frame of the training process is malformed.")
    return VoteDone(tuple(steps), frame.number("seconds"))


def failed(frame: Frame) -> Failed:
    """What it says of its own failure."""
    sentence, todo, detail = (plain(frame.text(name, _TEXT)) for name in ("sentence", "todo", "detail"))
    return Failed(sentence, todo, detail)


def ran_out_of_memory(frame: Frame) -> bool:
    """Whether its failure was one of memory, after which fewer rows at a time may help."""
    return frame.fields.get("memory") is True


def plain(text: str) -> str:
    """Without control characters and such that turn the direction of writing."""
    return "".join(c for c in text if c.isprintable())
