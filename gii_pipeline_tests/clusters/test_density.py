from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from gii_pipeline.clusters.density import density, nearest_within
from gii_pipeline.clusters.kernels import compiled, haversine
from gii_pipeline.clusters.rows import EARTH_RADIUS_KM, Points
from gii_pipeline.errors import InputError

Floats = npt.NDArray[np.float64]
World = tuple[Floats, Floats, Floats]

MIDDLES = [
    (0.0, 0.0),
    (48.0, 2.0),
    (90.0, 0.0),
    (-90.0, 0.0),
    (89.97, 100.0),
    (-89.9, -180.0),
    (64.0, 180.0),
    (-17.0, -179.99),
]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Points around a few places, the poles and the antimeridian among them; many coincide or lie on one parallel."""
    step = draw(st.sampled_from([0.01, 0.05, 0.3, 20.0]))
    point = st.tuples(st.sampled_from(MIDDLES), st.integers(-8, 8), st.integers(-8, 8))
    drawn = draw(st.lists(point, min_size=1, max_size=80))
    latitude = np.array([middle[0] + step * north for middle, north, _ in drawn])
    longitude = np.array([middle[1] + step * east * draw(st.sampled_from([1, 9])) for middle, _, east in drawn])
    eighths = draw(st.lists(st.integers(0, 40), min_size=len(drawn), max_size=len(drawn)))
    weight = np.array([max(1, eighths[0]), *eighths[1:]]) / 8
    return np.clip(latitude, -90, 90), (longitude + 180) % 360 - 180, weight


def oracle(world: World, radius_km: float, min_weight: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Labels and core points by scikit-learn."""
    latitude, longitude, weight = world
    model = DBSCAN(eps=radius_km / EARTH_RADIUS_KM, min_samples=min_weight, metric="haversine", algorithm="ball_tree")
    model.fit(np.radians(np.stack([latitude, longitude], axis=1)), sample_weight=weight)
    core = np.zeros(weight.size, dtype=bool)
    core[model.core_sample_indices_] = True
    return model.labels_, core


def same_partition(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> bool:
    pairs = set(zip(a.tolist(), b.tolist(), strict=True))
    return len(pairs) == len({left for left, _ in pairs}) == len({right for _, right in pairs})


def kilometres(world: World, a: np.integer[Any], b: npt.NDArray[np.int64]) -> Floats:
    latitude, longitude = np.radians(world[0]), np.radians(world[1])
    angles = [haversine(latitude[a], longitude[a], latitude[other], longitude[other]) for other in b]
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(angles, 1)))


def cities(size: int, *, seed: int = 0) -> World:
    rng = np.random.default_rng(seed)
    middle = rng.integers(0, len(MIDDLES), size)
    latitude = np.array(MIDDLES)[middle, 0] + 0.15 * rng.normal(size=size)
    longitude = np.array(MIDDLES)[middle, 1] + 0.15 * rng.normal(size=size)
    return np.clip(latitude, -90, 90), (longitude + 180) % 360 - 180, rng.integers(0, 9, size).astype("float64")


@settings(max_examples=400, deadline=None)
@given(worlds(), st.sampled_from([1.5, 15.0, 15.3, 120.0, 2500.0, 9000.0, 14000.0, 20000.0]), st.integers(1, 60))
@example((np.array([90.0, 90.0, -90.0]), np.array([0.0, 77.0, 5.0]), np.array([1.0, 1.0, 2.0])), 1.5, 2)
@example((np.array([0.0, 0.0]), np.array([179.99, -180.0]), np.array([1.0, 1.0])), 15.0, 2)
def test_core_points_and_their_partition_are_those_of_scikit_learn(
    world: World, radius_km: float, min_weight: int
) -> None:
    labels, core = oracle(world, radius_km, min_weight)
    found = density(*world, radius_km=radius_km, min_weight=min_weight)
    assert found.core.tolist() == core.tolist()
    assert same_partition(found.labels[core], labels[core])
    assert (found.labels == -1).tolist() == (labels == -1).tolist()


@pytest.mark.parametrize("radius_km", [3.0, 15.0])
def test_a_crowd_of_many_rows_agrees_with_scikit_learn(radius_km: float) -> None:
    world = cities(6000)
    labels, core = oracle(world, radius_km, 900)
    found = density(*world, radius_km=radius_km, min_weight=900)
    assert 0 < core.sum() < core.size
    assert np.array_equal(found.core, core)
    assert same_partition(found.labels[core], labels[core])


@settings(max_examples=100, deadline=None)
@given(worlds(), st.sampled_from([1.5, 15.0, 120.0, 2500.0]), st.integers(5, 60))
def test_a_border_point_belongs_to_the_nearest_core_point(world: World, radius_km: float, min_weight: int) -> None:
    found = density(*world, radius_km=radius_km, min_weight=min_weight)
    cores = np.flatnonzero(found.core)
    for border in np.flatnonzero(~found.core & (found.labels != -1)):
        off = kilometres(world, border, cores)
        nearest = found.nearest_core[border]
        assert kilometres(world, border, np.array([nearest]))[0] <= off.min() + 1.01e-6
        assert found.labels[border] == found.labels[nearest]
    for outside in np.flatnonzero(found.labels == -1):
        assert (kilometres(world, outside, cores) > radius_km * (1 - 1e-12)).all()


@settings(max_examples=100, deadline=None)
@given(worlds(), st.integers(1, 60), st.randoms(use_true_random=False))
def test_nothing_depends_on_the_order_of_the_points(world: World, min_weight: int, random: Any) -> None:
    order = np.array(random.sample(range(world[0].size), world[0].size))
    found = density(*world, radius_km=15, min_weight=min_weight)
    shuffled = density(*(values[order] for values in world), radius_km=15, min_weight=min_weight)
    assert np.array_equal(shuffled.labels, found.labels[order])
    assert np.array_equal(shuffled.core, found.core[order])


