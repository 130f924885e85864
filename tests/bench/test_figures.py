import pytest
from bench.harness.figures import middle, percentile, ratio, written


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 95, None), ([3.0], 95, 3.0), ([4, 1, 3, 2], 50, 2), (list(range(1, 101)), 95, 95), ([1, 2, 3], 100, 3)],
)
def test_percentile_is_a_value_that_was_measured(values: list[float], percent: float, expected: float | None) -> None:
    assert percentile(values, percent) == expected


def test_what_was_not_measured_is_a_dash() -> None:
    assert middle([]) is None
    assert ratio(None, 2.0) is None
    assert ratio(2.0, 0) is None
    assert written(None) == "-"
    assert written(ratio(3.0, 2.0), 2) == "1.50"
