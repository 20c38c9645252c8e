// A minimal adapter in Go, standard library only: the same as cmini.c. It gives osiris-worker its requests and passes on
// what the worker says. It lends no secrets, so it refuses pipelines that need some.
//
// A Go library brings the runtime of Go along, with threads and signal handlers of its own. Its manifest says
// `isolate = true`: osiris loads it into a process of its own.
package main

/*
#include <osiris/adapter.h>
#include <stdlib.h>
#include <string.h>

struct osiris_adapter {
  const osiris_host* host;
  uintptr_t instance;
};

static inline void host_fail(const osiris_host* host, osiris_status code, osiris_str message, osiris_str hint) {
  osiris_error error;
  memset(&error, 0, sizeof error);
  error.size = (uint32_t)sizeof error;
  error.code = code;
  error.message = message;
  error.hint = hint;
  host->fail(host, &error);
}

static inline void host_event(const osiris_host* host, osiris_str name, osiris_str step_id, osiris_str data) {
  osiris_event event;
  memset(&event, 0, sizeof event);
  event.size = (uint32_t)sizeof event;
  event.name = name;
  event.step_id = step_id;
  event.data_json = data;
  host->emit_event(host, &event);
}

static inline void host_metric(const osiris_host* host, double value, osiris_str name, osiris_str unit,
                               osiris_str step_id, osiris_str tags) {
  osiris_metric metric;
  memset(&metric, 0, sizeof metric);
  metric.size = (uint32_t)sizeof metric;
  metric.value = value;
  metric.name = name;
  metric.unit = unit;
  metric.step_id = step_id;
  metric.tags_json = tags;
  host->emit_metric(host, &metric);
}

static inline int host_is_cancelled(const osiris_host* host) { return host->is_cancelled(host) != 0; }

static inline osiris_status host_deliver(const osiris_host* host, char* name, osiris_str document) {
  return host->deliver(host, name, document);
}
*/
import "C"

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"runtime/cgo"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// What one instance keeps between its calls.
type instance struct {
	host      *C.osiris_host
	artifacts json.RawMessage
}

// Why a call fails, as the host is told.
type failure struct {
	code          C.osiris_status
	message, hint string
}

func borrow(text C.osiris_str) string {
	if text.data == nil {
		return ""
	}
	return C.GoStringN(text.data, C.int(text.len))
}

// Valid for one call of the host, which copies it.
func lend(text string) C.osiris_str {
	if text == "" {
		return C.osiris_str{}
	}
	bytes := []byte(text)
	return C.osiris_str{data: (*C.char)(unsafe.Pointer(&bytes[0])), len: C.size_t(len(bytes))}
}

// ---- The slots. Nothing may unwind into the host: a panic is a failure. ----

func call(self *C.osiris_adapter, work func(*instance) *failure) (status C.osiris_status) {
	defer func() {
		if panicked := recover(); panicked != nil {
			C.host_fail(self.host, C.OSIRIS_INTERNAL, lend(fmt.Sprint(panicked)), lend(""))
			status = C.OSIRIS_INTERNAL
		}
	}()
	if why := work(cgo.Handle(self.instance).Value().(*instance)); why != nil {
		C.host_fail(self.host, why.code, lend(why.message), lend(why.hint))
		return why.code
	}
	return C.OSIRIS_OK
}

//export gmini_create
func gmini_create(host *C.osiris_host, out **C.osiris_adapter) C.osiris_status {
	self := (*C.osiris_adapter)(C.calloc(1, C.sizeof_struct_osiris_adapter))
	self.host = host
	self.instance = C.uintptr_t(cgo.NewHandle(&instance{host: host, artifacts: json.RawMessage("[]")}))
	*out = self
	return C.OSIRIS_OK
}

//export gmini_destroy
func gmini_destroy(self *C.osiris_adapter) {
	cgo.Handle(self.instance).Delete()
	C.free(unsafe.Pointer(self))
}

//export gmini_validate
func gmini_validate(self *C.osiris_adapter, request *C.osiris_request) C.osiris_status {
	return call(self, func(this *instance) *failure { return this.validate(request) })
}

//export gmini_prepare
func gmini_prepare(self *C.osiris_adapter, request *C.osiris_request) C.osiris_status {
	return call(self, func(this *instance) *failure {
		return this.deliver("prepared", `{"schema":"osiris.prepared/1","files":[],"secret_names":[],"options":{}}`)
	})
}

//export gmini_execute
func gmini_execute(self *C.osiris_adapter, request *C.osiris_request) C.osiris_status {
	return call(self, func(this *instance) *failure { return this.execute(request) })
}

//export gmini_collect
func gmini_collect(self *C.osiris_adapter, request *C.osiris_request) C.osiris_status {
	return call(self, func(this *instance) *failure {
		return this.deliver("artifacts", `{"schema":"osiris.artifacts/1","released":[],"files":`+string(this.artifacts)+"}")
	})
}

