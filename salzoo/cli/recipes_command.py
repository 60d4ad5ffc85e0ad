"""``salzoo recipes``: how models are trained."""

import dataclasses
import json

import click


@click.command("recipes")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def recipes_command(name: str | None, as_json: bool) -> None:
    """List the recipes, or show all values of the one called NAME."""
    from salzoo.runtime.texts import in_columns
    from salzoo.training.recipe import list_recipes, load_recipe

    recipes = [load_recipe(each) for each in ([name] if name else list_recipes())]
    if as_json:
        records = [dataclasses.asdict(recipe) for recipe in recipes]
        click.echo(json.dumps(records[0] if name else records, indent=2))
    elif name:
        for key, value in dataclasses.asdict(recipes[0]).items():
            click.echo(f"{key} = {json.dumps(value)}")
    else:
        for line in in_columns([(recipe.name, recipe.summary) for recipe in recipes], left=(0, 1)):
            click.echo(line)
