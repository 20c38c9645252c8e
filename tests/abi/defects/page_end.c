/* Not a sin: every table ends exactly where readable memory ends, so a host that reads past a `size` crashes. */
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#include <unistd.h>
#include "options.h"

#include "base.h"

/* A copy whose last byte is the last of its page. */
static void* at_page_end(const void* source, size_t bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char* memory = (char*)mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  mprotect(memory + page, page, PROT_NONE);
  memcpy(memory + page - bytes, source, bytes);
  return memory + page - bytes;
}

const osiris_module* osiris_adapter_main_v1(const osiris_host_info* info) {
  static const osiris_module* made;
  if (!made) {
    static const osiris_option* options[1];
    options[0] = (const osiris_option*)at_page_end(&the_option, sizeof the_option);
    /* The table lacks the optional `extension`: 1.0 lets it end after `destroy`. */
    const size_t type_size = offsetof(osiris_adapter_type, extension);
    osiris_adapter_type type = {0,
                                1,
                                OSIRIS_STR(ID),
                                NAME,
                                OSIRIS_STR("1.0.0"),
                                OSIRIS_STR("ends with its page"),
                                NULL,
                                NULL,
                                0,
                                CREATE,
                                CONFIGURE,
                                VALIDATE,
                                PREPARE,
                                EXECUTE,
                                COLLECT,
                                CANCEL,
                                DESTROY,
                                NULL};
    type.size = (uint32_t)type_size;
    type.options = options;
    static const osiris_adapter_type* types[1];
    types[0] = (const osiris_adapter_type*)at_page_end(&type, type_size);
    osiris_module module = {sizeof(osiris_module), OSIRIS_ABI_VERSION, OSIRIS_ABI(1, 0), 1, NULL};
    module.adapters = types;
    made = (const osiris_module*)at_page_end(&module, sizeof module);
  }
  (void)info;
  (void)the_options;
  return made;
}
