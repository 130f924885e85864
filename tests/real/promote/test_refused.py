"""What is refused, each with the line that docs/promotion.md shows for it."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.registries import REVISION, Project, build, outcomes, run

from podbt.cli import main
from podbt.promote import statements
from podbt.promote.statements import SBOM, Action, Build, Outcome, Promoted

PAGE = Path(__file__).parents[3] / "docs/promotion.md"
_ROW = re.compile(r"^\| (?P<done>[^|]+) \| `(?P<line>[^|]+)` \|$", re.MULTILINE)
OTHER = "e" * 40

# What somebody does to a project in which dev has a released image, and the command that is refused then.
Attack = Callable[[Project, str], list[str]]
ATTACKS: dict[str, Attack] = {}


def attack(done: str) -> Callable[[Attack], Attack]:
    def keep(function: Attack) -> Attack:
        ATTACKS[done] = function
        return function

    return keep


def rows() -> dict[str, str]:
    """The page's table."""
    section = PAGE.read_text().partition("\n## What is refused\n")[2].partition("\n## ")[0]
    return {match["done"].strip(): match["line"].strip() for match in _ROW.finditer(section)}


def to_dev(project: Project, digest: str) -> None:
    assert main(["promote", "--to", "dev", "--digest", digest, "--config", str(project.file)]) == 0


def to_staging(project: Project, digest: str) -> None:
    to_dev(project, digest)
    assert main(["promote", "--to", "staging", "--digest", digest, "--config", str(project.file)]) == 0


def by_hand(project: Project, digest: str, source: str, target: str) -> None:
    """Copies an image with all that refers to it, as anybody can who may write there."""
    there, here = project.registries[target].repository, project.registries[source].repository
    for recursive in ([], ["-r"]):
        words = ["--from-plain-http", "--to-plain-http", f"{here}@{digest}", f"{there}:by-hand"]
        run("oras", "cp", *recursive, *words)


def word(stage: str, outcome: Outcome = Outcome.PASSED) -> str:
    at = datetime.now(UTC)
    return Promoted(at=at, id="1", stage=stage, action=Action.PROMOTE, outcome=outcome, by="eve").to_json()


@attack("an image that nobody signed is promoted")
def _unsigned(project: Project, _: str) -> list[str]:
    return ["--to", "dev", "--digest", project.push("dev", b"unsigned")]


@attack("the release's tag is moved to an image that nobody signed")
def _moved(project: Project, _: str) -> list[str]:
    project.push("dev", b"unsigned", tag=REVISION)
    return ["--to", "dev", "--revision", REVISION]


@attack("the release's tag is moved to another release")
def _moved_to_a_release(project: Project, _: str) -> list[str]:
    other = project.release(b"other", revision=OTHER)
    repository = project.registries["dev"].repository
    run("crane", "tag", f"{repository}@{other}", REVISION)
    return ["--to", "dev", "--revision", REVISION]


@attack("an image is signed with another key")
def _strangers(project: Project, _: str) -> list[str]:
    digest = project.push("dev", b"unsigned")
    project.sign("dev", digest, key="strangers")
    return ["--to", "dev", "--digest", digest]


@attack("another image gets a release's signatures")
def _swapped(project: Project, digest: str) -> list[str]:
    other = project.push("dev", b"unsigned")
    repository = project.registries["dev"].repository
    good, bad = (f"{repository}:{one.replace(':', '-')}" for one in (digest, other))
    run("crane", "copy", good, bad)
    return ["--to", "dev", "--digest", other]


@attack("an image has no SBOM")
def _no_sbom(project: Project, _: str) -> list[str]:
    digest = project.push("dev", b"unsigned")
    project.sign("dev", digest)
    return ["--to", "dev", "--digest", digest]


@attack("nobody attested what it was built of")
def _no_build(project: Project, _: str) -> list[str]:
    digest = project.push("dev", b"unsigned")
    project.sign("dev", digest)
    project.attest("dev", digest, SBOM, "{}")
    return ["--to", "dev", "--digest", digest]


@attack("nobody attested its tests")
def _no_tests(project: Project, _: str) -> list[str]:
    digest = project.push("dev", b"unsigned")
    project.sign("dev", digest)
    project.attest("dev", digest, SBOM, "{}")
    project.attest("dev", digest, Build.type, build().to_json())
    return ["--to", "dev", "--digest", digest]


@attack("its tests failed, as attested, and it was signed all the same")
def _failed(project: Project, digest: str) -> list[str]:
    project.attest("dev", digest, statements.Tests.type, outcomes("passed", "failed").to_json())
    return ["--to", "dev", "--digest", digest]


