#!/usr/bin/python3
"""A worker that speaks the protocol well until its outputs are due. It runs no step: every step it is asked for "writes" hello at the
path @PATH@. What it does wrong is @SIN@:

  none            nothing: the file is written, said, declared and, where asked for, packed
  no_output       says nothing of any output
  pack_empty      packs no files
  pack_unreadable names a packed file by half a character
  pack_never      says nothing more once it is asked to pack, and writes a heartbeat ten times a second
"""
import hashlib, json, os, select, subprocess, sys, time

SIN = "@SIN@"
HELLO = json.loads(r'''@HELLO@''')
PATH = "@PATH@"
TEXT = b"hello"
seq, heartbeats, pending = 0, False, b""


def write(line):
    os.write(1, line.encode() + b"\n")


def put(record):
    global seq
    seq += 1
    write(json.dumps({**record, "seq": seq, "time_ns": time.time_ns()}))


def answer(request, result):
    put({"id": request["id"], "result": result})


def event(name, **fields):
    put({"type": "event", "data": {"event": name, **fields}})


def heartbeat():
    write(json.dumps({"type": "heartbeat", "time_ns": time.time_ns(),
                      "data": {"last_seq": seq, "rss_bytes": 1, "cpu_ms": 1, "spill_bytes": 0, "steps": []}}))


def mapped(path, prepare):
    """Where the plan's path lies on this machine: it ends as the output of some entry of the path map does."""
    for entry in prepare.get("path_map", []):
        if entry["from"].endswith("/" + path):
            return entry["to"]
    return os.path.join(prepare["work_dir"], path)


def digest(data):
    return {"size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


artifacts, prepare, packed = [], {}, 0
write(json.dumps({**HELLO, "pid": os.getpid()}))
while True:
    if heartbeats and not select.select([0], [], [], 0.1)[0]:
        heartbeat()
        continue
    block = os.read(0, 1 << 20)
    if not block:
        sys.exit(0)
    pending += block
    while b"\n" in pending:
        line, pending = pending.split(b"\n", 1)
        if not line.strip():
            continue
        request = json.loads(line)
        method, params = request["method"], request["params"]
        if method == "prepare":
            prepare = params
            answer(request, {"status": "ready"})
        elif method == "execute_step":
            step = params["step_id"]
            event("step_start", step_id=step, driver="mock")
            if SIN != "no_output":
                target = mapped(PATH, prepare)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "wb") as file:
                    file.write(TEXT)
                event("output_written", step_id=step, path=PATH, rows=1, **digest(TEXT))
                artifacts.append({"path": PATH, "target": target, "step_id": step, **digest(TEXT)})
            event("step_complete", step_id=step, driver="mock", rows_processed=1, duration_ms=1)
            answer(request, {"status": "success", "step_id": step, "outputs": {}, "artifacts": artifacts,
                             "metrics": {"rows_read": 1, "rows_written": 1, "rows_out": 0, "duration_ms": 1}})
        elif method == "finish":
            answer(request, {"status": "finished", "steps_executed": 1, "steps_completed": 1, "steps_total": 1, "total_rows": 1,
                             "artifacts": artifacts})
        elif method == "pack":
            heartbeats = True
            result = {"status": "packed", "path": params["path"], "size_bytes": 0, "files": []}
            if SIN in ("none", "no_output"):
                names = []
                for number, artifact in enumerate(artifacts, 1):
                    result["files"].append({"number": number, "kind": "output", "step_id": artifact["step_id"], "path": artifact["path"], **digest(TEXT)})
                    link = os.path.join(os.path.dirname(params["path"]), str(number))
                    os.symlink(artifact["target"], link)
                    names.append(str(number))
                subprocess.run(["tar", "--dereference", "--zstd", "-cf", params["path"], "-C", os.path.dirname(params["path"])] + (names or ["-T", "/dev/null"]), check=True)
            if SIN == "pack_never":
                continue
            if SIN == "pack_unreadable":
                seq += 1
                result["files"].append({"number": 1, "kind": "session", "path": "artifacts/@", **digest(TEXT)})
                packed = json.dumps({"id": request["id"], "result": result, "seq": seq, "time_ns": 1}).replace("artifacts/@", "artifacts/\\ud800")
                write(packed)
                continue
            answer(request, result)
        elif method == "replay":
            write(json.dumps({"id": request["id"], "result": {"status": "replaying", "last_seq": seq}}))
            if packed:
                write(packed)
            heartbeat()
        elif method == "cancel":
            write(json.dumps({"id": request["id"], "result": {"status": "cancelling"}}))
        elif method == "shutdown":
            write(json.dumps({"id": request["id"], "result": {"status": "bye"}}))
            sys.exit(0)
