"""The conformance suite: whether a component keeps the contracts of ``salzoo.interfaces``, in one line of a test.

    from salzoo.testing import check_backbone, check_dataset, check_metric, check_temporal

    def test_conformance():
        check_temporal("convgru")

Each takes a registered component ("convgru:hidden=8"), or what would be registered itself (a class, a factory, a
metric), and raises ConformanceError with what to fix. ``salzoo plugins check`` does the same for installed packages.
"""

from salzoo.testing.backbone import check_backbone
from salzoo.testing.dataset import check_dataset
from salzoo.testing.metric import check_metric
from salzoo.testing.package import check_package
from salzoo.testing.report import ConformanceError, Finding, Report
from salzoo.testing.temporal import check_temporal

__all__ = [
    "ConformanceError",
    "Finding",
    "Report",
    "check_backbone",
    "check_dataset",
    "check_metric",
    "check_package",
    "check_temporal",
]
