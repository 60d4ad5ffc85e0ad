"""``salzoo data get``."""

from pathlib import Path

import click


@click.command("get")
@click.argument("name")
@click.option(
    "--to",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder to make; by default one of its name in $SALZOO_DATA, else in salzoo's cache.",
)
def get_data(name: str, folder: Path | None) -> None:
    """Fetch data set NAME from public repositories, and set data.NAME.

    These can be fetched: osie, eyecrowd, sun500, mit1003, pascals (photographs), fiwi (web pages), traffic100 (roads),
    interiors (rooms that are searched), hevc33 (videos). For data sets that must be asked for (dhf1k, hollywood2,
    ucfsports, salicon, cat2000) it says where.

    Licence and citation are printed first. Only what is used is unpacked, and each file is checked against its sha256.
    A download that breaks off goes on when the command is run again, if the server can do that.
    """
    from salzoo.config import set_config
    from salzoo.datasets.getting import get_dataset

    name, folder = get_dataset(name, folder, click.echo)
    click.echo(f"data.{name} = {set_config(f'data.{name}', str(folder))}")
