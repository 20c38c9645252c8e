// The tables: what the loader of osiris asks of them, and what the header asks beyond that.
#include <cstring>
#include <set>

#include "check/bench/bench.h"
#include "check/bench/life.h"
#include "check/case.h"
#include "host/adapters/abi_text.h"
#include "host/adapters/module_check.h"
#include "host/adapters/options.h"
#include "protocol/base/secret_names.h"
#include "protocol/base/utf8.h"

namespace osiris::check {
namespace {

void are_accepted(Bench& bench) {
  for (const std::string& defect : bench.defects()) bench.fail(defect);
}

bool is_of_today(Bench& bench) { return bench.module()->abi == OSIRIS_ABI_VERSION; }

// Of every option, secret and adapter of the library: a readable name and what it points to.
template <class Visit>
void for_each_option(Bench& bench, Visit visit) {
  const osiris_adapter_type& type = bench.type();
  for (uint32_t i = 0; i < type.option_count; ++i) visit(*type.options[i], "option " + abi_copy(type.options[i]->name));
}
template <class Visit>
void for_each_secret(Bench& bench, Visit visit) {
  const osiris_adapter_type& type = bench.type();
  for (size_t i = 0; i < type.secret_count; ++i) visit(*type.secrets[i], "secret " + abi_copy(type.secrets[i]->name));
}

void say_their_size(Bench& bench) {
  if (!is_of_today(bench)) return bench.skip("the library was built with a header of another version");
  const auto is = [&](const std::string& what, size_t size, size_t known) {
    bench.expect(size == known, what + " says " + std::to_string(size) + " bytes and has " + std::to_string(known));
  };
  is("the module", bench.module()->size, sizeof(osiris_module));
  is("the adapter", bench.type().size, sizeof(osiris_adapter_type));
  for_each_option(bench, [&](const osiris_option& option, const std::string& what) {
    is(what, option.size, sizeof(osiris_option));
  });
  for_each_secret(bench, [&](const osiris_secret& secret, const std::string& what) {
    is(what, secret.size, sizeof(osiris_secret));
  });
}

void ask_for_no_more_than_they_know(Bench& bench) {
  bench.expect(bench.module()->min_host_abi <= bench.module()->abi,
               "min_host_abi " + abi_version_text(bench.module()->min_host_abi) + " is newer than abi " +
                   abi_version_text(bench.module()->abi));
}

void reserve_nothing(Bench& bench) {
  for_each_option(bench, [&](const osiris_option& option, const std::string& what) {
    bench.expect(option.reserved == 0, what + ": reserved is not 0");
  });
}

bool has_control_characters(osiris_str text) {
  for (const char c : abi_view(text))
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  return false;
}

void have_clean_texts(Bench& bench) {
  const osiris_adapter_type& type = bench.type();
  const auto look = [&](const std::string& what, osiris_str text) {
    bench.expect(!has_control_characters(text), what + " holds a control character");
  };
  look("the name", type.name);
  look("the version", type.version);
  look("the summary", type.summary);
  for_each_option(bench, [&](const osiris_option& option, const std::string& what) {
    for (const osiris_str text : {option.help, option.value_name, option.default_value, option.shared_env})
      look(what, text);
    for (size_t i = 0; i < option.choice_count; ++i) look(what, option.choices[i]);
  });
  for_each_secret(bench, [&](const osiris_secret& secret, const std::string& what) { look(what, secret.help); });
}

void explain_themselves(Bench& bench) {
  bench.expect(!abi_view(bench.type().name).empty(), "the adapter has no name for people");
  bench.expect(!abi_view(bench.type().summary).empty(), "the adapter has no summary");
  for_each_option(bench, [&](const osiris_option& option, const std::string& what) {
    bench.expect(!abi_view(option.help).empty(), what + " has no help");
  });
  for_each_secret(bench, [&](const osiris_secret& secret, const std::string& what) {
    bench.expect(!abi_view(secret.help).empty(), what + " has no help");
  });
}

void have_limits_in_order(Bench& bench) {
  for (const OptionSpec& spec : option_specs(bench.type())) {
    if (!spec.minimum || !spec.maximum) continue;
    OptionSpec bounded = spec;
    bounded.minimum.reset();
    bounded.bare_unit.clear();
    bench.expect(canonical_value(bounded, *spec.minimum, "/").ok(),
                 "option " + spec.name + ": minimum " + *spec.minimum + " is above maximum " + *spec.maximum);
  }
}

void have_limits_on_numbers(Bench& bench) {
  static const std::set<uint32_t> numbers = {OSIRIS_INT, OSIRIS_FLOAT, OSIRIS_DURATION, OSIRIS_BYTES};
  for_each_option(bench, [&](const osiris_option& option, const std::string& what) {
    if (!is_known_option_type(option.type) || numbers.count(option.type)) return;
    bench.expect(!option.minimum.data && !option.maximum.data, what + " is no number and has limits");
  });
}

void have_distinct_choices(Bench& bench) {
  for_each_option(bench, [&](const osiris_option& option, const std::string& what) {
    std::set<std::string_view> seen;
    for (size_t i = 0; i < option.choice_count; ++i)
      bench.expect(seen.insert(abi_view(option.choices[i])).second,
                   what + " has the choice " + abi_copy(option.choices[i]) + " twice");
  });
}

void have_choices_on_choices(Bench& bench) {
  for_each_option(bench, [&](const osiris_option& option, const std::string& what) {
    bench.expect(option.type == OSIRIS_CHOICE || option.choice_count == 0, what + " is no choice and has choices");
  });
}

void have_flags_that_agree(Bench& bench) {
  for_each_option(bench, [&](const osiris_option& option, const std::string& what) {
    const bool required = option.flags & OSIRIS_REQUIRED;
    bench.expect(!required || !(option.flags & OSIRIS_HIDDEN), what + " is required and hidden");
    bench.expect(!required || !(option.flags & OSIRIS_DEPRECATED), what + " is required and deprecated");
  });
}

void have_no_option_for_a_secret(Bench& bench) {
  for_each_option(bench, [&](const osiris_option& option, const std::string& what) {
    const bool holds_text = option.type == OSIRIS_TEXT;
    bench.expect(!holds_text || option.flags & OSIRIS_SENSITIVE || !is_surely_secret(abi_view(option.name)),
                 what + " takes a secret on the command line; declare it in `secrets`");
  });
}

void have_a_version(Bench& bench) {
  const std::string_view version = abi_view(bench.type().version);
  bench.expect(version.find_first_of(" \t/") == std::string_view::npos, "the version is no word");
  bench.expect(!version.empty() && version.size() <= 128, "the version is empty or longer than a name may be");
}

// A checksum of everything that the tables point to.
std::string picture_of(const osiris_adapter_type& type) {
  std::string picture(reinterpret_cast<const char*>(&type), sizeof type);
  const auto add = [&](osiris_str text) { picture += abi_copy(text) + "\n"; };
  for (const osiris_str text : {type.id, type.name, type.version, type.summary}) add(text);
  for (uint32_t i = 0; i < type.option_count; ++i) {
    const osiris_option& option = *type.options[i];
    picture.append(reinterpret_cast<const char*>(&option), sizeof option);
    for (const osiris_str text : {option.name, option.help, option.default_value}) add(text);
  }
  for (size_t i = 0; i < type.secret_count; ++i) {
    picture.append(reinterpret_cast<const char*>(type.secrets[i]), sizeof(osiris_secret));
    add(type.secrets[i]->name);
  }
  return picture;
}

void stay_as_they_are(Bench& bench) {
  const std::string before = picture_of(bench.type());
  for (int i = 0; i < 2; ++i) {
    const Pipeline pipeline = empty_pipeline(bench.directory("run" + std::to_string(i)));
    Life life(bench);
    life.run(bench.request(pipeline));
  }
  bench.expect(picture_of(bench.type()) == before, "the tables, or what they point to, changed while the adapter ran");
}

}  // namespace

std::vector<Case> table_cases() {
  return {
      {"tables.accepted", "Osiris's loader finds no defect in the tables.", are_accepted, kLoaded},
      {"tables.sizes", "Every struct says the size that it has.", say_their_size},
      {"tables.min-host", "The library asks for no newer host than the header it was built with.",
       ask_for_no_more_than_they_know, kLoaded},
      {"tables.reserved", "Reserved fields are 0.", reserve_nothing},
      {"tables.clean-texts", "Texts for people hold no control characters.", have_clean_texts},
      {"tables.explained", "The adapter, every option and every secret say what they are for.", explain_themselves},
      {"tables.version", "The version is one word.", have_a_version},
      {"tables.limits-in-order", "No option's minimum is above its maximum.", have_limits_in_order},
      {"tables.limits-on-numbers", "Only numbers have a minimum or a maximum.", have_limits_on_numbers},
      {"tables.choices-distinct", "No choice of an option stands there twice.", have_distinct_choices},
      {"tables.choices-on-choices", "Only options of the type CHOICE have choices.", have_choices_on_choices},
      {"tables.flags-agree", "A required option is neither hidden nor deprecated.", have_flags_that_agree},
      {"tables.no-option-for-secrets", "No option takes a secret: those are declared as such.",
       have_no_option_for_a_secret},
      {"tables.unchanged", "The tables and all they point to stay unchanged while the adapter is used.",
       stay_as_they_are},
  };
}

namespace {

const void* extension(Bench& bench, const char* id) {
  const osiris_adapter_type& type = bench.type();
  return OSIRIS_CAN(&type, extension) ? type.extension(&type, id) : nullptr;
}

void knows_no_nonsense(Bench& bench) {
  for (const char* id : {"com.example.nonsense/1", "", "osiris.resources", "osiris.resources/", "osiris.resources/999",
                         "osiris.explain/11", "OSIRIS.RESOURCES/1", "osiris.resources/1 "})
    bench.expect(!extension(bench, id), std::string("it has a table for \"") + id + "\"");
}

void borrows_the_id(Bench& bench) {
  LentMemory memory(Placement::kPageEnd);
  static constexpr char kId[] = OSIRIS_RESOURCES_V1;
  bench.stand_at("extension, with an id that ends at a page");
  const void* const table = extension(bench, static_cast<const char*>(memory.copy(kId, sizeof kId)));
  bench.expect(table == extension(bench, OSIRIS_RESOURCES_V1), "the answer depends on where the id stands");
}

void gives_the_same_extension(Bench& bench) {
  for (const char* id : {OSIRIS_RESOURCES_V1, OSIRIS_EXPLAIN_V1}) {
    const void* const before = extension(bench, id);
    const Pipeline pipeline = empty_pipeline(bench.directory("run"));
    Life life(bench);
    life.begin(bench.request(pipeline));
    bench.expect(extension(bench, id) == before,
                 std::string("the table of ") + id + " is another one once it is in use");
  }
}

void has_whole_resources(Bench& bench) {
  const auto* table = static_cast<const osiris_resources*>(extension(bench, OSIRIS_RESOURCES_V1));
  if (!table) return bench.skip("the adapter has no osiris.resources/1");
  bench.expect(table->size >= sizeof *table, "its size is " + std::to_string(table->size));
  bench.expect(table->reserved == 0, "reserved is not 0");
  bench.expect(table->list && table->release, "list or release is NULL");
}

void has_whole_explanation(Bench& bench) {
  const auto* table = static_cast<const osiris_explain*>(extension(bench, OSIRIS_EXPLAIN_V1));
  if (!table) return bench.skip("the adapter has no osiris.explain/1");
  bench.expect(table->size >= sizeof *table, "its size is " + std::to_string(table->size));
  bench.expect(table->reserved == 0, "reserved is not 0");
  bench.expect(table->explain, "explain is NULL");
}

}  // namespace

std::vector<Case> extension_cases() {
  return {
      {"extension.unknown", "An extension that the adapter does not know is NULL.", knows_no_nonsense},
      {"extension.id-borrowed", "An extension's id is read up to its terminator and not kept.", borrows_the_id},
      {"extension.same-table", "An extension's table is the same before and after an instance exists.",
       gives_the_same_extension},
      {"extension.resources-whole", "The table of osiris.resources/1 is whole.", has_whole_resources},
      {"extension.explain-whole", "The table of osiris.explain/1 is whole.", has_whole_explanation},
  };
}

}  // namespace osiris::check
