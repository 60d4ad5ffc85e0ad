"""``salzoo cards``: what concerns all model cards."""

import click


@click.group("cards")
def cards_command() -> None:
    """Work on all model cards."""


@cards_command.command("check")
def check() -> None:
    """Check every card.

    Its front matter, that its model can be built, that its scores are possible, and that its links are well formed.
    """
    from salzoo.hub.card_checks import check_cards
    from salzoo.interfaces import SalzooError

    problems = check_cards()
    for name, lines in problems.items():
        click.echo(f"{name}: {'; '.join(lines) or 'ok'}")
    bad = sum(map(bool, problems.values()))
    if bad:
        raise SalzooError(f"{bad} of {len(problems)} cards have problems")
