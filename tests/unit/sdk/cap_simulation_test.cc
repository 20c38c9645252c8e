// The cap under every kind of bad luck, by a clock of the test's: answers get lost, calls are acted on when the caller
// has given them up, machines cannot be killed, and the host dies at any moment. What the service bills for all that it
// ever made is never more than the cap.
//
//   OSIRIS_CAP_RUNS=N   that many seeded runs (4,000; 40,000 of the attack's full size)
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <random>

#include "plugins/sdk/place/lease.h"
#include "plugins/sdk/place/metered_place.h"
#include "tests/attack/scale.h"
#include "tests/unit/sdk/fake_place.h"

namespace osiris::sdk {
namespace {

using std::chrono::seconds;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kLate_s = 85;

struct HostDied {};

// Bills machines by the second from when it acted on their create to the end that was set last.
class BillingService : public Place {
 public:
  BillingService(uint64_t seed, ManualClock& clock) : random_(seed), clock_(clock) { honours_tokens_ = chance(2); }

  int64_t dies_at_ns = std::numeric_limits<int64_t>::max();
  bool honours_tokens_ = false;
  size_t lost = 0, acted_late = 0;

  bool chance(int one_in) { return pick(1, one_in) == 1; }
  int64_t pick(int64_t from, int64_t to) { return std::uniform_int_distribution<int64_t>(from, to)(random_); }
  // Time passes; what is due is acted on. Throws once the host is dead.
  void pass(int64_t ns) {
    const int64_t until = std::min(clock_.monotonic_ns() + ns, dies_at_ns);
    advance_to(until);
    if (until >= dies_at_ns) throw HostDied();
  }
  // All that was ever asked for has been acted on, and every machine has ended.
  int64_t billed_seconds() {
    advance_to(clock_.monotonic_ns() + 1'000'000 * kSecond);
    int64_t billed = 0;
    for (const auto& [id, life] : lives_) billed += (life.end_ns - life.start_ns + kSecond - 1) / kSecond;
    return billed;
  }

  const osiris::sdk::Service& service() const override { return words_; }
  std::string home() const override { return "/"; }
  Milliseconds request_timeout() const override { return seconds(90); }
  uint64_t calls() const override { return 0; }
  bool may_honour_tokens() const override { return honours_tokens_; }
  bool is_template_failure(const Error&) const override { return false; }
  bool is_end_of_life(const Error&) const override { return false; }
  std::string_view short_life_hint() const override { return ""; }
  Json shown_rules(const Egress&) const override { return {}; }
  std::unique_ptr<MachineAccess> access(const Machine&, Milliseconds) override { return nullptr; }
  bool is_refusal(const Error& error) const override { return error.code == Code::kInvalidArgument; }
  CreateFailure classify_create_failure(const Error& error) const override {
    CreateFailure failure;
    failure.leaves_doubt = error.code != Code::kInvalidArgument;
    return failure;
  }

  Result<Machine> create(const MachineSpec& wanted, const CallLimits&) override {
    const std::string token = wanted.metadata.at(meta::kToken);
    std::string id;
    const Status answered = call([this, token, lease_s = wanted.lease_s, &id](bool is_heard) {
      std::string made;
      for (const auto& [known, life] : lives_)
        if (honours_tokens_ && life.token == token) made = known;
      if (made.empty()) {
        made = "m" + std::to_string(lives_.size() + 1);
        const int64_t now = clock_.monotonic_ns();
        lives_[made] = {token, now, now + lease_s * kSecond};
      }
      if (is_heard) id = made;
    });
    if (!answered) return answered.error();
    return machine(id);
  }
  Status renew(const std::string& id, int64_t lease_s, const CallLimits&) override {
    return call([this, id, lease_s](bool) {
      Life& life = lives_.at(id);
      if (clock_.monotonic_ns() < life.end_ns) life.end_ns = clock_.monotonic_ns() + lease_s * kSecond;
    });
  }
  Status kill(const std::string& id, const CallLimits&) override {
    return call([this, id](bool) {
      Life& life = lives_.at(id);
      life.end_ns = std::min(life.end_ns, clock_.monotonic_ns());
    });
  }
  Result<bool> is_gone(const std::string& id, const CallLimits&) override {
    bool gone = false;
    const Status asked = call(
        [&](bool is_heard) {
          if (is_heard) gone = clock_.monotonic_ns() >= lives_.at(id).end_ns;
        },
        false);
    if (!asked) return asked.error();
    return gone;
  }
  Result<Machine> look(const std::string& id, const CallLimits&) override {
    if (const Status asked = call([](bool) {}, false); !asked) return asked.error();
    return machine(id);
  }
  Result<Machine> take_over(const std::string& id, int64_t lease_s) override {
    if (const Status renewed = renew(id, lease_s, {}); !renewed) return renewed.error();
    return machine(id);
  }
  Result<std::vector<Machine>> find(const Metadata& metadata) override {
    std::vector<Machine> found;
    const Status asked = call(
        [&](bool is_heard) {
          for (const auto& [id, life] : lives_)
            if (is_heard && life.token == metadata.at(meta::kToken) && clock_.monotonic_ns() < life.end_ns)
              found.push_back(machine(id));
        },
        false);
    if (!asked) return asked.error();
    return found;
  }

