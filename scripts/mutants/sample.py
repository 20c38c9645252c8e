"""The sample: which mutants are drawn, from a commit and a seed, and where each of them is in today's tree.

A draw is fixed by the commit, the seed and the folder, so that tests written later cannot choose their mutants. The code may have moved
since: a mutant is found again by the tokens around it. One whose code is gone is passed over, and the next draw takes its place."""
import hashlib
import io
import random
import subprocess
import tarfile
from typing import NamedTuple

from kinds import KINDS, ORIGINAL, sites
from tokens import tokenize

_ENDINGS = (".cc", ".c", ".h", ".hpp")
_CONTEXT = 40   # tokens looked at on each side
_NEEDED = 12    # tokens on both sides together that must agree
_NEAREST = 2    # and that many on each side


class Mutant(NamedTuple):
    id: str
    folder: str       # of the sample
    path: str         # at the sample's commit
    line: int         # there
    kind: str
    before: tuple     # texts of the tokens around and in the site
    site: tuple
    after: tuple
    replacement: str

    def shown(self):
        return f"{' '.join(self.site)}  ->  {self.replacement.replace(ORIGINAL, '...')}"


class Place(NamedTuple):
    path: str
    start: int  # offsets
    end: int
    line: int


def is_product(path, folder):
    parts = path.split("/")
    return path.startswith(folder["path"]) and path.endswith(_ENDINGS) and not any(part in folder.get("without", []) for part in parts)


class Commit:
    """A commit's tree, read through git in one piece."""

    def __init__(self, repository, commit):
        self.commit = commit
        done = subprocess.run(["git", "-C", repository, "archive", "--format=tar", commit], check=True, capture_output=True)
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tree:
            self._files = {member.name: tree.extractfile(member).read() for member in tree if member.isfile()}

    def paths(self):
        return list(self._files)

    def read(self, path):
        return self._files[path].decode("utf-8", "surrogateescape")


def _mutant(folder, path, tokens, site):
    key = f"{path}\0{tokens[site.first].start}\0{tokens[site.last - 1].end}\0{site.kind}\0{site.replacement}"
    texts = [token.text for token in tokens]
    return Mutant(hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:10], folder["name"], path, tokens[site.first].line, site.kind,
                  tuple(texts[max(0, site.first - _CONTEXT):site.first]), tuple(texts[site.first:site.last]),
                  tuple(texts[site.last:site.last + _CONTEXT]), site.replacement)


def draws(commit, seed, folder):
    """Every mutant of a folder in the order in which they are drawn: kinds with equal chances, at most one mutant of a line."""
    by_kind = {kind: [] for kind in KINDS}
    for path in sorted(path for path in commit.paths() if is_product(path, folder)):
        source = commit.read(path)
        tokens = tokenize(source)
        for kind in KINDS:
            by_kind[kind] += [(path, tokens, site) for site in sites(kind, source, tokens)]
    chance = random.Random(f"{commit.commit}:{seed}:{folder['name']}")
    for found in by_kind.values():
        chance.shuffle(found)
    taken = set()
    while any(by_kind.values()):
        path, tokens, site = by_kind[chance.choice([kind for kind in KINDS if by_kind[kind]])].pop()
        line = (path, tokens[site.first].line)
        if line not in taken:
            taken.add(line)
            yield _mutant(folder, path, tokens, site)


def _agreeing(ours, theirs):
    count = 0
    for a, b in zip(ours, theirs):
        if a != b:
            break
        count += 1
    return count


class Tree:
    """Today's product files, where mutants of an older commit are looked for. `files`: path -> text."""

    def __init__(self, files):
        self.files = files
        self._tokens = {path: tokenize(text) for path, text in files.items()}
        self._starts, self._found = {}, {}
        for path, tokens in self._tokens.items():
            for index, token in enumerate(tokens):
                self._starts.setdefault(token.text, []).append((path, index))

    def find(self, mutant):
        """The one place that agrees best with the mutant's surroundings; None when there is none, or more than one."""
        if mutant.id not in self._found:
            self._found[mutant.id] = self._find(mutant)
        return self._found[mutant.id]

    def _find(self, mutant):
        best, best_places = (0, False), []
        for path, first in self._starts.get(mutant.site[0], []):
            tokens = self._tokens[path]
            last = first + len(mutant.site)
            if tuple(token.text for token in tokens[first:last]) != mutant.site:
                continue
            before = _agreeing(reversed(mutant.before), (token.text for token in reversed(tokens[max(0, first - _CONTEXT):first])))
            after = _agreeing(mutant.after, (token.text for token in tokens[last:last + _CONTEXT]))
            nearest_agree = before >= min(_NEAREST, len(mutant.before)) and after >= min(_NEAREST, len(mutant.after))
            if not nearest_agree or before + after < min(_NEEDED, len(mutant.before) + len(mutant.after)):
                continue
            rank = (before + after, path == mutant.path)
            if rank > best:
                best, best_places = rank, []
            if rank == best:
                best_places.append(Place(path, tokens[first].start, tokens[last - 1].end, tokens[first].line))
        return best_places[0] if len(best_places) == 1 else None

    def mutated(self, mutant, place):
        """The file's text with the mutant in it."""
        source = self.files[place.path]
        replacement = mutant.replacement.replace(ORIGINAL, source[place.start:place.end])
        return source[:place.start] + replacement + source[place.end:]
