#include "servers/e2b/network.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "servers/e2b/agent/message.h"
#include "servers/e2b/gate.h"

extern char** environ;

namespace osiris::e2b_server {
namespace {

// 198.18.0.0/15 is reserved for test networks (RFC 2544). N is the server's number on this machine.
constexpr int kServersMax = 200;
constexpr int kSandboxesMax = 250;
constexpr int kServiceAddresses = 4;
constexpr const char* kGateway = "169.254.1.1";

struct Child {
  pid_t pid = -1;
  FileDescriptor in, out;
};

Result<Child> spawn(std::vector<std::string> args, bool own_program) {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0) return Error(Code::kExhausted, "pipe");
  FileDescriptor in_read(in[0]), in_write(in[1]);
  if (::pipe2(out, O_CLOEXEC) != 0) return Error(Code::kExhausted, "pipe");
  FileDescriptor out_read(out[0]), out_write(out[1]);
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in_read.get(), 0);
  ::posix_spawn_file_actions_adddup2(&actions, out_write.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, out_write.get(), 2);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  Child child;
  const int failed = own_program
                         ? ::posix_spawn(&child.pid, "/proc/self/exe", &actions, &attributes, argv.data(), environ)
                         : ::posix_spawnp(&child.pid, args[0].c_str(), &actions, &attributes, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (failed != 0)
    return Error(Code::kUnsupported, "starting " + args[0] + ": " + std::strerror(failed),
                 "apt-get install iproute2 util-linux");
  child.in = std::move(in_write);
  child.out = std::move(out_read);
  return child;
}

Status run(std::vector<std::string> args, const std::string& input) {
  const std::string shown = args[0];
  OSIRIS_ASSIGN(Child child, spawn(std::move(args), false));
  const ssize_t written = ::write(child.in.get(), input.data(), input.size());
  child.in.close();
  std::string text;
  char block[4096];
  for (ssize_t count; (count = ::read(child.out.get(), block, sizeof block)) > 0;)
    text.append(block, static_cast<size_t>(count));
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) continue;
  if (status == 0 && written == static_cast<ssize_t>(input.size())) return {};
  return Error(Code::kInternal, "setting up the network with " + shown + ": " + text);
}

// Lines of `ip -batch`, in the namespace of a process; 0: in the machine's.
Status run_ip(pid_t pid, const std::string& lines) {
  std::vector<std::string> args{"ip", "-batch", "-"};
  if (pid != 0) args.insert(args.begin(), {"nsenter", "--net=/proc/" + std::to_string(pid) + "/ns/net"});
  return run(std::move(args), lines);
}

// What E2B denies to every sandbox, whatever its rules say.
constexpr const char* kPrivateRanges[] = {"10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8",
                                          "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"};
// The routing table that leads everything to the gate.
constexpr const char* kDeniedTable = "77";

bool is_address(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789./") == std::string::npos;
}

// "service:1" is the first of this server's own addresses, which a test does not know before the server has started.
NameTable with_addresses(NameTable names, const std::vector<std::string>& service_addresses) {
  constexpr std::string_view kService = "service:";
  for (auto& [name, address] : names) {
    const size_t number =
        address.starts_with(kService) ? static_cast<size_t>(std::atoi(address.c_str() + kService.size())) : 0;
    if (number >= 1 && number <= service_addresses.size()) address = service_addresses[number - 1];
  }
  return names;
}

}  // namespace

int hold_network() {
  if (::unshare(CLONE_NEWNET) != 0 || ::write(1, "x", 1) != 1) return 1;
  char byte;
  while (::read(0, &byte, 1) > 0) continue;
  return 0;
}

