import re
from pathlib import Path

import pytest
from tests.support.pages import publish, ran

from podbt.cli import main
from podbt.store.volume import Volume


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Volume:
    (tmp_path / "store").mkdir()
    monkeypatch.setenv("PODBT_ARTIFACTS", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return Volume(tmp_path / "store")


def test_a_report_is_one_file_that_needs_nothing_else(store: Volume, tmp_path: Path) -> None:
    path = publish(
        store,
        ran("model.a", 0, 1, status="error", message="</script><b>boom</b>", compiled="compiled/a.sql"),
        files={"compiled/a.sql": b"select 1 / 0"},
    )
    assert main(["report", path, "-o", "out.html"]) == 0
    text = (tmp_path / "out.html").read_text()
    assert "select 1 / 0" in text
    assert "&lt;b&gt;boom" in text
    assert not re.search(r'(src|href)="(?!#)', text.split("</style>")[1].split("<script>")[0].replace('href="#', ""))
    assert text.count("<script>") == text.count("</script>") == 1
    assert "default-src 'none'" in text


def test_the_file_has_a_name_of_its_own(store: Volume, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = publish(store, ran("model.a", 0, 1))
    assert main(["report", path]) == 0
    assert (tmp_path / "nightly.build.html").is_file()
    assert "nightly.build.html" in capsys.readouterr().out


def test_links_lead_to_airflow_where_its_address_is_given(store: Volume, capsys: pytest.CaptureFixture[str]) -> None:
    path = publish(store, ran("model.a", 0, 1))
    assert main(["report", path, "-o", "-", "--airflow", "https://airflow.example.com/af/"]) == 0
    assert (
        'href="https://airflow.example.com/af/dags/nightly/runs/r1/tasks/build?try_number=1"' in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["runs/x/y/z/try-1"], "No run at"),
        (["latest"], "No run has been published"),
        (["--airflow", "airflow"], "is not http"),
    ],
)
def test_what_cannot_be_written_is_one_line(
    store: Volume, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(store: Volume, capsys: pytest.CaptureFixture[str]) -> None:
    path = publish(store, ran("model.a", 0, 1))
    assert main(["report", path, "-o", "none/out.html"]) == 2
    assert "none/out.html" in capsys.readouterr().err


def test_the_command_prints_the_same_figures(store: Volume, capsys: pytest.CaptureFixture[str]) -> None:
    path = publish(store, ran("model.a", 0, 4), ran("model.b", 0, 2, thread="Thread-2"))
    assert main(["runs", "show", path]) == 0
    assert "2 threads busy for 75% of the time" in capsys.readouterr().out
    main(["report", path, "-o", "-"])
    assert "75 %" in capsys.readouterr().out
