#include "tests/mysql/certificates.h"

#include "protocol/base/file.h"
#include "protocol/base/subprocess.h"

namespace osiris::test {
namespace {

Status openssl(std::vector<std::string> arguments, const std::filesystem::path& directory) {
  SpawnOptions options;
  options.arguments = {"/usr/bin/openssl"};
  options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
  options.environment = {{"PATH", "/usr/bin:/bin"}, {"HOME", directory.string()}};
  options.working_directory = directory;
  OSIRIS_ASSIGN(const CommandOutput output, run_command(options, 60000));
  if (!output.exit.success())
    return Error(Code::kInternal, "openssl " + output.exit.describe() + ": " + output.standard_error);
  return {};
}

}  // namespace

Status make_certificates(const std::filesystem::path& directory, const std::string& name, bool is_expired) {
  for (const std::string authority : {"ca", "other-ca"}) {
    OSIRIS_TRY(openssl({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=osiris test " + authority, "-keyout", authority + ".key", "-out", authority + ".pem"},
                       directory));
  }
  OSIRIS_TRY(write_file_atomically(directory / "names.cnf", "subjectAltName=DNS:" + name + "\n"));
  OSIRIS_TRY(openssl(
      {"req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", "server.key", "-out", "server.csr"},
      directory));
  return openssl({"x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                  is_expired ? "-1" : "2", "-extfile", "names.cnf", "-out", "server.pem"},
                 directory);
}

}  // namespace osiris::test
