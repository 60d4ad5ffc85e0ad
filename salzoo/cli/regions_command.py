"""``salzoo regions``: how much attention regions of a picture or video get."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from salzoo.cli.run_options import read_run_options, run_options
from salzoo.cli.types import GIVEN

if TYPE_CHECKING:
    from salzoo.prediction.engines.engine import RunOptions
    from salzoo.regions.comparing import Expectation
    from salzoo.regions.predicted import Forecasts
    from salzoo.regions.reading import RegionFile

WRITTEN = (".csv", ".json", ".png", ".jpg", ".jpeg")

ACROSS, PICTURES = 800, 20
"""Pixels across a picture in a .json, and how many it has."""


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
    help="What to write, several times: .csv (a line a region; of people a line a region, observer, viewing), .json "
    "(which salzoo report shows), .png or .jpg (the regions on the picture, shares as bars, in a video over time).",
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
def regions_command(words: tuple[str, ...], path: Path, **named: Any) -> None:
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

    asked = Asked(
        outs=named.pop("outs"),
        curves=named.pop("curves"),
        expected=[Expectation.parse(each) for each in named.pop("expectations")],
        dataset=named.pop("dataset"),
        root=named.pop("root"),
        as_json=named.pop("as_json"),
        how=read_run_options(named),
    )
    asked.check({each.resolve() for each in (path, *map(Path, words))})
    (_forecast if asked.dataset is None else _people)(words, read_regions(path), asked)


@dataclass(frozen=True)
class Asked:
    """What is to be said of regions, and where to."""

    outs: tuple[Path, ...]
    curves: Path | None
    expected: "list[Expectation]"
    dataset: str | None
    root: Path | None
    as_json: bool
    how: "RunOptions"

    def check(self, read: set[Path]) -> None:
        """Refuse what cannot be written, and what is read."""
        from salzoo.runtime.files import check_output

        for out in (*self.outs, *([self.curves] if self.curves else [])):
            if out.resolve() in read:
                raise click.UsageError(f"{out} is read: name another output")
            if out.suffix.lower() not in (WRITTEN if out is not self.curves else (".csv",)):
                raise click.UsageError(f"{out}: name a file that ends in {', '.join(WRITTEN)}")
            check_output(out)
        drawn = any(out.suffix.lower() not in (".csv", ".json") for out in self.outs)
        if self.dataset is not None and (self.expected or self.curves or drawn):
            raise click.UsageError("of people a .csv or .json is written, and nothing is expected")

    def say(self, line: str) -> None:
        """Print a line that is for people alone."""
        if not self.as_json:
            click.echo(line)


def _forecast(words: tuple[str, ...], file: "RegionFile", asked: Asked) -> None:
    """Say what the model that was named says of each input."""
    from salzoo.cli.predict_command import read_words
    from salzoo.prediction.inputs import find_inputs
    from salzoo.regions.predicted import Forecaster

    model, inputs = read_words(words, False)
    sources = [source for word in inputs for source in find_inputs([word])]
    if len(sources) > 2:
        raise click.UsageError("name one INPUT, or two to compare")
    if len({source.name for source in sources}) < len(sources):  # old/page.png and new/page.png
        sources = [replace(source, name=str(source)) for source in sources]
    asked.say(f"device: {asked.how.place()}")
    forecaster = Forecaster(model, asked.how, report=asked.say)
    _report([forecaster.forecast(each, file) for each in sources], asked)


def _report(found: "list[Forecasts]", asked: Asked) -> None:
    from salzoo.regions.calibration import shipped_calibration
    from salzoo.regions.comparing import compare, rows_of, unmet
    from salzoo.regions.drawing import draw_forecasts
    from salzoo.regions.writing import curves_csv, explain, forecasts_csv, forecasts_json, format_forecasts
    from salzoo.runtime.files import write_text

    table = shipped_calibration()
    differences = compare(found[0], found[1], table) if len(found) == 2 else {}
    rows = rows_of(found[-1], differences)
    failed = unmet(asked.expected, rows)
    held = {each.text: each.check(rows)[0] for each in asked.expected}
    if asked.curves is not None:
        write_text(curves_csv(found), asked.curves)
    for out in asked.outs:
        match out.suffix.lower():
            case ".csv":
                write_text(forecasts_csv(found), out)
            case ".json":
                write_text(forecasts_json(found, differences, table, held, **_more(found)), out)
            case _:
                draw_forecasts(found[-1], out)
    if asked.as_json:
        click.echo(forecasts_json(found, differences, table, held), nl=False)
    for each in found:
        asked.say(format_forecasts(each, differences if each is found[-1] else {}))
    asked.say("\n" + explain(table))
    for out in (*asked.outs, *([asked.curves] if asked.curves else [])):
        asked.say(f"wrote {out}")
    for line in failed:
        click.echo(line, err=True)
    if failed:
        raise click.exceptions.Exit(3)


def _more(found: "list[Forecasts]") -> dict[str, Any]:
    """What a .json has for ``salzoo report``: the command, and the pictures with their regions."""
    from salzoo.regions.drawing import draw_picture
    from salzoo.video.embedding import picture_uri

    pictures = [picture_uri(draw_picture(each, ACROSS)) for each in found[:PICTURES]]
    command = click.get_current_context().meta.get(GIVEN, "")
    return {"command": command, "pictures": pictures + [""] * (len(found) - len(pictures))}


def _people(words: tuple[str, ...], file: "RegionFile", asked: Asked) -> None:
    """Say what people did, and beside it what a model says where one is named."""
    from salzoo.data import open_dataset
    from salzoo.hub.sources import names_model
    from salzoo.prediction.inputs import Input
    from salzoo.regions.people import find_items, measure_items, summarize
    from salzoo.regions.predicted import Forecaster
    from salzoo.regions.writing import format_forecasts, format_people, looks_csv, people_json
    from salzoo.runtime.files import write_text

    model, names = (words[0], words[1:]) if len(words) > 1 and names_model(words[0]) else (None, words)
    assert asked.dataset is not None
    data = open_dataset(asked.dataset, asked.root)
    videos = find_items(data, names, file)
    looks = measure_items(videos, file)
    summaries = summarize(looks)
    forecaster = None if model is None else Forecaster(model, asked.how)
    found = [forecaster.forecast(Input.of_video(video), file) for video in videos] if forecaster else []
    for out in asked.outs:
        if out.suffix.lower() == ".csv":
            write_text(looks_csv(looks), out)
        else:
            write_text(people_json(summaries, data.name, found, **_more(found)), out)
    if asked.as_json:
        click.echo(people_json(summaries, data.name, found), nl=False)
    asked.say(format_people(summaries, data.name))
    for note in [] if found else file.notes():
        asked.say(f"Note: {note}.")
    for each in found:
        asked.say("\n" + format_forecasts(each, {}))
