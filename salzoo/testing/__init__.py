"""The conformance suite: whether a component keeps the contracts of ``salzoo.interfaces``, in one line of a test.

    from salzoo.testing import check_backbone, check_dataset, check_metric, check_temporal

    def test_conformance():
        check_temporal("convgru")

Each takes a registered component ("convgru:hidden=8"), or what would be registered itself (a class, a factory, a
metric), and raises ConformanceError with what to fix. ``salzoo plugins check`` does the same for installed packages.
Each check as a test of its own, with a name:

    @pytest.mark.parametrize("check", temporal_suite("convgru").cases())
    def test_conformance(check):
        check()

For authors of published networks, ``make_tensors``, ``convert_record`` and ``check_maps`` test that their file gives
their maps, without the file.
"""

from salzoo.testing.backbone import backbone_suite, check_backbone
from salzoo.testing.dataset import check_dataset, dataset_suite
from salzoo.testing.metric import check_metric, metric_suite
from salzoo.testing.package import check_package
from salzoo.testing.published import check_maps, convert_record, make_tensors
from salzoo.testing.report import ConformanceError, Finding, Report, Suite
from salzoo.testing.temporal import check_temporal, temporal_suite

__all__ = [
    "ConformanceError",
    "Finding",
    "Report",
    "Suite",
    "backbone_suite",
    "check_backbone",
    "check_dataset",
    "check_maps",
    "check_metric",
    "check_package",
    "check_temporal",
    "convert_record",
    "dataset_suite",
    "make_tensors",
    "metric_suite",
    "temporal_suite",
]