 private:
  struct Life {
    std::string token;
    int64_t start_ns = 0, end_ns = 0;
  };

  static Machine machine(const std::string& id) {
    Machine machine;
    machine.id = id;
    return machine;
  }

  // One call: it is answered, refused, lost before it was acted on, or lost and acted on all the same: at once, or when
  // the caller has given it up.
  Status call(const std::function<void(bool is_heard)>& act, bool may_be_late = true) {
    const int64_t sent_ns = clock_.monotonic_ns();
    switch (pick(0, 9)) {
      case 0:
        pass(pick(0, 2 * kSecond));
        return Error(Code::kInvalidArgument, "refused");
      case 1:
        ++lost;
        pass(pick(0, 90 * kSecond));
        return Error(Code::kUnavailable, "no answer");
      case 2:
        ++lost;
        if (may_be_late) {
          ++acted_late;
          later_.emplace(sent_ns + pick(0, kLate_s * kSecond), [act] { act(false); });
        }
        pass(pick(0, 90 * kSecond));
        return Error(Code::kUnavailable, "no answer");
      default: {
        pass(pick(0, kSecond));  // the host may die with the call on its way, acted on or not
        act(true);
        pass(pick(0, kSecond));
        return {};
      }
    }
  }

  void advance_to(int64_t until) {
    while (!later_.empty() && later_.begin()->first <= until) {
      const auto due = later_.extract(later_.begin());
      clock_.advance(std::chrono::nanoseconds(std::max<int64_t>(0, due.key() - clock_.monotonic_ns())));
      due.mapped()();
    }
    clock_.advance(std::chrono::nanoseconds(std::max<int64_t>(0, until - clock_.monotonic_ns())));
  }

  std::mt19937_64 random_;
  ManualClock& clock_;
  const FakeService words_;
  std::map<std::string, Life> lives_;
  std::multimap<int64_t, std::function<void()>> later_;
};

struct Tally {
  size_t deaths = 0, over = 0, lost = 0, late = 0, refused = 0, shortened = 0, ended_by_budget = 0, nearly_used = 0,
         machines = 0;
};

// A run with up to sixteen machines, mostly four: each is created, renewed by the lease's own code, and replaced when
// it is lost, until the work is done, only the reserve is left, or the host dies.
class SimulatedRun {
 public:
  explicit SimulatedRun(uint64_t seed) : owned_(std::make_unique<BillingService>(seed, clock_)), service_(*owned_) {
    lease_s_ = service_.pick(5, 300);
    const int64_t reserve_s = service_.pick(1, 120);
    rate_ = service_.pick(1'000, 200'000);
    machines_wanted_ = service_.chance(4) ? service_.pick(5, 16) : service_.pick(1, 4);
    const int64_t least_s = kLate_s + lease_s_ + reserve_s;
    cap_ = rate_ * service_.pick(least_s / 2, 6 * least_s * machines_wanted_);
    if (service_.chance(3)) service_.dies_at_ns = service_.pick(1, 2 * cap_ / rate_) * kSecond;
    ledger_ = std::make_shared<Ledger>(adapter_sdk::LedgerTerms{cap_, seconds(kLate_s), seconds(reserve_s)},
                                       [this] { return clock_.monotonic_ns(); });
    ledger_->set_rate(rate_);
    place_ = std::make_unique<MeteredPlace>(std::move(owned_), ledger_,
                                            [this](const Machine&) { return std::optional(rate_); });
  }

  void run(Tally& tally) {
    try {
      work(tally);
      give_back();
    } catch (const HostDied&) {
      ++tally.deaths;
    }
    const Nanodollars spent_in_books = ledger_->figures().at_most;
    const Nanodollars billed = rate_ * service_.billed_seconds();
    if (billed > cap_) {
      ++tally.over;
      ADD_FAILURE() << "billed " << adapter_sdk::money_text(billed) << " of " << adapter_sdk::money_text(cap_);
    }
    EXPECT_LE(billed, spent_in_books) << "the books said less than the service";
    EXPECT_LE(spent_in_books, cap_);
    tally.nearly_used += billed * 10 >= cap_ * 8;
    tally.lost += service_.lost;
    tally.late += service_.acted_late;
  }

