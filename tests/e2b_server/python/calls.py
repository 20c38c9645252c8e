"""The calls of the SDK: what the tests have to show, and what is left out with its reason. A method of the SDK that is in
neither makes coverage.py fail, so a newer SDK cannot bring one unnoticed."""

import os

import e2b
import e2b.sandbox_async.commands.command
import e2b.sandbox_async.commands.pty
import e2b.sandbox_async.filesystem.filesystem
import e2b.sandbox_sync.commands.command
import e2b.sandbox_sync.commands.pty
import e2b.sandbox_sync.filesystem.filesystem

IS_SYNC = os.environ["OSIRIS_E2B_PYTHON"] == "sync"
_parts = e2b.sandbox_sync if IS_SYNC else e2b.sandbox_async

CLASSES = {
    "Sandbox": e2b.Sandbox if IS_SYNC else e2b.AsyncSandbox,
    "files": _parts.filesystem.filesystem.Filesystem,
    "commands": _parts.commands.command.Commands,
    "pty": _parts.commands.pty.Pty,
    "handle": e2b.CommandHandle if IS_SYNC else e2b.AsyncCommandHandle,
    "watch": e2b.WatchHandle if IS_SYNC else e2b.AsyncWatchHandle,
    "Template": e2b.Template if IS_SYNC else e2b.AsyncTemplate,
}

WANTED = {
    "Sandbox": "create connect list kill get_info get_metrics set_timeout update_network pause beta_pause create_snapshot "
    "list_snapshots delete_snapshot fork is_running download_url upload_url",
    "files": "read write write_files list exists get_info rename remove make_dir watch_dir",
    "commands": "run list kill send_stdin stream_input close_stdin connect",
    "pty": "create connect send_stdin stream_input resize kill",
    "handle": "wait kill send_stdin close_stdin",
    "watch": "get_new_events stop" if IS_SYNC else "",
    "Template": "build build_in_background get_build_status exists alias_exists assign_tags get_tags remove_tags",
}
WANTED = {label: names.split() for label, names in WANTED.items()}

LEFT_OUT = {
    "Sandbox": ("get_host get_mcp_url get_mcp_token", "computed by the client"),
    "handle": ("disconnect", "closes a connection: nothing can be refused"),
    "watch": ("" if IS_SYNC else "stop", "closes a connection: nothing can be refused"),
    "Template": (
        "from_alpine_image from_arch_image from_aws_registry from_base_image from_bun_image from_debian_image from_dockerfile "
        "from_fedora_image from_gcp_registry from_image from_node_image from_python_image from_template from_ubuntu_image "
        "skip_cache to_dockerfile to_json",
        "computed by the client",
    ),
}
ABSENT = "sandbox.git: git by commands.run; Volume, Secret, mcp: the server has none"
