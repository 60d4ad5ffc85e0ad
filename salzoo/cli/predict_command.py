"""``salzoo predict``: where people look in videos and images."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from salzoo.cli.output_options import corpus_options, output_options, read_output_options
from salzoo.cli.types import ENGINES, PRECISIONS, parse_size

if TYPE_CHECKING:
    from salzoo.prediction.corpus import Corpus
    from salzoo.prediction.inputs import Source
    from salzoo.prediction.runs import Prediction


@click.command("predict")
@click.argument("words", nargs=-1, metavar="[MODEL] INPUT...")
@click.option(
    "-o",
    "--out",
    help="What to write: .mp4 (H.264, plays everywhere), .webm, .gif or .avi for an overlay video, .mkv for maps "
    "without loss, .png or .jpg for an overlay image, .npy or .npz for values, .csv or .json for measures of each "
    "frame, a name without an ending for a folder of maps. {name} stands for the input's name; without it, several "
    "inputs need a folder, in which each gets an output.",
)
@corpus_options
@output_options
@click.option("--from", "start", type=click.FloatRange(0), default=0.0, help="Seconds of a video at which to begin.")
@click.option("--to", "stop", type=click.FloatRange(0), help="Seconds at which to end.")
@click.option("--every", type=click.IntRange(1), default=1, help="Take one frame in so many.")
@click.option("--size", type=parse_size, metavar="HxW", help="Size that the model runs at; by default its own.")
@click.option(
    "--dataset", help="Run over a whole split of this data set; no INPUT, and --out is the folder of a submission."
)
@click.option("--root", type=click.Path(path_type=Path), help="Its folder; by default $SALZOO_DATA/<name>.")
@click.option("--split", default="test", show_default=True, help="Which split.")
@click.option(
    "--format",
    "layout",
    type=click.Choice(["dhf1k"]),
    default="dhf1k",
    show_default=True,
    help="How that folder is laid out: OUT/VIDEO/FRAME.png, as the data set names them, grey; checked at the end.",
)
@click.option("--resume", is_flag=True, help="Leave out inputs whose output is there; in a folder of several, always.")
@click.option(
    "--live", metavar="N|URL", help="Run on camera N, or a stream, and show it on a page; no INPUT, no --out."
)
@click.option("--device", help="cpu, cuda, cuda:1, mps; by default the best one here.")
@click.option(
    "--engine",
    type=click.Choice(["auto", *ENGINES]),
    default="auto",
    show_default=True,
    help="What runs the model: auto takes the fastest that is installed and keeps the maps.",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", *PRECISIONS]),
    default="auto",
    show_default=True,
    help="Of the layers. int8 takes its ranges from the first frames.",
)
def predict_command(
    words: tuple[str, ...],
    out: str | None,
    start: float,
    stop: float | None,
    every: int,
    size: tuple[int, int] | None,
    dataset: str | None,
    root: Path | None,
    split: str,
    layout: str,
    resume: bool,
    kind: str | None,
    listed: str | None,
    retry_failed: bool,
    log_json: Path | None,
    live: str | None,
    device: str | None,
    engine: Any,
    precision: Any,
    **named_options: Any,
) -> None:
    """Draw where people look over each INPUT, or save the maps of MODEL.

    INPUT is a video, an image, a folder (of numbered images: the frames of one video; else each file in it), a pattern
    of numbered frames such as shot%04d.png, a glob, or - for a video on standard input.

    MODEL is a run or checkpoint folder, a name that `salzoo list models` shows, or the spec of a model that needs no
    training, such as spectral-residual. Without one, gaze-lite runs, the zoo's own.

    An overlay video has the frames of the input at the times that they had; .mp4 and .webm have its sound. Measures are
    peak, centroid, spread, entropy and the share of the map in each of the --boxes. Maps are 8-bit grey PNGs at the
    frame's size, numbered 0001.png, 0002.png, … as the DHF1K benchmark takes them.

    With --dataset, what is written can be sent to a benchmark, and scored by salzoo eval --predictions OUT.

    Several inputs go into a folder, the largest first. What is there stays: the next run goes on, with the model and
    options that DIR/salzoo.json holds, and passes by what failed, listed in DIR/failed.csv. Where any has failed, the
    exit status is 3. torchrun --nproc-per-node K -m salzoo predict ... shares the inputs out over K processes, each of
    which takes the next one when it is free; with --max-restarts, killed processes are started again. (Under torchrun,
    which takes any other for a crash, the status is 0.)

    With --live, the newest frame is run first, and those that come too late are dropped and counted.

    With --engine auto, engines are compared on the first frames, and the fastest whose maps differ from float32's by at
    most a hundredth runs the rest; --engine torch --precision float32 gives the same maps on every machine.
    """
    from salzoo.hub.sources import DEFAULT_MODEL, names_model
    from salzoo.prediction.inputs import ALL, Selection, dataset_inputs, distinct, find_inputs
    from salzoo.prediction.listing import read_list
    from salzoo.prediction.runs import Runner, predict_all
    from salzoo.runtime.devices import device_of_rank
    from salzoo.runtime.ranks import this_rank

    if live is not None:
        if len(words) > 1 or (words and not names_model(words[0])) or out is not None or dataset is not None:
            raise click.UsageError("--live takes the place of INPUT and --out")
        _watch(words[0] if words else DEFAULT_MODEL, live, size, device, engine, precision)
        return
    if not words and dataset is None and listed is None:
        raise click.UsageError("name an INPUT: a video, an image, a folder, or - for a pipe")
    if out is None:
        raise click.UsageError("name what to write with --out")
    options, selection = read_output_options(named_options), Selection(start, stop, every)
    many = kind is not None or listed is not None or retry_failed or log_json is not None or this_rank().size > 1
    if dataset is not None:
        drawn = (options.view, options.colormap, options.bits) != (None, None, 8)
        if len(words) > 1 or listed is not None or selection != ALL or drawn:
            raise click.UsageError("--dataset takes the place of INPUT: all frames of a split, as grey maps of 8 bits")
        from salzoo.data import open_dataset

        model, pattern = words[0] if words else DEFAULT_MODEL, str(Path(out, "{name}"))
        videos = open_dataset(dataset, root).split(split)
    else:
        (model, inputs), pattern = _read_words(words, listed is not None), out

    def find() -> list["Source"]:
        if dataset is not None:
            return dataset_inputs(videos)
        return distinct([*(find_inputs(inputs) if inputs else []), *(read_list(listed) if listed is not None else [])])

    sources = [] if many else find()
    chosen = device_of_rank(device)
    _say(f"device: {chosen}")
    if many or (len(sources) > 1 and "{name}" not in pattern and not Path(out).suffix):
        from salzoo.prediction.corpus import Corpus

        if "{name}" in out or options.overwrite:
            raise click.UsageError("many inputs go into a folder (-o DIR --as mkv), where nothing is overwritten")
        corpus = Corpus(Path(out), kind or "png", model, chosen, engine, precision, size, selection, options)
        _predict_corpus(corpus, find, retry_failed, log_json)
        return
    runner = Runner(model, device=chosen, engine=engine, precision=precision, size=size, report=click.echo)
    _say_what_was_done(predict_all(runner, sources, pattern, selection, options=options, resume=resume))
    if dataset is not None:
        from salzoo.evaluation.saved_maps import check_layout

        click.echo(
            f"{out}: {check_layout(Path(out), videos)} maps of {len(videos)} videos, laid out as {layout} takes them"
        )


def _say_what_was_done(predictions: Iterable[tuple["Source", "Prediction | None"]]) -> None:
    """Take predictions as they come, and print a line for each."""
    for source, done in predictions:
        if done is None:
            click.echo(f"{source}: its output is there")
            continue
        frames = "1 frame" if done.frames == 1 else f"{done.frames} frames"
        click.echo(
            f"{done.out}: {frames} in {done.seconds:.1f} s, {done.frames / max(done.seconds, 1e-9):.1f} frames/s"
        )


def _read_words(words: tuple[str, ...], listed: bool) -> tuple[str, tuple[str, ...]]:
    """The model that the words of the command line name, and the inputs, which a list may name instead."""
    from salzoo.hub.sources import DEFAULT_MODEL, names_model
    from salzoo.prediction.inputs import is_input

    if not words:
        return DEFAULT_MODEL, ()
    first, *rest = words
    if not names_model(first) and (is_input(first) or not (rest or listed)):
        return DEFAULT_MODEL, words
    if not rest and not listed:
        raise click.UsageError(f"{first} is a model: name an INPUT too")
    return first, tuple(rest)


def _predict_corpus(
    corpus: "Corpus", find: Callable[[], list["Source"]], retry_failed: bool, log_json: Path | None
) -> None:
    """Run over many inputs, and say what became of them."""
    import os

    from salzoo.prediction.corpus import FAILED, predict_corpus
    from salzoo.runtime.ranks import this_rank

    counts = predict_corpus(corpus, find, retry_failed=retry_failed, log=log_json, report=_say)
    if not this_rank().first:
        return
    where = f" ({corpus.folder / FAILED})" if counts.failed else ""
    _say(f"{counts.done} done, {counts.frames} frames; {counts.there} were there; {counts.failed} failed{where}")
    if counts.failed and "TORCHELASTIC_RUN_ID" not in os.environ:
        raise click.exceptions.Exit(3)


def _say(text: str) -> None:
    """Print a line, with the process that says it where there are several."""
    from salzoo.runtime.ranks import this_rank

    rank = this_rank()
    click.echo(f"rank {rank.number}: {text}" if rank.size > 1 else text)


def _watch(
    model: str, live: str, size: tuple[int, int] | None, device: str | None, engine: Any, precision: Any
) -> None:
    """Show a camera or stream with the model's heat over it until it ends, or Ctrl-C."""
    import itertools
    import sys

    from salzoo.prediction.live import Latency, live_page, read_live, watch
    from salzoo.prediction.runs import Runner
    from salzoo.prediction.showing import show as draw
    from salzoo.runtime.devices import choose_device

    runner = Runner(
        model, device=choose_device(device), engine=engine, precision=precision, size=size, report=click.echo
    )
    frames = read_live(live)
    first = next(frames, None)
    if first is None:
        raise click.ClickException(f"{live} gave no frame")
    running = runner.prepare([first])
    latency, count, dropped = Latency(), 0, 0
    with live_page() as (address, show):
        click.echo(f"live at {address} (Ctrl-C ends it)")
        try:
            for seen in watch(running, itertools.chain([first], frames)):
                show(draw(seen.frame, seen.saliency).image)
                latency.add(seen.latency)
                count, dropped = count + 1, seen.dropped
                if sys.stderr.isatty():
                    click.echo(f"\r{latency}, {dropped} of {count + dropped} dropped  ", err=True, nl=False)
        except KeyboardInterrupt:
            click.echo("", err=True)
    click.echo(f"{count} frames, {latency}, {dropped} of {count + dropped} late and dropped")
