"""Which call of the SDK succeeded, and which was refused, in which test: seen from outside, by wrapping its methods. Nothing
of what they do or send changes. coverage.py makes a table of it.

A test awaits every wrapped method, whichever client it belongs to: `await sandbox.kill()` is a plain call of the sync client
and an awaited one of the async client. So both clients run the same tests.
"""

import contextvars
import functools
import inspect
import json
import os

CLIENT = os.environ["OSIRIS_E2B_PYTHON"]  # sync or async

_file = os.environ.get("OSIRIS_E2B_LEDGER")
_inside = contextvars.ContextVar("inside", default=False)  # what the SDK calls of itself is not counted
_test = ""

# Calls that say only with a later one, of what they return, how they went.
_LATER = {
    "Sandbox.list": "next_items",
    "Sandbox.list_snapshots": "next_items",
    "commands.stream_input": "close",
    "pty.stream_input": "close",
}


def begin_test(name):
    global _test
    _test = name


def _write(entry):
    if _file:
        with open(_file, "a", encoding="utf-8") as out:
            out.write(json.dumps({"client": CLIENT, "test": _test, **entry}) + "\n")


def note(call, outcome, detail=""):
    _write({"call": call, "outcome": outcome, "detail": detail})


def note_passed():
    _write({"passed": True})


def _counted(call, function, later=""):
    @functools.wraps(function)
    async def run(*args, **kwargs):
        token = _inside.set(True)
        try:
            value = function(*args, **kwargs)
            if inspect.isawaitable(value):
                value = await value
        except Exception as error:
            if not isinstance(error, (TypeError, AttributeError)):  # a wrong call of the test's is no refusal
                note(call, "refused", type(error).__name__)
            raise
        finally:
            _inside.reset(token)
        if hasattr(value, later or "no such"):
            setattr(value, later, _counted(call, getattr(value, later)))
        else:  # False is how many calls say "there is none"
            note(call, "refused" if value is False else "done", "False" if value is False else "")
        return value

    return run


class _Watched:
    """A method as the SDK defined it (plain, of the class, static, or both), counted when a test calls it."""

    def __init__(self, original, call):
        self._original = original
        self._call = call

    def __get__(self, instance, owner=None):
        bound = self._original.__get__(instance, owner)
        return bound if _inside.get() else _counted(self._call, bound, _LATER.get(self._call, ""))


def public_methods(owner):
    return [name for name in dir(owner) if not name.startswith("_") and callable(getattr(owner, name))]


def watch(owner, label, names):
    for name in names:
        original = inspect.getattr_static(owner, name)
        setattr(owner, name, _Watched(original, f"{label}.{name}"))
