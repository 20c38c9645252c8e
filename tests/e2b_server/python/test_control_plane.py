"""Every control-plane call of the SDK, each with a refusal."""

import datetime
import uuid

import e2b
from calls import IS_SYNC
from support import API_KEY, UNKNOWN, ClientTest, Sandbox, until

WRONG_KEY = "e2b_" + "f" * 40


class ControlPlane(ClientTest):
    async def test_create(self):
        """create without options"""
        info = await self.sandbox.get_info()
        self.assertRegex(info.sandbox_id, r"^i[a-z0-9]{20}$")
        self.assertAlmostEqual((info.end_at - info.started_at).total_seconds(), 300, delta=2)
        self.assertEqual(info.state.value, "running")

    async def test_create_with_everything(self):
        """create with everything"""
        metadata = {"a": "1", "k y": "v&=ü"}
        sandbox = await Sandbox.create(
            "base", timeout=90, metadata=metadata, envs={"FOO": "bar"}, allow_internet_access=False, lifecycle={"on_timeout": "pause", "auto_resume": True}
        )
        self.assertEqual((await sandbox.get_info()).metadata, metadata)
        self.assertEqual((await sandbox.commands.run("echo $FOO $E2B_SANDBOX")).stdout, "bar true\n")
        await sandbox.kill()

    async def test_create_refused(self):
        """create: wrong key, unknown template, impossible timeout"""
        await self.refused(e2b.AuthenticationException, Sandbox.create(api_key=WRONG_KEY), "Unauthorized")
        await self.refused(e2b.SandboxException, Sandbox.create("no-such-template"), "404")
        await self.refused(e2b.SandboxException, Sandbox.create(timeout=25 * 3600), "400")

    async def test_create_busy(self):
        """create: 429 and 503 are errors of their own, and are tried again as told"""
        for status, error in ((429, e2b.RateLimitException), (503, e2b.ServiceBusyException)):
            self.server.faults({"route": "POST /v2/sandboxes", "action": {"type": "status", "status": status}})
            await self.refused(error, Sandbox.create(retries=0))
            self.server.faults({"route": "POST /v2/sandboxes", "nth": 1, "action": {"type": "status", "status": status, "retry_after": 0}})
            await (await Sandbox.create(retries=1)).kill()

    async def test_create_with_a_key(self):
        """create with an idempotency key: once, however often; another request with it is refused"""
        first = await Sandbox.create(timeout=60, idempotency_key="a-key-of-ours")
        again = await Sandbox.create(timeout=60, idempotency_key="a-key-of-ours")
        self.assertEqual(first.sandbox_id, again.sandbox_id)
        other = await Sandbox.create(timeout=60, idempotency_key="another-key")
        self.assertNotEqual(first.sandbox_id, other.sandbox_id)
        await self.refused(e2b.SandboxException, Sandbox.create(timeout=61, idempotency_key="a-key-of-ours"), "422")
        for sandbox in (first, other):
            await sandbox.kill()

    async def test_should_retry(self):
        """create: Should-Retry decides, whatever the status"""
        self.server.faults({"route": "POST /v2/sandboxes", "action": {"type": "status", "status": 503, "should_retry": "false"}})
        before = self._creates()
        await self.refused(e2b.ServiceBusyException, Sandbox.create(retries=3))
        self.assertEqual(self._creates(), before + 1)
        self.server.faults({"route": "POST /v2/sandboxes", "nth": 1, "action": {"type": "status", "status": 500, "should_retry": "true", "retry_after": 0}})
        await (await Sandbox.create(retries=1)).kill()
        self.assertEqual(self._creates(), before + 3)

    def _creates(self):
        return sum(request["route"] == "POST /v2/sandboxes" for request in self.server.requests())

    async def test_lost_answer(self):
        """create with an idempotency key: a lost answer is given again, a key of another form is refused"""
        key = "osiris-" + uuid.uuid4().hex
        self.server.faults({"route": "POST /v2/sandboxes", "nth": 1, "action": {"type": "reset", "when": "before"}})
        with self.assertRaises(Exception, msg="the first answer is lost"):
            await Sandbox.create(timeout=60, idempotency_key=key)
        made = await Sandbox.create(timeout=60, idempotency_key=key)
        self.assertEqual(len(self.server.sandboxes()), 2, "the one of this test's set-up and this one")
        await made.kill()
        await self.refused(e2b.InvalidArgumentException, Sandbox.create(idempotency_key="Not A Key"))

    async def test_clamp(self):
        """set_timeout beyond the plan's maximum is cut down without a word"""
        await self.sandbox.set_timeout(25 * 3600)
        info = await self.sandbox.get_info()
        self.assertAlmostEqual((info.end_at - info.started_at).total_seconds(), 24 * 3600, delta=2)

    async def test_connect(self):
        """connect never shortens, resumes a paused sandbox, refuses an unknown one"""
        end = (await self.sandbox.get_info()).end_at
        again = await Sandbox.connect(self.sandbox.sandbox_id, timeout=10)
        self.assertEqual((await again.get_info()).end_at, end)
        await self.sandbox.commands.run("echo kept > kept")
        self.assertTrue(await self.sandbox.pause())
        resumed = await Sandbox.connect(self.sandbox.sandbox_id, timeout=60)
        self.assertEqual(await resumed.files.read("kept"), "kept\n")
        await self.sandbox.connect()
        await self.refused(e2b.SandboxNotFoundException, Sandbox.connect(UNKNOWN))

    async def test_kill(self):
        """kill, and kill again"""
        self.assertTrue(await self.sandbox.kill())
        self.assertFalse(await Sandbox.kill(self.sandbox.sandbox_id))
        self.assertFalse(await self.sandbox.is_running())

    async def test_get_info(self):
        """get_info, of a dead sandbox too"""
        self.assertTrue(await self.sandbox.is_running())
        await self.refused(e2b.SandboxNotFoundException, Sandbox.get_info(UNKNOWN))

    async def test_update_network(self):
        """update_network replaces the rules"""
        await self.sandbox.update_network({"deny_out": ["0.0.0.0/0"], "allow_out": ["10.0.0.1/32"]})
        network = self.server.sandboxes()[0]["network"]
        self.assertEqual((network["allowOut"], network["denyOut"]), (["10.0.0.1/32"], ["0.0.0.0/0"]))
        await self.refused(e2b.SandboxException, self.sandbox.update_network({"allow_out": ["example.org"]}), "400")
        await self.refused(e2b.SandboxNotFoundException, Sandbox.update_network(UNKNOWN, {}))

    async def test_set_timeout(self):
        """set_timeout really kills, a command that runs too"""
        await self.sandbox.set_timeout(45)
        left = (await self.sandbox.get_info()).end_at - datetime.datetime.now(datetime.timezone.utc)
        self.assertTrue(0 < left.total_seconds() < 46, left)
        handle = await self.sandbox.commands.run("sleep 60", background=True)
        await self.sandbox.set_timeout(1)
        await self.refused(e2b.TimeoutException, handle.wait())
        self.assertFalse(await self.sandbox.is_running())
        await self.refused(e2b.SandboxNotFoundException, self.sandbox.set_timeout(1))

    async def test_pause(self):
        """pause stops processes, resume continues them, a second pause is False"""
        await self.sandbox.commands.run("while true; do date +%s%N >> ticks; sleep 0.02; done", background=True)
        await self.sandbox.commands.run("until [ -s ticks ]; do sleep 0.02; done")
        self.assertTrue(await self.sandbox.beta_pause())
        self.assertFalse(await self.sandbox.pause())
        self.assertFalse(await self.sandbox.is_running())
        self.assertEqual((await self.sandbox.get_info()).state.value, "paused")
        await self.sandbox.connect()
        before = len(await self.sandbox.files.read("ticks"))
        await self.sandbox.commands.run(f"until [ $(stat -c %s ticks) -gt {before} ]; do sleep 0.02; done")
        await self.refused(e2b.SandboxNotFoundException, Sandbox.pause(UNKNOWN))
        await self.refused(e2b.SandboxNotFoundException, Sandbox.beta_pause(UNKNOWN))

    async def test_list(self):
        """list with paging, metadata and state"""
        key = {"job": "list & ü", "k y": "v&="}
        made = [await Sandbox.create(metadata=key) for _ in range(3)]
        await made[2].pause()
        seen = []
        pages = await Sandbox.list(query=e2b.SandboxQuery(metadata=key), limit=1)
        while pages.has_next:
            seen += await pages.next_items()
        self.assertEqual([each.sandbox_id for each in seen], [each.sandbox_id for each in reversed(made)])
        paused = await Sandbox.list(query=e2b.SandboxQuery(metadata=key, state=[e2b.SandboxState.PAUSED]))
        self.assertEqual([each.sandbox_id for each in await paused.next_items()], [made[2].sandbox_id])
        everything = await (await Sandbox.list()).next_items()
        self.assertIn(self.sandbox.sandbox_id, [each.sandbox_id for each in everything])
        for sandbox in made:
            await sandbox.kill()
        await self.refused(e2b.SandboxException, (await Sandbox.list(limit=1000)).next_items(), "400")

    async def test_get_metrics(self):
        """get_metrics"""
        sample = (await self.sandbox.get_metrics())[0]
        self.assertEqual((sample.cpu_count, sample.mem_total), (2, 512 * 2**20))
        await self.refused(e2b.SandboxException, Sandbox.get_metrics(UNKNOWN))

    async def test_fork_and_snapshots(self):
        """fork and snapshots"""
        await self.sandbox.files.write("state", "one")
        first, second = await self.sandbox.fork(count=2)
        self.assertEqual(await first.files.read("state"), "one")
        await second.files.write("state", "two")
        self.assertEqual(await self.sandbox.files.read("state"), "one")
        snapshot = await self.sandbox.create_snapshot(name="my-snapshot")
        listed = await (await Sandbox.list_snapshots()).next_items()
        self.assertIn(snapshot.snapshot_id, [each.snapshot_id for each in listed])
        restored = await Sandbox.create(snapshot.snapshot_id)
        self.assertEqual(await restored.files.read("state"), "one")
        for sandbox in (first, second, restored):
            await sandbox.kill()
        self.assertTrue(await Sandbox.delete_snapshot(snapshot.snapshot_id))
        self.assertFalse(await Sandbox.delete_snapshot(snapshot.snapshot_id))
        await self.refused(e2b.SandboxNotFoundException, Sandbox.create_snapshot(UNKNOWN))
        await self.refused(e2b.SandboxNotFoundException, Sandbox.fork(UNKNOWN))
        await self.refused(e2b.SandboxException, (await Sandbox.list_snapshots(limit=1000)).next_items(), "400")

    async def test_bound_client(self):
        """the E2B client object carries its own key"""
        client = e2b.E2B(api_key=API_KEY)
        bound = client.Sandbox if IS_SYNC else client.AsyncSandbox
        sandbox = await bound.create()
        self.assertTrue(await sandbox.kill())
        wrong = e2b.E2B(api_key=WRONG_KEY)
        await self.refused(e2b.AuthenticationException, (wrong.Sandbox if IS_SYNC else wrong.AsyncSandbox).create())

    async def test_nothing_is_left(self):
        """nothing of all this is left"""
        await self.sandbox.kill()

        async def all_gone():
            return not self.server.sandboxes()

        await until("all to be gone", all_gone)
