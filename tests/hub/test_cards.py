import math
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from huggingface_hub import ModelCard

from salzoo import SalzooError, list_models
from salzoo.cli import cli
from salzoo.cli.convert_command import convert_command
from salzoo.hub.card_checks import check_card, check_cards
from salzoo.hub.cards import converted_card, load_card, parse_card, run_card
from salzoo.model import canonical_spec, create_model

BUILT_IN = [
    "sal-bce",
    "salclstm30",
    "salema30",
    "salema54",
    "salema61",
    "salema7-54",
    "salgan-dhf1k",
    "salgan-salicon",
    "videosalgan",
]
# The scores of 18 February 2019, which the authors withdrew.
WITHDRAWN = {
    "salgan-salicon": (0.807, 0.661, 1.545, 0.282, 0.197),
    "salgan-dhf1k": (0.872, 0.666, 2.035, 0.379, 0.267),
    "salclstm30": (0.915, 0.745, 3.173, 0.556, 0.440),
    "salema61": (0.923, 0.763, 3.360, 0.591, 0.465),
}
# AUC-J, s-AUC, NSS, CC and SIM of April 2019; for salema30, of the final release's score file.
REPORTED = {
    "salgan-salicon": (0.801, 0.652, 1.437, 0.267, 0.192),
    "salclstm30": (0.887, 0.693, 2.364, 0.435, 0.322),
    "salema61": (0.888, 0.681, 2.394, 0.438, 0.354),
    "salema30": (0.885, 0.688, 2.476, 0.446, 0.358),
    "sal-bce": (0.874, 0.724, 2.047, 0.382, 0.268),
    "salema54": (0.883, 0.734, 2.149, 0.401, 0.276),
    "salema7-54": (0.828, 0.561, 1.403, 0.366, 0.344),
}
GOOD = """---
library_name: salzoo
model-index:
- name: mine
  results:
  - task: {type: saliency-prediction}
    dataset: {type: dhf1k, name: DHF1K}
    metrics:
    - {type: auc_judd, value: 0.8, verified: false}
    source: {name: a table, url: "https://arxiv.org/abs/1907.01869"}
salzoo:
  spec: salgan+ema@61
  weights: {repo_id: org/mine, revision: REVISION, sha256: SHA256}
  published: on a page
  convert: salzoo convert FILE -o mine
  sources: ["https://arxiv.org/abs/1907.01869"]
---

# Mine

See [a page](https://example.org/page).
""".replace("REVISION", "a" * 40).replace("SHA256", "b" * 64)


def test_the_built_in_cards_are_listed_and_well() -> None:
    assert [name for name in list_models() if name in BUILT_IN] == BUILT_IN
    assert list_models("sal*30") == ["salclstm30", "salema30"]
    assert {name: problems for name, problems in check_cards().items() if name in BUILT_IN} == {
        name: [] for name in BUILT_IN
    }


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_card_is_a_model_card_whose_name_is_no_spec(name: str) -> None:
    card = load_card(name)
    data = ModelCard(card.text).data
    assert data.library_name == "salzoo"
    assert data.license == "unknown"
    assert card.body.startswith("# ")
    for heading in (
        "Run it",
        "Training data and recipe",
        "Reported results",
        "Measured results",
        "Limits",
        "Citation",
        "Licence",
    ):
        assert f"\n## {heading}\n" in card.body
    assert card.weights is None
    with pytest.raises(SalzooError):
        create_model(name)


@pytest.mark.parametrize("name", BUILT_IN)
def test_reported_scores_are_marked_so_and_withdrawn_ones_are_in_no_index(name: str) -> None:
    card = load_card(name)
    assert tuple(result.metric_value for result in card.results) == REPORTED.get(name, ())
    assert [result.metric_type for result in card.results] == ["auc_judd", "auc_shuffled", "nss", "cc", "sim"][
        : len(card.results)
    ]
    for result in card.results:
        assert result.verified is False
        assert "reported" in str(result.source_name).lower()
        assert "2019" in str(result.source_name) or "final release" in str(result.source_name)
        assert str(result.source_url).startswith("https://arxiv.org/abs/")
    rows = [line for line in card.body.splitlines() if line.startswith("|")]
    for scores, status in ((WITHDRAWN.get(name), "withdrawn"), (REPORTED.get(name), "reported")):
        if scores:
            (row,) = (row for row in rows if all(f"| {score:.3f} |" in row for score in scores))
            assert status in row
    assert "None yet" in card.body.partition("## Measured results")[2]


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_lines_of_a_card_are_commands_that_exist(name: str) -> None:
    card = load_card(name)
    assert f"\n    {card.convert}\n    salzoo predict ./{name} " in card.body
    command, *arguments = shlex.split(card.convert)[1:]
    assert command == "convert"
    context = convert_command.make_context("convert", arguments)
    assert context.params["out"] == Path(name)
    given = context.params["spec"]
    assert given is None or str(canonical_spec(given)) == card.spec


