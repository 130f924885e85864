"""Whose a store is: the first installation that runs in it is its owner."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from podbt.errors import ConfigError
from podbt.store.owner import OWNER, claim
from podbt.store.volume import Volume


def test_the_first_one_owns_it_and_no_other_runs_there(tmp_path: Path) -> None:
    store = Volume(tmp_path)
    claim(store, "podbt.prod")
    claim(store, "podbt.prod")
    with pytest.raises(ConfigError) as error:
        claim(store, "podbt.staging")
    said = str(error.value)
    assert "\n" not in said
    for word in (str(tmp_path), "'podbt.prod'", "'podbt.staging'", "artifacts.subPath", "artifacts.url", OWNER):
        assert word in said


def test_a_folder_of_its_own_is_another_store(tmp_path: Path) -> None:
    claim(Volume(tmp_path), "podbt.prod")
    (tmp_path / "staging").mkdir()
    claim(Volume(tmp_path / "staging"), "podbt.staging")


def test_a_store_from_before_there_were_owners_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "runs/d").mkdir(parents=True)
    claim(Volume(tmp_path), "podbt.prod")
    assert '"podbt.prod"' in (tmp_path / OWNER).read_text()


def test_of_many_that_come_at_the_same_time_one_owns_it(tmp_path: Path) -> None:
    def attempt(name: str) -> bool:
        try:
            claim(Volume(tmp_path), name)
        except ConfigError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, map(str, range(8)))) == 1


@pytest.mark.parametrize("text", ["{", "[]", "{}", "null"])
def test_what_names_no_owner_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / OWNER).write_text(text)
    with pytest.raises(ConfigError, match="is damaged"):
        claim(Volume(tmp_path), "podbt.prod")
