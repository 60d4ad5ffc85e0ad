"""``salzoo regions``: how much attention regions of a picture or video get."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from salzoo.cli.run_options import read_run_options, run_options

if TYPE_CHECKING:
    from salzoo.prediction.engines.engine import RunOptions
    from salzoo.regions.comparing import Expectation
    from salzoo.regions.predicted import Forecasts
    from salzoo.regions.reading import RegionFile

WRITTEN = (".csv", ".json", ".png", ".jpg", ".jpeg")


@click.command("regions")
@click.argument("words", nargs=-1, required=True, metavar="[MODEL] INPUT...")
@click.option(
    "--regions",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    help="File of regions, or a folder with one for each INPUT.",
)
@click.option(
    "-o",
    "--out",
    "outs",
    type=click.Path(path_type=Path),
    multiple=True,
    help="What to write, several times: .csv (a line a region; of people a line a region, observer, viewing), .json, "
    ".png or .jpg (the regions on the picture, shares as bars, in a video over time).",
)
@click.option(
    "--curves",
    type=click.Path(path_type=Path),
    help="Of a video: write a .csv with a line for each region and frame, with its share of the map.",
)
@click.option(
    "--expect",
    "expectations",
    multiple=True,
    metavar="REGION.NUMBER>LIMIT",
    help='Such as "logo.share>0.05"; where one does not hold, the exit status is 3. Numbers are columns of the .csv; '
    "with two inputs those of the second, and share_change, seen_3s_change.",
)
@click.option(
    "--dataset", help="Of people: a data set with observers; each INPUT is the name of an item of it, or all."
)
@click.option("--root", type=click.Path(path_type=Path), help="Its folder; by default $SALZOO_DATA/<name>.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@run_options
def regions_command(
    words: tuple[str, ...],
    path: Path,
    outs: tuple[Path, ...],
    curves: Path | None,
    expectations: tuple[str, ...],
    dataset: str | None,
    root: Path | None,
    as_json: bool,
    **named: Any,
) -> None:
    """How much attention regions get, whether they will be seen, and when; with two INPUTs, the second against the
    first.

    \b
    How much attention does it get, and where?
      salzoo regions page.png --regions page.csv -o seen.png
    Will people look at it within three seconds?
      salzoo regions page.png --regions page.csv --expect "logo.seen_3s>0.5"
    Does the new version get it more?
      salzoo regions old.png new.png --regions page.csv
    What did people look at?
      salzoo regions all --dataset my/set --regions page.csv -o looks.csv
      salzoo regions gaze-lite all --dataset my/set --regions page.csv      and what does the model say?

    page.csv has a line a region, in pixels from the upper left corner:

    \b
      name,x,y,width,height
      logo,20,10,120,60

    An ellipse has the column shape, a polygon the column points (x y x y ...), a region that moves in a video a line
    for each of several times (s). JSON of our own, LabelMe, COCO, CVAT and EyeLink's .ias are read too.

    Of a model, each number has an interval that holds what people did 4 times in 5, fitted on photographs that
    people looked at for 3 s. MODEL is as salzoo predict takes it; without one, gaze-lite runs, to which it was fitted.

    Of people, missing is what never happened: a region that somebody did not look at has no time to the first look.
    """
    from salzoo.regions.comparing import Expectation
    from salzoo.regions.reading import read_regions
    from salzoo.regions.writing import curves_csv
    from salzoo.runtime.files import check_output, write_text

    expected = [Expectation.parse(each) for each in expectations]
    read = {each.resolve() for each in (path, *map(Path, words))}
    for out in (*outs, *([curves] if curves else [])):
        if out.resolve() in read:
            raise click.UsageError(f"{out} is read: name another output")
        if out.suffix.lower() not in (WRITTEN if out is not curves else (".csv",)):
            raise click.UsageError(f"{out}: name a file that ends in {', '.join(WRITTEN)}")
        check_output(out)
    file = read_regions(path)
    if dataset is not None:
        if expected or curves or any(out.suffix.lower() not in (".csv", ".json") for out in outs):
            raise click.UsageError("of people a .csv or .json is written, and nothing is expected")
        _people(words, file, {**named, "dataset": dataset, "root": root, "outs": outs, "as_json": as_json})
        return
    found = _forecast(words, file, read_run_options(named), as_json)
    if curves is not None:
        write_text(curves_csv(found), curves)
    _report(found, expected, outs, as_json)


def _forecast(words: tuple[str, ...], file: "RegionFile", how: "RunOptions", quiet: bool) -> "list[Forecasts]":
    """What the model that was named says of each input."""
    from salzoo.cli.predict_command import read_words
    from salzoo.prediction.inputs import find_inputs
    from salzoo.regions.predicted import Forecaster

    model, inputs = read_words(words, False)
    sources = find_inputs(inputs)
    if len(sources) > 2:
        raise click.UsageError("name one INPUT, or two to compare")
    if not quiet:
        click.echo(f"device: {how.place()}")
    forecaster = Forecaster(model, how, report=lambda line: None if quiet else click.echo(line))
    return [forecaster.forecast(each, file) for each in sources]


def _report(found: "list[Forecasts]", expected: "Sequence[Expectation]", outs: tuple[Path, ...], as_json: bool) -> None:
    from salzoo.regions.calibration import shipped_calibration
    from salzoo.regions.comparing import compare, rows_of, unmet
    from salzoo.regions.drawing import draw_forecasts
    from salzoo.regions.writing import explain, forecasts_csv, forecasts_json, format_forecasts
    from salzoo.runtime.files import write_text

    table = shipped_calibration()
    differences = compare(found[0], found[1], table) if len(found) == 2 else {}
    rows = rows_of(found[-1], differences)
    failed = unmet(expected, rows)
    record = forecasts_json(found, differences, table, {each.text: each.check(rows)[0] for each in expected})
    for out in outs:
        match out.suffix.lower():
            case ".csv":
                write_text(forecasts_csv(found), out)
            case ".json":
                write_text(record, out)
            case _:
                draw_forecasts(found[-1], out)
    if as_json:
        click.echo(record, nl=False)
    else:
        for each in found:
            click.echo(format_forecasts(each, differences if each is found[-1] else {}))
        click.echo("\n" + explain(table))
        for out in outs:
            click.echo(f"wrote {out}")
    for line in failed:
        click.echo(line, err=True)
    if failed:
        raise click.exceptions.Exit(3)


def _people(words: tuple[str, ...], file: "RegionFile", named: dict[str, Any]) -> None:
    """Say what people did, and beside it what a model says where one is named."""
    from salzoo.data import open_dataset
    from salzoo.hub.sources import names_model
    from salzoo.prediction.inputs import Input
    from salzoo.regions.people import find_items, measure_items, summarize
    from salzoo.regions.predicted import Forecaster
    from salzoo.regions.writing import format_forecasts, format_people, looks_csv, people_json
    from salzoo.runtime.files import write_text

    how = read_run_options(named)
    model, names = (words[0], words[1:]) if len(words) > 1 and names_model(words[0]) else (None, words)
    data = open_dataset(named["dataset"], named["root"])
    videos = find_items(data, names, file)
    looks = measure_items(videos, file)
    summaries = summarize(looks)
    forecaster = None if model is None else Forecaster(model, how)
    found = [forecaster.forecast(Input.of_video(video), file) for video in videos] if forecaster else []
    record = people_json(summaries, data.name, found)
    for out in named["outs"]:
        write_text(looks_csv(looks) if out.suffix.lower() == ".csv" else record, out)
    if named["as_json"]:
        click.echo(record, nl=False)
        return
    click.echo(format_people(summaries, data.name))
    for each in found:
        click.echo("\n" + format_forecasts(each, {}))
