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

from salzoo.testing.backbone import backbone_suite as backbone_suite
from salzoo.testing.backbone import check_backbone as check_backbone
from salzoo.testing.dataset import check_dataset as check_dataset
from salzoo.testing.dataset import dataset_suite as dataset_suite
from salzoo.testing.metric import check_metric as check_metric
from salzoo.testing.metric import metric_suite as metric_suite
from salzoo.testing.package import check_package as check_package
from salzoo.testing.published import check_maps as check_maps
from salzoo.testing.published import convert_record as convert_record
from salzoo.testing.published import make_tensors as make_tensors
from salzoo.testing.report import ConformanceError as ConformanceError
from salzoo.testing.report import Finding as Finding
from salzoo.testing.report import Report as Report
from salzoo.testing.report import Suite as Suite
from salzoo.testing.temporal import check_temporal as check_temporal
from salzoo.testing.temporal import temporal_suite as temporal_suite
