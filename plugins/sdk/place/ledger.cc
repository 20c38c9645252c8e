#include <osiris/sdk/ledger.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>
#include <utility>

namespace osiris::adapter_sdk {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr Nanodollars kMost = std::numeric_limits<Nanodollars>::max();
constexpr int64_t kLongestS = 1'000'000'000;  // of what costs nothing

int64_t in_ns(Milliseconds time) { return time.count() * 1'000'000; }
// Begun seconds are billed.
int64_t begun_seconds(int64_t ns) { return ns <= 0 ? 0 : (ns + kSecondNs - 1) / kSecondNs; }
int64_t begun_seconds(Milliseconds time) { return begun_seconds(in_ns(time)); }

Nanodollars cost(Nanodollars per_second, int64_t seconds) {
  return per_second > 0 && seconds > kMost / per_second ? kMost : per_second * seconds;
}
Nanodollars sum(Nanodollars a, Nanodollars b) { return a > kMost - b ? kMost : a + b; }

}  // namespace

// CLOCK_BOOTTIME where the steady clock stands still.
int64_t boot_clock_ns() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return int64_t{now.tv_sec} * kSecondNs + now.tv_nsec;
}

void Ledger::set_rate(std::optional<Nanodollars> per_second) {
  const std::lock_guard lock(mutex_);
  rate_ = per_second;
}

std::optional<Nanodollars> Ledger::rate() const {
  const std::lock_guard lock(mutex_);
  return rate_;
}

std::optional<Nanodollars> Ledger::least_cap(int64_t lease_s) const {
  const std::lock_guard lock(mutex_);
  if (!rate_) return std::nullopt;
  return cost(*rate_, begun_seconds(terms_.late) + lease_s + begun_seconds(terms_.reserve));
}

const Ledger::Entry* Ledger::find(const std::string& id) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) { return each.id == id; });
  return id.empty() || found == entries_.end() ? nullptr : &*found;
}

int64_t Ledger::end_ns(const Entry& entry) const {
  int64_t end = entry.latest_ns;
  for (const Asked& each : entry.asked) end = std::max(end, each.asked_ns + in_ns(terms_.late) + each.lease_ns);
  return end;
}

Nanodollars Ledger::bound(const Entry& entry, int64_t end_ns, bool with_reserve) const {
  return cost(entry.rate.value_or(0),
              begun_seconds(end_ns - entry.start_ns) + (with_reserve ? begun_seconds(terms_.reserve) : 0));
}

// Without one entry, for which another bound is considered.
Nanodollars Ledger::at_most(const Entry* but) const {
  Nanodollars all = 0;
  for (const Entry& each : entries_)
    if (&each != but) all = sum(all, bound(each, end_ns(each), each.has_reserve && !each.is_over));
  return all;
}

bool Ledger::fits(const Entry* but, Nanodollars more) const {
  return !terms_.cap || sum(at_most(but), more) <= *terms_.cap;
}

namespace {

// As if the service answered now what was asked for a moment ago: a call that takes longer than a third of its lease,
// the time between two renewals, counts as the worst here, too. The worst alone would make every call that is on its
// way look like the end of the budget to all other machines. What is asked for is measured by the worst all the same.
template <class Entry>
int64_t expected_end_ns(const Entry& entry, int64_t now_ns, int64_t late_ns) {
  int64_t end = entry.latest_ns;
  for (const auto& each : entry.asked)
    end =
        std::max(end, (now_ns - each.asked_ns < each.lease_ns / 3 ? now_ns : each.asked_ns + late_ns) + each.lease_ns);
  return end;
}

}  // namespace

// One more machine must leave the others a renewal: of each of them, while no other's is on its way. Otherwise the run
// would end with more machines where it goes on with fewer.
std::optional<Ledger::Ticket> Ledger::begin_create(int64_t lease_s, const std::string& token) {
  const std::lock_guard lock(mutex_);
  if (terms_.cap && !rate_) return std::nullopt;
  Entry entry;
  entry.token = token;
  entry.rate = rate_;
  entry.start_ns = entry.latest_ns = entry.sure_ns = now_ns_();
  entry.asked.push_back({last_ticket_ + 1, entry.start_ns, lease_s * kSecondNs, false});
  const Nanodollars most = bound(entry, end_ns(entry), true);
  if (!fits(nullptr, most)) return std::nullopt;
  Nanodollars expected = most, renewal = 0;
  for (const Entry& each : entries_) {
    const int64_t end = expected_end_ns(each, entry.start_ns, in_ns(terms_.late));
    const bool with_reserve = each.has_reserve && !each.is_over;
    const Nanodollars as_it_is = bound(each, end, with_reserve);
    expected = sum(expected, as_it_is);
    // What costs for a fixed time, and what has ended, is not renewed.
    if (each.id.empty() || !with_reserve || entry.start_ns >= end) continue;
    renewal = std::max(renewal, bound(each, std::max(end, end_ns(entry)), true) - as_it_is);
  }
  if (terms_.cap && sum(expected, renewal) > *terms_.cap) return std::nullopt;
  entries_.push_back(std::move(entry));
  return ++last_ticket_;
}

