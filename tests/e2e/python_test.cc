// python.processor through the real osiris and the local adapter.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/redact.h"
#include "tests/e2e/project.h"
#include "tests/package_index/package_index.h"
#include "tests/support/eventually.h"

namespace osiris::e2e {
namespace {

namespace fs = std::filesystem;

// `config` is the inside of a YAML flow mapping; the code is in script.py.
std::string python_step(const std::string& config, const std::string& extra = "") {
  return "  - id: think\n    component: python.processor\n    mode: transform\n" +
         (extra.empty() ? "" : "    " + extra + "\n") + "    config: {script: script.py, format: ndjson" +
         (config.empty() ? "" : ", " + config) + "}\n";
}

const std::string kWrite =
    "import json, os, sys\n"
    "def write(row):\n"
    "    with open(os.environ['OSIRIS_OUTPUT'], 'w') as out: out.write(json.dumps(row) + '\\n')\n";

class PythonRuns : public testing::Test {
 protected:
  void arrange(const std::string& code, const std::string& config = "", const std::string& extra = "") {
    project.write("script.py", kWrite + code);
    project.write(
        "p.yaml",
        oml("thinking", {python_step(config, extra),
                         "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n    needs: [think]\n"
                         "    config: {path: out.csv}\n"}));
  }
  Project project;
};

TEST_F(PythonRuns, TheExampleGivesItsExpectedBytes) {
  fs::copy(source_dir() / "examples/07-python", project.dir(),
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  const Outcome run = project.osiris({"run", "pipeline.yaml"});
  ASSERT_EQ(run.exit, 0) << run.out << run.err;
  EXPECT_EQ(project.read("out/berth_occupancy.csv"), project.read("expected/out/berth_occupancy.csv"));
}

TEST_F(PythonRuns, TheDryRunShowsScriptAndFilesAsInputs) {
  arrange("write({'a': 1})\n", "files: [helper.py], requirements: ['pandas==2.0.0', pyarrow]");
  project.write("helper.py", "");
  const Json plan = project.osiris({"run", "p.yaml", "--dry-run", "--json"}).json();
  const std::string text = plan.dump();
  EXPECT_NE(text.find("\"script.py\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"helper.py\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"pandas==2.0.0\""), std::string::npos) << text;
  const Outcome shown = project.osiris({"run", "p.yaml", "--dry-run"});
  EXPECT_NE(shown.out.find("needs packages pandas==2.0.0, pyarrow\n"), std::string::npos) << shown.out;
}

TEST_F(PythonRuns, AWrongConfigIsFoundBeforeAnythingRuns) {
  const std::pair<const char*, const char*> wrong[] = {{"code: pass", "exclude each other"},
                                                       {"requirements: [--pre]", "requirements"},
                                                       {"columns: {a: TEXT}", "columns"},
                                                       {"python: ../python3", "python"},
                                                       {"scirpt: x", "script"}};
  for (const auto& [config, message] : wrong) {
    arrange("write({'a': 1})\n", config);
    const Outcome run = project.osiris({"run", "p.yaml"});
    EXPECT_EQ(run.exit, 2) << config << run.out;
    EXPECT_NE(run.err.find(message), std::string::npos) << config << ": " << run.err;
  }
}

TEST_F(PythonRuns, RequirementsNeedTheirFlagAndAreThenKeptInTheUsersCache) {
  test::PackageIndex index;
  index.add("harbor-fees", "1.2.0", "FEE = 3\n");
  index.start();
  project.set("PIP_INDEX_URL", index.url());
  project.set("XDG_CACHE_HOME", (project.dir() / "my-cache").string());
  arrange("import harbor_fees\nwrite({'fee': harbor_fees.FEE})\n", "requirements: ['harbor-fees==1.2.0']");

  Outcome run = project.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 1) << run.out;
  EXPECT_NE(run.err.find("--local-install-deps"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("harbor-fees==1.2.0"), std::string::npos) << run.err;

  run = project.osiris({"run", "p.yaml", "--local-install-deps", "--local-pass-env", "PIP_INDEX_URL"});
  ASSERT_EQ(run.exit, 0) << run.out << run.err;
  EXPECT_EQ(project.read("out.csv"), "fee\n3\n");
  const auto installed = Project::events(project.session(), "dependency_installed");
  ASSERT_EQ(installed.size(), 1u);
  EXPECT_EQ(installed[0]["package"].as_string(), "harbor-fees==1.2.0");
  EXPECT_GT(installed[0]["duration_ms"].as_int(), 0);
  EXPECT_EQ(installed[0]["step_id"].as_string(), "think");
  EXPECT_TRUE(fs::is_directory(project.dir() / "my-cache/osiris/python"));

  index.stop();
  run = project.osiris({"run", "p.yaml"});
  ASSERT_EQ(run.exit, 0) << run.out << run.err;
  EXPECT_TRUE(Project::events(project.session(), "dependency_installed").empty());
  const auto ready = Project::events(project.session(), "environment_ready");
  ASSERT_EQ(ready.size(), 1u);
  EXPECT_TRUE(ready[0]["cached"].as_bool());
}

TEST_F(PythonRuns, APrintedSecretIsMaskedEverywhere) {
  const std::string canary = "cAn4ry=lent&py%7", lines = "first-l1ne-canary\nsecond-l1ne-canary",
                    url = "http://reader:cAn4ry-in-url@example.org/x";
  project.set("LENT", canary);
  project.set("LINES", lines);
  project.set("URL", url);
  arrange(
      "import base64\n"
      "for value in (os.environ['LENT'], os.environ['LINES'], os.environ['URL'].split(':')[2].split('@')[0]):\n"
      "    print('it is', value, base64.b64encode(value.encode()).decode())\n"
      "    print('::metric', value.replace(' ', ''), '1')\n"
      "raise SystemExit('cannot use ' + os.environ['LENT'] + ' nor ' + os.environ['LINES'])\n");
  project.set("OSIRIS_RPC_DEBUG", "1");
  const Outcome run = project.osiris({"run", "p.yaml", "--verbose", "--local-pass-env", "LENT", "--local-pass-env",
                                      "LINES", "--local-pass-env", "URL"});
  EXPECT_EQ(run.exit, 1) << run.out << run.err;
  EXPECT_NE(run.err.find("***MASKED***"), std::string::npos) << "the twin: there was something to mask: " << run.err;
  for (const std::string& secret :
       std::vector<std::string>{canary, "first-l1ne-canary", "second-l1ne-canary", "cAn4ry-in-url"})
    for (const std::string& spelling : secret_spellings(secret)) {
      EXPECT_EQ((run.out + run.err).find(spelling), std::string::npos) << spelling;
      for (const auto& [name, content] : project.tree())
        EXPECT_EQ(content.find(spelling), std::string::npos) << name << " has " << spelling;
    }
}

TEST_F(PythonRuns, NothingIsLeftInTheSessionAndNoProcessAfterATimeout) {
  arrange(
      "import subprocess\nprint('::progress 1', flush=True)\n"
      "child = subprocess.Popen(['/bin/sleep', '1000'], start_new_session=True)\n"
      "open(os.path.join(os.environ['OSIRIS_ARTIFACTS_DIR'], 'pid'), 'w').write(str(child.pid))\nchild.wait()\n",
      "", "timeout: 3");
  const Outcome run = project.osiris({"run", "p.yaml"});
  EXPECT_EQ(run.exit, 1) << run.out << run.err;
  EXPECT_NE(run.err.find("timeout of 3 s"), std::string::npos) << run.err;
  const fs::path session = project.session();
  EXPECT_FALSE(is_alive(std::stoi(project.read(session / "artifacts/think/pid"))));
  EXPECT_FALSE(fs::exists(session / ".worker"));
}

// The host is killed, and with it everything; also what left the worker's session.
TEST_F(PythonRuns, NothingOutlivesTheHost) {
  arrange(
      "import subprocess, time, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
      "child = subprocess.Popen(['/bin/sleep', '1000'], start_new_session=True)\n"
      "print('::event pids', json.dumps([os.getpid(), child.pid]))\ntime.sleep(1000)\n");
  auto running = project.start({"run", "p.yaml"});
  running.until("think: Starting");
  const Json pids = project.await_event("script_event")["data"];
  ASSERT_EQ(pids.size(), 2u);
  const auto script = static_cast<pid_t>(pids.items()[0].as_int()),
             child = static_cast<pid_t>(pids.items()[1].as_int());
  ASSERT_TRUE(is_alive(script));
  ASSERT_TRUE(is_alive(child));
  running.kill(SIGKILL);
  running.end();
  EXPECT_TRUE(test::eventually([&] { return !is_alive(script); }));
  EXPECT_TRUE(test::eventually([&] { return !is_alive(child); }));
}

// As the kernel does when memory is short: nothing of the worker's own can run any more.
TEST_F(PythonRuns, NothingOutlivesAKilledWorker) {
  arrange(
      "import subprocess, time, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
      "child = subprocess.Popen(['/bin/sleep', '1000'], start_new_session=True)\n"
      "print('::event pids', json.dumps([os.getpid(), child.pid]))\ntime.sleep(1000)\n");
  auto running = project.start({"run", "p.yaml"});
  running.until("think: Starting");
  const Json pids = project.await_event("script_event")["data"];
  ASSERT_EQ(pids.size(), 2u);
  const auto worker = static_cast<pid_t>(project.await_event("worker_started")["pid"].as_int());
  const auto script = static_cast<pid_t>(pids.items()[0].as_int()),
             child = static_cast<pid_t>(pids.items()[1].as_int());
  ASSERT_TRUE(is_alive(script));
  ::kill(worker, SIGKILL);
  EXPECT_EQ(running.end().exit, 3);
  EXPECT_TRUE(test::eventually([&] { return !is_alive(script); }));
  EXPECT_TRUE(test::eventually([&] { return !is_alive(child); }));
}

TEST_F(PythonRuns, CtrlCEndsTheScript) {
  arrange("import time\nprint('::event pid', os.getpid())\ntime.sleep(1000)\n");
  auto running = project.start({"run", "p.yaml"});
  running.until("think: Starting");
  const auto script = static_cast<pid_t>(project.await_event("script_event")["data"].as_int());
  ASSERT_TRUE(is_alive(script));
  running.kill(SIGINT);
  EXPECT_EQ(running.end().exit, 130);
  EXPECT_FALSE(is_alive(script));
}

// The worker holds the secrets of every connection of the run, osiris those of its whole environment.
TEST_F(PythonRuns, AScriptCannotReadTheWorkersMemoryNorOsirissEnvironment) {
  project.set("SHOP_PASSWORD", "cAn4ry-9-in-memory");
  arrange(
      "def parent(pid):\n"
      "    with open(f'/proc/{pid}/stat') as stat: return int(stat.read().rsplit(')', 1)[1].split()[1])\n"
      "seen, pid = [], os.getppid()\n"
      "for _ in range(4):\n"
      "    name = open(f'/proc/{pid}/comm').read().strip()\n"
      "    if not name.startswith('osiris') and name != 'exe': break\n"
      "    for file in ['environ', 'mem', 'maps']:\n"
      "        try:\n"
      "            if open(f'/proc/{pid}/{file}', 'rb').read(1): seen.append(name + ' ' + file)\n"
      "        except OSError as error:\n"
      "            if error.errno in (1, 13): pass\n"
      "            elif file == 'mem': seen.append(name + ' mem')\n"
      "    pid = parent(pid)\n"
      "write({'user': os.getuid(), 'seen': ' '.join(x for x in seen if not x.startswith('exe '))})\n");
  const Outcome run = project.osiris({"run", "p.yaml"});
  ASSERT_EQ(run.exit, 0) << run.out << run.err;
  const std::string out = project.read("out.csv");
  EXPECT_EQ(out.find("osiris"), std::string::npos) << out;
}

TEST_F(PythonRuns, WhereTheWorkerIsRootAStepIsSomebodyElseAndItsFilesAreRootsAllTheSame) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: a step runs as the worker does";
  ::chmod(project.dir().c_str(), 0700);  // nobody but root passes
  project.write("private.txt", "only for root", 0600);
  const std::string code =
      "open(os.path.join(os.environ['OSIRIS_ARTIFACTS_DIR'], 'left.txt'), 'w').write(open('private.txt').read())\n"
      "write({'user': os.getuid(), 'gain': os.system('true')})\n";
  project.write("script.py", kWrite + code);
  std::string steps;
  for (const char* id : {"one", "two"})
    steps += "  - id: " + std::string(id) +
             "\n    component: python.processor\n    mode: transform\n"
             "    config: {script: script.py, format: ndjson, files: [private.txt]}\n";
  project.write(
      "p.yaml",
      oml("two-users", {steps,
                        "  - id: both\n    component: duckdb.processor\n    mode: transform\n    needs: [one, two]\n"
                        "    config: {query: \"SELECT a.user <> b.user AND a.user > 0 AND b.user > 0 AS apart FROM "
                        "df_one a, df_two b\"}\n",
                        "  - id: save\n    component: filesystem.csv_writer\n    mode: write\n    needs: [both]\n    "
                        "config: {path: out.csv}\n"}));
  const Outcome run = project.osiris({"run", "p.yaml"});
  ASSERT_EQ(run.exit, 0) << run.out << run.err;
  EXPECT_EQ(project.read("out.csv"), "apart\nTrue\n");
  EXPECT_EQ(project.read(project.session() / "artifacts/one/left.txt"), "only for root");
  for (const auto& entry : fs::recursive_directory_iterator(project.dir())) {
    struct stat info{};
    ASSERT_EQ(::lstat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 0u) << entry.path();
  }
}

}  // namespace
}  // namespace osiris::e2e
