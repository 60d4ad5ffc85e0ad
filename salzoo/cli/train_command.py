"""``salzoo train``: train a model."""

from pathlib import Path

import click

from salzoo.cli.types import parse_size


@click.command("train")
@click.argument("spec")
@click.option("--dataset", help="Name of the data set. By default dhf1k where its folder is known, else synthetic.")
@click.option("--root", type=click.Path(path_type=Path), help="Its folder; by default $SALZOO_DATA/<name>.")
@click.option(
    "--init",
    metavar="random|imagenet|MODEL",
    help="Initial weights; MODEL gives its backbone. By default random on synthetic data, else imagenet.",
)
@click.option("--epochs", type=click.IntRange(1), default=7, show_default=True, help="Passes over the training videos.")
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    help="Stop training after so many. By default 2 on synthetic data from random weights.",
)
@click.option("--clip-length", type=click.IntRange(1), default=10, show_default=True, help="Frames of a clip.")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, help="Videos side by side.")
@click.option(
    "--size",
    type=parse_size,
    metavar="HxW",
    help="Input size. By default 48x64 on synthetic data, else the model's own.",
)
@click.option(
    "--lr", type=click.FloatRange(0), help="Learning rate. By default 4e-5, or 1e-6 where --init is a saliency model."
)
@click.option(
    "--alpha-lr", type=click.FloatRange(0), default=0.1, show_default=True, help="That of learned EMA weights."
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="Of the layers. By default bfloat16 where the device computes in it.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of weights and dropout.")
@click.option("--device", help="cpu, cuda, mps; the best one here by default.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Run folder. By default runs/<spec>-<time>.")
@click.option("--json", "as_json", is_flag=True, help="Print the validation scores as JSON.")
def train_command(spec: str, as_json: bool, **options: object) -> None:
    """Train the model SPEC and score it on the validation split.

    Clips of consecutive frames go through in order, the temporal state runs on from clip to clip. The run folder is a
    checkpoint folder (give it to predict, eval, or --init) with metrics.csv, training.json, results.json and pictures.
    Ctrl-C ends the run after the step at hand, leaves a loadable checkpoint and exits with status 130.
    """
    from salzoo.evaluation.results import format_table, results_json
    from salzoo.training.runs import train

    run = train(spec, **options, report=lambda line: click.echo(line, err=as_json))  # type: ignore[arg-type]
    if run.interrupted:
        click.echo(f"interrupted after {run.steps} steps; the checkpoint is in {run.folder}", err=True)
        raise click.exceptions.Exit(130)
    click.echo(results_json(run.results) if as_json else format_table(run.results))
    click.echo(f"checkpoint, log and pictures in {run.folder}", err=as_json)
