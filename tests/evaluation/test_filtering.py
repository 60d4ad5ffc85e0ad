"""Models that filter the same network's maps are scored in one run of it."""

from pathlib import Path

import pytest
import torch

from salzoo.evaluation import filtering
from salzoo.evaluation.filtering import find_families
from salzoo.evaluation.models import evaluate
from salzoo.evaluation.tasks import Scoring
from salzoo.hub.checkpoint import save_checkpoint
from salzoo.hub.sources import load_model
from salzoo.model import create_model

SPEC = "salgan:width=0.05"


@pytest.fixture
def run(tmp_path: Path) -> str:
    torch.manual_seed(0)
    model = create_model(SPEC)
    with torch.no_grad():
        model.state_dict()["backbone.60.weight"].mul_(30)  # so that maps vary
    save_checkpoint(model, tmp_path / "run", "# A model\n")
    return str(tmp_path / "run")


def test_scores_are_those_of_each_model_run_by_itself(
    run: str, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [run, f"{run}+ema:alpha=0.3@output", f"{run}+ema:alpha=0.05@61"]
    scoring = Scoring(root=tiny_data, max_frames=20)
    runs: list[int] = []
    stream = filtering.frames_to_maps
    monkeypatch.setattr(filtering, "frames_to_maps", lambda *given, **how: runs.append(1) or stream(*given, **how))
    together = evaluate(names, scoring, workers=1)
    assert len(runs) == 3  # the network once, and the two baselines
    for name, result in zip(names, together, strict=False):
        (alone, *_) = evaluate([name], scoring, workers=1)
        assert result.model == name
        assert result.spec == alone.spec == str(load_model(name).spec)
        assert result.weights_sha256 == alone.weights_sha256
        assert result.mean == pytest.approx(alone.mean, abs=1e-6)
    assert len({result.mean["nss"] for result in together[:3]}) == 3


def test_only_filters_of_finished_maps_share_a_network() -> None:
    torch.manual_seed(0)
    weights = create_model(SPEC).state_dict()

    def model(modules: str = "", spec: str = SPEC) -> tuple[str, object]:
        made = create_model(spec + modules).eval()
        made.load_state_dict(weights, strict=False)
        return spec + modules, made

    alike = [model(), model("+ema@output"), model("+ema:alpha=0.5@61")]
    apart = [
        model("+ema@30"),
        model("+ema:dropout=0.5@61"),
        model("+ema:learn=true@61"),
        model("+ema@61+ema@30"),
        model("+ema@62"),
    ]
    other = ("other weights", create_model(SPEC).eval())
    families = find_families([*alike, *apart, other])  # type: ignore[list-item]
    assert [[label for label, _, _ in family.members] for family in families] == [
        [label for label, _ in alike],
        *([label] for label, _ in apart),
        ["other weights"],
    ]
