"""``salzoo config``: settings that last."""

import click

from salzoo.interfaces.errors import shown


@click.group("config", invoke_without_command=True)
@click.pass_context
def config_command(context: click.Context) -> None:
    """Show, set and remove settings that last.

    \b
      data.NAME      the folder of data set NAME; --root and $SALZOO_DATA/NAME go before it
      hub.models     a folder of checkpoint folders with the names of cards; $SALZOO_MODELS goes before it
      hub.namespace  a user or organisation of the Hub that has repositories of these names
    """
    if context.invoked_subcommand is None:
        context.invoke(show)


@config_command.command("show")
def show() -> None:
    """Show all settings and the file that holds them."""
    from salzoo.config import config_path, read_config

    settings = read_config()
    for key in sorted(settings):
        click.echo(shown(f"{key} = {settings[key]}"))
    click.echo(f"{'settings' if settings else 'no settings'} in {config_path()}", err=True)


@config_command.command("set")
@click.argument("key")
@click.argument("value")
def set_setting(key: str, value: str) -> None:
    """Set KEY to VALUE, such as: salzoo config set data.dhf1k /data/DHF1K"""
    from salzoo.config import config_path, set_config

    kept = set_config(key, value)
    click.echo(shown(f"{key} = {kept} in {config_path()}"))


@config_command.command("unset")
@click.argument("key")
def unset_setting(key: str) -> None:
    """Remove KEY."""
    from salzoo.config import config_path, unset_config

    unset_config(key)
    click.echo(f"{key} removed from {config_path()}")
