"""A server for each test class, and the SDK's client as chosen by OSIRIS_E2B_PYTHON, its calls counted (ledger.py)."""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from calls import CLASSES, IS_SYNC, WANTED
from ledger import watch

API_KEY = "e2b_" + "0" * 40
UNKNOWN = "i" + "0" * 19
NO_PID = 999_999

Sandbox = CLASSES["Sandbox"]
Template = CLASSES["Template"]
for label, owner in CLASSES.items():
    watch(owner, label, WANTED[label])


class Server:
    def __init__(self, *arguments):
        self._data = tempfile.mkdtemp(prefix="osiris-e2b-python-")
        program = os.path.join(os.environ["OSIRIS_BUILD_DIR"], "bin/osiris-e2b-server")
        command = [program, "--api-key", API_KEY, "--data", self._data, "--parent-pid", str(os.getpid()), *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server ended with {self._process.wait()}")
        self.ready = json.loads(line)
        self.url = self.ready["url"]
        os.environ.update(E2B_API_KEY=API_KEY, E2B_API_URL=self.url, E2B_SANDBOX_URL=self.url)

    def admin(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_admin/{path}", data, {"x-api-key": API_KEY}, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")

    def faults(self, *faults):
        self.admin("PUT", "faults", {"faults": list(faults)})

    def sandboxes(self):
        return self.admin("GET", "sandboxes")

    def requests(self):
        return self.admin("GET", "requests")

    def stop(self):
        self._process.terminate()
        status = self._process.wait()
        self._process.stdout.close()
        shutil.rmtree(self._data, ignore_errors=True)
        return status


class ClientTest(unittest.IsolatedAsyncioTestCase):
    """`self.sandbox` is a fresh one for each test."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        status = cls.server.stop()
        if status != 0:
            raise AssertionError(f"the server ended with {status}")

    async def asyncSetUp(self):
        self.sandbox = await Sandbox.create()

    async def asyncTearDown(self):
        await self.sandbox.kill()
        self.server.faults()

    def needs_namespaces(self):
        if self.server.ready["isolation"] != "namespaces":
            if os.environ.get("CI"):
                self.fail("this machine has no namespaces")
            self.skipTest("this machine has no namespaces")

    async def refused(self, error, call, message=""):
        """Awaits a call that has to raise `error` with `message` in its text; returns the exception."""
        with self.assertRaises(error) as caught:
            await call
        self.assertIn(message, str(caught.exception))
        return caught.exception

    async def refused_by_exit(self, call):
        from e2b import CommandExitException

        return await self.refused(CommandExitException, call)


async def until(what, condition):
    for _ in range(600):
        value = await condition()
        if value:
            return value
        await asyncio.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


def fetch(url, data=None, headers=None):
    """(status, body) of a plain HTTP request."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers or {})) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


class Watching:
    """A directory watched as either client does it: the sync one polls, the async one is called."""

    def __init__(self, handle, events):
        self._handle = handle
        self._events = events

    @classmethod
    async def start(cls, sandbox, path, **options):
        events = []
        if IS_SYNC:
            return cls(await sandbox.files.watch_dir(path, **options), events)
        return cls(await sandbox.files.watch_dir(path, on_event=events.append, timeout=0, **options), events)

    async def saw(self, kind, name):
        async def has_come():
            if IS_SYNC:
                self._events += await self._handle.get_new_events()
            return next((event for event in self._events if event.type.value == kind and event.name == name), None)

        return await until(f"{kind} {name}", has_come)

    async def stop(self):
        await self._handle.stop()


async def stream_input(part, pid, chunks):
    """commands or pty, whose async client hands out a handle instead of taking the chunks."""
    if IS_SYNC:
        return await part.stream_input(pid, chunks)
    handle = await part.stream_input(pid)
    for chunk in chunks:
        await handle.send(chunk)
    await handle.close()


async def open_terminal(sandbox, size, seen, **options):
    """pty.create; what it prints is appended to `seen` while it is waited for (sync) or as it comes (async)."""
    if IS_SYNC:
        return await sandbox.pty.create(size, **options)
    return await sandbox.pty.create(size, on_data=seen.append, **options)


async def connect_terminal(sandbox, pid):
    return await (sandbox.pty.connect(pid) if IS_SYNC else sandbox.pty.connect(pid, on_data=lambda data: None))


async def wait_for_terminal(handle, seen):
    return await (handle.wait(on_pty=seen.append) if IS_SYNC else handle.wait())
