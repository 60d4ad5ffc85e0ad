"""The distance keeps salzoo's contracts, is what one can compute by hand, and what another solver finds."""

import numpy as np
import pytest
from numpy.typing import NDArray
from salzoo_emd.emd import EarthMoversDistance, emd
from scipy.optimize import linprog
from scipy.stats import wasserstein_distance

from salzoo.interfaces import SalzooError
from salzoo.testing import check_metric


def spot(height: int, width: int, row: int, column: int) -> NDArray[np.float64]:
    map_ = np.zeros((1, height, width))
    map_[0, row, column] = 1
    return map_


@pytest.mark.parametrize("component", ["emd", "emd:reduction=8"])
def test_conformance(component: str) -> None:
    check_metric(component)


def test_mass_that_moves_costs_its_distance() -> None:
    cells = EarthMoversDistance(reduction=1)
    assert cells(spot(8, 9, 1, 2), spot(8, 9, 4, 6)).tolist() == [5]
    half = spot(8, 9, 1, 2) + spot(8, 9, 4, 6)
    assert cells(half, spot(8, 9, 4, 6)).tolist() == [2.5]
    assert cells(half, 3 * half).tolist() == [0]


def test_one_row_is_the_distance_of_distributions() -> None:
    p, q = np.random.default_rng(0).random((2, 1, 1, 24))
    places = np.arange(24)
    expected = wasserstein_distance(places, places, p.ravel(), q.ravel())
    assert EarthMoversDistance(reduction=1)(p, q) == pytest.approx([expected], abs=1e-12)


def test_a_linear_program_finds_the_same() -> None:
    rng = np.random.default_rng(1)
    p, q = rng.random((2, 1, 5, 6)) ** 4
    cells = np.indices((5, 6)).reshape(2, -1).T
    cost = np.sqrt(((cells[:, None] - cells[None]) ** 2).sum(2))
    leaving, arriving = np.kron(np.eye(30), np.ones((1, 30))), np.kron(np.ones((1, 30)), np.eye(30))
    masses = np.concatenate([p.ravel() / p.sum(), q.ravel() / q.sum()])
    tight = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    found = linprog(cost.ravel(), A_eq=np.vstack([leaving, arriving]), b_eq=masses, options=tight)
    assert EarthMoversDistance(reduction=1)(p, q) == pytest.approx([found.fun], abs=1e-9)


def test_it_is_symmetric_and_keeps_the_triangle() -> None:
    a, b, c = (np.random.default_rng(seed).random((1, 96, 128)) ** 8 for seed in range(3))
    assert emd(a, b) == pytest.approx(emd(b, a), abs=1e-12)
    assert emd(a, c) <= emd(a, b) + emd(b, c)


def test_cells_are_counted_up() -> None:
    one, other = np.zeros((2, 1, 330, 640), np.uint8)
    one[:, :32, :32] = other[:, 32 * 9 :, 32 * 19 :] = 255
    assert emd(one, other) == pytest.approx([np.hypot(9.5, 19)], abs=0.5)
    assert EarthMoversDistance(reduction=16)(one, other) == pytest.approx(2 * emd(one, other), rel=0.05)


@pytest.mark.parametrize("fill", [0, np.nan])
def test_nothing_to_move_is_undefined(fill: float) -> None:
    density = np.full((1, 64, 64), 3, np.uint8)
    assert np.isnan(emd(np.full((1, 64, 64), fill), density)).all()
    assert np.isnan(emd(density, np.zeros_like(density))).all()


def test_a_reduction_that_needs_too_much_is_refused() -> None:
    maps = np.ones((1, 360, 640))
    with pytest.raises(SalzooError, match="a map of 640×360 has more than 5000 cells at reduction=4; take a larger"):
        EarthMoversDistance(reduction=4)(maps, maps)


def test_a_reduction_below_one_is_refused() -> None:
    with pytest.raises(SalzooError, match="reduction must be at least 1"):
        EarthMoversDistance(reduction=0)
