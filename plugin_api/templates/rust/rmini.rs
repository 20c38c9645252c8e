// A minimal adapter in Rust, std only: the same as cmini.c. It gives osiris-worker its requests and passes on what the worker
// says. Its copy of the ABI's structs is checked against the header's sizes at compile time, below.
#![allow(non_camel_case_types)]

use std::ffi::c_void;
use std::io::{BufRead, BufReader, Write};
use std::os::raw::{c_char, c_double, c_int};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const SIG_SETMASK: c_int = 2;
extern "C" {
    fn pthread_sigmask(how: c_int, set: *const u64, old: *mut u64) -> c_int;
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct osiris_str {
    data: *const u8,
    len: usize,
}

type osiris_status = i32;
const OK: osiris_status = 0;
const RUN_FAILED: osiris_status = 1;
const CANCELLED: osiris_status = 2;
const INVALID_ARGUMENT: osiris_status = 4;
const UNSUPPORTED: osiris_status = 6;
const INTERNAL: osiris_status = 11;

#[repr(C)]
pub struct osiris_error {
    size: u32,
    code: osiris_status,
    message: osiris_str,
    hint: osiris_str,
    detail_json: osiris_str,
}

#[repr(C)]
pub struct osiris_event {
    size: u32,
    reserved: u32,
    time_unix_ns: i64,
    name: osiris_str,
    step_id: osiris_str,
    data_json: osiris_str,
}

#[repr(C)]
pub struct osiris_metric {
    size: u32,
    kind: u32,
    time_unix_ns: i64,
    value: c_double,
    name: osiris_str,
    unit: osiris_str,
    step_id: osiris_str,
    tags_json: osiris_str,
}

#[repr(C)]
pub struct osiris_log {
    size: u32,
    level: i32,
    time_unix_ns: i64,
    message: osiris_str,
    step_id: osiris_str,
    source: osiris_str,
    fields_json: osiris_str,
}

#[repr(C)]
pub struct osiris_progress {
    size: u32,
    reserved: u32,
    done: c_double,
    total: c_double,
    unit: osiris_str,
    step_id: osiris_str,
    note: osiris_str,
}

type Use = extern "C" fn(*mut c_void, osiris_str);

#[repr(C)]
pub struct osiris_host {
    size: u32,
    abi: u32,
    context: *mut c_void,
    fail: extern "C" fn(*const osiris_host, *const osiris_error),
    log: extern "C" fn(*const osiris_host, *const osiris_log),
    emit_event: extern "C" fn(*const osiris_host, *const osiris_event),
    emit_metric: extern "C" fn(*const osiris_host, *const osiris_metric),
    progress: extern "C" fn(*const osiris_host, *const osiris_progress),
    is_cancelled: extern "C" fn(*const osiris_host) -> i32,
    with_secret: extern "C" fn(*const osiris_host, osiris_str, Use, *mut c_void) -> osiris_status,
    deliver: extern "C" fn(*const osiris_host, *const c_char, osiris_str) -> osiris_status,
    extension: extern "C" fn(*const osiris_host, *const c_char) -> *const c_void,
}

#[repr(C)]
pub struct osiris_request {
    size: u32,
    attempt: u32,
    run_id: osiris_str,
    manifest_json: osiris_str,
    connections_json: osiris_str,
    prepared_json: osiris_str,
    compiled_dir: osiris_str,
    session_dir: osiris_str,
    work_dir: osiris_str,
    worker_path: osiris_str,
    worker_sha256: osiris_str,
    settings_json: osiris_str,
    deadline_unix_ns: i64,
    grace_ns: i64,
}

type Stage = extern "C" fn(*mut Instance, *const osiris_request) -> osiris_status;

#[repr(C)]
pub struct osiris_adapter_type {
    size: u32,
    option_count: u32,
    id: osiris_str,
    name: osiris_str,
    version: osiris_str,
    summary: osiris_str,
    options: *const *const c_void,
    secrets: *const *const c_void,
    secret_count: usize,
    create: extern "C" fn(*const osiris_adapter_type, *const osiris_host, *mut *mut Instance) -> osiris_status,
    configure: extern "C" fn(*mut Instance, *const c_void, usize) -> osiris_status,
    validate: Stage,
    prepare: Stage,
    execute: Stage,
    collect: Stage,
    cancel: extern "C" fn(*mut Instance),
    destroy: extern "C" fn(*mut Instance),
    extension: Option<extern "C" fn(*const osiris_adapter_type, *const c_char) -> *const c_void>,
}

#[repr(C)]
pub struct osiris_module {
    size: u32,
    abi: u32,
    min_host_abi: u32,
    adapter_count: u32,
    adapters: *const *const osiris_adapter_type,
}

macro_rules! size_is {
    ($name:ty, $bytes:expr) => {
        const _: [(); $bytes] = [(); std::mem::size_of::<$name>()];
    };
}
size_is!(osiris_error, 56);
size_is!(osiris_event, 64);
size_is!(osiris_metric, 88);
size_is!(osiris_host, 88);
size_is!(osiris_log, 80);
size_is!(osiris_progress, 72);
size_is!(osiris_request, 184);
size_is!(osiris_adapter_type, 168);
size_is!(osiris_module, 24);

const fn abi(text: &'static str) -> osiris_str {
    osiris_str { data: text.as_ptr(), len: text.len() }
}

fn lend(text: &str) -> osiris_str {
    osiris_str { data: text.as_ptr(), len: text.len() }
}

// Valid until the call it came with returns. The ABI promises UTF-8.
fn borrow<'a>(text: osiris_str) -> &'a str {
    if text.data.is_null() {
        return "";
    }
    unsafe { std::str::from_utf8(std::slice::from_raw_parts(text.data, text.len)).unwrap_or("") }
}

// ---- Just enough JSON: every value is a slice of the text it came from. ----

fn take<'a>(rest: &mut &'a str) -> &'a str {
    let text = rest.trim_start_matches(|c| " \t\r\n,:".contains(c));
    if text.is_empty() || text.starts_with(']') || text.starts_with('}') {
        *rest = text;
        return "";
    }
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        if in_string {
            if escaped {
                escaped = false;
                continue;
            } else if c == '\\' {
                escaped = true;
                continue;
            } else if c != '"' {
                continue;
            }
            in_string = false;
        } else if c == '"' {
            in_string = true;
            continue;
        } else if c == '{' || c == '[' {
            depth += 1;
            continue;
        } else if c == '}' || c == ']' {
            if depth == 0 {
                end = at;
                break;
            }
            depth -= 1;
        } else {
            if depth == 0 && " \t\r\n,:".contains(c) {
                end = at;
                break;
            }
            continue;
        }
        if depth == 0 {
            end = at + 1;
            break;
        }
    }
    *rest = &text[end..];
    &text[..end]
}