namespace {

template <class Entries>
auto entry_of(Entries& entries, Ledger::Ticket ticket) {
  return std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
    return std::any_of(entry.asked.begin(), entry.asked.end(), [&](const auto& each) { return each.ticket == ticket; });
  });
}

}  // namespace

void Ledger::made(Ticket ticket, const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto entry = entry_of(entries_, ticket);
  if (entry == entries_.end()) return;
  ++revision_;
  if (find(id)) {  // the service made nothing more: it named what an earlier call had made
    entries_.erase(entry);
    return;
  }
  entry->id = id;
  entry->latest_ns = now_ns_() + entry->asked[0].lease_ns;
  entry->sure_ns = entry->asked[0].asked_ns + entry->asked[0].lease_ns;
  entry->asked.clear();
}

void Ledger::made_nothing(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  const auto entry = entry_of(entries_, ticket);
  if (entry != entries_.end()) entries_.erase(entry);
}

// Of several calls in doubt the earliest is taken: no machine is older than that.
void Ledger::found(const std::string& token, const std::vector<std::string>& ids) {
  const std::lock_guard lock(mutex_);
  for (const std::string& id : ids) {
    if (find(id)) continue;
    for (Entry& entry : entries_) {
      if (!entry.id.empty() || entry.token != token) continue;
      entry.id = id;
      entry.latest_ns = end_ns(entry);
      entry.sure_ns = entry.asked[0].asked_ns + entry.asked[0].lease_ns;
      entry.asked.clear();
      ++revision_;
      break;
    }
  }
}

void Ledger::set_rate_of(const std::string& id, Nanodollars per_second) {
  const std::lock_guard lock(mutex_);
  Entry* const entry = find(id);
  if (!entry) return;
  if (entry->rate != per_second) ++revision_;
  entry->rate = rate_ = per_second;
}

bool Ledger::is_within_cap() const {
  const std::lock_guard lock(mutex_);
  return fits(nullptr, 0);
}

// The reserve included, and of the other machines what is expected.
int64_t Ledger::longest_lease_s(const Entry& entry) const {
  if (!terms_.cap || entry.rate.value_or(0) == 0) return kLongestS;
  const int64_t now = now_ns_();
  Nanodollars others = 0;
  for (const Entry& each : entries_)
    if (&each != &entry)
      others =
          sum(others, bound(each, expected_end_ns(each, now, in_ns(terms_.late)), each.has_reserve && !each.is_over));
  const Nanodollars left = *terms_.cap - std::min(*terms_.cap, others);
  const int64_t life_s = std::min(left / *entry.rate, kLongestS);
  const int64_t lease_ns = entry.start_ns + life_s * kSecondNs - now - in_ns(terms_.late);
  return std::max<int64_t>(0, lease_ns / kSecondNs);
}

int64_t Ledger::affordable_lease_s(const std::string& id, int64_t wanted_s) const {
  const std::lock_guard lock(mutex_);
  const Entry* const entry = find(id);
  if (!terms_.cap) return wanted_s;
  if (!entry || entry->is_over) return 0;
  const int64_t longest_s = longest_lease_s(*entry);
  const int64_t reserve_s = entry->has_reserve ? begun_seconds(terms_.reserve) : 0;
  // A renewal sets the end; it must not bring it nearer.
  const auto gains = [&](int64_t lease_s) { return now_ns_() + lease_s * kSecondNs - entry->sure_ns; };
  if (longest_s - reserve_s >= wanted_s) return gains(wanted_s) >= 0 ? wanted_s : 0;
  const int64_t last_s = std::min(longest_s, wanted_s + reserve_s);
  return gains(last_s) > kSecondNs ? last_s : 0;
}

