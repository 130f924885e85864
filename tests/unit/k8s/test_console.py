import io

import pytest
from localcluster.console import Console, table


@pytest.fixture
def console() -> Console:
    ticks = iter(range(1000))
    return Console(out=io.StringIO(), clock=lambda: 37.0 * next(ticks))


def test_phase_says_what_it_does_its_result_and_its_seconds(console: Console) -> None:
    with console.phase("images", "building") as phase:
        phase.note("half way")
        phase.result = "built"
    assert isinstance(console.out, io.StringIO)
    # The clock is read at the start, at both ends of the phase and for each line: 37 seconds a look.
    assert console.out.getvalue().splitlines() == [
        "[01:14] images        building",
        "[01:51] images        half way",
        "[03:05] images        built (111.0 s)",
    ]
    assert console.seconds == {"images": 111.0}


def test_failed_phase_has_no_result(console: Console) -> None:
    with pytest.raises(RuntimeError), console.phase("images", "building"):
        raise RuntimeError
    assert isinstance(console.out, io.StringIO)
    assert "done" not in console.out.getvalue()
    assert console.seconds == {}


def test_summary_lists_every_phase(console: Console) -> None:
    for name in ("docker", "tools"):
        with console.phase(name, "…"):
            pass
    console.summary()
    assert isinstance(console.out, io.StringIO)
    last = console.out.getvalue().splitlines()[-1]
    assert "docker 74, tools 74; in all" in last


def test_table() -> None:
    assert table([("NODE", "S"), ("stg_orders", "1.5"), ("b", "")]) == "NODE        S\nstg_orders  1.5\nb"