fn inside(value: &str) -> &str {
    if value.starts_with('{') || value.starts_with('[') {
        &value[1..]
    } else {
        ""
    }
}

fn text_of(value: &str) -> &str {
    value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or("")
}

fn get<'a>(object: &'a str, key: &str) -> &'a str {
    let mut rest = inside(object);
    loop {
        let name = text_of(take(&mut rest));
        let value = take(&mut rest);
        if value.is_empty() || name == key {
            return value;
        }
    }
}

fn items(array: &str) -> Vec<&str> {
    let mut rest = inside(array);
    let mut all = Vec::new();
    loop {
        let item = take(&mut rest);
        if item.is_empty() {
            return all;
        }
        all.push(item);
    }
}

// Whether a line is one object from its beginning to its end: what of a damaged line is certain not to be.
fn is_whole(line: &str) -> bool {
    let mut rest = line;
    line.starts_with('{') && line.ends_with('}') && take(&mut rest).len() == line.len()
}

fn or<'a>(value: &'a str, otherwise: &'a str) -> &'a str {
    if value.is_empty() {
        otherwise
    } else {
        value
    }
}

// ---- The adapter ----

pub struct Instance {
    host: *const osiris_host,
    artifacts: String,
}

// What the worker said of a run, so far.
#[derive(Default)]
struct Run {
    outcomes: Vec<String>, // one entry of the result per step
    first_failure: String,
    broken: String, // why the worker cannot be relied on; no fault of the pipeline
    total_rows: String,
    last_seq: u64,
    answered: bool, // `finish` was
    finished: bool, // with success
}

impl Run {
    fn broken(&mut self, why: &str) {
        if self.broken.is_empty() {
            self.broken = why.to_string();
        }
    }
}

struct Failure {
    code: osiris_status,
    message: String,
    hint: &'static str,
}

fn failure(code: osiris_status, message: &str, hint: &'static str) -> Failure {
    Failure { code, message: message.to_string(), hint }
}

