"""``salzoo list``: the names the zoo knows."""

import json

import click

from salzoo.cli.terminal import heading
from salzoo.plugins import registry
from salzoo.registry import KINDS, Entry, Kind


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS), required=False)
@click.argument("pattern", default="*")
@click.option(
    "--timm", "timm_pattern", metavar="PATTERN", help="With backbones: the architectures of timm that match a glob."
)
@click.option(
    "--long", is_flag=True, help="With models: a table of size, cost, training data, terms and where the weights are."
)
@click.option(
    "--speed", is_flag=True, help="With --long: also frames/s, measured here on the CPU, which takes a while."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(
    kind: Kind | None, pattern: str, timm_pattern: str | None, long: bool, speed: bool, as_json: bool
) -> None:
    """List the names of a KIND (all kinds by default) that match a glob PATTERN."""
    if timm_pattern is not None:
        if kind != "backbones":
            raise click.UsageError("--timm goes with backbones: salzoo list backbones --timm PATTERN")
        _print_timm(timm_pattern, as_json)
        return
    if long and (kind != "models" or as_json):
        raise click.UsageError("--long goes with models, without --json: salzoo list models --long")
    if speed and not long:
        raise click.UsageError("--speed goes with --long: salzoo list models --long --speed")
    if kind == "models" and not as_json:
        _print_models(pattern, long, speed)
        return
    entries = {each: registry().entries(each, pattern) for each in KINDS if kind in (None, each)}
    if as_json:
        click.echo(json.dumps({each: [_record(entry) for entry in found] for each, found in entries.items()}, indent=2))
        return
    for each, found in entries.items():
        if kind is None:
            heading(each)
        _print_rows(
            [(entry.name, entry.summary, ", ".join(entry.aliases)) for entry in found], indent=2 * (kind is None)
        )


def _print_timm(pattern: str, as_json: bool) -> None:
    from salzoo.backbones.timm_encoder import list_architectures

    specs = [f"timm:arch={name}" for name in list_architectures(pattern)]
    if as_json:
        click.echo(json.dumps({"backbones": specs}, indent=2))
        return
    for spec in specs:
        click.echo(spec)


def _print_models(pattern: str, long: bool, speed: bool) -> None:
    from salzoo.hub.places import describe_models

    if long:
        _print_table(pattern, speed)
        return
    for model in describe_models(pattern):
        scores = ", ".join(f"{metric} {score:.3f}" for metric, score in model.scores.items())
        heading(f"{model.name}  {model.spec}")
        said = f" ({model.source})" if model.source else ""
        click.echo(f"    on its card: {scores or 'none'}{said}\n    weights {model.weights}")


def _print_table(pattern: str, speed: bool) -> None:
    """What one gets, a line a model."""
    from salzoo.hub.measures import measure_models
    from salzoo.runtime.texts import in_columns

    heads = ("model", "parameters", "MB", "GFLOPs", "input", "frames", *(["frames/s"] * speed))
    rows = [(*heads, "NSS", "trained on", "terms", "weights")]
    for model, found in measure_models(pattern):
        window = str(found.window) if found.window > 1 else ""
        size = f"{found.size[0]}×{found.size[1]}"
        cells = [model.name, f"{found.parameters:,}", f"{found.megabytes:.1f}", f"{found.gflops:.1f}", size, window]
        if speed:
            cells.append(_speed(model.name if model.here else model.spec))
        rows.append((*cells, model.nss, found.trained_on, model.license, model.place))
    for line in in_columns(rows, left=(0, *range(len(heads), len(rows[0])))):  # words, which stand behind numbers
        click.echo(line)
    click.echo("GFLOPs: of a frame of that input; frames: that a map depends on, where the network looks at windows")
    click.echo("NSS: the first on its card, by salzoo eval or as its authors report; of those here, on a set you have:")
    click.echo("salzoo eval --dataset SET, without a MODEL")
    if speed:
        click.echo("frames/s: here, one by one in float32 on PyTorch, CPU, with random weights where none are here")


def _speed(name: str) -> str:
    from salzoo.bench.inference import frames_per_second

    return f"{frames_per_second(name):.1f}"


def _record(entry: Entry) -> dict[str, object]:
    return {"name": entry.name, "summary": entry.summary, "aliases": list(entry.aliases), "plugin": entry.plugin}


def _print_rows(rows: list[tuple[str, str, str]], indent: int = 0) -> None:
    width = max((len(row[0]) for row in rows), default=0)
    for name, summary, extra in rows:
        click.echo(f"{'':{indent}}{name:{width}}  {summary}{f'  [{extra}]' if extra else ''}".rstrip())
