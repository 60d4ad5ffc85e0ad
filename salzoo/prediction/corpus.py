"""A model on many videos, in any number of processes: each takes the next one when it is free.

The folder of the outputs says what is done, so that a run goes on where another has ended, however it did. Beside the
outputs it holds ``salzoo.json``, which says what made them, ``failed.csv``, a line for each input that has no output
because of an error, and while a run goes on ``.lock`` and ``.in-flight``, an empty file for each input at hand.

Taken from the queue, longest first, the frames of hevc33's 33 videos (150 to 601 each) keep 4 processes 1.03 times as
long as would be ideal, and 8 processes 1.04 times; dealt out beforehand, 1.18 and 1.35 times (mean of 200 orders). Of
1,000 videos of such lengths on 64 processes it is 1.01 against 1.26. One core, shared with other work, ran gaze-lite on
films of 720p at 5.3 frames/s, decoding included (``predict gaze-lite film.mp4 -o out --as csv --engine torch
--precision float32``): a million clips of 20 s at 25 frames/s would take 64 machines of 64 cores 6.4 hours, and 18 TB
as mkv, 31 TB as png.
"""

import csv
import errno
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch

from salzoo.hub.sources import resolve_source
from salzoo.interfaces.errors import SalzooError, one_line, shown
from salzoo.prediction.engines.choosing import SAMPLE
from salzoo.prediction.engines.engine import AUTO, RunOptions
from salzoo.prediction.engines.names import ENGINES, PRECISIONS
from salzoo.prediction.inputs import ALL, Input, Selection
from salzoo.prediction.outputs import PLAIN, OutputOptions, check_options
from salzoo.prediction.progress import Counts, followed
from salzoo.prediction.runner import Runner, is_there
from salzoo.runtime.devices import share_cores
from salzoo.runtime.files import read_json, read_text, sweep, write_text
from salzoo.runtime.locking import locked
from salzoo.runtime.memory import is_out_of_memory
from salzoo.runtime.pool import worker_pool
from salzoo.runtime.ranks import await_all, end_with_parent, on_first_rank, take_in_turn, this_rank
from salzoo.runtime.versions import software_versions

KINDS = ("mkv", "npz", "csv", "mp4", "png", "webm", "gif", "json", "npy")
"""What can be written for each input; png is a folder of maps for a video."""

_DRAWN = ("mkv", "mp4", "png", "webm", "gif")

RECORD, FAILED, IN_FLIGHT = "salzoo.json", "failed.csv", ".in-flight"

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors that are no input's own: no other could be written either."""


@dataclass(frozen=True)
class Corpus:
    """What is to be done to each input.

    Attributes:
        folder: of the outputs.
        kind: one of ``KINDS``.
        model: what ``load_model`` takes.
        how, selection, options: as for ``predict``. "auto" is settled once for the whole folder.
    """

    folder: Path
    kind: str
    model: str
    how: RunOptions = AUTO
    selection: Selection = ALL
    options: OutputOptions = PLAIN

    def out(self, source: Input) -> Path:
        """The output of an input: a picture becomes a picture where a video becomes one."""
        drawn = source.still and source.video is None and self.kind in _DRAWN
        if self.kind == "png" and not drawn:
            return self.folder / source.name
        return self.folder / f"{source.name}.{'png' if drawn else self.kind}"

    def runner(self, count: Callable[[], None] = lambda: None) -> Runner:
        """The model, ready to run; calls ``count`` after each frame."""
        return Runner(self.model, self.how, count=count)