fn tell(host: *const osiris_host, result: Result<(), Failure>) -> osiris_status {
    match result {
        Ok(()) => OK,
        Err(why) => {
            let error = osiris_error {
                size: std::mem::size_of::<osiris_error>() as u32,
                code: why.code,
                message: lend(&why.message),
                hint: lend(why.hint),
                detail_json: lend(""),
            };
            unsafe { ((*host).fail)(host, &error) };
            why.code
        }
    }
}

impl Instance {
    fn host(&self) -> &osiris_host {
        unsafe { &*self.host }
    }

    // `name` ends in a zero byte.
    fn deliver(&self, name: &'static str, document: &str) -> Result<(), Failure> {
        match (self.host().deliver)(self.host, name.as_ptr() as *const c_char, lend(document)) {
            OK => Ok(()),
            _ => Err(failure(INTERNAL, "the host did not take the document", "")),
        }
    }

    fn cancelled(&self) -> bool {
        (self.host().is_cancelled)(self.host) != 0
    }

    fn requests(request: &osiris_request) -> String {
        let settings = borrow(request.settings_json);
        let manifest = borrow(request.manifest_json);
        let mut out = format!(
            "{{\"id\":\"prepare\",\"method\":\"prepare\",\"params\":{{\"protocol\":1,\"secrets\":{{}},\"env\":{{}},\"run_id\":\"{}\",\"session_dir\":\"{}\",\
             \"work_dir\":\"{}\",\"plan\":{},\"connections\":{},\"settings\":{},\"specs_sha256\":{},\"worker_version\":{}}}}}\n",
            borrow(request.run_id),
            borrow(request.session_dir),
            borrow(request.work_dir),
            manifest,
            or(get(borrow(request.connections_json), "connections"), "{}"),
            or(settings, "{}"),
            or(get(settings, "specs_sha256"), "\"\""),
            or(get(settings, "worker_version"), "\"\""),
        );
        for (index, step) in items(get(manifest, "steps")).iter().enumerate() {
            out += &format!(
                "{{\"id\":\"{}\",\"method\":\"execute_step\",\"params\":{{\"step_id\":{}}}}}\n",
                index,
                get(step, "id")
            );
        }
        out + "{\"id\":\"finish\",\"method\":\"finish\",\"params\":{}}\n"
    }

    fn forward_event(&self, data: &str) {
        let mut members = inside(data);
        take(&mut members); // "event"
        take(&mut members); // its name
        let rest = format!("{{{}", members.trim_start_matches(|c| " ,".contains(c)));
        let event = osiris_event {
            size: std::mem::size_of::<osiris_event>() as u32,
            reserved: 0,
            time_unix_ns: 0,
            name: lend(text_of(get(data, "event"))),
            step_id: lend(text_of(get(data, "step_id"))),
            data_json: lend(&rest),
        };
        (self.host().emit_event)(self.host, &event);
    }

    fn forward_metric(&self, data: &str) {
        let metric = osiris_metric {
            size: std::mem::size_of::<osiris_metric>() as u32,
            kind: 0,
            time_unix_ns: 0,
            value: get(data, "value").parse().unwrap_or(0.0),
            name: lend(text_of(get(data, "metric"))),
            unit: lend(text_of(get(data, "unit"))),
            step_id: lend(text_of(get(data, "step_id"))),
            tags_json: lend(get(data, "tags")),
        };
        (self.host().emit_metric)(self.host, &metric);
    }

