"""Contents, entries, watching, signed addresses."""

import hashlib
import io
import os
import time

import e2b
from calls import IS_SYNC
from e2b.sandbox.filesystem.filesystem import WriteEntry
from ledger import note
from support import ClientTest, Watching, fetch


class Files(ClientTest):
    async def test_write_and_read(self):
        """write and read: text, bytes, streams, gzip, empty"""
        files = self.sandbox.files
        written = await files.write("dir/hello.txt", "hello wörld")
        self.assertEqual((written.path, written.name, written.type), ("/home/user/dir/hello.txt", "hello.txt", e2b.FileType.FILE))
        self.assertEqual(await files.read("dir/hello.txt"), "hello wörld")
        await files.write("/tmp/abs.bin", bytes([0, 255, 13, 10, 45, 45]), user="root")
        self.assertEqual(await files.read("/tmp/abs.bin", format="bytes"), bytes([0, 255, 13, 10, 45, 45]))
        await files.write("st.bin", io.BytesIO(b"streamed"))
        self.assertEqual(await self._read_stream("st.bin"), b"streamed")
        await files.write("oct.bin", "octets", use_octet_stream=True)
        self.assertEqual(await files.read("oct.bin"), "octets")
        await files.write("gz.txt", "zipped", gzip=True)
        self.assertEqual(await files.read("gz.txt"), "zipped")
        self.assertEqual(await files.read("gz.txt", gzip=True), "zipped")
        await files.write("empty.txt", "")
        self.assertEqual(await files.read("empty.txt"), "")

    async def _read_stream(self, path):
        reader = await self.sandbox.files.read(path, format="stream")
        return b"".join(reader) if IS_SYNC else b"".join([chunk async for chunk in reader])

    async def test_read_refused(self):
        """read of what is not there, of a directory, as nobody"""
        await self.refused(e2b.FileNotFoundException, self.sandbox.files.read("missing.txt"), "does not exist")
        await self.refused(e2b.InvalidArgumentException, self.sandbox.files.read("/home"), "is a directory")
        text = "error looking up user 'root123': user: unknown user root123"
        await self.refused(e2b.AuthenticationException, self.sandbox.files.read("a", user="root123"), text)
        await self.refused(e2b.AuthenticationException, self.sandbox.files.write("a", "x", user="root123"), text)
        await self.refused(e2b.AuthenticationException, self.sandbox.files.list(".", user="root123"), "invalid username: 'root123'")

    async def test_write_refused(self):
        """write over a directory, and with a full disk"""
        await self.refused(e2b.InvalidArgumentException, self.sandbox.files.write("/home/user", "x"), "directory")
        self.server.faults({"route": "POST /files", "nth": 1, "action": {"type": "status", "status": 507}})
        await self.refused(e2b.NotEnoughSpaceException, self.sandbox.files.write("x", "x"))

    async def test_write_files(self):
        """many files at once, with paths of every kind"""
        paths = ["a.txt", "sub dir/ü b.txt", "深い/道/🙂.txt", "it's.txt", "per%20cent.txt", "plus+and&.txt"]
        await self.sandbox.files.write_files([WriteEntry(path=path, data=f"in {path}") for path in paths])
        for path in paths:
            self.assertEqual(await self.sandbox.files.read(path), f"in {path}")
        await self.refused(e2b.InvalidArgumentException, self.sandbox.files.write_files([WriteEntry(path="/home", data="x")]))

    async def test_large(self):
        """64 MB there and back"""
        data = os.urandom(64 * 2**20)
        await self.sandbox.files.write("big.bin", data)
        back = await self.sandbox.files.read("big.bin", format="bytes")
        self.assertEqual(hashlib.sha256(back).digest(), hashlib.sha256(data).digest())
        self.server.faults({"route": "GET /files", "action": {"type": "reset", "when": "middle", "after_bytes": 1000}})
        with self.assertRaises(Exception, msg="a download that is cut is an error, not a short file"):
            await self.sandbox.files.read("big.bin", format="bytes")

    async def test_metadata(self):
        """metadata is stored, shown, and replaced by the next upload"""
        files = self.sandbox.files
        self.assertEqual((await files.write("m", "1", metadata={"author": "me", "kind": "old"})).metadata, {"author": "me", "kind": "old"})
        self.assertEqual((await files.get_info("m")).metadata, {"author": "me", "kind": "old"})
        self.assertEqual((await files.rename("m", "n")).metadata, {"author": "me", "kind": "old"})
        self.assertEqual((await files.write("n", "2", metadata={"kind": "new"})).metadata, {"kind": "new"})
        self.assertEqual((await files.get_info("n")).metadata, {"kind": "new"})
        self.assertIsNone((await files.write("n", "3")).metadata)
        self.assertIsNone((await files.get_info("n")).metadata)

    async def test_proc(self):
        """a file without a size is read to its end"""
        self.needs_namespaces()
        expected = (await self.sandbox.commands.run("cat /proc/version")).stdout
        self.assertTrue(expected)
        self.assertEqual(await self.sandbox.files.read("/proc/version"), expected)
        self.assertEqual(await self._read_stream("/proc/version"), expected.encode())
        self.assertEqual(await self.sandbox.files.read("/proc/version", gzip=True), expected)

    async def test_entries(self):
        """list, get_info, exists"""
        files = self.sandbox.files
        await self.sandbox.commands.run("mkdir -p tree/in/side; echo 1234 > tree/f; ln -s f tree/link; chmod 640 tree/f")
        self.assertEqual([entry.name for entry in await files.list("tree")], ["f", "in", "link"])
        self.assertIn("/home/user/tree/in/side", [entry.path for entry in await files.list("tree", depth=3)])
        info = await files.get_info("tree/f")
        self.assertEqual((info.type, info.size, info.mode, info.permissions), (e2b.FileType.FILE, 5, 0o640, "-rw-r-----"))
        self.assertEqual((info.owner, info.group), ("user", "user"))
        self.assertEqual((await files.get_info("tree/link")).symlink_target, "/home/user/tree/f")
        self.assertTrue(await files.exists("tree/in"))
        self.assertFalse(await files.exists("tree/out"))
        await self.refused(e2b.InvalidArgumentException, files.list("tree/f"), "not a directory")
        await self.refused(e2b.FileNotFoundException, files.list("no-tree"))
        await self.refused(e2b.FileNotFoundException, files.get_info("no-tree"))

    async def test_changes(self):
        """make_dir, rename, remove"""
        files = self.sandbox.files
        self.assertTrue(await files.make_dir("x/y/z"))
        self.assertFalse(await files.make_dir("x/y/z"))
        await files.write("x/old", "o")
        self.assertEqual((await files.rename("x/old", "x/q/new")).path, "/home/user/x/q/new")
        await self.refused(e2b.FileNotFoundException, files.rename("x/old", "x/other"))
        await files.remove("x/q")
        await files.remove("x/q")
        self.assertFalse(await files.exists("x/q"))
        await files.write("plain", "p")
        await self.refused(e2b.SandboxException, files.make_dir("plain/under"))
        await self.refused(e2b.AuthenticationException, files.remove("plain", user="root123"), "invalid username")

    async def test_watch(self):
        """watch_dir, recursive, with entries"""
        files = self.sandbox.files
        await files.make_dir("watched/sub")
        watching = await Watching.start(self.sandbox, "watched", recursive=True, include_entry=True)
        await files.write("watched/new.txt", "1")
        created = await watching.saw("create", "new.txt")
        self.assertEqual(created.entry.path, "/home/user/watched/new.txt")
        await watching.saw("write", "new.txt")
        await self.sandbox.commands.run("chmod 600 watched/new.txt; mv watched/new.txt watched/sub/newer.txt; rm watched/sub/newer.txt; mkdir watched/late")
        await watching.saw("chmod", "new.txt")
        await watching.saw("rename", "new.txt")
        await watching.saw("remove", "sub/newer.txt")
        await watching.saw("create", "late")
        await watching.stop()
        await self.refused(e2b.FileNotFoundException, Watching.start(self.sandbox, "unwatched"))
        await self.refused(e2b.InvalidArgumentException, Watching.start(self.sandbox, "/etc/passwd"))

    async def test_signed(self):
        """signed addresses: read, write, expired, forged"""
        sandbox = self.sandbox
        await sandbox.files.write("dir/hello.txt", "signed")
        link = await sandbox.download_url("dir/hello.txt", use_signature_expiration=60)
        self.assertEqual(fetch(link), (200, b"signed"))
        form = b'--b\r\ncontent-disposition: form-data; name="file"; filename="up.txt"\r\n\r\nup\r\n--b--\r\n'
        kind = {"content-type": "multipart/form-data; boundary=b"}
        upload = await sandbox.upload_url("up.txt")
        self.assertEqual(fetch(upload, form, kind)[0], 200)
        self.assertEqual(await sandbox.files.read("up.txt"), "up")
        short = await sandbox.download_url("dir/hello.txt", use_signature_expiration=1)
        while time.time() < int(short.rsplit("signature_expiration=", 1)[1].split("&")[0]) + 1:
            time.sleep(0.05)
        status, body = fetch(short)
        note("Sandbox.download_url", "refused" if status == 401 else "done", f"HTTP {status}")
        self.assertEqual(status, 401)
        self.assertIn(b"signature is already expired", body)
        status, _ = fetch(upload.replace("path=up.txt", "path=other.txt"), form, kind)
        note("Sandbox.upload_url", "refused" if status == 401 else "done", f"HTTP {status}")
        self.assertEqual(status, 401)
        self.assertFalse(await sandbox.files.exists("other.txt"))

    async def test_dead(self):
        """what a dead sandbox answers"""
        files = self.sandbox.files
        await files.make_dir("d")
        watching = await Watching.start(self.sandbox, "d") if IS_SYNC else None
        await self.sandbox.kill()
        for call in (
            files.read("a"),
            files.write("a", "x"),
            files.write_files([WriteEntry(path="a", data="x")]),
            files.list("."),
            files.make_dir("e"),
            files.rename("a", "b"),
            files.remove("a"),
            files.exists("a"),
            files.get_info("a"),
            Watching.start(self.sandbox, "d"),
        ):
            await self.refused(e2b.SandboxNotRunningException, call, "was not found")
        if watching:
            await self.refused(e2b.SandboxNotRunningException, watching._handle.get_new_events())
            await self.refused(e2b.SandboxNotRunningException, watching.stop())
