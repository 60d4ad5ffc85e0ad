"""``salzoo predict``: where people look in videos and images."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from salzoo.cli.output_options import (
    corpus_options,
    output_options,
    read_output_options,
    read_selection,
    selection_options,
)
from salzoo.cli.run_options import read_run_options, run_options

if TYPE_CHECKING:
    from salzoo.prediction.corpus import Corpus
    from salzoo.prediction.inputs import Input


@click.command("predict")
@click.argument("words", nargs=-1, metavar="[MODEL] INPUT...")
@click.option(
    "-o",
    "--out",
    help="What to write: .mp4 (H.264, plays everywhere), .webm, .gif or .avi for an overlay video, .mkv for maps "
    "without loss, .png or .jpg for an overlay image, .npy or .npz for values, .csv or .json for measures of each "
    "frame, a name without an ending for a folder: of maps, or, for several inputs, with an output for each.",
)
@corpus_options
@output_options
@selection_options
@run_options
@click.option(
    "--dataset",
    help="Run over a whole split of this data set; no INPUT. Maps are laid out as benchmarks take them, "
    "OUT/VIDEO/FRAME.png by the data set's names, grey, and checked at the end.",
)
@click.option("--root", type=click.Path(path_type=Path), help="Its folder; by default $SALZOO_DATA/<name>.")
@click.option("--split", default="test", show_default=True, help="Which split; all for every video.")
def predict_command(
    words: tuple[str, ...], out: str | None, dataset: str | None, listed: str | None, **named: Any
) -> None:
    """Draw where people look over each INPUT, or save the maps of MODEL.

    INPUT is a video, an image, a folder (each video and image in it), a pattern of numbered frames such as
    shot%04d.png, which is a video, a glob, or - for a video on standard input.

    MODEL is a run or checkpoint folder, a name that `salzoo list models` shows, or the spec of a model that needs no
    training, such as spectral-residual. Without one, gaze-lite runs, the zoo's own.

    An overlay video has the frames of the input at the times that they had; .mp4 and .webm have its sound. Measures are
    peak, centroid, spread and entropy (`salzoo regions` has shares of regions). Maps are 8-bit grey PNGs at the
    frame's size, numbered 0001.png, 0002.png, … as the DHF1K benchmark takes them.

    With --dataset, what is written can be sent to a benchmark, and scored by salzoo eval --predictions OUT.

    Several inputs go into a folder, the largest first. What is there stays: the next run goes on, with the model and
    options that DIR/salzoo.json holds, and passes by what failed, listed in DIR/failed.csv. Where any has failed, the
    exit status is 3. torchrun --nproc-per-node K -m salzoo predict ... shares the inputs out over K processes, each of
    which takes the next one when it is free; with --max-restarts, killed processes are started again. (Under torchrun,
    which takes any other for a crash, the status is 0.)

    \b
    On a cluster, the same on each machine; the folder is common to all, and its file system knows locks:
      torchrun --nnodes 2 --nproc-per-node 4 --max-restarts 100 --rdzv-backend c10d --rdzv-endpoint FIRST:29400
        --rdzv-id maps -m salzoo predict --inputs list.csv -o /shared/maps --as mkv --log-json /shared/maps.log
    Under Slurm (sbatch --requeue --nodes 2 --ntasks-per-node 1) that is a batch script's line behind srun, with
      --rdzv-endpoint "$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1):29400" --rdzv-id "$SLURM_JOB_ID"
    A kill loses the videos in flight, no more: start it again, and it goes on.

    With --engine auto, engines are compared on the first frames, and the fastest whose maps no common score tells from
    float32's runs the rest; the choice is remembered. --engine torch --precision float32 gives the same maps on every
    machine.
    """
    from salzoo.hub.sources import outline_source
    from salzoo.prediction.corpus import Corpus
    from salzoo.prediction.inputs import ALL
    from salzoo.prediction.runner import Runner
    from salzoo.runtime.ranks import this_rank

    how, options, selection = read_run_options(named), read_output_options(named), read_selection(named)
    drawn = (options.view, options.colormap, options.bits) != (None, None, 8) and named["kind"] in (None, "png")
    model, find = _read_inputs(words, dataset, listed, named, whole=selection == ALL and not drawn)
    if out in (None, "-"):
        raise click.UsageError("name what to write with --out: a file or folder, not standard output")
    settings = [named["kind"], listed, dataset, named["retry_failed"] or None, named["log_json"]]
    many = this_rank().size > 1 or any(setting is not None for setting in settings)
    if "+" in model:  # a name with modules behind it: what it is
        _say(f"model: {outline_source(model)[0]}")
    _say(f"device: {how.place()}")
    found = [] if many else find()
    if len(found) == 1:
        click.echo(Runner(model, how, report=click.echo).run(found[0], Path(out), selection, options))
        return
    if found and Path(out).suffix:
        raise click.UsageError(f"{len(found)} inputs cannot all become {out}: name a folder, as -o DIR --as mp4 does")
    corpus = Corpus(Path(out), named["kind"] or "png", model, how, selection, options)
    _predict_corpus(corpus, (lambda: found) if found else find, named)


def _read_inputs(
    words: tuple[str, ...], dataset: str | None, listed: str | None, named: dict[str, Any], *, whole: bool
) -> tuple[str, Callable[[], list["Input"]]]:
    """The model, and what finds its inputs; ``whole`` tells whether all frames become grey maps."""
    from salzoo.hub.sources import DEFAULT_MODEL

    if dataset is not None:
        if len(words) > 1 or listed is not None or not whole:
            raise click.UsageError("--dataset takes the place of INPUT: all frames of a split, as grey maps of 8 bits")
        return words[0] if words else DEFAULT_MODEL, partial(_find_videos, dataset, named)
    if not words and listed is None:
        raise click.UsageError("name an INPUT: a video, an image, a folder, or - for a pipe")
    model, inputs = read_words(words, listed is not None)
    return model, partial(_find, inputs, listed, named["sequence"])


def _find(inputs: tuple[str, ...], listed: str | None, sequence: bool) -> list["Input"]:
    """The inputs that the command line and a list name; says what they were taken for."""
    from salzoo.prediction.inputs import distinct, find_inputs, in_words
    from salzoo.prediction.listing import read_list

    found = find_inputs(inputs, sequence=sequence, say=_say) if inputs else []
    if listed is not None:
        found += read_list(listed, sequence=sequence, say=_say)
    if len(found) > 1 or len(found[0].files) > 1:
        _say(f"inputs: {in_words(found)}")
    return distinct(found)


def _find_videos(dataset: str, named: dict[str, Any]) -> list["Input"]:
    """The videos of a data set's split."""
    from salzoo.data import open_dataset
    from salzoo.prediction.inputs import Input

    return [Input.of_video(video) for video in open_dataset(dataset, named["root"]).split(named["split"])]