    fn start(request: &osiris_request) -> std::io::Result<Child> {
        let mut command = Command::new(borrow(request.worker_path));
        command
            .env_clear()
            .envs([("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/nonexistent"), ("TZ", "UTC"), ("LC_ALL", "C")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // The host has signals blocked; a child would inherit that.
        unsafe {
            command.pre_exec(|| {
                let none = [0u64; 16];
                pthread_sigmask(SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
                Ok(())
            });
        }
        command.spawn()
    }

    // One record of the worker. Records are numbered: one that was seen before is dropped; after a gap nothing can be
    // relied on, for this channel is a pipe and nothing is asked for again. What is no whole record has no number.
    fn take_record(&mut self, line: &str, steps: &[&str], run: &mut Run) {
        if !is_whole(line) {
            return;
        }
        if let Ok(seq) = get(line, "seq").parse::<u64>() {
            if seq <= run.last_seq {
                return;
            }
            if seq != run.last_seq + 1 {
                run.broken("a record of the worker got lost");
            }
            run.last_seq = seq;
        }
        match text_of(get(line, "type")) {
            "event" => self.forward_event(get(line, "data")),
            "metric" => self.forward_metric(get(line, "data")),
            "" => self.take_answer(line, steps, run),
            "fatal" => run.broken(text_of(get(get(line, "error"), "message"))),
            _ => {}
        }
    }

    fn take_answer(&mut self, line: &str, steps: &[&str], run: &mut Run) {
        let (id, result, error) = (text_of(get(line, "id")), get(line, "result"), get(line, "error"));
        if !error.is_empty() && run.first_failure.is_empty() {
            run.first_failure = text_of(get(error, "message")).to_string();
        }
        if id == "finish" {
            run.answered = true;
            run.finished = !result.is_empty();
            self.artifacts = or(get(result, "artifacts"), "[]").to_string();
            run.total_rows = or(get(result, "total_rows"), "0").to_string();
        } else if let Ok(index) = id.parse::<usize>() {
            if index < steps.len() {
                run.outcomes[index] = Self::outcome(get(steps[index], "id"), result, error);
            }
        }
    }

    // Until the worker is no more. Two threads move the bytes: a pipe is short, and a worker may be silent or deaf.
    fn run_worker(&mut self, request: &osiris_request, steps: &[&str], run: &mut Run) -> std::io::Result<()> {
        let mut worker = Self::start(request)?;
        let requests = Self::requests(request);
        let mut stdin = worker.stdin.take();
        let mut writer = Some(std::thread::spawn(move || {
            let _ = stdin.as_mut().map(|pipe| pipe.write_all(requests.as_bytes()));
            stdin // dropped by who joins: the worker ends when its input does
        }));
        let (lines, arrived) = mpsc::channel();
        let output = worker.stdout.take();
        let reader = std::thread::spawn(move || {
            for line in output.into_iter().flat_map(|pipe| BufReader::new(pipe).split(b'\n')) {
                if line.map(|bytes| lines.send(bytes)).is_err() {
                    break;
                }
            }
        });
        loop {
            if self.cancelled() || !run.broken.is_empty() {
                let _ = worker.kill();
            }
            match arrived.recv_timeout(Duration::from_millis(50)) {
                Ok(line) => self.take_record(&String::from_utf8_lossy(&line), steps, run),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
            if run.answered {
                let _ = writer.take().map(|thread| thread.join());
            }
        }
        // Without its output it has 2 s.
        for wait in 0.. {
            if worker.try_wait()?.is_some() {
                break;
            }
            if wait == 40 || self.cancelled() {
                let _ = worker.kill();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = writer.take().map(|thread| thread.join());
        let _ = reader.join();
        Ok(())
    }

    fn execute(&mut self, request: &osiris_request) -> Result<(), Failure> {
        let steps = items(get(borrow(request.manifest_json), "steps"));
        let mut run = Run { outcomes: vec![String::new(); steps.len()], finished: steps.is_empty(), ..Run::default() };
        if !steps.is_empty() {
            self.run_worker(request, &steps, &mut run)
                .map_err(|e| failure(INTERNAL, &format!("the worker: {}", e), "is it installed?"))?;
        }
        if self.cancelled() {
            return Err(failure(CANCELLED, "cancelled", ""));
        }
        if !run.broken.is_empty() {
            return Err(failure(INTERNAL, &run.broken, ""));
        }
        if run.first_failure.is_empty() && (!run.finished || run.outcomes.iter().any(|o| o.is_empty())) {
            return Err(failure(INTERNAL, "the worker ended early", "see the log"));
        }
        let status = if run.first_failure.is_empty() { "success" } else { "failed" };
        let entries: Vec<String> = run.outcomes.into_iter().filter(|o| !o.is_empty()).collect();
        self.deliver(
            "result\0",
            &format!(
                "{{\"schema\":\"osiris.result/1\",\"status\":\"{}\",\"steps\":[{}],\"total_rows\":{}}}",
                status,
                entries.join(","),
                or(&run.total_rows, "0")
            ),
        )?;
        if run.first_failure.is_empty() {
            Ok(())
        } else {
            Err(failure(RUN_FAILED, &run.first_failure, ""))
        }
    }

    fn outcome(id: &str, result: &str, error: &str) -> String {
        if result.is_empty() {
            let skipped = get(get(error, "data"), "skipped") == "true";
            return format!("{{\"id\":{},\"status\":\"{}\",\"error\":{}}}", id, if skipped { "skipped" } else { "failed" }, or(error, "{}"));
        }
        let metrics = get(result, "metrics");
        let number = |key| or(get(metrics, key), "0");
        format!(
            "{{\"id\":{},\"status\":\"success\",\"rows_read\":{},\"rows_written\":{},\"rows_out\":{},\"duration_ms\":{}}}",
            id,
            number("rows_read"),
            number("rows_written"),
            number("rows_out"),
            number("duration_ms")
        )
    }

    fn validate(&self, request: &osiris_request) -> Result<(), Failure> {
        let mut connections = inside(get(borrow(request.connections_json), "connections"));
        loop {
            take(&mut connections); // the name
            let connection = take(&mut connections);
            if connection.is_empty() {
                break;
            }
            if !items(get(connection, "secrets")).is_empty() {
                return Err(failure(UNSUPPORTED, "this adapter lends no secrets, and the pipeline needs some", "use another adapter"));
            }
        }
        if !items(get(borrow(request.manifest_json), "steps")).is_empty() && borrow(request.worker_path).is_empty() {
            return Err(failure(INVALID_ARGUMENT, "there is no worker to run the steps", ""));
        }
        Ok(())
    }
}

extern "C" fn create(_: *const osiris_adapter_type, host: *const osiris_host, out: *mut *mut Instance) -> osiris_status {
    let instance = Box::new(Instance { host, artifacts: "[]".to_string() });
    unsafe { *out = Box::into_raw(instance) };
    OK
}

extern "C" fn configure(_: *mut Instance, _: *const c_void, _: usize) -> osiris_status {
    OK
}

extern "C" fn validate(this: *mut Instance, request: *const osiris_request) -> osiris_status {
    let (this, request) = unsafe { (&mut *this, &*request) };
    tell(this.host, this.validate(request))
}

extern "C" fn prepare(this: *mut Instance, _: *const osiris_request) -> osiris_status {
    let this = unsafe { &mut *this };
    let done = this.deliver("prepared\0", "{\"schema\":\"osiris.prepared/1\",\"files\":[],\"secret_names\":[],\"options\":{}}");
    tell(this.host, done)
}

extern "C" fn execute(this: *mut Instance, request: *const osiris_request) -> osiris_status {
    let (this, request) = unsafe { (&mut *this, &*request) };
    let done = this.execute(request);
    tell(this.host, done)
}

extern "C" fn collect(this: *mut Instance, _: *const osiris_request) -> osiris_status {
    let this = unsafe { &mut *this };
    let document = format!("{{\"schema\":\"osiris.artifacts/1\",\"released\":[],\"files\":{}}}", or(&this.artifacts, "[]"));
    let done = this.deliver("artifacts\0", &document);
    tell(this.host, done)
}

extern "C" fn cancel(_: *mut Instance) {}

extern "C" fn destroy(this: *mut Instance) {
    drop(unsafe { Box::from_raw(this) });
}

// Raw pointers keep a struct from being Sync; these point to constants.
#[repr(transparent)]
struct Table<T>(T);
unsafe impl<T> Sync for Table<T> {}

static TYPE: Table<osiris_adapter_type> = Table(osiris_adapter_type {
    size: std::mem::size_of::<osiris_adapter_type>() as u32,
    option_count: 0,
    id: abi("rmini"),
    name: abi("Minimal Rust"),
    version: abi("1.0.0"),
    summary: abi("a minimal adapter in Rust"),
    options: std::ptr::null(),
    secrets: std::ptr::null(),
    secret_count: 0,
    create,
    configure,
    validate,
    prepare,
    execute,
    collect,
    cancel,
    destroy,
    extension: None,
});
static TYPES: Table<[*const osiris_adapter_type; 1]> = Table([&TYPE.0]);
static MODULE: Table<osiris_module> = Table(osiris_module {
    size: std::mem::size_of::<osiris_module>() as u32,
    abi: 65536,
    min_host_abi: 65536,
    adapter_count: 1,
    adapters: TYPES.0.as_ptr(),
});

#[no_mangle]
pub extern "C" fn osiris_adapter_main_v1(_info: *const c_void) -> *const osiris_module {
    &MODULE.0
}