EgressRules egress_rules(const Json& network, bool allow_internet) {
  EgressRules rules;
  rules.all = allow_internet && network["allow_internet_access"].as_bool(true);
  bool has_name = false;
  for (const Json& item : network["allowOut"].items()) {
    if (is_address(item.as_string()))
      rules.allow.push_back(item.as_string());
    else
      has_name |= item.as_string().find(':') == std::string::npos;
  }
  // As E2B does: names are of no use to who cannot ask for their addresses.
  if (has_name) rules.allow.emplace_back(kNameServer);
  rules.tunnelled = network["egressProxy"].is_object();
  for (const Json& item : network["denyOut"].items()) {
    if (item.as_string() == "0.0.0.0/0")
      rules.all = false;
    else if (is_address(item.as_string()))
      rules.deny.push_back(item.as_string());
  }
  return rules;
}

struct NetworkManager::State {
  int number = 0;
  Child holder;
  std::unique_ptr<Gate> gate;
  std::mutex mutex;
  std::set<int> used;
  struct Link {
    int index = 0;
    std::vector<std::string> rules;  // as given to `ip rule add`
  };
  std::map<std::string, Link> links;

  std::string host_device() const { return "oe2b" + std::to_string(number); }
  std::string service_net() const { return "198.18." + std::to_string(number) + "."; }
  std::string sandbox_net() const { return "198.19." + std::to_string(number) + "."; }

  // Routes to the gate's devices. Answers come from addresses that no route leads back to, which is what rp_filter
  // would mind.
  Status plug_gate() {
    const std::string inside = "/proc/" + std::to_string(holder.pid) + "/ns/net";
    OSIRIS_TRY(run({"nsenter", "--net=" + inside, "sh", "-c",
                    "for f in all default denied names; do echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; done"},
                   ""));
    const std::string denied = kDeniedDevice, names = kNamesDevice;
    return run_ip(holder.pid, "link set " + denied + " up\nlink set " + names + " up\nroute add default dev " + denied +
                                  " table " + kDeniedTable + "\nroute add " + kNameServer + "/32 dev " + names + "\n");
  }

  Status plug_machine() {
    const std::string peer = " type veth peer name uplink netns " + std::to_string(holder.pid) + "\n";
    Status added;
    for (number = 0; number < kServersMax; ++number) {
      added = run_ip(0, "link add " + host_device() + peer);
      if (added.ok()) break;
    }
    if (!added.ok()) return added;
    std::string machine = "link set " + host_device() + " up\n";
    for (int i = 1; i <= kServiceAddresses; ++i)
      machine += "addr add " + service_net() + std::to_string(i) + "/24 dev " + host_device() + "\n";
    machine += "route add " + sandbox_net() + "0/24 via " + service_net() + "254\n";
    OSIRIS_TRY(run_ip(0, machine));
    OSIRIS_TRY(run_ip(holder.pid, "link set lo up\naddr add " + service_net() +
                                      "254/24 dev uplink\nlink set uplink up\nroute add default via " + service_net() +
                                      "1\n"));
    return run({"nsenter", "--net=/proc/" + std::to_string(holder.pid) + "/ns/net", "sh", "-c",
                "cat > /proc/sys/net/ipv4/ip_forward"},
               "1\n");
  }

  // In the order of the router's decision: other sandboxes never, nor private ranges (with a proxy of the user's, TCP
  // to them is the proxy's business), then what is allowed, then what is denied, then the rest.
  std::vector<std::string> rules_of(int index, const EgressRules& rules) const {
    const std::string from = "iif s" + std::to_string(index) + " ";
    const std::string to_gate = std::string(" lookup ") + kDeniedTable;
    std::vector<std::string> out{from + "to " + sandbox_net() + "0/24 pref 900 prohibit"};
    if (!rules.tunnelled)
      for (const char* range : kPrivateRanges) out.push_back(from + "to " + range + " pref 910 blackhole");
    for (const std::string& cidr : rules.allow) out.push_back(from + "to " + cidr + " pref 1000 lookup main");
    for (const std::string& cidr : rules.deny) out.push_back(from + "to " + cidr + " pref 2000" + to_gate);
    if (!rules.all) out.push_back(from + "pref 3000" + to_gate);
    return out;
  }

