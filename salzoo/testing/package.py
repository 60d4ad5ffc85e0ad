"""All checks of all that a package registers, or of a name."""

import os
from collections.abc import Callable

from salzoo.hub.card_checks import check_card
from salzoo.hub.cards import read_card
from salzoo.hub.checkpoint import outline_model
from salzoo.interfaces import PublishedWeights, SalzooError
from salzoo.model import canonical_spec
from salzoo.plugins import load_plugins, normalize, registry
from salzoo.registry import KINDS, Kind, did_you_mean
from salzoo.spec import parse_component
from salzoo.testing.backbone import backbone_suite
from salzoo.testing.dataset import dataset_suite
from salzoo.testing.metric import metric_suite
from salzoo.testing.report import Finding, Report
from salzoo.testing.temporal import temporal_suite
from salzoo.training.recipe import load_recipe

PARAMETRIC: tuple[Kind, ...] = ("backbones", "temporal", "metrics", "datasets")
"""What takes parameters; the file that a converter reads, and a card, bear a backbone's name without."""


def check_package(name: str, root: str | os.PathLike[str] | None = None) -> list[Report]:
    """Run the conformance suite on an installed package, or on a component by name.

    Args:
        name: a distribution ("salzoo-convgru"), or a component as a spec has it ("convgru:hidden=8").
        root: folder with an example of the data set, where there is one among them.

    Returns:
        A report of each component; see ``Report.findings``. A package that could not be loaded has a report with that
        finding. Raises SalzooError when neither a package nor a component has the name.
    """
    known_names, plugins = load_plugins()
    mine = [plugin for plugin in plugins if normalize(plugin.name) == normalize(name)]
    if mine:
        reports = [
            Report(
                "package",
                plugin.name,
                (),
                (Finding("it is registered whole", plugin.problem or f"{plugin.module} registers nothing"),),
                (),
            )
            for plugin in mine
            if plugin.problem or not plugin.entries
        ]
        return reports + [_report(entry.kind, entry.name, root) for plugin in mine for entry in plugin.entries]
    component = parse_component(name).name
    asked = PARAMETRIC if ":" in name else KINDS
    kinds = [kind for kind in asked if known_names.knows(kind, component)]
    if not kinds:
        known = [*{plugin.name for plugin in plugins}, *(e.name for kind in KINDS for e in known_names.entries(kind))]
        raise SalzooError(f"no package or component {name!r}{did_you_mean(name, known)}")
    return [_report(kind, name, root) for kind in kinds]


def _report(kind: Kind, name: str, root: str | os.PathLike[str] | None) -> Report:
    match kind:
        case "temporal":
            return temporal_suite(name).report()
        case "backbones":
            return backbone_suite(name).report()
        case "metrics":
            return metric_suite(name).report()
        case "datasets":
            return dataset_suite(name, root).report()
        case "models":
            return _report_problems("card", name, "front matter, model, scores and links are well", _check_card)
        case "converters":
            check = "every tensor of its model has a name in the file"
            return _report_problems("converter", name, check, _check_converter)
        case "recipes":
            return _report_problems("recipe", name, "every value is one that a recipe can have", _check_recipe)


def _report_problems(kind: str, name: str, check: str, find: Callable[[str], list[str]]) -> Report:
    """The report of one check that lists what is wrong, or raises SalzooError."""
    try:
        problems = find(name)
    except SalzooError as error:
        problems = [str(error)]
    return Report(kind, name, () if problems else (check,), tuple(Finding(check, each) for each in problems), ())


def _check_converter(name: str) -> list[str]:
    weights = registry().find("converters", name).load()
    if not isinstance(weights, PublishedWeights):
        raise SalzooError(f"it is a {type(weights).__name__}, not a salzoo.interfaces.PublishedWeights")
    state = outline_model(canonical_spec(weights.spec)).state_dict()
    nameless = [each for each in state if not any(each.startswith(new) for new in weights.names.values())]
    return [f"{weights.spec} has {nameless[0]}, which no key of a file would become"] if nameless else []


def _check_recipe(name: str) -> list[str]:
    load_recipe(name)
    return []


def _check_card(name: str) -> list[str]:
    return check_card(name, read_card(name))