def test_clusters_are_numbered_by_their_southernmost_core_point_whatever_the_sample_of_the_row_height() -> None:
    world = cities(60_000)
    order = np.random.default_rng(1).permutation(60_000)
    found = density(*world, radius_km=15, min_weight=4500)
    shuffled = density(*(values[order] for values in world), radius_km=15, min_weight=4500)
    southernmost = [world[0][found.core & (found.labels == label)].min() for label in range(found.labels.max() + 1)]
    assert southernmost == sorted(southernmost)
    assert np.array_equal(shuffled.labels, found.labels[order])


def test_weights_that_add_up_to_the_minimum_only_without_rounding_errors_make_a_core_point() -> None:
    weights = [1e16, *[1.0] * 8]
    found = density(np.zeros(9), np.ones(9), weights, radius_km=1, min_weight=1e16 + 8)
    assert found.core.all()


def test_of_equally_near_core_points_the_southernmost_counts_then_the_westernmost() -> None:
    around = [0.2, 0.0, -0.2, 0.0], [10.0, 10.2, 10.0, 9.8]
    assert nearest_within([0.0], [10.0], *around, radius_km=23).tolist() == [2]
    assert nearest_within([0.0], [10.0], [0.0, 0.0], [10.2, 9.8], radius_km=23).tolist() == [1]


def test_a_point_alone_is_core_border_or_noise_by_weight_alone() -> None:
    found = density([10.0, 10.1, 50.0], [20.0, 20.0, 20.0], [9, 1, 8], radius_km=12, min_weight=10)
    assert found.role.tolist() == ["core", "core", "noise"]
    found = density([10.0, 10.1, 10.2], [20.0, 20.0, 20.0], [5, 5, 1], radius_km=12, min_weight=11)
    assert found.role.tolist() == ["border", "core", "border"]


def test_a_radius_of_half_the_globe_reaches_every_point() -> None:
    found = density([90.0, -90.0, 0.0], [0.0, 0.0, 120.0], [1, 1, 1], radius_km=20_100, min_weight=3)
    assert found.labels.tolist() == [0, 0, 0]
    assert found.core.all()


def test_no_points_make_no_clusters() -> None:
    found = density([], [], [], radius_km=15, min_weight=4500)
    assert [found.labels.size, found.core.size, found.nearest_core.size] == [0, 0, 0]
    assert nearest_within([1.0], [1.0], [], [], radius_km=15).tolist() == [-1]


@pytest.mark.parametrize(
    ("latitude", "longitude", "weight", "named"),
    [
        ([0, 91.0], [0, 0], [1, 1], "Point 1 at .91.0, 0.0.: its latitude 91.0 must be between -90 and 90"),
        ([0, 1.0], [0, 180.5], [1, 1], "Point 1 .* longitude 180.5 must be between -180 and 180"),
        ([0, 1.0], [np.nan, 0], [1, 1], "Point 0 .* longitude nan"),
        ([0, 1.0], [0, 0], [1, -2], "Point 1 .* weight -2.0 must be finite and at least 0"),
        ([0, 1.0], [0, 0], [np.nan, 1], "Point 0 .* weight nan"),
        ([0, 1.0], [0, 0], [np.inf, 1], "Point 0 .* weight inf"),
        ([0, 1.0], [0, 0], [1], "differ in number"),
    ],
)
def test_a_point_that_cannot_be_clustered_is_named(
    latitude: list[float], longitude: list[float], weight: list[float], named: str
) -> None:
    with pytest.raises(InputError, match=named):
        density(latitude, longitude, weight, radius_km=15, min_weight=1)


@pytest.mark.parametrize(("radius_km", "min_weight"), [(0.0, 1), (np.nan, 1), (np.inf, 1), (15, 0), (15, -3)])
def test_a_radius_or_threshold_that_is_not_positive_is_refused(radius_km: float, min_weight: float) -> None:
    with pytest.raises(InputError, match="must be a positive number"):
        density([0.0], [0.0], [1.0], radius_km=radius_km, min_weight=min_weight)


def test_kernels_compile_where_nothing_can_be_kept_on_disk() -> None:
    scope: dict[str, Any] = {}
    exec("def more(value):\n    return value + 1", scope)  # noqa: S102 - a function without a file has no place for a cache
    assert compiled()(scope["more"])(41) == 42


LARGE = """
import numpy as np
from gii_pipeline.clusters.density import density
from gii_pipeline.memory import peak_bytes
rng = np.random.default_rng(0)
city = rng.integers(0, 40, 500_000)
latitude = rng.uniform(-50, 65, 40)[city] + 0.06 * rng.normal(size=city.size)
longitude = rng.uniform(-180, 180, 40)[city] + 0.06 * rng.normal(size=city.size)
found = density(latitude, (longitude + 180) % 360 - 180, np.ones(city.size), radius_km=15, min_weight=4500)
print(found.labels.max() + 1, int(found.core.sum()), peak_bytes() >> 20)
"""


@pytest.mark.slow
def test_half_a_million_points_in_cities_of_ten_thousand_a_radius_fit_in_two_gib() -> None:
    run = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    clusters, core, peak_mib = map(int, run.stdout.split())
    assert clusters <= 40
    assert core > 450_000
    assert peak_mib < 2048


def test_coordinates_of_single_precision_are_points_of_double_precision() -> None:
    points = Points.of_degrees(np.array([42.36], "float32"), np.array([-71.06], "float32"))
    assert points.latitude.dtype == points.longitude.dtype == np.float64
