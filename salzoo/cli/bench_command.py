"""``salzoo bench``: how fast it is here."""

from pathlib import Path
from typing import Any

import click

from salzoo.cli.types import parse_size


@click.command("bench")
@click.argument("what", type=click.Choice(["inference", "pipeline", "train", "metrics", "data", "startup", "device"]))
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--size", type=parse_size, metavar="HxW", help="Size of the frames; by default the model's own.")
@click.option("--video", type=click.Path(path_type=Path), help="Frames for inference, by default drawn; for pipeline.")
@click.option("--rounds", type=click.IntRange(1, 1000), default=5, show_default=True, help="How often each is timed.")
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads that compute; by default one a core.")
@click.option("--device", help="cpu, cuda, mps; the best one here by default.")
@click.option("--forget", is_flag=True, help="Forget first which engines predict's auto has chosen here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, times in seconds.")
def bench_command(
    what: str, models: tuple[str, ...], threads: int | None, device: str | None, as_json: bool, **options: Any
) -> None:
    """Measure how fast salzoo is on this machine: running or training MODELs, the metrics, reading data, starting.

    inference times every engine and precision installed against the plain way, frame by frame in float32, and says by
    what their maps differ. pipeline times predict, from a --video to what is written, against a script that one would
    write oneself. train times steps of each MODEL on a clip, and of the first frame by frame too. device times all that
    a card says of a device (prediction by precision and frames at once, on CUDA by recorded graphs too; training;
    scores) and prints Markdown. MODEL is what `salzoo predict` takes, or a spec, which gets weights drawn at random.

    Variants take turns, so that what else the machine does slows all alike: trust the ratios to the first (with their
    quartiles) more than the times.
    """
    import torch

    from salzoo.bench.machine import describe_machine, peak_memory
    from salzoo.bench.report import tables_json, tables_markdown, tables_text
    from salzoo.prediction.engines.choosing import forget_choices
    from salzoo.runtime.devices import choose_device

    if models and what not in ("inference", "pipeline", "train", "device"):
        raise click.UsageError(f"{what} takes no MODEL")
    if threads is not None:
        torch.set_num_threads(threads)
    where = choose_device(device)
    machine = describe_machine(where)  # before anything runs: the load is that of others
    if options.pop("forget"):
        forget_choices()
    tables = _run(what, models or ("salgan+ema@61",), where, **options)
    show = tables_json if as_json else tables_markdown if what == "device" else tables_text
    click.echo(show(tables, machine, peak_memory()))


def _run(
    what: str, models: tuple[str, ...], where: Any, *, size: tuple[int, int] | None, video: Path | None, rounds: int
) -> list[Any]:
    if what == "inference":
        from salzoo.bench.inference import bench_inference, model_for_bench, read_sample

        tables = []
        for name in models:
            model = model_for_bench(name, size).to(where)
            tables.append(bench_inference(model, read_sample(video, model.preprocessing.size), rounds=rounds))
        return tables
    if what == "pipeline":
        from salzoo.bench.inference import model_for_bench
        from salzoo.bench.pipeline import bench_pipeline

        if video is None:
            raise click.UsageError("pipeline needs a --video")
        return [bench_pipeline(model_for_bench(name, size).to(where), video, rounds=rounds) for name in models]
    if what == "device":
        from salzoo.bench.device import bench_device

        return [table for name in models for table in bench_device(name, where, size, rounds=rounds)]
    if what == "train":
        from salzoo.bench.training import bench_training

        return [bench_training(models, where, size, rounds=rounds)]
    if what == "startup":
        from salzoo.bench.startup import bench_startup

        return [bench_startup(rounds=rounds)]
    from salzoo.bench.scoring import bench_data, bench_metrics

    return bench_metrics(rounds=rounds) if what == "metrics" else [bench_data(rounds=rounds)]