func main() {}

// ---- What they do ----

func (this *instance) deliver(name, document string) *failure {
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	if C.host_deliver(this.host, text, lend(document)) != C.OSIRIS_OK {
		return &failure{C.OSIRIS_INTERNAL, "the host did not take the document", ""}
	}
	return nil
}

func (this *instance) cancelled() bool { return C.host_is_cancelled(this.host) != 0 }

type manifest struct {
	Steps []struct {
		Id string `json:"id"`
	} `json:"steps"`
}

type connections struct {
	Connections map[string]struct {
		Secrets map[string]string `json:"secrets"`
	} `json:"connections"`
}

func (this *instance) validate(request *C.osiris_request) *failure {
	var plan manifest
	var given connections
	json.Unmarshal([]byte(borrow(request.manifest_json)), &plan)
	json.Unmarshal([]byte(borrow(request.connections_json)), &given)
	for _, connection := range given.Connections {
		if len(connection.Secrets) > 0 {
			return &failure{C.OSIRIS_UNSUPPORTED, "this adapter lends no secrets, and the pipeline needs some",
				"use another adapter"}
		}
	}
	if len(plan.Steps) > 0 && request.worker_path.len == 0 {
		return &failure{C.OSIRIS_INVALID_ARGUMENT, "there is no worker to run the steps", ""}
	}
	return nil
}

// A part of a document as it came, or `otherwise` where it is not there.
func part(document, key, otherwise string) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(document), &members) == nil && members[key] != nil {
		return members[key]
	}
	return json.RawMessage(otherwise)
}

func request_line(id, method string, params interface{}) []byte {
	line, _ := json.Marshal(map[string]interface{}{"id": id, "method": method, "params": params})
	return append(line, '\n')
}

func requests(request *C.osiris_request, plan manifest) []byte {
	settings := borrow(request.settings_json)
	if settings == "" {
		settings = "{}"
	}
	all := request_line("prepare", "prepare", map[string]interface{}{
		"protocol": 1, "secrets": map[string]string{}, "env": map[string]string{},
		"run_id": borrow(request.run_id), "session_dir": borrow(request.session_dir), "work_dir": borrow(request.work_dir),
		"plan":           json.RawMessage(borrow(request.manifest_json)),
		"connections":    part(borrow(request.connections_json), "connections", "{}"),
		"settings":       json.RawMessage(settings),
		"specs_sha256":   part(settings, "specs_sha256", `""`),
		"worker_version": part(settings, "worker_version", `""`),
	})
	for index, step := range plan.Steps {
		all = append(all, request_line(strconv.Itoa(index), "execute_step", map[string]string{"step_id": step.Id})...)
	}
	return append(all, request_line("finish", "finish", struct{}{})...)
}

// What the worker said of a run, so far.
type run struct {
	plan          manifest
	outcomes      []map[string]interface{} // one entry of the result per step
	first_failure string
	broken        string // why the worker cannot be relied on; no fault of the pipeline
	total_rows    json.Number
	last_seq      uint64
	answered      bool // `finish` was
	finished      bool // with success
}