def read_words(words: tuple[str, ...], listed: bool) -> tuple[str, tuple[str, ...]]:
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


def _predict_corpus(corpus: "Corpus", find: Callable[[], list["Input"]], named: dict[str, Any]) -> None:
    """Run over many inputs, and say what became of them."""
    import os

    from salzoo.evaluation.saved_maps import check_layout
    from salzoo.prediction.corpus import FAILED, predict_corpus
    from salzoo.runtime.ranks import this_rank

    if corpus.options.overwrite:
        raise click.UsageError("many inputs go into a folder (-o DIR --as mkv), where nothing is overwritten")
    inputs: list[Input] = []

    def find_once() -> list["Input"]:
        inputs[:] = find()
        return inputs

    counts = predict_corpus(corpus, find_once, retry_failed=named["retry_failed"], log=named["log_json"], report=_say)
    if not this_rank().first:
        return
    where = f" ({corpus.folder / FAILED})" if counts.failed else ""
    _say(f"{counts.done} done, {counts.frames} frames; {counts.there} were there; {counts.failed} failed{where}")
    if counts.failed and "TORCHELASTIC_RUN_ID" not in os.environ:
        raise click.exceptions.Exit(3)
    videos = [each.video for each in inputs if each.video is not None]
    if videos and corpus.kind == "png" and not counts.failed:
        maps = check_layout(corpus.folder, videos)
        _say(f"{corpus.folder}: {maps} maps of {len(videos)} videos, laid out as benchmarks take them")


def _say(text: str) -> None:
    """Print a line, with the process that says it where there are several."""
    from salzoo.runtime.ranks import this_rank

    rank = this_rank()
    click.echo(f"rank {rank.number}: {text}" if rank.size > 1 else text)
