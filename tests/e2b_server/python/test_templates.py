"""Template builds: COPY, RUN, ENV, WORKDIR, USER, start command, shape; tags; failures."""

import os
import tempfile

import e2b
from support import ClientTest, Sandbox, Template, until

WRONG_KEY = "e2b_" + "f" * 40


class Templates(ClientTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.context = tempfile.TemporaryDirectory(prefix="osiris-e2b-context-")
        os.makedirs(os.path.join(cls.context.name, "d/inner"))
        for path, text in (("a.txt", "hello\n"), ("d/inner/b.txt", "deep\n")):
            with open(os.path.join(cls.context.name, path), "w", encoding="utf-8") as out:
                out.write(text)

    @classmethod
    def tearDownClass(cls):
        cls.context.cleanup()
        super().tearDownClass()

    def template(self):
        return Template(file_context_path=self.context.name).from_template("base")

    async def test_build(self):
        """a build with every kind of step"""
        logs = []
        template = (
            self.template()
            .set_envs({"A": "1", "B": "two $A"})
            .copy("a.txt", "/opt/app/")
            .copy("d", "/opt/app/d", user="root", mode=0o755)
            .set_workdir("/opt/app")
            .run_cmd('echo "$B in $(pwd) as $(id -un)" > /home/user/proof')
            .run_cmd("echo built > /usr/local/share/built", user="root")
            .set_start_cmd("echo $A > /tmp/started; sleep infinity", e2b.wait_for_file("/tmp/started"))
        )
        build = await Template.build(template, "my-tmpl:v1", cpu_count=4, memory_mb=2048, on_build_logs=logs.append)
        self.assertTrue(build.template_id and build.build_id and logs)
        sandbox = await Sandbox.create("my-tmpl:v1")
        for path, text in (
            ("/opt/app/a.txt", "hello\n"),
            ("/opt/app/d/inner/b.txt", "deep\n"),
            ("/home/user/proof", "two 1 in /opt/app as user\n"),
            ("/usr/local/share/built", "built\n"),
            ("/tmp/started", "1\n"),
        ):
            self.assertEqual(await sandbox.files.read(path), text)
        info = await sandbox.get_info()
        self.assertEqual((info.cpu_count, info.memory_mb), (4, 2048))
        await sandbox.kill()

    async def test_names_and_tags(self):
        """exists, tags, a second build under the same name"""
        await Template.build(self.template().copy("a.txt", "first.txt"), "tagged:v1")
        self.assertTrue(await Template.exists("tagged"))
        self.assertFalse(await Template.exists("never-built"))
        self.assertTrue(await Template.alias_exists("tagged"))
        self.assertFalse(await Template.alias_exists("never-built"))
        self.assertEqual((await Template.assign_tags("tagged:v1", ["stable"])).tags, ["stable"])
        self.assertIn("stable", [tag.tag for tag in await Template.get_tags("tagged")])
        await Template.remove_tags("tagged", ["stable"])
        self.assertNotIn("stable", [tag.tag for tag in await Template.get_tags("tagged")])
        for call in (
            Template.assign_tags("never-built:v1", ["x"]),
            Template.get_tags("never-built"),
            Template.remove_tags("never-built", ["x"]),
        ):
            await self.refused(Exception, call, "404")
        await Template.build(self.template().copy("a.txt", "again.txt"), "tagged:v2")
        sandbox = await Sandbox.create("tagged:v2")
        self.assertEqual(await sandbox.files.read("again.txt"), "hello\n")
        await sandbox.kill()

    async def test_background(self):
        """in the background, with its status"""
        info = await Template.build_in_background(self.template().run_cmd("true"), "background-tmpl")

        async def is_over():
            status = await Template.get_build_status(info)
            return status if status.status.value not in ("building", "waiting") else None

        self.assertEqual((await until("the build", is_over)).status.value, "ready")
        info.build_id = "00000000-0000-4000-8000-0000000000ff"
        await self.refused(Exception, Template.get_build_status(info), "404")
        await self.refused(Exception, Template.build_in_background(self.template(), "odd", cpu_count=5), "400")

    async def test_failures(self):
        """a failing step, an unknown user, an impossible shape, an unknown base, a wrong key"""
        await self.refused(e2b.BuildException, Template.build(self.template().run_cmd("exit 9"), "failing"), "failed to run command 'exit 9': exit status 9")
        await self.refused(
            e2b.BuildException,
            Template.build(self.template().run_cmd("whoami", user="root123"), "nobody"),
            "failed to run command 'whoami': command failed: unauthenticated: invalid username: 'root123'",
        )
        await self.refused(Exception, Template.build(self.template(), "odd", cpu_count=3), "400")
        await self.refused(e2b.BuildException, Template.build(Template().from_template("never-built"), "baseless"), "never-built")
        await self.refused(e2b.SandboxException, Sandbox.create("failing"), "404")
        await self.refused(e2b.AuthenticationException, Template.exists("tagged", api_key=WRONG_KEY))
