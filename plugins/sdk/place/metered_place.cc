#include "plugins/sdk/place/metered_place.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "protocol/base/categories.h"
#include "protocol/base/quantity.h"

namespace osiris::sdk {
namespace {

using adapter_sdk::CostFigures;
using adapter_sdk::money_text;

// Of a machine that turned out to cost too much.
constexpr Milliseconds kKillBudget{10'000};

std::string seconds_text(Milliseconds time) {
  return spoken_duration(std::chrono::ceil<std::chrono::seconds>(time).count());
}

bool is_of_budget(const Error& error) { return error.category == category::kRuntimeBudget; }

std::string books_text(const Ledger& ledger) {
  const CostFigures figures = ledger.figures();
  return money_text(figures.spent) + " is spent, and with what is granted and reserved it may come to " +
         money_text(figures.at_most);
}

// The run may go on with the machines that it has.
Error another_refused_error(const Ledger& ledger, const std::string& noun) {
  Error error = budget_spent_error(ledger);
  error.message = "--max-cost " + money_text(ledger.terms().cap.value_or(0)) + " leaves no room for another " + noun +
                  ": " + books_text(ledger);
  return error;
}

}  // namespace

Error budget_spent_error(const Ledger& ledger) {
  return Error(
      Code::kDeadline,
      "the run came to the end of --max-cost " + money_text(ledger.terms().cap.value_or(0)) + ": " + books_text(ledger),
      "Allow more with --max-cost, or give the run less to do.", category::kRuntimeBudget);
}

Error budget_too_low_error(const Ledger& ledger, int64_t lease_s) {
  const std::string cap = "--max-cost " + money_text(ledger.terms().cap.value_or(0));
  const auto least = ledger.least_cap(lease_s);
  if (!least)
    return Error(Code::kInvalidArgument, cap + " cannot be kept: what the machine costs is not known",
                 "Leave --max-cost out, or use a template whose shape is known.", category::kRuntimeBudget);
  return Error(Code::kInvalidArgument,
               cap + " is less than one machine may come to, " + money_text(*least) + ": a lease of " +
                   spoken_duration(lease_s) + ", " + seconds_text(ledger.terms().late) +
                   " that the service may be late, and a reserve of " + seconds_text(ledger.terms().reserve) + ", at " +
                   money_text(ledger.rate().value_or(0)) + " a second",
               "Allow more, or a shorter lease or reserve.", category::kRuntimeBudget);
}

// Whatever is not known to have done nothing may have made a machine.
bool MeteredPlace::leaves_doubt(const Error& create_error) const {
  const CreateFailure failure = inner_->classify_create_failure(create_error);
  return failure.leaves_doubt || failure.is_under_way || failure.lost_outcome || create_error.code == Code::kCancelled;
}

// Looks at what the machine really is.
Status MeteredPlace::price(const std::string& id) {
  const bool has_cap = ledger_.terms().cap.has_value();
  if (!has_cap && ledger_.rate()) return {};
  static_cast<void>(look(id, {.wait = request_timeout()}));
  if (!has_cap || ledger_.is_within_cap()) return {};
  Error error = budget_spent_error(ledger_);
  error.message = std::string(service().noun()) + " " + id + " costs " + money_text(ledger_.rate().value_or(0)) +
                  " a second, more than was expected; " + error.message;
  if (const Status killed = kill_and_verify(*this, id, kKillBudget); !killed)
    error.message += "; it could not be killed and lives until its lease ends: " + killed.error().message;
  return error;
}

Result<Machine> MeteredPlace::create(const MachineSpec& wanted, const CallLimits& limits) {
  const auto token = wanted.metadata.find(meta::kToken);
  const auto ticket =
      ledger_.begin_create(wanted.lease_s, token == wanted.metadata.end() ? wanted.idempotency_token : token->second);
  if (!ticket)
    return ledger_.figures().at_most == 0 ? budget_too_low_error(ledger_, wanted.lease_s)
                                          : another_refused_error(ledger_, std::string(service().noun()));
  auto created = inner_->create(wanted, limits);
  if (!created) {
    if (!leaves_doubt(created.error())) ledger_.made_nothing(*ticket);
    return created;
  }
  ledger_.made(*ticket, created->id);
  OSIRIS_TRY(price(created->id));
  return created;
}

Result<std::vector<Result<Machine>>> MeteredPlace::clone(const Machine& parent, size_t count, int64_t lease_s,
                                                         const CallLimits& limits) {
  const auto token = parent.metadata.find(meta::kToken);
  std::vector<Ledger::Ticket> tickets;
  while (tickets.size() < count) {
    const auto ticket = ledger_.begin_create(lease_s, token == parent.metadata.end() ? parent.id : token->second);
    if (!ticket) break;
    tickets.push_back(*ticket);
  }
  std::vector<Result<Machine>> outcomes;
  if (!tickets.empty()) {
    auto made = inner_->clone(parent, tickets.size(), lease_s, limits);
    if (!made) {
      if (!leaves_doubt(made.error()) || is_clone_unsupported(made.error()))
        for (const Ledger::Ticket ticket : tickets) ledger_.made_nothing(ticket);
      return made;
    }
    outcomes = *std::move(made);
  }
  for (size_t i = 0; i < tickets.size(); ++i) {
    if (i >= outcomes.size() || !outcomes[i])
      ledger_.made_nothing(tickets[i]);
    else
      ledger_.made(tickets[i], outcomes[i]->id);
  }
  for (Result<Machine>& each : outcomes) {
    if (!each) continue;
    if (const Status priced = price(each->id); !priced) each = priced.error();
  }
  if (outcomes.size() < count)
    outcomes.resize(count, Result<Machine>(another_refused_error(ledger_, std::string(service().noun()))));
  return outcomes;
}

bool MeteredPlace::is_clone_unsupported(const Error& clone_error) const {
  return !is_of_budget(clone_error) && inner_->is_clone_unsupported(clone_error);
}

CreateFailure MeteredPlace::classify_create_failure(const Error& create_error) const {
  return is_of_budget(create_error) ? CreateFailure() : inner_->classify_create_failure(create_error);
}

bool MeteredPlace::is_template_failure(const Error& error) const {
  return !is_of_budget(error) && inner_->is_template_failure(error);
}

Result<std::vector<Machine>> MeteredPlace::find(const Metadata& metadata) {
  auto machines = inner_->find(metadata);
  const auto token = metadata.find(meta::kToken);
  if (!machines || token == metadata.end()) return machines;
  std::vector<std::string> ids;
  for (const Machine& each : *machines) ids.push_back(each.id);
  ledger_.found(token->second, ids);
  return machines;
}

// One that an earlier run has kept counts from now on; its lease until then is in that run's books.
Result<Machine> MeteredPlace::take_over(const std::string& id, int64_t lease_s) {
  const bool is_known = ledger_.knows(id);
  const auto ticket = is_known ? ledger_.begin_renewal(id, lease_s) : ledger_.begin_create(lease_s, "");
  if (!ticket)
    return ledger_.figures().at_most == 0 ? budget_too_low_error(ledger_, lease_s) : budget_spent_error(ledger_);
  auto taken = inner_->take_over(id, lease_s);
  if (!taken) {
    if (inner_->is_refusal(taken.error())) is_known ? ledger_.not_renewed(*ticket) : ledger_.made_nothing(*ticket);
    return taken;
  }
  is_known ? ledger_.renewed(*ticket) : ledger_.made(*ticket, id);
  OSIRIS_TRY(price(id));
  return taken;
}

Result<Machine> MeteredPlace::look(const std::string& id, const CallLimits& limits) {
  auto machine = inner_->look(id, limits);
  if (!machine) return machine;
  if (const auto rate = rate_of_(*machine)) ledger_.set_rate_of(id, *rate);
  return machine;
}

int64_t MeteredPlace::affordable_lease_s(const std::string& id, int64_t wanted_s) const {
  return ledger_.affordable_lease_s(id, wanted_s);
}

Status MeteredPlace::renew(const std::string& id, int64_t lease_s, const CallLimits& limits) {
  const auto ticket = ledger_.begin_renewal(id, lease_s);
  if (!ticket && ledger_.affordable_lease_s(id, lease_s) >= lease_s)
    return Error(Code::kUnavailable,
                 "what calls on their way may come to leaves no room for it within --max-cost " +
                     money_text(ledger_.terms().cap.value_or(0)) + ": it is asked for again",
                 "", category::kRuntimeBudget);
  if (!ticket) return budget_spent_error(ledger_);
  const Status renewed = inner_->renew(id, lease_s, limits);
  if (renewed)
    ledger_.renewed(*ticket);
  else if (inner_->is_refusal(renewed.error()))
    ledger_.not_renewed(*ticket);
  return renewed;
}

Status MeteredPlace::kill(const std::string& id, const CallLimits& limits) {
  Status killed = inner_->kill(id, limits);
  if (killed) {
    const std::lock_guard lock(mutex_);
    killed_.insert(id);
  }
  return killed;
}

// A lone 404 may be a proxy's; after a kill that the service took it is proof.
Result<bool> MeteredPlace::is_gone(const std::string& id, const CallLimits& limits) {
  auto gone = inner_->is_gone(id, limits);
  if (!gone || !*gone) return gone;
  const std::lock_guard lock(mutex_);
  if (killed_.count(id)) ledger_.ended(id);
  return gone;
}

}  // namespace osiris::sdk