  Status apply(Link& link, const EgressRules& rules) {
    std::string lines;
    std::vector<std::string> fresh = rules_of(link.index, rules);
    for (const std::string& rule : link.rules) lines += "rule del " + rule + "\n";
    for (const std::string& rule : fresh) lines += "rule add " + rule + "\n";
    OSIRIS_TRY(run_ip(holder.pid, lines));
    link.rules = std::move(fresh);
    return {};
  }
};

NetworkManager::NetworkManager(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<NetworkManager>> NetworkManager::create(const NameTable& names) {
  auto state = std::make_unique<State>();
  OSIRIS_ASSIGN(state->holder, spawn({"osiris-e2b-network", "--hold-network"}, true));
  std::unique_ptr<NetworkManager> manager(new NetworkManager(std::move(state)));
  char byte;
  if (::read(manager->state_->holder.out.get(), &byte, 1) != 1)
    return Error(Code::kUnsupported, "--network isolated: no network namespace", "run as root");
  OSIRIS_TRY(manager->state_->plug_machine());
  OSIRIS_ASSIGN(manager->state_->gate,
                Gate::create(manager->state_->holder.pid, with_addresses(names, manager->service_addresses())));
  OSIRIS_TRY(manager->state_->plug_gate());
  return manager;
}

NetworkManager::~NetworkManager() {
  // The namespace goes with its last process and device, and with it every link's other end.
  state_->gate.reset();
  state_->holder.in.close();
  int status;
  while (state_->holder.pid > 0 && ::waitpid(state_->holder.pid, &status, 0) < 0 && errno == EINTR) continue;
}

Status NetworkManager::attach(const std::string& sandbox_id, pid_t host_pid, const EgressRules& rules) {
  std::lock_guard lock(state_->mutex);
  int index = 1;
  while (state_->used.count(index)) ++index;
  if (index > kSandboxesMax) return Error(Code::kExhausted, "more than 250 sandboxes with a network of their own");
  state_->used.insert(index);
  State::Link& link = state_->links[sandbox_id];
  link.index = index;
  const std::string device = "s" + std::to_string(index);
  const std::string address = state_->sandbox_net() + std::to_string(index);
  // Rules before the link: there is no moment without them.
  OSIRIS_TRY(state_->apply(link, rules));
  OSIRIS_TRY(run_ip(state_->holder.pid, "link add " + device + " type veth peer name eth0 netns " +
                                            std::to_string(host_pid) + "\naddr add " + kGateway + "/32 dev " + device +
                                            "\nlink set " + device + " up\nroute add " + address + "/32 dev " + device +
                                            "\n"));
  return run_ip(host_pid, "addr add " + address + "/32 dev eth0\nlink set eth0 up\nroute add " + std::string(kGateway) +
                              " dev eth0 scope link\nroute add default via " + kGateway + " dev eth0\n");
}

Status NetworkManager::change(const std::string& sandbox_id, const EgressRules& rules) {
  std::lock_guard lock(state_->mutex);
  const auto link = state_->links.find(sandbox_id);
  if (link == state_->links.end()) return Error(Code::kNotFound, "no network of sandbox " + sandbox_id);
  return state_->apply(link->second, rules);
}

void NetworkManager::detach(const std::string& sandbox_id) {
  std::lock_guard lock(state_->mutex);
  const auto found = state_->links.find(sandbox_id);
  if (found == state_->links.end()) return;
  std::string lines = "link del s" + std::to_string(found->second.index) + "\n";
  for (const std::string& rule : found->second.rules) lines += "rule del " + rule + "\n";
  // Fails only for what is gone already.
  [[maybe_unused]] const Status removed = run_ip(state_->holder.pid, lines);
  state_->used.erase(found->second.index);
  state_->links.erase(found);
}

std::vector<std::string> NetworkManager::service_addresses() const {
  std::vector<std::string> out;
  for (int i = 1; i <= kServiceAddresses; ++i) out.push_back(state_->service_net() + std::to_string(i));
  return out;
}

}  // namespace osiris::e2b_server