def test_the_command_shows_a_card() -> None:
    result = CliRunner().invoke(cli, ["card", "salema61"])
    assert result.exit_code == 0
    assert result.output == load_card("salema61").body
    result = CliRunner().invoke(cli, ["card", "salema6"])
    assert result.exit_code == 1
    assert result.output.startswith("salzoo: unknown model 'salema6'; did you mean 'salema61'")


def test_the_command_checks_all_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(cli, ["cards", "check"])
    assert result.exit_code == 0, result.output
    assert [f"{name}: ok" for name in BUILT_IN] == [
        line for line in result.output.splitlines() if line.split(":")[0] in BUILT_IN
    ]
    monkeypatch.setattr("salzoo.hub.card_checks.read_card", lambda name: "---\nlibrary_name: timm\n---\n")
    result = CliRunner().invoke(cli, ["cards", "check"])
    assert result.exit_code == 1
    assert "salema61: card salema61: library_name must be salzoo, not 'timm'" in result.output
    assert f"{len(list_models())} of {len(list_models())} cards have problems" in result.output


def test_a_card_of_published_weights_is_read() -> None:
    card = parse_card("mine", GOOD)
    assert check_card("mine", GOOD) == []
    assert card.weights is not None
    assert (card.weights.repo_id, card.weights.revision, card.weights.sha256) == ("org/mine", "a" * 40, "b" * 64)
    assert card.body == "# Mine\n\nSee [a page](https://example.org/page).\n"
    assert card.results[0].metric_value == 0.8


def test_a_card_says_where_weights_are_on_the_hub_or_elsewhere() -> None:
    alone = re.sub(r"  (published|convert): .*\n", "", GOOD)
    assert check_card("mine", alone) == []
    assert parse_card("mine", alone).convert == ""
    without = re.sub(r"  weights: .*\n", "", alone)
    assert check_card("mine", without) == ["card mine: salzoo.published must be a text"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("---\nlibrary", "library", "does not begin with front matter"),
        ("salzoo:\n", "salzoo: [\n", "front matter cannot be read"),
        ("library_name: salzoo", "5: six", "front matter cannot be read"),
        ("library_name: salzoo", "library_name: timm", "library_name must be salzoo, not 'timm'"),
        ("  results:", "  resultats:", "front matter cannot be read"),
        ("salzoo:\n", "salzou:\n", "the block 'salzoo:' is missing"),
        ("  spec: salgan+ema@61", "  spec: [salgan]", "salzoo.spec must be a text"),
        ("  published: on a page", "  published: ''", "salzoo.published must be a text"),
        ("  convert: salzoo convert FILE -o mine", "  convert: 5", "salzoo.convert must be a text"),
        ('  sources: ["https://arxiv.org/abs/1907.01869"]', "  sources: []", "salzoo.sources must be a list"),
        ("repo_id: org/mine", "repo_id: ../mine", "salzoo.weights.repo_id must match"),
        ("repo_id: org/mine", "repo: org/mine", "salzoo.weights must have exactly repo_id, revision, sha256"),
        ("a" * 40, "main", "salzoo.weights.revision must match"),
        ("b" * 64, "B" * 64, "salzoo.weights.sha256 must match"),
        ("spec: salgan+ema@61", "spec: salgan+ema@output+ema@61", "cannot be built: .*has a module already"),
        ("spec: salgan+ema@61", "spec: salgan:width=0.50+ema@61", "not in canonical form, which is salgan:width=0.5"),
        ("spec: salgan+ema@61", "spec: salgan+gru@61", "cannot be built: unknown temporal module"),
        ("spec: salgan+ema@61", "spec: salgan+convlstm:hidden=4@30", "cannot be built: convlstm"),
        ("convert: salzoo convert FILE -o mine", "convert: rm -rf mine", "does not read 'salzoo convert"),
        ("convert: salzoo convert FILE -o mine", "convert: salzoo convert 'FILE", "is no command"),
        ("value: 0.8", "value: '0.8'", "the score auc_judd is '0.8', not a number"),
        ("value: 0.8", "value: true", "the score auc_judd is True, not a number"),
        ("value: 0.8", "value: .nan", "not a number"),
        ("value: 0.8", "value: 80", r"the score auc_judd is 80, outside 0\.\.1"),
        ("name: a table, ", "", "has a source without a name"),
        ('url: "https://arxiv.org/abs/1907.01869"', "url: arxiv.org", "malformed link: arxiv.org"),
        ("verified: false", "verified: true", "only reported, but marked as verified"),
        ("https://example.org/page", "http://example.org/page", "malformed link: 'http://example.org/page'"),
        ("https://example.org/page", "page.html", "malformed link: 'page.html'"),
        ("https://example.org/page", "https://exa mple.org", "malformed link: 'https://exa mple.org'"),
        ("https://example.org/page", "https://[", "malformed link"),
        ('["https://arxiv.org/abs/1907.01869"]', '["https:///abs"]', "malformed link: 'https:///abs'"),
    ],
)
def test_a_problem_of_a_card_is_named(old: str, new: str, problem: str) -> None:
    assert old in GOOD
    found = "; ".join(check_card("mine", GOOD.replace(old, new)))
    assert re.search(problem, found), found
    assert "\n" not in found