def predict_corpus(
    corpus: Corpus,
    find: Callable[[], Sequence[Input]],
    *,
    retry_failed: bool = False,
    log: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Counts:
    """Run over inputs and write an output for each, together with the other processes that ``torchrun`` started.

    Outputs that are there stay, and inputs in ``failed.csv`` are passed by. An input that cannot be read is added to
    it. One at which the process was killed is tried once more in a process of its own: where that is killed as well,
    it has failed.

    Args:
        corpus: what is done to each.
        find: gives the inputs; the first process alone calls it.
        retry_failed: run over the inputs in ``failed.csv`` alone.
        log: a file to which the first process adds a line of JSON every few seconds.
        report: given a line that says what runs.

    Returns:
        What all processes did.

    Raises:
        SalzooError: inputs whose outputs have no name of their own, a folder that holds outputs of another model or
            option, or to which another run writes; a full disk.
    """
    rank = this_rank()
    share_cores()
    check_options(corpus.kind, corpus.options)
    sources = on_first_rank(rank, lambda: _in_order(corpus, find()))
    with locked(corpus.folder, rank, "is being written to"):
        settled = on_first_rank(rank, lambda: _settle(corpus, sources))
        report(f"engine: {settled.how.engine} {settled.how.precision}")
        failed = on_first_rank(rank, lambda: read_failed(corpus.folder))
        todo = [source for source in sources if (shown(source.name) in failed) == retry_failed]
        with followed(todo, failed, corpus.folder / FAILED, log) as counting:
            runner = settled.runner(counting.frame)
            for number in take_in_turn(counting.store, len(todo)):
                source = todo[number]
                if is_there(settled.out(source)):
                    counting.there(source)
                    continue
                try:
                    _predict_one(settled, runner, source)
                except Exception as error:
                    if not corpus.folder.is_dir():
                        raise SalzooError(f"{corpus.folder} was removed while outputs were written to it") from error
                    if _is_full(error) or not (isinstance(error, SalzooError) or is_out_of_memory(error)):
                        raise
                    counting.failed(source, one_line(error, 1000))
                else:
                    counting.done(source)
            await_all(counting.store)
        if rank.first:  # all is done; of a process that was killed, one may stand for an input that another finished
            shutil.rmtree(corpus.folder / IN_FLIGHT, ignore_errors=True)
        return counting.counts()


def _in_order(corpus: Corpus, sources: Sequence[Input]) -> list[Input]:
    """The inputs with the largest first, so that none of them is begun when all others are done."""
    for source in sources:
        if not source.files and source.video is None:
            raise SalzooError("a pipe can be read once, by one process: write it to a file first")
        taken = corpus.kind != "png" and corpus.out(source).name in (RECORD, FAILED)
        if taken or source.name.startswith(".") or "/" in source.name or not source.name:
            raise SalzooError(f"no output can be called {source.name!r}: give {source} another name")
    return sorted(sources, key=lambda source: (-source.size(), source.name))


def _settle(corpus: Corpus, sources: Sequence[Input]) -> Corpus:
    """Compare the folder's record with what is asked for, or write one, with the engine that was chosen."""
    found = resolve_source(corpus.model)
    asked = {
        "spec": found.spec,
        "weights_sha256": found.weights_sha256,
        "kind": corpus.kind,
        "engine": corpus.how.engine,
        "precision": corpus.how.precision,
        "size": corpus.how.size and list(corpus.how.size),
        "run_every": corpus.how.run_every,
        "selection": asdict(corpus.selection),
        "options": asdict(corpus.options),
    }
    path = corpus.folder / RECORD
    sweep(corpus.folder, 0)
    try:
        record = read_json(path)
        before, chosen = record["asked"], record["chosen"]
        if chosen["engine"] not in ENGINES or chosen["precision"] not in PRECISIONS:
            raise ValueError("no engine has this name, or no precision")
        for key, value in asked.items():
            if before[key] != value:
                raise SalzooError(
                    f"{corpus.folder} holds outputs of {key.replace('_', ' ')} {json.dumps(before[key])}, not "
                    f"{json.dumps(value)}: name another folder"
                )
        return replace(corpus, how=replace(corpus.how, engine=chosen["engine"], precision=chosen["precision"]))
    except FileNotFoundError:
        if any(not each.name.startswith(".") for each in corpus.folder.iterdir()):
            raise SalzooError(
                f"{corpus.folder} holds files and no {RECORD} that says what made them: name another folder"
            ) from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise SalzooError(f"{path} is damaged ({one_line(error)}): name another folder") from error
    settled = _choose(corpus, sources)
    chosen = {"engine": settled.how.engine, "precision": settled.how.precision}
    record = {"model": corpus.model, "asked": asked, "chosen": chosen, "versions": software_versions()}
    write_text(json.dumps({**record, "device": str(corpus.how.place())}, indent=2) + "\n", path)
    return settled


def _choose(corpus: Corpus, sources: Sequence[Input]) -> Corpus:
    """Choose the engine on the first frames of the first input that can be read."""
    frames, total = [], None
    for source in sources:
        if _was_in_flight(corpus, source):
            continue
        with suppress(SalzooError), _in_flight(corpus, source):
            stream = source.open(corpus.selection)
            frames = [frame.picture for frame in islice(stream.frames, SAMPLE)]
            total = len(sources) * (1 if stream.still else stream.info.frames if stream.info else 0) or None
        if frames:
            break
    runner = corpus.runner()
    runner.model = model = runner.load()
    if corpus.how.engine == "auto" and model.preprocessing.fit == "nearest":  # others run at one size alone
        runner.how = replace(corpus.how, engine="torch")
    engine = runner.prepare(frames, total)
    return replace(corpus, how=replace(corpus.how, engine=engine.name, precision=engine.precision))


def _was_in_flight(corpus: Corpus, source: Input) -> bool:
    """Whether a process was killed at an input."""
    return (corpus.folder / IN_FLIGHT / source.name).exists()


@contextmanager
def _in_flight(corpus: Corpus, source: Input) -> Iterator[None]:
    """Note within the block that an input is at hand. A signal that asks the process to end is not the input's
    fault."""
    marker = corpus.folder / IN_FLIGHT / source.name
    try:
        marker.parent.mkdir(exist_ok=True)
        marker.touch()
    except (OSError, ValueError) as error:
        raise SalzooError(f"cannot write {marker}: {one_line(error)}") from error
    try:
        yield
    finally:
        with suppress(OSError):
            marker.unlink()


def _predict_one(corpus: Corpus, runner: Runner, source: Input) -> None:
    again = _was_in_flight(corpus, source)
    with _in_flight(corpus, source):
        if not again:
            _run(corpus, runner, source)
            return
        try:
            with worker_pool(partial(_run_apart, corpus, torch.get_num_threads()), 2) as pool:
                pool.submit(source).result()
        except SalzooError as error:
            if isinstance(error.__cause__, BrokenProcessPool):
                raise SalzooError(f"{source}: its process was killed at it twice") from error
            raise


def _run_apart(corpus: Corpus, threads: int, source: Input) -> None:
    """Run over an input in a process of its own."""
    end_with_parent()
    torch.set_num_threads(threads)
    _run(corpus, corpus.runner(), source)


def _run(corpus: Corpus, runner: Runner, source: Input) -> None:
    out, options = corpus.out(source), corpus.options
    if corpus.kind in ("mkv", "png"):
        options = replace(options, view=options.view or "map")
    if corpus.kind != "png" or (source.still and source.video is None):
        runner.run(source, out, corpus.selection, options)
        return
    try:
        out.mkdir(exist_ok=True)  # a folder, whatever its name ends in
        runner.run(source, out, corpus.selection, options)
    finally:
        with suppress(OSError):
            out.rmdir()  # where it is empty still


def _is_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        error = error.__cause__
    return False


def read_failed(folder: Path) -> dict[str, str]:
    """The inputs that failed, with the error of each. Raises SalzooError for a file that is none of these."""
    try:
        rows = list(csv.reader(read_text(folder / FAILED, 1 << 28).splitlines()))
        return dict(rows[1:])
    except FileNotFoundError:
        return {}
    except (ValueError, csv.Error) as error:
        raise SalzooError(f"{folder / FAILED} is damaged ({one_line(error)}): remove it") from error
