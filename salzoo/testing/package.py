"""All checks of all that a package registers, or of a name."""

import os
from collections.abc import Iterator

from salzoo.interfaces import SalzooError
from salzoo.plugins import load_plugins, normalize
from salzoo.registry import Kind, did_you_mean
from salzoo.spec import parse_component
from salzoo.testing.backbone import report_backbone
from salzoo.testing.dataset import report_dataset
from salzoo.testing.metric import report_metric
from salzoo.testing.report import Finding, Report
from salzoo.testing.temporal import report_temporal


def check_package(name: str, root: str | os.PathLike[str] | None = None) -> list[Report]:
    """Run the conformance suite on an installed package, or on a component by name.

    Args:
        name: a distribution ("salzoo-convgru"), or a component as a spec has it ("convgru:hidden=8").
        root: folder with an example of the data set, where there is one among them.

    Returns:
        A report of each component; see ``Report.findings``. A package that could not be loaded has a report with that
        finding. Raises SalzooError when neither a package nor a component has the name.
    """
    registry, plugins = load_plugins()
    mine = [plugin for plugin in plugins if normalize(plugin.name) == normalize(name)]
    if mine:
        reports = [
            Report("package", plugin.name, (), (Finding("it is registered whole", plugin.problem),), ())
            for plugin in mine
            if plugin.problem
        ]
        entries = [entry for plugin in mine for entry in plugin.entries]
        return reports + [
            report for entry in entries for report in _check(entry.kind, entry.name, root) if entry.kind != "models"
        ]
    component = parse_component(name).name
    kinds: tuple[Kind, ...] = ("temporal", "backbones", "metrics", "datasets")
    reports = [report for kind in kinds if registry.knows(kind, component) for report in _check(kind, name, root)]
    if not reports:
        known = [*{plugin.name for plugin in plugins}, *(e.name for kind in kinds for e in registry.entries(kind))]
        raise SalzooError(f"no package or component {name!r}{did_you_mean(name, known)}")
    return reports


def _check(kind: Kind, name: str, root: str | os.PathLike[str] | None) -> Iterator[Report]:
    if kind == "temporal":
        yield report_temporal(name)
    elif kind == "backbones":
        yield report_backbone(name)
    elif kind == "metrics":
        yield report_metric(name)
    elif kind == "datasets":
        yield report_dataset(name, root)