@attack("its tests failed, and another key says that they passed")
def _forged(project: Project, digest: str) -> list[str]:
    project.attest("dev", digest, statements.Tests.type, outcomes("failed").to_json())
    later = outcomes("passed").model_copy(update={"at": datetime.now(UTC) + timedelta(days=1)})
    project.attest("dev", digest, statements.Tests.type, later.to_json(), key="strangers")
    return ["--to", "dev", "--digest", digest]


@attack("an attestation says something else than podbt does")
def _other_words(project: Project, digest: str) -> list[str]:
    project.attest("dev", digest, statements.Tests.type, json.dumps({"outcome": "passed"}))
    return ["--to", "dev", "--digest", digest]


@attack("a stage is left out")
def _left_out(project: Project, digest: str) -> list[str]:
    to_dev(project, digest)
    return ["--to", "prod", "--digest", digest]


@attack("an image is copied into the stage before by hand, with its signatures")
def _copied(project: Project, digest: str) -> list[str]:
    to_dev(project, digest)
    by_hand(project, digest, "dev", "staging")
    return ["--to", "prod", "--digest", digest]


@attack("the stage before is spoken for with another stage's key")
def _spoken_for(project: Project, digest: str) -> list[str]:
    to_dev(project, digest)
    by_hand(project, digest, "dev", "staging")
    project.attest("staging", digest, Promoted.type, word("staging"), key="dev")
    return ["--to", "prod", "--digest", digest]


@attack("it failed in the stage before")
def _failed_there(project: Project, digest: str) -> list[str]:
    to_staging(project, digest)
    project.attest("staging", digest, Promoted.type, word("staging", Outcome.FAILED), key="staging")
    return ["--to", "prod", "--digest", digest]


@attack("the image is deleted, and its signatures stay")
def _deleted(project: Project, digest: str) -> list[str]:
    run("crane", "delete", f"{project.registries['dev'].repository}@{digest}")
    return ["--to", "dev", "--digest", digest]


@attack("a layer is changed in the registry's storage")
def _layer(project: Project, digest: str) -> list[str]:
    to_dev(project, digest)
    manifest = json.loads(run("crane", "manifest", f"{project.registries['dev'].repository}@{digest}"))
    layer = manifest["layers"][0]["digest"].removeprefix("sha256:")
    data = project.registries["dev"].folder / f"docker/registry/v2/blobs/sha256/{layer[:2]}/{layer}/data"
    data.write_bytes(bytes(reversed(data.read_bytes())))
    return ["--to", "staging", "--digest", digest]


@attack("a stage is brought back to an image that never was there")
def _never(project: Project, digest: str) -> list[str]:
    to_staging(project, digest)
    return ["rollback", "--to", "prod", "--digest", digest]


@attack("a line of a stage's record is changed")
def _record(project: Project, digest: str) -> list[str]:
    to_dev(project, digest)
    other = project.release(b"other", revision=OTHER)
    to_dev(project, other)
    record = project.folder / "promotions-dev.jsonl"
    record.write_text(record.read_text().replace('"dev"', '"DEV"', 1))
    return ["--to", "staging"]


@attack("the values name another repository")
def _repository(project: Project, digest: str) -> list[str]:
    values = project.values("dev")
    values.write_text(values.read_text().replace(project.registries["dev"].repository, "elsewhere.example.com/x"))
    return ["--to", "dev", "--digest", digest]


@attack("the key is not there")
def _no_key(project: Project, digest: str) -> list[str]:
    (project.folder / "keys/release.pub").unlink()
    return ["--to", "dev", "--digest", digest]


@attack("the registry is down")
def _down(project: Project, digest: str) -> list[str]:
    project.registries["dev"].stop()
    return ["--to", "dev", "--digest", digest]


def told(project: Project, text: str) -> str:
    """A line without what differs from run to run."""
    for stage, registry in project.registries.items():
        text = text.replace(registry.address, f"{stage}.example.com")
    text = text.replace(f"{project.folder}/", "")
    text = re.sub(r"sha256:[0-9a-f]{64}", "sha256:…", text).replace(REVISION, "0123456…").replace(OTHER, "eeeeeee…")
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2026-01-01 12:00", text)


def test_the_page_has_every_attack() -> None:
    assert list(rows()) == list(ATTACKS)


@pytest.mark.parametrize("done", ATTACKS)
def test_it_is_refused_with_one_line(
    project: Project, digest: str, done: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ATTACKS[done](project, digest)
    verb = [] if words[0] == "rollback" else ["promote"]
    stage = words[words.index("--to") + 1]
    before = {file: file.read_bytes() for file in project.folder.glob(f"*{stage}*")}
    capsys.readouterr()
    assert main([*verb, *words, "--config", str(project.file)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told(project, line) == f"podbt: {rows()[done]}"
    assert {file: file.read_bytes() for file in project.folder.glob(f"*{stage}*")} == before
