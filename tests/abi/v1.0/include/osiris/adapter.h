/* osiris/adapter.h: the execution adapter ABI, 1.0
 *
 * An adapter runs one compiled pipeline somewhere: in a local process, in a cloud sandbox, on a
 * cluster. The host (`osiris`) loads the library, asks it for one table, and drives one instance
 * per run and attempt:
 *
 *     create > configure > validate > prepare > execute > collect > destroy
 *                                          cancel, any time, from any thread
 *
 * Seven rules hold everywhere and are not repeated below.
 *
 *   Memory    Arguments are borrowed until the call returns. Tables are unchanged until the process
 *             exits and the library is never unloaded. No allocation changes owner: results are pushed to the host,
 * which copies them before it returns. Growth    Every struct begins with `size`, set by the side that fills it in.
 * Fields are appended, never moved, removed or reused. Ask before reading one: OSIRIS_HAS(p, field); before calling a
 * slot: OSIRIS_CAN(p, slot). Ignore flag bits, kinds and JSON keys you do not know; a log level you do not know counts
 * as the next lower one. Strings   UTF-8 with a length; no terminator is promised. {NULL, 0} means absent. The few
 *             `const char *` are fixed names from this header, with a terminator.
 *   Threads   [run]  never concurrent with another [run] call on the same instance, though not
 *                    always on the same thread.
 *             [any]  from any thread, concurrently, from create until destroy returns; not from a
 *                    signal handler. Host services are all [any] and never call back into the
 *                    adapter.
 *             Instances are independent: several may be in use at once, also for one run.
 *   Failure   Nothing throws, longjmps, exits or prints across this line. A call that returns
 *             anything but OSIRIS_OK has called host->fail once; one that returns OSIRIS_OK has
 *             not called it.
 *   Process   It is the host's: signal handlers, masks and SIGPIPE, working directory, environment,
 *             locale, umask, limits, atexit, descriptors 0 to 2 and every one you did not open. Wait
 *             for your own children by pid, never for -1; give them descriptors 0 to 2 and a default
 *             signal mask. fork() only to exec. A runtime of your language may start threads of its
 *             own when it is loaded: the host has blocked SIGINT, SIGTERM and SIGHUP by then, and
 *             they stay blocked in every thread but the host's.
 *   Time      A [run] call looks at host->is_cancelled at least every 100 ms, and returns within
 *             `grace_ns` of the request once it is not 0 (30 s where there is no request). The host
 *             may end the process after that.
 *
 * Names: event, metric, resource-kind, detail-key and document names without a dot are osiris's own and
 * listed in docs/plugin-abi.md; an adapter's own begin with its id and a dot ("far.queue_entered").
 * Limits: a name 128 bytes; a message, or the JSON of an event, metric or log line, 16 MiB; a document
 * 64 MiB, 200 levels of nesting. What is longer is refused or cut, never followed blindly.
 *
 * The documents that cross as JSON (manifest, connections, settings, prepared, result, artifacts)
 * are described in docs/plugin-abi.md; the growth rules in docs/abi/rules.md.
 */
#ifndef OSIRIS_ADAPTER_H
#define OSIRIS_ADAPTER_H

#include <stddef.h>
#include <stdint.h>

#define OSIRIS_EXPORT __attribute__((visibility("default")))

/* Once per library, at file scope: its own name, version and exact build (a commit, a compiler), as
 * literals, readable without loading it. `osiris adapters list` shows them, every session holds them,
 * and a manifest that says another version is refused. Optional.
 *     OSIRIS_LIBRARY_INFO("far", "1.2.0", "4f2a9c1, gcc 12.2") */
#define OSIRIS_RETAINED used
#ifdef __has_attribute
#if __has_attribute(retain) /* linkers that drop what nothing refers to keep it */
#undef OSIRIS_RETAINED
#define OSIRIS_RETAINED used, retain
#endif
#endif
#define OSIRIS_LIBRARY_INFO(name, version, build)                                             \
  __attribute__((section(".osiris_info"), OSIRIS_RETAINED)) static const char osiris_info[] = \
      "osiris/1\0" name "\0" version "\0" build;

#if defined(__cplusplus) && __cplusplus >= 201703L
#define OSIRIS_NOEXCEPT noexcept /* part of the type: a throwing function will not convert */
#else
#define OSIRIS_NOEXCEPT
#endif

#define OSIRIS_ABI(major, minor) ((major) * 65536u + (minor)) /* usable in #if */
#define OSIRIS_ABI_VERSION OSIRIS_ABI(1, 0)

