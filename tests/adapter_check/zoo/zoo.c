/* One library of the zoo: the adapter in C that authors begin with, and one defect around it. Which one is ZOO_DEFECT,
 * a row of zoo.def; with `none` it keeps every promise. */
#define _GNU_SOURCE
#include "zoo.h"
/* before the adapter inside, which it changes */
#include "zoo_spawn.h"

#undef OSIRIS_LIBRARY_INFO
#define OSIRIS_LIBRARY_INFO(name, version, build)
#define osiris_adapter_main_v1 zoo_main_of_the_adapter_inside
#include "../../../plugin_api/templates/c/cmini.c"
#undef osiris_adapter_main_v1

#include "zoo_load.h"
#include "zoo_run.h"

#ifndef ZOO_INFO_VERSION
#define ZOO_INFO_VERSION "1.0.0"
#endif
__attribute__((section(".osiris_info"), used)) static const char zoo_info[] =
    "osiris/1\0cmini\0" ZOO_INFO_VERSION "\0the zoo";

#define TEXT_OPTION(option_name, option_help) \
  {.size = sizeof(osiris_option), .type = OSIRIS_TEXT, .name = OSIRIS_STR(option_name), .help = OSIRIS_STR(option_help)}

static osiris_option text_option = TEXT_OPTION("text", "a text");
static osiris_option number_option = {.size = sizeof(osiris_option),
                                      .type = OSIRIS_INT,
                                      .name = OSIRIS_STR("number"),
                                      .help = OSIRIS_STR("a number"),
                                      .minimum = OSIRIS_STR("1"),
                                      .maximum = OSIRIS_STR("9")};
static osiris_str colors[] = {OSIRIS_STR("red"), OSIRIS_STR("green")};
static osiris_option color_option = {.size = sizeof(osiris_option),
                                     .type = OSIRIS_CHOICE,
                                     .name = OSIRIS_STR("color"),
                                     .help = OSIRIS_STR("a color"),
                                     .default_value = OSIRIS_STR("red"),
                                     .choices = colors,
                                     .choice_count = 2};
static osiris_option label_option = {.size = sizeof(osiris_option),
                                     .type = OSIRIS_TEXT,
                                     .flags = OSIRIS_REPEATED,
                                     .name = OSIRIS_STR("label"),
                                     .help = OSIRIS_STR("a label")};
static const osiris_option* const options[] = {&text_option, &number_option, &color_option, &label_option};
static osiris_secret token = {sizeof(osiris_secret), 0, OSIRIS_STR("ZOO_TOKEN"), OSIRIS_STR("a token of the zoo")};
static const osiris_secret* const secrets[] = {&token};

static osiris_status zoo_list(osiris_adapter* self, const osiris_resource_query* query) {
  (void)query;
  return zoo_fail((struct zoo*)self, OSIRIS_UNSUPPORTED, "nothing to list");
}
static const osiris_resources half_resources = {sizeof(osiris_resources), 0, zoo_list, NULL};

static const void* z_extension(const osiris_adapter_type* table, const char* id) {
  (void)table;
  if (IS(any_extension)) return &half_resources;
  if (IS(extension_reads_on)) {
    volatile char last = id[64];
    (void)last;
  }
  if (IS(extension_once)) return strcmp(id, OSIRIS_RESOURCES_V1) || zoo_was_used ? NULL : &half_resources;
  if (IS(resources_half)) return strcmp(id, OSIRIS_RESOURCES_V1) ? NULL : &half_resources;
  return NULL;
}

static osiris_adapter_type zoo_type = {.size = sizeof(osiris_adapter_type),
                                       .option_count = 4,
                                       .id = OSIRIS_STR("cmini"),
                                       .name = OSIRIS_STR("One of the zoo"),
                                       .version = OSIRIS_STR("1.0.0"),
                                       .summary = OSIRIS_STR("right in all but one thing"),
                                       .options = options,
                                       .secrets = secrets,
                                       .secret_count = 1,
                                       .create = z_create,
                                       .configure = z_configure,
                                       .validate = z_validate,
                                       .prepare = z_prepare,
                                       .execute = z_execute,
                                       .collect = z_collect,
                                       .cancel = z_cancel,
                                       .destroy = z_destroy,
                                       .extension = z_extension};
static const osiris_adapter_type* const zoo_types[] = {&zoo_type};
static osiris_module zoo_modules[8];

static const osiris_str with_escape = OSIRIS_STR("a \033]0;owned\a text"), two_words = OSIRIS_STR("1 beta"),
                        absent = {NULL, 0}, password = OSIRIS_STR("password"), red = OSIRIS_STR("red"),
                        nine = OSIRIS_STR("9"), one = OSIRIS_STR("1"), text_name = OSIRIS_STR("text");

static void zoo_change_table(void) { text_option.help = two_words; }

static void spoil_tables(void) {
  if (IS(slot_null)) zoo_type.validate = NULL;
  if (IS(option_twice)) label_option.name = text_name;
  if (IS(size_short)) zoo_type.size = sizeof zoo_type - sizeof(void*);
  if (IS(option_reserved)) text_option.reserved = 1;
  if (IS(help_with_escape)) text_option.help = with_escape;
  if (IS(option_unexplained)) text_option.help = absent;
  if (IS(secret_unexplained)) token.help = absent;
  if (IS(version_of_words)) zoo_type.version = two_words;
  if (IS(limits_exchanged)) number_option.minimum = nine, number_option.maximum = one;
  if (IS(limits_of_text)) text_option.minimum = one;
  if (IS(choice_twice)) colors[1] = red;
  if (IS(choices_of_text)) text_option.choices = colors, text_option.choice_count = 2;
  if (IS(hidden_required)) text_option.flags = OSIRIS_REQUIRED | OSIRIS_HIDDEN;
  if (IS(option_password)) text_option.name = password;
}

#ifdef ZOO_EXPORTS_MORE
OSIRIS_EXPORT int zoo_second_export(void);
int zoo_second_export(void) { return 1; }
#endif

const osiris_module* osiris_adapter_main_v1(const osiris_host_info* info) {
  static int asked = 0;
  osiris_module* module_now = &zoo_modules[IS(entry_makes_tables) ? asked % 8 : 0];
  if (!zoo_entry(info)) return NULL;
  if (!asked++) spoil_tables();
  module_now->size = sizeof *module_now;
  module_now->abi = OSIRIS_ABI_VERSION;
  module_now->min_host_abi = OSIRIS_ABI(1, 0);
  module_now->adapter_count = 1;
  module_now->adapters = zoo_types;
  return module_now;
}
