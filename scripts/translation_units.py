"""Which C++ files can be compiled as one translation unit: the time that a compiler takes goes for the greater part into headers that all of
them include.

  translation_units.py DIRECTORY ROOT FILE...

writes units of some of the files each into DIRECTORY, where they differ from what is there, and prints what is to be compiled, a line each.
Paths of FILE are from ROOT, which must be on the include path: a unit names no place on this machine."""
import os
import re
import sys

sys.dont_write_bytecode = True  # the checkout stays as it is

FILES_MAX = 8  # of a unit: a change of one compiles all of them again
OWN_NAME = re.compile(r"^(?:template <.*> )?(?:struct|class|enum class|enum|using)\s+(\w+)|^[\w:<>,&*\s\[\]\"]*?\b(\w+)(?:\(|\[\]| = |\{| \{|;)")
SAME_EVERYWHERE = re.compile(r"namespace \w+ = |using (namespace )?(::)?\w+::")
BORROWED_NAME = re.compile(r"^using (?:::)?(?:\w+::)+(\w+);", re.M)
TYPE = re.compile(r"\b[A-Z]\w*[a-z]\w*\b")
TEST_CASE = re.compile(r"(TYPED_)?TEST(_[FP])?$|INSTANTIATE_|static_assert$")
MACRO = re.compile(r"^#\s*define\s+(\w+)")


def own_names(text):
    """The names at the left margin of the unnamed namespaces of `text`, of its macros and its static functions: what another file may use for
    something else."""
    names, inside = set(), False
    for line in text.split("\n"):
        if line.startswith("namespace {"):
            inside = True
        elif line.startswith("}  // namespace"):
            inside = False
        elif macro := MACRO.match(line):
            names.add(macro[1])
        elif SAME_EVERYWHERE.match(line):
            continue
        elif (inside or line.startswith("static ")) and line[:1].isalpha() and (found := OWN_NAME.match(line)):
            names.add(found[1] or found[2])
    return {name for name in names if not TEST_CASE.match(name)}


class Names:
    """Of one file or of several in one unit: its own, and those that it takes for something else, which may be another file's own."""

    def __init__(self, text):
        self.own = own_names(text)
        borrowed = set(BORROWED_NAME.findall(text))
        self.foreign = borrowed | (set(TYPE.findall(text)) - self.own)

    def clash(self, other):
        return self.own & (other.own | other.foreign) or self.foreign & other.own

    def join(self, other):
        self.own |= other.own
        self.foreign |= other.foreign


def parted(files, texts, files_max=None):
    """`files` in as few lists as the names in them allow, of at most `files_max` each, in order."""
    groups = []
    for file in files:
        names = Names(texts[file])
        for group, taken in groups:
            if not names.clash(taken) and (files_max is None or len(group) < files_max):
                group.append(file)
                taken.join(names)
                break
        else:
            groups.append(([file], names))
    return [group for group, _ in groups]


def units(directory, root, files):
    """The files to compile; those of a unit are written."""
    texts = {}
    for file in files:
        with open(os.path.join(root, file), encoding="utf-8") as source:
            texts[file] = source.read()
    compiled = []
    for number, group in enumerate(parted(files, texts, FILES_MAX)):
        if len(group) == 1:
            compiled.append(os.path.join(root, group[0]))
            continue
        path = os.path.join(directory, f"unit_{number}.cc")
        text = "".join(f'#include "{file}"\n' for file in group)
        compiled.append(path)
        try:
            with open(path, encoding="utf-8") as unit:
                if unit.read() == text:
                    continue
        except FileNotFoundError:
            os.makedirs(directory, exist_ok=True)
        with open(path, "w", encoding="utf-8") as unit:
            unit.write(text)
    return compiled


if __name__ == "__main__":
    print("\n".join(units(sys.argv[1], sys.argv[2], sys.argv[3:])))
