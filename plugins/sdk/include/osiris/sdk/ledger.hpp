// osiris/sdk/ledger.hpp: what the machines of one run have cost and may cost still, and what of it may be asked for
// without going beyond a cap. Arithmetic only: no I/O, no thread of its own.
//
// Every entry has a bound: when the service will have ended the machine at the latest, whatever becomes of this
// process. So the cap needs no memory on disk: a host that dies renews nothing, and each lease ends by itself.
//
//   a create      its lease, and the time that the service may take to act on the call
//   a renewal     counts in full before it is asked for; its answer brings the bound nearer
//   no answer     the worst stays counted: a machine that may exist, an end that may have been set
//   the reserve   of each machine: the time to stop its worker and fetch what is complete. It is kept out of leases
//                 until the last one, which takes it in
//
// RemoteAdapter::meter() enters the calls of a place, so that an adapter reads it and tells its rates. The clock is one
// that goes on while this machine sleeps; the wall clock is not asked.
#pragma once

#include <osiris/sdk/channel.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace osiris::adapter_sdk {

// Counts on while the machine sleeps: a service's lease does, too. [any thread]
int64_t boot_clock_ns();

// Billionths of a US dollar. Sums that do not fit stay at the largest amount.
using Nanodollars = int64_t;

struct LedgerTerms {
  std::optional<Nanodollars> cap;  // none: only the meter runs
  Milliseconds late{0};            // after a call was sent the service may act on it for so long
  Milliseconds reserve{0};         // of one machine
};

// The books as they stand.
struct CostFigures {
  Nanodollars spent = 0;       // by what is known to exist
  Nanodollars per_second = 0;  // of what runs now
  Nanodollars at_most = 0;     // spent, granted, in doubt and reserved: what the run can come to
  int64_t machine_seconds = 0;
  bool is_priced = true;  // false: what a machine costs is not known, and it is not counted
};

// [any thread]
class Ledger {
 public:
  // Names a call until its outcome is known.
  using Ticket = uint64_t;

  // `now_ns`: monotonic; called from any thread.
  explicit Ledger(LedgerTerms terms, std::function<int64_t()> now_ns = boot_clock_ns)
      : terms_(terms), now_ns_(std::move(now_ns)) {}

  // Per second, of the machines that are asked for from now on; nullopt: not known. With a cap nothing is created then.
  void set_rate(std::optional<Nanodollars> per_second);
  std::optional<Nanodollars> rate() const;
  // What a first machine may come to: one lease, what its create may be late, and the reserve.
  std::optional<Nanodollars> least_cap(int64_t lease_s) const;

  // Before a call that makes a machine; nullopt: the cap forbids it. `token`: in the machine's metadata. A ticket that
  // nothing more is heard of stays in doubt.
  std::optional<Ticket> begin_create(int64_t lease_s, const std::string& token);
  // The answer names a machine: a new one, or one that is known.
  void made(Ticket ticket, const std::string& id);
  void made_nothing(Ticket ticket);
  // Machines that carry the token: those not known yet came of calls in doubt.
  void found(const std::string& token, const std::vector<std::string>& ids);
  // What the machine really costs, and so do those asked for from now on.
  void set_rate_of(const std::string& id, Nanodollars per_second);
  // False once a machine has turned out to cost more than was asked for.
  bool is_within_cap() const;

  // How long a lease may be asked for now: wanted_s; what the cap allows, the reserve taken in; 0: it would end no
  // later than the present one.
  int64_t affordable_lease_s(const std::string& id, int64_t wanted_s) const;
  // Before a renewal; nullopt: the cap forbids it, or no such machine is known. Of a ticket that nothing is heard of
  // the worst stays counted.
  std::optional<Ticket> begin_renewal(const std::string& id, int64_t lease_s);
  void renewed(Ticket ticket);
  void not_renewed(Ticket ticket);
  // It is gone, as was verified just now.
  void ended(const std::string& id);
  bool knows(const std::string& id) const;
  // Only the reserve is left to the machine: its worker is to be stopped.
  bool is_down_to_reserve(const std::string& id) const;

  // Something else, that costs per_second for `seconds` at most; ended() by its name. False: the cap forbids it.
  bool begin_other(const std::string& name, Nanodollars per_second, int64_t seconds);

  CostFigures figures() const;
  const LedgerTerms& terms() const { return terms_; }
  // Grows with every news beside the passing of time.
  uint64_t revision() const;

 private:
  // An end of life that was asked for and not confirmed.
  struct Asked {
    Ticket ticket;
    int64_t asked_ns, lease_ns;
    bool took_reserve;
  };
  struct Entry {
    std::string id, token;               // no id: a create without an answer
    std::optional<Nanodollars> rate;     // per second
    int64_t start_ns = 0;                // not after the first second that is billed
    int64_t latest_ns = 0, sure_ns = 0;  // the end that was granted: no later than, no earlier than
    std::vector<Asked> asked;
    bool has_reserve = true;  // beside its leases
    bool is_over = false;
  };

  const Entry* find(const std::string& id) const;
  Entry* find(const std::string& id) { return const_cast<Entry*>(std::as_const(*this).find(id)); }
  int64_t end_ns(const Entry& entry) const;
  Nanodollars bound(const Entry& entry, int64_t end_ns, bool with_reserve) const;
  Nanodollars at_most(const Entry* but) const;
  bool fits(const Entry* but, Nanodollars more) const;
  int64_t longest_lease_s(const Entry& entry) const;

  const LedgerTerms terms_;
  const std::function<int64_t()> now_ns_;
  mutable std::mutex mutex_;  // of all that follows
  std::optional<Nanodollars> rate_;
  std::list<Entry> entries_;
  Ticket last_ticket_ = 0;
  uint64_t revision_ = 0;
};

// What ends a run that has come to its cap, and refuses one whose cap is too low for a lease: category runtime.budget.
plugin::Failure budget_spent(const Ledger& ledger);
plugin::Failure budget_too_low(const Ledger& ledger, int64_t lease_s);

// "$0.0042", "$2.00": as many digits as say something.
std::string money_text(Nanodollars amount);
// Of a number of US dollars, to the nearest billionth.
Nanodollars nanodollars(double dollars);
double dollars(Nanodollars amount);

}  // namespace osiris::adapter_sdk