std::optional<Ledger::Ticket> Ledger::begin_renewal(const std::string& id, int64_t lease_s) {
  const std::lock_guard lock(mutex_);
  Entry* const entry = find(id);
  if (!entry || entry->is_over) return std::nullopt;
  const Asked asked{last_ticket_ + 1, now_ns_(), lease_s * kSecondNs, false};
  const int64_t end = std::max(end_ns(*entry), asked.asked_ns + in_ns(terms_.late) + asked.lease_ns);
  const bool takes_reserve = entry->has_reserve && !fits(entry, bound(*entry, end, true));
  if ((takes_reserve || !entry->has_reserve) && !fits(entry, bound(*entry, end, false))) return std::nullopt;
  entry->asked.push_back(asked);
  entry->asked.back().took_reserve = takes_reserve;
  if (takes_reserve) entry->has_reserve = false;
  return ++last_ticket_;
}

// Calls that the service can no longer act on are settled by it. A call that it may act on yet could still set an end
// of its own.
void Ledger::renewed(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  const auto entry = entry_of(entries_, ticket);
  if (entry == entries_.end()) return;
  const Asked answered =
      *std::find_if(entry->asked.begin(), entry->asked.end(), [&](const Asked& each) { return each.ticket == ticket; });
  entry->latest_ns = now_ns_() + answered.lease_ns;
  entry->sure_ns = answered.asked_ns + answered.lease_ns;
  std::erase_if(entry->asked, [&](const Asked& each) {
    return each.ticket == ticket || each.asked_ns + in_ns(terms_.late) <= answered.asked_ns;
  });
  ++revision_;
}

void Ledger::not_renewed(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  const auto entry = entry_of(entries_, ticket);
  if (entry == entries_.end()) return;
  std::erase_if(entry->asked, [&](const Asked& each) {
    if (each.ticket == ticket && each.took_reserve) entry->has_reserve = true;
    return each.ticket == ticket;
  });
}

void Ledger::ended(const std::string& id) {
  const std::lock_guard lock(mutex_);
  Entry* const entry = find(id);
  if (!entry || entry->is_over) return;
  entry->latest_ns = std::min(end_ns(*entry), now_ns_());
  entry->asked.clear();
  entry->is_over = true;
  ++revision_;
}

bool Ledger::knows(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return find(id) != nullptr;
}

bool Ledger::is_down_to_reserve(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const Entry* const entry = find(id);
  if (!terms_.cap || !entry || entry->is_over) return false;
  const int64_t now = now_ns_();
  return std::max(entry->sure_ns, now + longest_lease_s(*entry) * kSecondNs) - now <= in_ns(terms_.reserve);
}

bool Ledger::begin_other(const std::string& name, Nanodollars per_second, int64_t seconds) {
  const std::lock_guard lock(mutex_);
  Entry entry;
  entry.id = name;
  entry.rate = per_second;
  entry.start_ns = now_ns_();
  entry.latest_ns = entry.sure_ns = entry.start_ns + std::min(seconds, kLongestS) * kSecondNs;
  entry.has_reserve = false;
  if (!fits(nullptr, bound(entry, entry.latest_ns, false))) return false;
  entries_.push_back(std::move(entry));
  ++revision_;
  return true;
}

CostFigures Ledger::figures() const {
  const std::lock_guard lock(mutex_);
  CostFigures figures;
  figures.at_most = at_most(nullptr);
  const int64_t now = now_ns_();
  for (const Entry& each : entries_) {
    figures.is_priced &= each.rate.has_value();
    if (each.id.empty()) continue;
    const bool runs = !each.is_over && now < end_ns(each);
    const int64_t seconds = begun_seconds((runs ? now : end_ns(each)) - each.start_ns);
    figures.machine_seconds += seconds;
    figures.spent = sum(figures.spent, cost(each.rate.value_or(0), seconds));
    if (runs) figures.per_second = sum(figures.per_second, each.rate.value_or(0));
  }
  return figures;
}

uint64_t Ledger::revision() const {
  const std::lock_guard lock(mutex_);
  return revision_;
}

std::string money_text(Nanodollars amount) {
  // Cents where there are some, else two digits that are not zero.
  int digits = 2;
  const double value = dollars(amount);
  for (double unit = 0.1; amount != 0 && digits < 9 && std::fabs(value) < unit; unit /= 10) ++digits;
  char text[48];
  std::snprintf(text, sizeof text, "$%.*f", digits, value);
  return text;
}

Nanodollars nanodollars(double dollars) {
  const double amount = std::round(dollars * 1e9);
  return amount >= 9e18 ? kMost : static_cast<Nanodollars>(amount);
}

double dollars(Nanodollars amount) { return static_cast<double>(amount) / 1e9; }

}  // namespace osiris::adapter_sdk
