"""What all tests share: a cache of their own, hypothesis without deadlines, and one small data set."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported: no test asks the real Hub

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

torch.set_num_threads(1)  # networks of tests are tiny, and the suite runs in several processes


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads or writes the user's cache and settings, nor sees the user's data sets."""
    os.environ["SALZOO_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["SALZOO_CONFIG"] = str(tmp_path_factory.mktemp("config") / "config.json")
    os.environ.pop("SALZOO_DATA", None)


@pytest.fixture(autouse=True)
def _arithmetic_as_it_was() -> Iterator[None]:
    """Training and evaluation flush numbers near zero in their thread, which hypothesis refuses to run under."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six synthetic videos (four to train on, one for validation, one for testing) in DHF1K's layout."""
    from salzoo.datasets.synthetic import make_synthetic

    folder = tmp_path_factory.mktemp("data") / "synthetic"
    make_synthetic(folder, videos=6, seed=1, processes=1)
    return folder


@pytest.fixture(scope="session")
def tiny_gaze(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifteen pictures with the gaze of two observers, in osie's layout."""
    from small_sets import write_osie

    folder = tmp_path_factory.mktemp("gaze")
    write_osie(folder)
    return folder


@pytest.fixture(scope="module")  # Playwright keeps an event loop running, which other modules' tests may not expect
def browser() -> Iterator["Browser"]:
    """Chromium without a window: see ``browser.visit``. Skips where it is not installed."""
    from browser import chromium

    with chromium() as started:
        yield started
