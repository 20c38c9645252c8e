"""The kinds of mutants: each finds its sites in a file's tokens. A site is a range of tokens and what replaces them, with ORIGINAL
where the replaced text itself comes back."""
from typing import NamedTuple

from tokens import closing

ORIGINAL = "\0"
_JUMPS = ("return", "continue", "break", "throw")
_NO_STATEMENT = _JUMPS + ("using", "typedef", "goto", "case", "default", "else", "do", "delete", "namespace", "template", "static_assert",
                          "public", "private", "protected", "friend", "struct", "class", "enum", "extern", "if", "while", "for", "switch")


class Site(NamedTuple):
    kind: str
    first: int  # tokens [first, last)
    last: int
    replacement: str


def _one_line(tokens, first, last):
    return tokens[first].line == tokens[last - 1].line


def _is_spaced(source, token):
    """An operator between two values, not a bracket of a template, a pointer or a sign."""
    return source[token.start - 1:token.start] == " " and source[token.end:token.end + 1] in (" ", "\n")


def _swapped(kind, table):
    def find(source, tokens):
        for index, token in enumerate(tokens):
            if token.kind != "operator" or token.text not in table or not 0 < index < len(tokens) - 1:
                continue
            beside_a_text = "string" in (tokens[index - 1].kind, tokens[index + 1].kind)
            if _is_spaced(source, token) and not beside_a_text and tokens[index - 1].text not in ("operator", "return", ",", "("):
                yield Site(kind, index, index + 1, table[token.text])
    return find


def _negated_condition(source, tokens):
    for index, token in enumerate(tokens[:-1]):
        if token.text not in ("if", "while") or tokens[index + 1].text != "(":
            continue
        end = closing(tokens, index + 1)
        if end is None:
            continue
        first = index + 2
        for inner in range(first, end):
            if tokens[inner].text == ";":  # if (init; condition)
                first = inner + 1
        condition = [each.text for each in tokens[first:end]]
        if condition and "=" not in condition and _one_line(tokens, first, end):
            yield Site("negated condition", first, end, f"!({ORIGINAL})")


def _is_pure(tokens, index):
    """The 0 of a pure virtual function."""
    return tokens[index - 1].text == "=" and tokens[index + 1].text == ";" and tokens[index - 2].text in (")", "const", "override", "noexcept")


def _constant(source, tokens):
    for index, token in enumerate(tokens[:-1]):
        if token.text in ("true", "false") and token.kind == "word":
            yield Site("constant", index, index + 1, "false" if token.text == "true" else "true")
        elif token.kind == "number" and not _is_pure(tokens, index):
            digits = token.text.replace("'", "").rstrip("uUlLzZ")
            try:
                value = int(digits, 8 if digits.startswith("0") and digits.isdigit() and len(digits) > 1 else 0)
            except ValueError:
                continue  # a fraction
            yield Site("constant", index, index + 1, str(value + 1))


def _returned(source, tokens):
    for index, token in enumerate(tokens):
        if token.text != "return":
            continue
        end = next((i for i in range(index, len(tokens)) if tokens[i].text == ";"), None)
        value = [each.text for each in tokens[index + 1:end]] if end else []
        if not value or value in (["{", "}"], ["true"], ["false"]) or not _one_line(tokens, index, end):
            continue
        yield Site("returned value", index + 1, end, "{}")
        if value[0] != "{":
            yield Site("returned value", index + 1, end, f"!({ORIGINAL})")


def _statement_end(tokens, first):
    """The index after the `;` of the statement at `first`, if no block comes before it."""
    depth = 0
    for index in range(first, len(tokens)):
        text = tokens[index].text
        if text in "([{":
            depth += 1
        elif text in ")]}":
            depth -= 1
            if depth < 0:
                return None
        elif text == ";" and depth == 0:
            return index + 1
    return None


def _dropped_statement(source, tokens):
    for index in range(1, len(tokens) - 1):
        token = tokens[index]
        if tokens[index - 1].text not in (";", "{", "}", ")", "else") or token.kind != "word" and token.text not in ("*", "(", "++", "--", "::"):
            continue
        following = tokens[index + 1]
        if token.text in _NO_STATEMENT or following.kind == "word" and token.kind == "word":
            continue
        if tokens[index - 1].text == ")" and not _closes_a_condition(tokens, index - 1):
            continue
        end = _statement_end(tokens, index)
        if end is None or not _one_line(tokens, index, end):
            continue
        texts = [each.text for each in tokens[index:end]]
        if "(" in texts or any(text in ("=", "+=", "-=", "|=", "&=", "++", "--") for text in texts):
            yield Site("dropped statement", index, end, ";")


def _closes_a_condition(tokens, end):
    depth = 0
    for index in range(end, -1, -1):
        if tokens[index].text == ")":
            depth += 1
        elif tokens[index].text == "(":
            depth -= 1
            if depth == 0:
                return index > 0 and tokens[index - 1].text in ("if", "while", "for")
    return False


def _dropped_guard(source, tokens):
    """`if (...) return x;`, with or without braces, of at most three lines."""
    for index, token in enumerate(tokens[:-1]):
        if token.text != "if" or tokens[index + 1].text != "(" or tokens[index - 1].text == "else":
            continue
        end = closing(tokens, index + 1)
        if end is None or end + 1 >= len(tokens):
            continue
        braces = tokens[end + 1].text == "{"
        jump = end + 2 if braces else end + 1
        if jump >= len(tokens) or tokens[jump].text not in _JUMPS:
            continue
        last = _statement_end(tokens, jump)
        if last is None or last >= len(tokens) or braces and tokens[last].text != "}":
            continue
        last += braces
        if last < len(tokens) and tokens[last].text != "else" and tokens[last - 1].line - token.line <= 2:
            yield Site("removed early return", index, last, ";")


KINDS = {
    "negated condition": _negated_condition,
    "boundary": _swapped("boundary", {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}),
    "equality": _swapped("equality", {"==": "!=", "!=": "=="}),
    "and or": _swapped("and or", {"&&": "||", "||": "&&"}),
    "arithmetic": _swapped("arithmetic", {"+": "-", "-": "+", "*": "/", "/": "*", "+=": "-=", "-=": "+=", "|=": "&=", "&=": "|="}),
    "constant": _constant,
    "returned value": _returned,
    "dropped statement": _dropped_statement,
    "removed early return": _dropped_guard,
}


def sites(kind, source, tokens):
    return list(KINDS[kind](source, tokens))
