"""Takes note of the errors that nodes end with, while dbt handles them: what it makes of them is text.

Of some it does not even tell that: the event of an on-run-end hook names the hook alone, a model's post-hook fails as
the model, and an operation's error is in no result.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from podbt.contract.record import shorten
from podbt.runner.dbt.cause import Cause, cause_of
from podbt.runner.dbt.seams import Seam, Seams

_SQL_CHARS: Final = 200
_WORDS_CHARS: Final = 4000
_MODEL_HOOKS: Final = "run_hooks"
"""The macro that runs the hooks of a model, a seed or a snapshot."""
_MATERIALIZATION: Final = "materialization_"
_OPERATION: Final = "macro"
"""How the unique_id of an operation begins. One runs at a time, and its error comes without it."""


class Causes:
    """What is known of each node's error beside dbt's text, by unique_id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Cause] = {}
        self._hooks: dict[str, str] = {}
        self._words: dict[str, str] = {}
        self._failed: set[str] = set()
        self._current = threading.local()
        self.cancelling = False
        """Whether dbt has begun to end what runs: told to stop, or since a node failed and --fail-fast is on."""

    def of(self, unique_id: str) -> Cause | None:
        """Why a node failed, as far as the database is why."""
        with self._lock:
            return self._known.get(_key(unique_id))

    def hook(self, unique_id: str) -> str | None:
        """Which of its own hooks a node failed in."""
        with self._lock:
            return self._hooks.get(unique_id)

    def cancelled(self, unique_id: str) -> bool:
        """Whether a node ended in an error only since dbt cancelled it. Of its batches one may have failed before."""
        cause = self.of(unique_id)
        return self.cancelling and unique_id not in self._failed and cause is not None and cause.cancelled

    def last(self) -> str | None:
        """What was said of the last materialization that failed in this thread. Once told, it is forgotten."""
        words, self._current.words = getattr(self._current, "words", None), None
        return words

    def words(self, unique_id: str) -> str | None:
        """What was said of a hook of the run, or of an operation, that failed."""
        with self._lock:
            return self._words.get(_key(unique_id))

    def note(self, unique_id: str, error: BaseException) -> None:
        """Keeps why a node failed."""
        cause = cause_of(error)
        with self._lock:
            if not self.cancelling:
                self._failed.add(unique_id)
            if cause is not None:
                self._known[unique_id] = cause

    @property
    def seams(self) -> Seams:
        """Stands where dbt makes text of an error, and where hooks run."""
        return {
            Seam.ERROR: self._handling,
            Seam.RUN_HOOK: self._running_hook,
            Seam.MACRO: self._calling,
            Seam.OPERATION: self._operating,
            Seam.CANCEL: self._cancelling,
        }

    def _handling(self, handle: Callable[..., str]) -> Callable[..., str]:
        def handle_exception(runner: Any, error: Exception, *arguments: Any, **keywords: Any) -> str:
            self.note(str(runner.node.unique_id), error)
            return handle(runner, error, *arguments, **keywords)

        return handle_exception

    def _running_hook(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        def get_execution_status(sql: str, adapter: Any) -> Any:
            watched = _Watched(adapter)
            status, message = execute(sql, watched)
            if watched.error is not None:
                self._hook_failed(sql, str(message), watched.error)
            return status, message

        return get_execution_status

    def _hook_failed(self, sql: str, message: str, error: BaseException) -> None:
        from dbt_common.events.contextvars import get_node_info  # noqa: PLC0415 - slow to import

        unique_id = str(get_node_info().get("unique_id", ""))
        self.note(unique_id, error)
        with self._lock:
            self._words[unique_id] = f"{shorten(message, _WORDS_CHARS)}, when dbt ran: {shorten(sql, _SQL_CHARS)}"

    def _calling(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(macro: Any, *arguments: Any, **keywords: Any) -> Any:
            name = macro.macro.name
            if name == _MODEL_HOOKS and arguments:
                return self._call_hooks(call, macro, *arguments, **keywords)
            if not name.startswith(_MATERIALIZATION):
                return call(macro, *arguments, **keywords)
            try:
                return call(macro, *arguments, **keywords)
            except Exception as error:
                self._materialization_failed(macro.context or {}, error)
                raise

        return called

    def _materialization_failed(self, context: Mapping[str, Any], error: Exception) -> None:
        """Of a batch's error, dbt tells in a log line alone."""
        model = context.get("model") or {}
        if "unique_id" in model:
            self.note(model["unique_id"], error)
        self._current.words = str(error)

    def _call_hooks(self, call: Callable[..., Any], macro: Any, hooks: Any, *rest: Any, **keywords: Any) -> Any:
        self._current.hook = None
        try:
            return call(macro, [_Told.of(hook, self._current) for hook in hooks or ()], *rest, **keywords)
        except Exception:
            self._model_hook_failed(macro.context or {}, hooks)
            raise

    def _model_hook_failed(self, context: Mapping[str, Any], hooks: Any) -> None:
        hook, model = getattr(self._current, "hook", None), context.get("model") or {}
        if hook is None or "unique_id" not in model:
            return
        kind = next((kind for kind in ("pre", "post") if hooks is context.get(f"{kind}_hooks")), None)
        place = f"{kind}-hook {hooks.index(hook) + 1} of {len(hooks)}" if kind else "hook"
        with self._lock:
            self._hooks[model["unique_id"]] = f"{place} ({shorten(str(hook.get('sql')), _SQL_CHARS)})"

    def _operating(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def run_unsafe(*arguments: Any, **keywords: Any) -> Any:
            try:
                return run(*arguments, **keywords)
            except Exception as error:
                self.note(_OPERATION, error)
                with self._lock:
                    self._words[_OPERATION] = shorten(str(error), _WORDS_CHARS)
                raise

        return run_unsafe

    def _cancelling(self, cancel: Callable[..., Any]) -> Callable[..., Any]:
        def cancel_connections(*arguments: Any) -> Any:
            self.cancelling = True
            return cancel(*arguments)

        return cancel_connections


def _key(unique_id: str) -> str:
    return _OPERATION if unique_id.startswith(f"{_OPERATION}.") else unique_id


class _Watched:
    """An adapter that keeps the error of a statement, for dbt makes text of it."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self.error: BaseException | None = None

    def execute(self, *arguments: Any, **keywords: Any) -> Any:
        try:
            return self._adapter.execute(*arguments, **keywords)
        except Exception as error:
            self.error = error
            raise


class _Told(dict[str, Any]):
    """A hook that says that it is its turn, when its SQL is asked for."""

    def __init__(self, hook: dict[str, Any], current: Any) -> None:
        super().__init__(hook)
        self._plain = hook
        self._current = current

    @classmethod
    def of(cls, hook: Any, current: Any) -> Any:
        """The hook itself where it is of a kind that is not known here."""
        return cls(hook, current) if isinstance(hook, dict) else hook

    def get(self, key: Any, default: Any = None) -> Any:
        if key == "sql":
            self._current.hook = self._plain
        return super().get(key, default)
