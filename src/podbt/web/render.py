"""Turns what pages show into HTML. Whatever comes from the store is text, and is escaped by the templates."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote, urlencode

import jinja2
from markupsafe import Markup

from podbt.contract.exits import ExitReason
from podbt.contract.kinds import DONE_STATUSES, FAILED_STATUSES, NodeStatus, RunStatus

_NONE: Final = "\N{EN DASH}"
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400
_SMALL: Final = 10
_DIGEST: Final = re.compile(r"@sha256:([0-9a-f]{12})[0-9a-f]*$")

_TONES: Final[Mapping[str, str]] = {
    **dict.fromkeys(map(str, DONE_STATUSES), "good"),
    **dict.fromkeys(map(str, FAILED_STATUSES), "bad"),
    NodeStatus.WARN: "warn",
    NodeStatus.NO_OP: "calm",
    NodeStatus.SKIPPED: "calm",
    NodeStatus.INTERRUPTED: "bad",
    NodeStatus.STARTED: "busy",
    RunStatus.FAILED: "bad",
    ExitReason.WARNINGS: "warn",
    ExitReason.NOTHING_TO_DO: "calm",
    "running": "busy",
    "late": "warn",
    "silent": "warn",
}


def tone(status: str) -> str:
    """How a status looks: good, warn, bad, calm or busy. A word that nobody knows is bad rather than good."""
    return _TONES.get(status, "good" if status == RunStatus.SUCCESS else "bad")


def seconds(value: float | None) -> str:
    """A duration as people say it: 0.42 s, 12.3 s, 4 min 5 s, 2 h 10 min, 3 d 4 h."""
    if value is None:
        return _NONE
    if value < _MINUTE:
        return f"{value:.2f} s" if value < _SMALL else f"{value:.1f} s"
    whole = round(value)
    for unit, name, below, part in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "min"), (_MINUTE, "min", 1, "s")):
        if whole >= unit:
            rest = whole % unit // below
            return f"{whole // unit} {name}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"


def number(value: float | None) -> str:
    return _NONE if value is None else f"{value:,}"


def percent(part: float, whole: float) -> str:
    """A place or width for an SVG."""
    return f"{100 * part / whole:.3f}%" if whole > 0 else "0%"


def moment(value: datetime | float | None) -> Markup:
    """A time that the reader's browser shows in the reader's zone; without scripts it is UTC, and says so."""
    if value is None:
        return Markup(_NONE)  # noqa: S704 - podbt's own
    when = value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
    when = when.astimezone(UTC)
    return Markup('<time datetime="{}">{} UTC</time>').format(
        when.isoformat(timespec="seconds"), f"{when:%Y-%m-%d %H:%M}"
    )


def ago(value: datetime, now: datetime) -> str:
    return f"{seconds(max((now - value) // timedelta(seconds=1), 0))} ago"


def image(value: str | None) -> str:
    """An image by its name and the beginning of its digest."""
    return _DIGEST.sub(r"@\1", value).rsplit("/", 1)[-1] if value else _NONE


def query(page: str, /, **parameters: Any) -> str:
    """The address of a page beside this one; what is None or empty is left out."""
    given = {key: value for key, value in parameters.items() if value not in {None, ""}}
    return f"{page}?{urlencode(given)}" if given else page


def part(value: str) -> str:
    """A name as a component of an address."""
    return quote(value, safe="")


class Renderer:
    """The templates."""

    def __init__(self, *, mask: Callable[[str], str] = lambda text: text) -> None:
        """Loads them.

        Args:
            mask: Takes secrets that this process knows out of a text, as Airflow does in its logs.
        """
        self._mask = mask
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("podbt.web"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            finalize=self._shown,
        )
        self._templates.filters |= {
            "ago": ago, "duration": seconds, "image": image, "moment": moment, "number": number, "part": part,
            "tone": tone,
        }  # fmt: skip
        self._templates.globals |= {"query": query, "percent": percent, "zip": zip}

    def page(self, template: str, /, **what: Any) -> str:
        """A page.

        Args:
            template: Its file.
            what: What the template asks for.
        """
        return self._templates.get_template(template).render(now=datetime.now(UTC), **what)

    def text(self, content: str) -> str:
        """A text that is no HTML."""
        return self._mask(content)

    def _shown(self, value: Any) -> Any:
        return self._mask(value) if type(value) is str else value


@lru_cache
def static(name: str) -> str:
    """A style sheet or script of podbt's own."""
    return files("podbt.web").joinpath("static", name).read_text(encoding="utf-8")
