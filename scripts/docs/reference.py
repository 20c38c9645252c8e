"""The pages that the program writes of itself: each command as --help has it, each component as its spec has it."""
import json
import re
import subprocess


def said(osiris, *words):
    done = subprocess.run([str(osiris), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"docs: osiris {' '.join(words)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def subcommands(text):
    """The names in a help page's list of commands, each with its sentence."""
    listed = re.search(r"^(?:Subc|C)ommands:\n((?:  .*\n?|\n)+)", text, re.MULTILINE)
    return re.findall(r"^  ([a-z][a-z0-9-]*) +(\S.*)$", listed[1], re.MULTILINE) if listed else []


def commands(osiris, words=()):
    """(words, help) of a command and all below it, depth first."""
    text = said(osiris, *words, "--help")
    yield words, text
    for name, _ in subcommands(text):
        yield from commands(osiris, (*words, name))


def command_pages(osiris):
    pages, index = {}, ["# Commands", "", "As `osiris help COMMAND` prints them; [the command line](../docs/cli.md) explains.", ""]
    for words, text in commands(osiris):
        name = " ".join(["osiris", *words])
        page = "-".join(["osiris", *words])
        pages[f"reference/command/{page}.md"] = f"# {name}\n\n```text\n{text.rstrip()}\n```\n"
        index.append(f"- [{name}](command/{page}.md)")
    pages["reference/commands.md"] = "\n".join(index) + "\n"
    return pages


def cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def value(of):
    return "`" + cell(json.dumps(of, ensure_ascii=False)) + "`"


def key_row(name, schema, required):
    kinds = schema.get("type", "")
    kinds = " or ".join(kinds) if isinstance(kinds, list) else kinds
    if "enum" in schema:
        kinds = ", ".join(value(each) for each in schema["enum"])
    default = "required" if name in required else value(schema["default"]) if "default" in schema else "–"
    return f"| `{name}` | {kinds} | {default} | {cell(schema.get('description', ''))} |"


def component_page(name, spec):
    schema = spec.get("configSchema", {})
    lines = [f"# {name}", "", cell(spec.get("description", "")), "", "| key | takes | default | |", "|---|---|---|---|"]
    lines += [key_row(key, of, schema.get("required", [])) for key, of in schema.get("properties", {}).items()]
    for example in spec.get("examples", []):
        config = json.dumps(example.get("config", {}), indent=2, ensure_ascii=False)
        lines += ["", example.get("title", "Example") + ":", "", "```json", config, "```"]
    return "\n".join(lines) + "\n"


def component_pages(osiris):
    pages, index = {}, ["# Components", "", "Their specs; [drivers](../docs/drivers/README.md) explains them.", ""]
    for component in json.loads(said(osiris, "components", "list", "--json")):
        name = component["name"]
        pages[f"reference/component/{name}.md"] = component_page(name, json.loads(said(osiris, "components", "show", name, "--json")))
        index.append(f"- [{name}](component/{name}.md)")
    pages["reference/components.md"] = "\n".join(index) + "\n"
    return pages


def pages(osiris):
    """Pages by their paths."""
    return {**command_pages(osiris), **component_pages(osiris)}