def test_a_name_that_is_a_spec_is_a_problem() -> None:
    assert check_card("centre-bias", GOOD) == ["the name centre-bias is a spec too"]


def test_a_run_gets_a_model_card() -> None:
    text = run_card(
        "salgan:width=0.25+ema@61",
        data="synthetic, 40 videos: made by salzoo,\nnot human gaze.",
        training=["init: random", "3 epochs\nof 40 clips"],
        results={"trained": {"nss": 1.83456, "cc": 0.5}, "center-bias": {"nss": 0.68, "ig": math.nan}},
    )
    card = ModelCard(text)
    assert card.data.library_name == "salzoo"
    assert card.data.get("salzoo") == {"spec": "salgan:width=0.25+ema@61"}
    assert "synthetic, 40 videos: made by salzoo, not human gaze." in card.text
    assert "- init: random\n- 3 epochs of 40 clips\n" in card.text
    assert "| model | nss | cc | ig |" in card.text
    assert "| trained | 1.8346 | 0.5000 | – |" in card.text
    assert "| center-bias | 0.6800 | – | – |" in card.text
    assert "None yet." in run_card("salgan", data="x", training=[])


def test_converted_weights_get_a_model_card() -> None:
    card = ModelCard(converted_card("salgan+ema@61", file="SalEMA61.pt", sha256="ab", notes=["a = 0.1"]))
    assert card.data.get("salzoo") == {"spec": "salgan+ema@61"}
    assert "from SalEMA61.pt (sha256 `ab`)" in card.text
    assert "- a = 0.1\n" in card.text


HOSTILE = [
    "<script>alert('x')</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![seen](http://evil.example/seen.png) www.evil.example",
    "a | b | c",
    "`code` *bold* _soft_ ~~gone~~ &lt;",
    "# heading",
    "- item",
    "1. item",
    "> quoted",
    "\u202egnp.exe",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_card_is_told_stays_text(text: str) -> None:
    mistune = pytest.importorskip("mistune")  # as the Hub's own renderer does, with tables and HTML let through
    render = mistune.create_markdown(escape=False, plugins=["table", "strikethrough", "url"])
    quiet = ("plain", "plain words")
    run = [run_card("salgan", data=t, training=[t], results={t: {"nss": 1.0}}) for t in (text, *quiet)]
    converted = [converted_card("salgan", file=t, sha256="ab", notes=[t]) for t in (text, *quiet)]
    for hostile, *others in (run, converted):
        tags, *usual = (re.findall(r"<[^>]*>", render(ModelCard(card).text)) for card in (hostile, *others))
        assert tags == usual[0] == usual[1]
        assert "\u202e" not in hostile