/* Is `field` inside the part of *p that its author filled in? */
#if defined(__cplusplus)
#define OSIRIS_HAS(p, field) \
  (static_cast<size_t>(reinterpret_cast<const char*>(&(p)->field + 1) - reinterpret_cast<const char*>(p)) <= (p)->size)
#else
#define OSIRIS_HAS(p, field) ((size_t)((const char*)(&(p)->field + 1) - (const char*)(p)) <= (p)->size)
#endif

/* May the function `slot` of the table *p be called? NULL and "beyond size" mean the same. */
#define OSIRIS_CAN(p, slot) (OSIRIS_HAS(p, slot) && (p)->slot)

/* An osiris_str initialiser from a literal, and from nothing else: osiris_str s = OSIRIS_STR("text"); */
#define OSIRIS_STR(literal) {"" literal, sizeof("" literal) - 1}

#ifdef __cplusplus
extern "C" {
#endif

/* Only LP64 is supported (Linux, macOS): a compile error here means another data model. */
typedef char osiris_needs_lp64[sizeof(void*) == 8 && sizeof(size_t) == 8 && sizeof(long) == 8 ? 1 : -1];

/* ---- Values -------------------------------------------------------------------------------- */

typedef struct osiris_str {
  const char* data;
  size_t len;
} osiris_str; /* frozen */
typedef struct osiris_setting {
  osiris_str name, value;
} osiris_setting; /* frozen */

typedef int32_t osiris_status; /* treat a code you do not know as OSIRIS_INTERNAL */
enum {
  OSIRIS_OK = 0,
  OSIRIS_RUN_FAILED = 1,       /* the pipeline failed; the adapter did its job */
  OSIRIS_CANCELLED = 2,        /* is_cancelled said so, and it stopped */
  OSIRIS_DEADLINE = 3,         /* out of time */
  OSIRIS_INVALID_ARGUMENT = 4, /* the request or an option is wrong: a retry cannot help */
  OSIRIS_INVALID_STATE = 5,    /* called out of order: a bug of the caller */
  OSIRIS_UNSUPPORTED = 6,      /* this adapter cannot do that */
  OSIRIS_NOT_FOUND = 7,
  OSIRIS_UNAUTHENTICATED = 8,
  OSIRIS_UNAVAILABLE = 9, /* the service is down or throttling: worth another attempt */
  OSIRIS_EXHAUSTED = 10,  /* quota, disk, memory: worth another attempt later */
  OSIRIS_INTERNAL = 11    /* a bug of the adapter */
};

enum { OSIRIS_DEBUG = 10, OSIRIS_INFO = 20, OSIRIS_WARN = 30, OSIRIS_ERROR = 40 };

typedef struct osiris_error {
  uint32_t size;
  osiris_status code;     /* the same code the call then returns; never OSIRIS_OK */
  osiris_str message;     /* one sentence for a person; never a secret */
  osiris_str hint;        /* what to try next */
  osiris_str detail_json; /* an object for a program ("retry_after_s", ...); never a secret */
} osiris_error;

typedef struct osiris_log {
  uint32_t size;
  int32_t level;          /* OSIRIS_DEBUG ... */
  int64_t time_unix_ns;   /* 0: the host stamps it */
  osiris_str message;     /* one line for a person; never a secret */
  osiris_str step_id;     /* absent for lines of the run */
  osiris_str source;      /* absent: the adapter; "worker", "stderr", a container's name */
  osiris_str fields_json; /* an object, or absent */
} osiris_log;

typedef struct osiris_progress {
  uint32_t size, reserved; /* reserved: 0 */
  double done, total;      /* finite; total < 0 while unknown; done may go back after a retry */
  osiris_str unit;         /* "rows", "bytes"; absent: a fraction of `total` */
  osiris_str step_id;      /* absent: of the run */
  osiris_str note;         /* what is going on, for a person; may be absent */
} osiris_progress;

typedef struct osiris_event {
  uint32_t size, reserved; /* reserved: 0 */
  int64_t time_unix_ns;    /* 0: the host stamps it */
  osiris_str name;         /* snake_case: "step_start", "resource_acquired", "far.queue_entered" */
  osiris_str step_id;      /* absent for events of the run */
  osiris_str data_json;    /* an object, or absent */
} osiris_event;

enum { OSIRIS_GAUGE = 0, OSIRIS_COUNTER = 1 /* value is an increment */ };

typedef struct osiris_metric {
  uint32_t size;
  uint32_t kind;
  int64_t time_unix_ns;
  double value;
  osiris_str name, unit, step_id, tags_json;
} osiris_metric;

/* ---- Options: each becomes --<adapter>-<name>, OSIRIS_<ADAPTER>_<NAME> and a config key -------
 *
 * The adapter describes; the host parses flag, environment, file and default, checks, and hands
 * `configure` canonical text. There is no option type for a secret: secrets are listed in
 * osiris_adapter_type.secrets and cannot be written on a command line. */

enum {
  OSIRIS_TEXT = 0,
  OSIRIS_INT = 1,      /* "-7" */
  OSIRIS_FLOAT = 2,    /* "0.5" */
  OSIRIS_BOOL = 3,     /* "true", "false" */
  OSIRIS_CHOICE = 4,   /* one of `choices` */
  OSIRIS_DURATION = 5, /* seconds: "15m" arrives as "900", "500ms" as "0.5" */
  OSIRIS_BYTES = 6,    /* bytes: "1.5GiB" arrives as "1610612736" */
  OSIRIS_PATH = 7,     /* absolute, without "." and ".." */
  OSIRIS_PAIR = 8,     /* "KEY=VALUE"; the key is not empty */
  OSIRIS_ENV = 9,      /* the NAME of a variable the user lends. Its value is the secret
                        * "env/<NAME>" of the request; the setting holds the name. */
  OSIRIS_JSON = 10     /* any JSON, compact; in the file YAML, whole structures too */
};

enum {
  OSIRIS_REQUIRED = 1,   /* the user must give it; no default */
  OSIRIS_REPEATED = 2,   /* may be given many times: one setting each, in order */
  OSIRIS_DEPRECATED = 4, /* still works; the host warns and shows `help` */
  OSIRIS_HIDDEN = 8,     /* works, is not listed */
  OSIRIS_SENSITIVE = 16  /* values go to the host's redactor and into no file */
};

typedef struct osiris_option {
  uint32_t size, type, flags, reserved;       /* reserved: 0 */
  osiris_str name;                            /* [a-z][a-z0-9-]*, unique in the adapter */
  osiris_str help;                            /* one sentence */
  osiris_str value_name;                      /* "SECONDS"; absent: the type's own */
  osiris_str bare_unit;                       /* unit of a number given without one: "GiB", "m" */
  osiris_str default_value, minimum, maximum; /* canonical text, as configure receives it */
  const osiris_str* choices;                  /* OSIRIS_CHOICE only */
  size_t choice_count;
  osiris_str shared_env; /* variables that other tools know too, read where OSIRIS_<ADAPTER>_<NAME> is
                          * not set: "KUBECONFIG", or several parted by blanks, of which the first that
                          * is set counts ("https_proxy HTTPS_PROXY"). Shown by `osiris adapters show`.
                          * Not the name of a secret: those are declared as such. Absent: none. */
} osiris_option;

typedef struct osiris_secret {
  uint32_t size, flags; /* OSIRIS_REQUIRED: without it nothing can run, and the host says so first */
  osiris_str name;      /* [A-Z][A-Z0-9_]*, unique in the adapter: the variable the user sets */
  osiris_str help;      /* one sentence: what it is and where one gets it */
} osiris_secret;

/* ---- Host services, one table per instance ----------------------------------------------------
 *
 * Made by the host; the table and `context` live until destroy has returned. Every function is
 * [any], takes the table as its first argument (the pointer that create was given, not a copy),
 * copies what it is given, never calls back into the adapter (but for with_secret's `use`), and may
 * be NULL or beyond `size` if added after 1.0. The same holds for tables of the host's extensions.
 * Do not call one while holding a lock that `cancel` takes. */

typedef struct osiris_host osiris_host;
struct osiris_host {
  uint32_t size, abi; /* abi: the host's, e.g. OSIRIS_ABI(1, 0) */
  void* context;      /* the host's own */

  /* Why the current [run] call is about to return a non-OK status. State: inside a [run] call,
   * once per failing call, on any thread that is done before the call returns. */
  void (*fail)(const osiris_host*, const osiris_error*) OSIRIS_NOEXCEPT;

  /* A line for the run's log. May drop OSIRIS_DEBUG. */
  void (*log)(const osiris_host*, const osiris_log*) OSIRIS_NOEXCEPT;

  /* Something that happened, for events.jsonl. State: until the [run] call it belongs to returns.
   * Never dropped: waits for room in the host's queue. Names are those of docs/plugin-abi.md.
   * A resource that outlives the call or costs money is announced before its first use:
   * "resource_acquired" {"kind", "id", "expires", "cleanup"}, and "resource_released"
   * {"kind", "id", "verified"} after; both reach the disk before this returns. */
  void (*emit_event)(const osiris_host*, const osiris_event*) OSIRIS_NOEXCEPT;

  /* A number, for metrics.jsonl. State and queue as emit_event. */
  void (*emit_metric)(const osiris_host*, const osiris_metric*) OSIRIS_NOEXCEPT;

  /* How far the run or a step is. Coalesced. */
  void (*progress)(const osiris_host*, const osiris_progress*) OSIRIS_NOEXCEPT;

  /* Not 0 once cancelled or past the deadline, and from then on. Cheap: poll it. What it asks for
   * depends on the call: execute stops and releases; validate, prepare and the calls of extensions
   * return OSIRIS_CANCELLED or OSIRIS_DEADLINE; collect stops fetching and goes on releasing; destroy
   * takes no notice. 1: stop. Treat any other number as 1. */
  int32_t (*is_cancelled)(const osiris_host*) OSIRIS_NOEXCEPT;

  /* Lends the value of a secret: calls use(user, value) once, on this thread, before it returns
   * OSIRIS_OK; the value is wiped after `use` returns. `use` calls no host service, waits for
   * nothing, and returns by returning: no exception, no longjmp. Answers
   * the adapter's declared `secrets` and the names this request lists
   * ("connection/<family>.<alias>/<field>", "env/<NAME>"); any other name, and a declared one
   * the user has not set, is OSIRIS_NOT_FOUND and `use` is not called. Never calls fail. */
  osiris_status (*with_secret)(const osiris_host*, osiris_str name,
                               void (*use)(void* user, osiris_str value) OSIRIS_NOEXCEPT, void* user) OSIRIS_NOEXCEPT;

  /* The document the current [run] call produces: "prepared", "result", "artifacts" (or what an
   * extension names). Once per call. OSIRIS_INVALID_STATE: not the document of this call, or a
   * second one; OSIRIS_INVALID_ARGUMENT: not a JSON object. Never calls fail. */
  osiris_status (*deliver)(const osiris_host*, const char* name, osiris_str json) OSIRIS_NOEXCEPT;

  /* A static table of the host for "osiris.<name>/<rev>", or NULL. Lives until process exit. */
  const void* (*extension)(const osiris_host*, const char* id)OSIRIS_NOEXCEPT;
};

/* ---- The adapter ------------------------------------------------------------------------------
 *
 * Reserved words: no adapter has one of these as its id. Flags and variables of several words that
 * osiris adds after 1.0 begin with one of them ("--max-cost"), so that none is ever taken from an
 * adapter. The list is frozen.
 *
 * adapter adapters all allow artifacts attach base budget build cache check compile components
 * config connections cost diff dry env execution filesystem help home index init input isolate
 * json keep last log logs materialize max memory no oml osiris out output parallel param
 * pipeline plan pool profile quiet report resources resume retention retry rpc run runs
 * sandboxes schema session shard shards source state step strict target threads timeout trust
 * validate verbose version watch worker */

/* What to run and where things are. Made by the host; it and every string in it live until the
 * call returns. All paths are absolute. */
typedef struct osiris_request {
  uint32_t size, attempt; /* attempt: from 1. A later one is another instance, made when the one
                           * before has been destroyed, and gets the same prepared_json. What that
                           * one held may still live: look for it before acquiring anew. */
  osiris_str run_id;
  osiris_str manifest_json;    /* compiled pipeline; names secrets, never holds them */
  osiris_str connections_json; /* likewise; other connection fields are resolved */
  osiris_str prepared_json;    /* what prepare delivered; absent before that */
  osiris_str compiled_dir;     /* manifest.yaml and cfg/ as compiled; read only */
  osiris_str session_dir;      /* of this run; the adapter may write below adapter/ in it */
  osiris_str work_dir;         /* relative paths of the pipeline start here */
  osiris_str worker_path;      /* osiris-worker, a static executable */
  osiris_str worker_sha256;    /* of that file, 64 lower-case hex digits */
  osiris_str settings_json;    /* how the worker should run; ignore keys you do not know */
  int64_t deadline_unix_ns;    /* 0: none. Waiting in a queue counts. */
  int64_t grace_ns;            /* how long a call may go on once is_cancelled is not 0; 0: 30 s */
} osiris_request;

typedef struct osiris_adapter osiris_adapter; /* yours: made by create, ended by destroy */
typedef struct osiris_adapter_type osiris_adapter_type;

/* It and all it points to live unchanged until process exit. The slots from create to destroy are
 * mandatory; `extension` may be NULL, and so may every slot added after 1.0. A slot without an
 * instance is given the table it stands in, so that one function can serve many adapters: let the
 * table be the first member of a larger struct of yours. */
struct osiris_adapter_type {
  uint32_t size, option_count;
  osiris_str id;                       /* [a-z][a-z0-9]*: no hyphen, so that no two adapters can
                                        * claim one flag; none of the reserved words (below) */
  osiris_str name, version, summary;   /* for people; `version` is required */
  const osiris_option* const* options; /* pointers, so that osiris_option can grow */
  const osiris_secret* const* secrets; /* the adapter's own, such as "E2B_API_KEY" */
  size_t secret_count;

  /* [run] State: none. Cheap: no network, no threads. The host table stays valid until destroy
   * has returned; keep the pointer. On failure leave *out alone; destroy is then not called. */
  osiris_status (*create)(const osiris_adapter_type*, const osiris_host*, osiris_adapter** out) OSIRIS_NOEXCEPT;

  /* [run] State: once, after create. Settings are already checked against the descriptors, with
   * defaults filled in, in descriptor order. Copy what you keep. */
  osiris_status (*configure)(osiris_adapter*, const osiris_setting*, size_t n) OSIRIS_NOEXCEPT;

  /* [run] State: configured; any number of times. Could this run? May ask the network; no side
   * effects, here or at the service. */
  osiris_status (*validate)(osiris_adapter*, const osiris_request*) OSIRIS_NOEXCEPT;

  /* [run] State: validated, before execute; any number of times. Delivers "prepared": the index
   * of the run package, no secrets in it. Same request, same bytes. */
  osiris_status (*prepare)(osiris_adapter*, const osiris_request*) OSIRIS_NOEXCEPT;

  /* [run] State: prepared; once. Blocks. Delivers "result" with OSIRIS_OK, with
   * OSIRIS_RUN_FAILED, and, as far as it got, with any other status. After OK or RUN_FAILED far
   * resources stay leased for collect; when cancelled or past the deadline they are released
   * before it returns. Each is named in an event the moment it is acquired. No event of the run
   * may arrive after it has returned. */
  osiris_status (*execute)(osiris_adapter*, const osiris_request*) OSIRIS_NOEXCEPT;

  /* [run] State: after execute, whatever it returned; once. Fetches what was written, releases
   * remote resources and verifies that they are gone. Delivers "artifacts". */
  osiris_status (*collect)(osiris_adapter*, const osiris_request*) OSIRIS_NOEXCEPT;

  /* [any] State: from create's return until destroy is called. A nudge: wake whatever the
   * current call waits on, and return at once: no I/O, no lock that is held across any. May come
   * early, late or twice. host->is_cancelled is already not 0. */
  void (*cancel)(osiris_adapter*) OSIRIS_NOEXCEPT;

  /* [run] State: any, last, once. Releases whatever is left, bounded in time; joins every thread
   * the instance started. It may never come: when the user insists, the host just exits. */
  void (*destroy)(osiris_adapter*) OSIRIS_NOEXCEPT;

  /* [any] State: any, also before create. A static table for "osiris.<name>/<rev>", or NULL. */
  const void* (*extension)(const osiris_adapter_type*, const char* id)OSIRIS_NOEXCEPT;
};

typedef struct osiris_module {
  uint32_t size;
  uint32_t abi;          /* OSIRIS_ABI_VERSION of the header it was built with */
  uint32_t min_host_abi; /* the oldest host it will work in */
  uint32_t adapter_count;
  const osiris_adapter_type* const* adapters; /* static */
} osiris_module;

/* What a host tells the libraries it loads. Made by the host; lives until the entry has returned. */
typedef struct osiris_host_info {
  uint32_t size, abi;       /* abi: the host's */
  osiris_str library_path;  /* of this library, canonical; absent when it is linked statically */
  osiris_str manifest_path; /* the <id>.adapter.toml that named it; absent likewise */
} osiris_host_info;

/* [any] The only exported symbol. Returns a table that lives until process exit and does little else:
 * no network, no threads, no writing; it may read files beside manifest_path. Asked again with the
 * same paths it returns the same table; one library may serve many manifests. The next major has
 * another name, so one library can export both. To link statically, build with
 * -DOSIRIS_ADAPTER_MAIN=osiris_adapter_main_v1_<id>. */
#ifndef OSIRIS_ADAPTER_MAIN
#define OSIRIS_ADAPTER_MAIN osiris_adapter_main_v1
#endif
OSIRIS_EXPORT const osiris_module* OSIRIS_ADAPTER_MAIN(const osiris_host_info*) OSIRIS_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif
