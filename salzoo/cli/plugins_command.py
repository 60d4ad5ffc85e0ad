"""``salzoo plugins``: installed packages that add to the zoo, whether they keep its contracts, and new ones."""

import json
from pathlib import Path

import click

from salzoo.cli.terminal import heading
from salzoo.interfaces.errors import SalzooError, shown
from salzoo.plugins import Plugin, load_plugins
from salzoo.registry import NOUNS
from salzoo.templates import PACKAGE_KINDS, PackageKind, write_package


@click.group("plugins", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def plugins_command(context: click.Context, as_json: bool) -> None:
    """Show installed packages: version, what each registers, and what went wrong.

    Built-in names come first, then those of packages in the order of their names: a name belongs to its first holder,
    and who comes later loses it.

    SALZOO_DISABLE_PLUGINS=1 leaves all packages out; with names, separated by commas, it leaves out those.
    """
    if context.invoked_subcommand is not None:
        return
    plugins = load_plugins()[1]
    if as_json:
        click.echo(json.dumps([_record(plugin) for plugin in plugins], indent=2))
        return
    names = list(dict.fromkeys((plugin.name, plugin.version) for plugin in plugins))
    for name, version in names:
        heading(f"{name} {version}")
        for plugin in plugins:
            if plugin.name == name:
                _print_plugin(plugin)
    if len(names) == 1:
        click.echo("No other package is installed; salzoo plugins new NAME --kind temporal begins one.")


@plugins_command.command("check", short_help="Run the conformance suite on a package or component.")
@click.argument("name")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False),
    help="A small example of a data set; by default its own.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(name: str, root: str | None, as_json: bool) -> None:
    """Run the conformance suite on a package, or on one component such as ema:alpha=0.3.

    Ends with status 1 when anything fails.
    """
    from salzoo.testing import check_package

    reports = check_package(name, root)
    if as_json:
        click.echo(json.dumps([report.as_record() for report in reports], indent=2))
    else:
        for report in reports:
            click.echo(str(report))
    failed = sum(bool(report.findings) for report in reports)
    if failed:
        raise SalzooError(f"{failed} of {len(reports)} parts of {name} failed a check")


@plugins_command.command("new", short_help="Write a package to start from.")
@click.argument("name")
@click.option("--kind", type=click.Choice(PACKAGE_KINDS), required=True, help="What the package brings.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder to write; salzoo-NAME by default.")
def new(name: str, kind: PackageKind, output: Path | None) -> None:
    """Write a package with a working component NAME, its tests and a README, to start from."""
    folder = write_package(name, kind, output)
    example = " --root FOLDER, a small example" if kind == "dataset" else ""
    click.echo(f"{folder}: pip install -e {folder}, then salzoo plugins check {name}{example}")


def _print_plugin(plugin: Plugin) -> None:
    for entry in plugin.entries:
        aliases = f"  [{', '.join(entry.aliases)}]" if entry.aliases else ""
        click.echo(f"  {NOUNS[entry.kind]:15}  {entry.name}{aliases}")
    if plugin.problem:
        click.echo(shown(f"  {plugin.module}: {plugin.problem}"))
    if plugin.heavy:
        click.echo(
            f"  {plugin.module}: importing it loads torch, which every command waits for; "
            "give targets as 'package.module:attribute'"
        )


def _record(plugin: Plugin) -> dict[str, object]:
    return {
        "name": plugin.name,
        "version": plugin.version,
        "module": plugin.module,
        "entries": [{"kind": entry.kind, "name": entry.name, "aliases": entry.aliases} for entry in plugin.entries],
        "problem": plugin.problem,
        "heavy": plugin.heavy,
    }