type record struct {
	Type   string          `json:"type"`
	Seq    *uint64         `json:"seq"`
	Id     string          `json:"id"`
	Data   json.RawMessage `json:"data"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

type told_error struct {
	Message string `json:"message"`
	Data    struct {
		Skipped bool `json:"skipped"`
	} `json:"data"`
}

// The event's own members, in their order: all behind its name, which comes first.
func forward_event(host *C.osiris_host, data json.RawMessage) {
	var event struct {
		Event  string `json:"event"`
		StepId string `json:"step_id"`
	}
	if json.Unmarshal(data, &event) != nil {
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	for token := 0; token < 3; token++ { // "{", the key, the name
		decoder.Token()
	}
	rest := strings.TrimLeft(string(data[decoder.InputOffset():]), " ,")
	C.host_event(host, lend(event.Event), lend(event.StepId), lend("{"+rest))
}

func forward_metric(host *C.osiris_host, data json.RawMessage) {
	var metric struct {
		Metric, Unit string
		StepId       string `json:"step_id"`
		Value        float64
		Tags         json.RawMessage
	}
	if json.Unmarshal(data, &metric) == nil {
		C.host_metric(host, C.double(metric.Value), lend(metric.Metric), lend(metric.Unit), lend(metric.StepId),
			lend(string(metric.Tags)))
	}
}

// One record of the worker. Records are numbered: one that was seen before is dropped; after a gap nothing can be relied
// on, for this channel is a pipe and nothing is asked for again. What is no whole record has no number.
func (this *instance) take(line []byte, run *run) {
	var said record
	if json.Unmarshal(line, &said) != nil {
		return
	}
	if said.Seq != nil {
		if *said.Seq <= run.last_seq {
			return
		}
		if *said.Seq != run.last_seq+1 && run.broken == "" {
			run.broken = "a record of the worker got lost"
		}
		run.last_seq = *said.Seq
	}
	switch said.Type {
	case "event":
		forward_event(this.host, said.Data)
	case "metric":
		forward_metric(this.host, said.Data)
	case "":
		this.take_answer(said, run)
	case "fatal":
		var why told_error
		json.Unmarshal(said.Error, &why)
		if run.broken == "" {
			run.broken = why.Message
		}
	}
}

func (this *instance) take_answer(said record, run *run) {
	var why told_error
	if said.Error != nil {
		json.Unmarshal(said.Error, &why)
		if run.first_failure == "" {
			run.first_failure = why.Message
		}
	}
	if said.Id == "finish" {
		run.answered = true
		run.finished = said.Result != nil
		this.artifacts = part(string(said.Result), "artifacts", "[]")
		run.total_rows = json.Number(part(string(said.Result), "total_rows", "0"))
		return
	}
	index, err := strconv.Atoi(said.Id)
	if err != nil || index >= len(run.outcomes) {
		return
	}
	outcome := map[string]interface{}{"id": run.plan.Steps[index].Id}
	run.outcomes[index] = outcome
	if said.Result == nil {
		outcome["status"] = "failed"
		if why.Data.Skipped {
			outcome["status"] = "skipped"
		}
		outcome["error"] = said.Error
		return
	}
	outcome["status"] = "success"
	metrics := string(part(string(said.Result), "metrics", "{}"))
	for _, number := range []string{"rows_read", "rows_written", "rows_out", "duration_ms"} {
		outcome[number] = part(metrics, number, "0")
	}
}

// Until the worker is no more. Two goroutines move the bytes: a pipe is short, and a worker may be silent or deaf.
func (this *instance) run_worker(request *C.osiris_request, run *run) error {
	worker := exec.Command(borrow(request.worker_path))
	worker.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", "TZ=UTC", "LC_ALL=C"}
	input, err := worker.StdinPipe()
	if err != nil {
		return err
	}
	output, err := worker.StdoutPipe()
	if err != nil {
		return err
	}
	if err := worker.Start(); err != nil {
		return err
	}
	text := requests(request, run.plan)
	go input.Write(text)
	lines := make(chan []byte)
	go func() {
		for reader := bufio.NewReader(output); ; {
			line, err := reader.ReadBytes('\n')
			lines <- line
			if err != nil {
				close(lines)
				return
			}
		}
	}()
	for open := true; open; {
		if this.cancelled() || run.broken != "" {
			worker.Process.Kill()
		}
		select {
		case line, more := <-lines:
			open = more
			this.take(line, run)
		case <-time.After(50 * time.Millisecond):
		}
		if run.answered {
			input.Close() // the worker ends when its input does
		}
	}
	// Without its output it has 2 s.
	timer := time.AfterFunc(2*time.Second, func() { worker.Process.Kill() })
	defer timer.Stop()
	io.Copy(io.Discard, output)
	worker.Wait()
	return nil
}

func (this *instance) execute(request *C.osiris_request) *failure {
	run := run{total_rows: "0"}
	json.Unmarshal([]byte(borrow(request.manifest_json)), &run.plan)
	run.outcomes = make([]map[string]interface{}, len(run.plan.Steps))
	run.finished = len(run.plan.Steps) == 0
	if !run.finished {
		if err := this.run_worker(request, &run); err != nil {
			return &failure{C.OSIRIS_INTERNAL, "the worker: " + err.Error(), "is it installed?"}
		}
	}
	if this.cancelled() {
		return &failure{C.OSIRIS_CANCELLED, "cancelled", ""}
	}
	if run.broken != "" {
		return &failure{C.OSIRIS_INTERNAL, run.broken, ""}
	}
	entries := []map[string]interface{}{}
	for _, outcome := range run.outcomes {
		if outcome != nil {
			entries = append(entries, outcome)
		}
	}
	if run.first_failure == "" && (!run.finished || len(entries) < len(run.outcomes)) {
		return &failure{C.OSIRIS_INTERNAL, "the worker ended early", "see the log"}
	}
	status := "success"
	if run.first_failure != "" {
		status = "failed"
	}
	steps, _ := json.Marshal(entries)
	document := fmt.Sprintf(`{"schema":"osiris.result/1","status":"%s","steps":%s,"total_rows":%s}`, status, steps,
		run.total_rows)
	if why := this.deliver("result", document); why != nil {
		return why
	}
	if run.first_failure != "" {
		return &failure{C.OSIRIS_RUN_FAILED, run.first_failure, ""}
	}
	return nil
}