 private:
  struct Held {
    std::string id;
    std::unique_ptr<LeaseRenewal> lease;
    int64_t due_ns = 0;
  };

  void work(Tally& tally) {
    const int64_t until_ns = service_.pick(10, 4'000) * kSecond;
    while (clock_.monotonic_ns() < until_ns) {
      if (static_cast<int64_t>(held_.size()) < machines_wanted_ && !acquire(tally) && held_.empty()) return;
      for (size_t i = 0; i < held_.size();) {
        if (clock_.monotonic_ns() >= held_[i].due_ns && !renew(held_[i], tally)) {
          held_.erase(held_.begin() + static_cast<ptrdiff_t>(i));
          continue;
        }
        if (ledger_->is_down_to_reserve(held_[i].id)) {
          ++tally.ended_by_budget;
          return;
        }
        ++i;
      }
      service_.pass(service_.pick(1, 10 * kSecond));
    }
  }

  // False: the cap forbids it.
  bool acquire(Tally& tally) {
    MachineSpec wanted;
    wanted.lease_s = lease_s_;
    wanted.metadata[meta::kToken] = "t" + std::to_string(++tokens_);
    wanted.idempotency_token = wanted.metadata[meta::kToken];
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto made = place_->create(wanted, {});
      if (made) {
        ++tally.machines;
        Held held;
        held.id = made->id;
        held.lease = std::make_unique<LeaseRenewal>(*place_, made->id, lease_s_, std::nullopt, quiet(), clock_);
        held.due_ns = clock_.monotonic_ns() + held.lease->first_pause().count() * 1'000'000;
        held_.push_back(std::move(held));
        return true;
      }
      if (made.error().category == "runtime.budget") {
        ++tally.refused;
        return false;
      }
      if (const auto found = place_->find({{meta::kToken, wanted.metadata[meta::kToken]}}); found && !found->empty())
        strays_.push_back(found->front().id);
    }
    return true;
  }

  bool renew(Held& held, Tally& tally) {
    tally.shortened += ledger_->affordable_lease_s(held.id, lease_s_) < lease_s_;
    const auto pause = held.lease->renew();
    if (!pause) return false;
    held.due_ns = clock_.monotonic_ns() + pause->count() * 1'000'000;
    return true;
  }

  // The outputs are fetched, which takes its time; renewals go on.
  void give_back() {
    for (int i = 0; i < 5; ++i) {
      service_.pass(service_.pick(1, 10 * kSecond));
      for (Held& held : held_)
        if (clock_.monotonic_ns() >= held.due_ns) static_cast<void>(held.lease->renew());
    }
    for (const Held& held : held_) strays_.push_back(held.id);
    for (const std::string& id : strays_)
      for (int attempt = 0; attempt < 3; ++attempt)
        if (place_->kill(id, {}) && place_->is_gone(id, {})) break;
  }

  static LeaseListener quiet() {
    return {[](const Error&) {}, [](const Lifetime::Limit&, int64_t) {}, [](const std::string&) {}};
  }

  ManualClock clock_;
  std::unique_ptr<BillingService> owned_;
  BillingService& service_;
  int64_t lease_s_ = 0, machines_wanted_ = 0, tokens_ = 0;
  Nanodollars rate_ = 0, cap_ = 0;
  std::shared_ptr<Ledger> ledger_;
  std::unique_ptr<MeteredPlace> place_;
  std::vector<Held> held_;
  std::vector<std::string> strays_;
};

TEST(CapSimulation, NoRunIsBilledMoreThanItsCap) {
  const uint64_t runs = attack::scale("OSIRIS_CAP_RUNS", 4'000, 40'000);
  Tally tally;
  for (uint64_t seed = 1; seed <= runs && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    SimulatedRun(seed).run(tally);
  }
  std::printf(
      "attack: a cap on cost: %lu simulated runs, %zu machines, %zu host deaths, %zu answers lost and %zu of their "
      "calls "
      "acted on all the same; over the cap %zu; %zu creates refused, %zu renewals shortened, %zu runs ended by the "
      "budget, %zu billed 80 %% of it or more\n",
      static_cast<unsigned long>(runs), tally.machines, tally.deaths, tally.lost, tally.late, tally.over, tally.refused,
      tally.shortened, tally.ended_by_budget, tally.nearly_used);
  EXPECT_EQ(tally.over, 0u);
  // What is simulated happens.
  EXPECT_GT(tally.deaths, runs / 20);
  EXPECT_GT(tally.late, runs);
  EXPECT_GT(tally.shortened, runs / 10);
  EXPECT_GT(tally.ended_by_budget, runs / 20);
  EXPECT_GT(tally.nearly_used, runs / 50);
}

}  // namespace
}  // namespace osiris::sdk
