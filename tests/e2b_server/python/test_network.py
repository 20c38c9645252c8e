"""Egress rules and the name server, as E2B's firewall does them: a server whose sandboxes have networks of their own."""

import os
import socket
import threading
import unittest

import e2b
from support import ClientTest, Sandbox, Server, Template

NAME = "db.example.test"
ASK = f"RES_OPTIONS='timeout:1 attempts:1' getent ahostsv4 {NAME} | head -1 | cut -d' ' -f1"


class Listener:
    """Says hello to whoever gets through."""

    def __init__(self, address):
        self._socket = socket.create_server((address, 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            with caller:
                caller.sendall(b"hello")

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Network(ClientTest):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            if os.environ.get("CI"):
                raise AssertionError("networks of sandboxes need root")
            raise unittest.SkipTest("networks of sandboxes need root")
        cls.server = Server("--network", "isolated", "--name", f"{NAME}=service:1")
        cls.allowed, cls.other = cls.server.ready["service_addresses"][:2]

    async def hears(self, sandbox, where, port):
        """What a connection from inside brings: hello, or nothing from one that is closed at once."""
        return (await sandbox.commands.run(f"exec 3<>/dev/tcp/{where}/{port} && cat <&3")).stdout

    async def test_rules(self):
        """create and update_network: what is allowed is reached, the rest is accepted and closed, a name opens the name server"""
        allowed, other = Listener(self.allowed), Listener(self.other)
        deny_all = ["0.0.0.0/0"]
        by_address = await Sandbox.create(network={"allow_out": [self.allowed], "deny_out": deny_all})
        self.assertEqual(await self.hears(by_address, self.allowed, allowed.port), "hello")
        self.assertEqual(await self.hears(by_address, self.other, other.port), "")
        self.assertEqual((await by_address.commands.run(ASK)).stdout, "", "addresses open no name server")
        await by_address.update_network({"allow_out": [self.allowed, NAME], "deny_out": deny_all})
        self.assertEqual((await by_address.commands.run(ASK)).stdout, f"{self.allowed}\n")
        self.assertEqual(await self.hears(by_address, NAME, allowed.port), "hello")
        self.assertEqual(await self.hears(self.sandbox, self.other, other.port), "hello", "open by default")
        await self.refused(e2b.SandboxException, Sandbox.create(network={"allow_out": [NAME]}), "400")
        await by_address.kill()
        for listener in (allowed, other):
            listener.close()

    async def test_egress_proxy(self):
        """an egress proxy is kept and shown without its password, a private one is refused"""
        proxy = {"address": "203.0.113.9:1080", "username": "team", "password": "hunter2hunter2"}
        sandbox = await Sandbox.create(network={"egress_proxy": proxy})
        shown = (await sandbox.get_info()).network
        self.assertNotIn("hunter2hunter2", str(shown))
        self.assertIn("203.0.113.9:1080", str(shown))
        await sandbox.kill()
        await self.refused(e2b.SandboxException, Sandbox.create(network={"egress_proxy": {"address": "10.0.0.5:1080"}}), "400")

    async def test_min_free_disk(self):
        """a template's free disk is a whole number of MiB"""
        template = Template().from_template("base")
        await Template.build(template, "roomy", min_free_disk_mb=4096)
        await self.refused(Exception, Template.build(template, "negative", min_free_disk_mb=-1), "400")
