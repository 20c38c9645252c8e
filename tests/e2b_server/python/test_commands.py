"""Processes and terminals."""

import base64
import hashlib
import json

import e2b
from support import API_KEY, NO_PID, ClientTest, Sandbox, connect_terminal, fetch, open_terminal, stream_input, until, wait_for_terminal


class Commands(ClientTest):
    async def test_run(self):
        """run: both streams, exit code 0 and 3"""
        result = await self.sandbox.commands.run("echo out; echo err >&2")
        self.assertEqual((result.stdout, result.stderr, result.exit_code), ("out\n", "err\n", 0))
        error = await self.refused_by_exit(self.sandbox.commands.run("echo last; exit 3"))
        self.assertEqual((error.exit_code, error.stdout), (3, "last\n"))

    async def test_run_where_and_who(self):
        """run: directory, variables, users"""
        self.assertEqual((await self.sandbox.commands.run("id -un; pwd; echo $HOME")).stdout, "user\n/home/user\n/home/user\n")
        as_root = await self.sandbox.commands.run("id -un; pwd; echo $A", cwd="/tmp", envs={"A": "b"}, user="root", timeout=0)
        root = "root" if "root" in self.server.ready["users"] else "user"
        self.assertEqual(as_root.stdout, f"{root}\n/tmp\nb\n")
        await self.refused(e2b.InvalidArgumentException, self.sandbox.commands.run("true", cwd="/nowhere"), "does not exist")
        await self.refused(e2b.AuthenticationException, self.sandbox.commands.run("true", user="root123"), "invalid username: 'root123'")

    async def test_run_bytes(self):
        """run: bytes that are no UTF-8, and 8 MB of output"""
        self.assertEqual((await self.sandbox.commands.run("printf '\\377\\376\\000a'")).stdout, "\ufffd\ufffd\x00a")
        many = await self.sandbox.commands.run("head -c 8000000 /dev/zero | tr '\\0' x; head -c 100000 /dev/zero | tr '\\0' y >&2")
        self.assertEqual((len(many.stdout), len(many.stderr)), (8_000_000, 100_000))

    async def test_run_as_it_comes(self):
        """run: output as it comes"""
        parts = []
        await self.sandbox.commands.run("echo one; sleep 0.2; echo two", on_stdout=parts.append)
        self.assertEqual("".join(parts), "one\ntwo\n")

    async def test_run_deadline(self):
        """run: the deadline kills"""
        await self.refused(e2b.TimeoutException, self.sandbox.commands.run("echo $$ > deadline; exec sleep 30", timeout=2))
        pid = int(await self.sandbox.files.read("deadline"))

        async def is_gone():
            return pid not in [process.pid for process in await self.sandbox.commands.list()]

        await until("the process to be killed", is_gone)

    async def test_background(self):
        """background, stdin, list, connect, close_stdin"""
        handle = await self.sandbox.commands.run("cat", background=True, stdin=True, timeout=20)
        listed = next(process for process in await self.sandbox.commands.list() if process.pid == handle.pid)
        self.assertEqual((listed.cmd, listed.args), ("/bin/bash", ["-l", "-c", "cat"]))
        again = await self.sandbox.commands.connect(handle.pid)
        await self.sandbox.commands.send_stdin(handle.pid, "héllo\n")
        await again.send_stdin(b"AB\n")
        await self.sandbox.commands.close_stdin(handle.pid)
        self.assertEqual((await again.wait()).stdout, "héllo\nAB\n")
        self.assertEqual((await handle.wait()).stdout, "héllo\nAB\n", "both listeners get everything")
        await self.refused(e2b.NotFoundException, self.sandbox.commands.send_stdin(handle.pid, "x"))
        await self.refused(e2b.NotFoundException, handle.send_stdin("x"))
        await self.refused(e2b.NotFoundException, handle.close_stdin())
        await self.refused(e2b.NotFoundException, self.sandbox.commands.close_stdin(NO_PID))

    async def test_handle(self):
        """a handle closes stdin and kills"""
        handle = await self.sandbox.commands.run("wc -c", background=True, stdin=True)
        await handle.send_stdin("12345")
        await handle.close_stdin()
        self.assertEqual((await handle.wait()).stdout, "5\n")
        self.assertFalse(await handle.kill(), "it has ended")
        sleeper = await self.sandbox.commands.run("sleep 30", background=True)
        self.assertTrue(await sleeper.kill())
        error = await self.refused_by_exit(sleeper.wait())
        self.assertEqual((error.exit_code, error.error), (-1, "signal: killed"))

    async def test_stream_input(self):
        """stream_input: many chunks in one call, in order"""
        handle = await self.sandbox.commands.run("cat | sha256sum; echo end", background=True, stdin=True)
        chunks = [bytes([n % 256]) * 10_000 for n in range(100)]
        await stream_input(self.sandbox.commands, handle.pid, chunks)
        await handle.close_stdin()
        self.assertEqual((await handle.wait()).stdout, hashlib.sha256(b"".join(chunks)).hexdigest() + "  -\nend\n")
        await self.refused(e2b.NotFoundException, stream_input(self.sandbox.commands, NO_PID, [b"x"]))

    async def test_log(self):
        """what send_stdin carries stands in the service's log, what stream_input carries does not"""
        handle = await self.sandbox.commands.run("cat", background=True, stdin=True)
        await self.sandbox.commands.send_stdin(handle.pid, b"carried by a unary call")
        await stream_input(self.sandbox.commands, handle.pid, [b"carried by a stream"])
        await handle.close_stdin()
        await handle.wait()
        status, body = fetch(f"{self.server.url}/sandboxes/{self.sandbox.sandbox_id}/logs", headers={"x-api-key": API_KEY})
        log = "\n".join(entry["line"] for entry in json.loads(body)["logs"])
        self.assertEqual(status, 200)
        self.assertIn(base64.b64encode(b"carried by a unary call").decode(), log)
        self.assertNotIn(base64.b64encode(b"carried by a stream").decode(), log)
        self.assertIn("StreamInput", log)

    async def test_kill(self):
        """kill: an unknown pid is False, connect to it an error"""
        handle = await self.sandbox.commands.run("sleep 30", background=True)
        self.assertTrue(await self.sandbox.commands.kill(handle.pid))
        await self.refused_by_exit(handle.wait())
        self.assertFalse(await self.sandbox.commands.kill(NO_PID))
        await self.refused(e2b.NotFoundException, self.sandbox.commands.connect(NO_PID))

    async def test_late_connect(self):
        """a late connect still gets the end"""
        handle = await self.sandbox.commands.run("exit 7", background=True)
        await self.refused_by_exit(handle.wait())
        late = await self.sandbox.commands.connect(handle.pid)
        self.assertEqual((await self.refused_by_exit(late.wait())).exit_code, 7)

    async def test_pty(self):
        """pty: create, input, resize, connect, kill"""
        seen = []
        pty = await open_terminal(self.sandbox, e2b.PtySize(rows=24, cols=80), seen, timeout=20)
        await self.sandbox.pty.send_stdin(pty.pid, b"stty size\n")
        await self.sandbox.pty.send_stdin(pty.pid, b"touch first; until [ -e resized ]; do sleep 0.02; done; stty size; tty\n")

        async def first():
            return await self.sandbox.files.exists("first")

        await until("the first size to be asked", first)
        await self.sandbox.pty.resize(pty.pid, e2b.PtySize(rows=40, cols=100))
        await self.sandbox.files.write("resized", "")
        other = await connect_terminal(self.sandbox, pty.pid)
        await stream_input(self.sandbox.pty, pty.pid, [b"exit", b" 5\n"])
        error = await self.refused_by_exit(wait_for_terminal(pty, seen))
        self.assertEqual(error.exit_code, 5)
        await self.refused_by_exit(other.wait())
        text = b"".join(seen).decode()
        for part in ("24 80", "40 100", "/dev/pts/"):
            self.assertIn(part, text)
        killed = await open_terminal(self.sandbox, e2b.PtySize(rows=24, cols=80), [])
        self.assertTrue(await self.sandbox.pty.kill(killed.pid))
        self.assertEqual((await self.refused_by_exit(killed.wait())).exit_code, -1)
        self.assertFalse(await self.sandbox.pty.kill(NO_PID))
        await self.refused(e2b.NotFoundException, self.sandbox.pty.resize(NO_PID, e2b.PtySize(rows=1, cols=1)))
        await self.refused(e2b.NotFoundException, connect_terminal(self.sandbox, NO_PID))
        await self.refused(e2b.NotFoundException, self.sandbox.pty.send_stdin(NO_PID, b"x"))
        await self.refused(e2b.NotFoundException, stream_input(self.sandbox.pty, NO_PID, [b"x"]))
        await self.refused(e2b.AuthenticationException, open_terminal(self.sandbox, e2b.PtySize(rows=1, cols=1), [], user="root123"))

    async def test_wrong_kind(self):
        """stdin to a terminal and a terminal's input to stdin are refused"""
        plain = await self.sandbox.commands.run("sleep 20", background=True)
        await self.refused(e2b.SandboxException, self.sandbox.pty.send_stdin(plain.pid, b"x"), "tty not assigned")
        await self.refused(e2b.SandboxException, self.sandbox.commands.send_stdin(plain.pid, "x"), "stdin not enabled")
        await plain.kill()

    async def test_killed_meanwhile(self):
        """a sandbox killed during a run, and what a dead one answers"""
        handle = await self.sandbox.commands.run("sleep 30", background=True)
        await self.sandbox.kill()
        await self.refused(e2b.TimeoutException, handle.wait(), "killed")
        for call in (
            self.sandbox.commands.run("echo"),
            self.sandbox.commands.list(),
            self.sandbox.commands.send_stdin(1, "x"),
            self.sandbox.commands.close_stdin(1),
            self.sandbox.commands.kill(1),
            self.sandbox.commands.connect(1),
            self.sandbox.pty.send_stdin(1, b"x"),
            self.sandbox.pty.kill(1),
            connect_terminal(self.sandbox, 1),
            self.sandbox.pty.resize(1, e2b.PtySize(rows=1, cols=1)),
        ):
            await self.refused(e2b.SandboxNotRunningException, call, "was not found")

    async def test_isolation(self):
        """another sandbox sees neither files nor processes, nor knows a pid of this one"""
        self.needs_namespaces()
        other = await Sandbox.create()
        await self.sandbox.files.write("/tmp/mine", "x")
        handle = await self.sandbox.commands.run("sleep 20", background=True)
        self.assertFalse(await other.files.exists("/tmp/mine"))
        self.assertNotIn("sleep", (await other.commands.run("cat /proc/[0-9]*/cmdline")).stdout)
        await self.refused(e2b.NotFoundException, other.commands.connect(handle.pid))
        self.assertFalse(await other.commands.kill(handle.pid))
        self.assertTrue(await handle.kill())
        await other.kill()
