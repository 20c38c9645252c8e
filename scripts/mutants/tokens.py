"""C++ as a list of tokens, for finding places to change and for finding them again after the code has moved."""
import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<preprocessor>^[ \t]*\#(?:[^\\\n]|\\.)*)
  | (?P<space>\n|[^\S\n]+)
  | (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<string>(?:u8|u|U|L)?R"(?P<fence>[^()\\\s]{0,16})\(.*?\)(?P=fence)"|(?:u8|u|U|L)?"(?:[^"\\\n]|\\.)*")
  | (?P<character>'(?:[^'\\\n]|\\.)+')
  | (?P<number>\.?\d(?:[eEpP][+-]|'(?=\w)|[\w.])*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<operator><<=|>>=|<=>|->\*|\.\.\.|::|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)""",
    re.VERBOSE | re.DOTALL | re.MULTILINE)


class Token(NamedTuple):
    kind: str   # "string", "character", "number", "word", "operator"
    text: str
    start: int  # offsets into the source
    end: int
    line: int   # from 1


def tokenize(source):
    """Every token but spaces, comments and preprocessor lines."""
    tokens, line, counted = [], 1, 0
    for match in _TOKEN.finditer(source):
        line += source.count("\n", counted, match.start())
        counted = match.start()
        kind = "string" if match.lastgroup == "fence" else match.lastgroup
        if kind not in ("preprocessor", "space", "comment"):
            tokens.append(Token(kind, match.group(), match.start(), match.end(), line))
    return tokens


_CLOSING = {"(": ")", "[": "]", "{": "}"}


def closing(tokens, opening):
    """The index of the bracket that closes the one at `opening`, or None."""
    depth, inner, outer = 0, tokens[opening].text, _CLOSING[tokens[opening].text]
    for index in range(opening, len(tokens)):
        if tokens[index].text == inner:
            depth += 1
        elif tokens[index].text == outer:
            depth -= 1
            if depth == 0:
                return index
    return None
