"""Records what pandas makes of random CSV files: read_csv -> columns sorted -> to_csv, with rules 1 and 3 of docs/compatibility.md applied.
Left out: what docs/drivers/csv.md says is done otherwise, and files of CR line ends, whose rows pandas 2.2.3 repeats or refuses.
Needs pandas 2.2.3 from pip; not part of the build.
With `formats` the files also have other quotes, escape characters, decimal commas and words for NULL (formats.jsonl).
usage: make_csv_cases.py N SEED OUT.jsonl [formats]"""
import sys, io, json, random, re, base64, math, warnings, os, tempfile
import pandas as pd, numpy as np
warnings.simplefilter("ignore")
N, SEED, OUT = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
FORMATS = sys.argv[4:] == ["formats"]
rnd = random.Random(SEED)
NULLS = ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
INT = re.compile(r"^\s*[+-]?[0-9]+\s*$")

def integer():
    k = rnd.randrange(12)
    if k < 6: return str(rnd.randrange(-1000, 1000))
    if k == 6: return str(rnd.choice([2**63-1, -2**63, 2**63, 2**64-1, 2**64, -2**63-1, 2**53+1, 0]))
    if k == 7: return "+" + str(rnd.randrange(1000))
    if k == 8: return "00" + str(rnd.randrange(1000))
    if k == 9: return " " + str(rnd.randrange(1000))
    if k == 10: return str(rnd.randrange(1000)) + " "
    return str(rnd.randrange(10**15))
def small(): return str(rnd.randrange(-1000, 1000))
def floating():
    k = rnd.randrange(14)
    if k < 6: return f"{rnd.uniform(-1000,1000):.{rnd.randrange(1,5)}f}"
    return [lambda: repr(rnd.uniform(-1e5,1e5)), lambda: f"{rnd.uniform(0,1):e}", lambda: f"{rnd.uniform(1,9)}E+{rnd.randrange(30)}", lambda: ".5", lambda: "5.", lambda: "inf",
            lambda: rnd.choice(["-inf","Infinity","-Infinity","+inf","INF","+Infinity"]), lambda: rnd.choice(["1e400","-1e400","1e-400","4.9e-324","1.7976931348623157e308","-0.0","0.1e-5", "1e16", "1e15", "123456789012345678.0"])][k-6]()
def boolean(): return rnd.choice(["True","False","true","false","TRUE","FALSE"])
def word():
    return rnd.choice(["a","b c","hello","řeka","日本","x,y","say \"hi\"","line\nbreak","it's","  lead","trail  ","tRue","1_000","0x1F","1e","--1","+-1","1.2.3","12:30","2025-01-02","nan ","Na","nULL","inf ity","#tag","a;b","tab\there","=1+1","T","F","yes","1,5","ＦＦ", "\u00a0", "x"*70, "e5", ".", "-", "+", "1 2", "-.5e-3", "$5"])
def date(): return rnd.choice(["2025-01-02","2025-1-2","1999-12-31","2025-01-02 03:04:05","2025-01-02T03:04:05","2025-01-02 03:04:05.123456"])
KINDS = [integer, small, floating, boolean, word, date, lambda: rnd.choice([integer, floating, boolean, word])(), lambda: rnd.choice([small, small, boolean])(), lambda: rnd.choice([small,floating])()]

QUOTE, ESCAPE, DECIMAL = '"', None, "."
def quote(s, delim, force):
    if not force and not any(c in s for c in (delim, QUOTE, "\n", "\r", ESCAPE or QUOTE)): return s
    if ESCAPE and rnd.random() < .5: return QUOTE + s.replace(ESCAPE, ESCAPE * 2).replace(QUOTE, ESCAPE + QUOTE) + QUOTE
    if ESCAPE: s = s.replace(ESCAPE, ESCAPE * 2)
    return QUOTE + s.replace(QUOTE, QUOTE * 2) + QUOTE

def choose_format(cfg):
    global QUOTE, ESCAPE, DECIMAL
    QUOTE, ESCAPE, DECIMAL = '"', None, "."
    if rnd.random() < .4: QUOTE = cfg["quotechar"] = "'"
    if rnd.random() < .5: ESCAPE = cfg["escapechar"] = "\\"
    if rnd.random() < .5: DECIMAL = cfg["decimal"] = ","
    if rnd.random() < .4: cfg["keep_default_na"] = False

def case():
    delim = rnd.choice([",",",",",",",",";","\t","|"," "]) if rnd.random() < .8 else ","
    cols = rnd.randrange(1, 6) if rnd.random() < .85 else 1
    rows = rnd.choice([0, 1, 2, 3, 5, 8])
    cfg = {}
    if delim != ",": cfg["delimiter"] = delim
    if FORMATS: choose_format(cfg)
    names = rnd.sample(["id","name","x","Amount","b c","řeka","z,9","flag","col_1","Q\"q","1"], cols)
    if rnd.random() < .08 and cols > 1: names[1] = names[0]
    if rnd.random() < .05 and cols > 1: names[rnd.randrange(cols)] = ""
    header = True
    r = rnd.random()
    if r < .12: header = False; cfg["header"] = False
    eol = rnd.choice(["\n","\n","\n","\r\n"])
    kinds = [rnd.choice(KINDS) for _ in range(cols)]
    nullp = [rnd.choice([0,0,.15,.5,1.0 if rnd.random()<.2 else .3]) for _ in range(cols)]
    lines = []
    pre = 0
    if rnd.random() < .1:
        pre = rnd.randrange(1,3); cfg["skip_rows"] = pre
        for _ in range(pre): lines.append(rnd.choice(["# export", "junk,1,2,3,4,5,6,7,8", "x"]))
    if rnd.random() < .06 and header:
        cfg["header"] = 1; lines.append(delim.join(quote(n, delim, False) for n in rnd.sample(["p","q","r","s","t"], cols)))
    if header: lines.append(delim.join(quote(n, delim, rnd.random()<.1) for n in names))
    for _ in range(rows):
        if rnd.random() < .03: lines.append(rnd.choice(["", "  ", " \t"]) if rnd.random()<.7 else "")
        if rnd.random() < .02: lines.append("# a comment" )
        fields = []
        for k, p in zip(kinds, nullp):
            v = rnd.choice(NULLS) if rnd.random() < p else k()
            if k is floating and DECIMAL != ".": v = v.replace(".", DECIMAL)
            fields.append(quote(v, delim, rnd.random() < .08))
        if rnd.random() < .03: fields = fields[:rnd.randrange(1, cols+1)]
        if rnd.random() < .015: fields.append("extra")
        line = delim.join(fields)
        if rnd.random() < .04: line += " # remark" if rnd.random()<.5 else "#x"
        lines.append(line)
    text = eol.join(lines)
    if lines and rnd.random() < .85: text += eol
    # raw mutations
    if rnd.random() < .18 and text:
        for _ in range(rnd.randrange(1,4)):
            i = rnd.randrange(len(text)+1)
            marks = ['"', '""', ' "', '" ', "\n", "\r\n", delim, " ", "\t", "#", "\n\n", '"\n', delim*2]
            if FORMATS: marks = [m.replace('"', QUOTE) for m in marks] + [ESCAPE or QUOTE] * 4
            text = text[:i] + rnd.choice(marks) + text[i + rnd.randrange(0,2):]
    if rnd.random() < .15: cfg["comment"] = "#"
    if rnd.random() < .1: cfg["skip_blank_lines"] = False
    if rnd.random() < .1: cfg["limit"] = rnd.randrange(1, 6)
    if rnd.random() < .12: cfg["na_values"] = rnd.choice([["-"],["x","y"],["0"],["a", "1.0"],[5],["hello"], ["99"]])
    if rnd.random() < .05: cfg["on_bad_lines"] = rnd.choice(["skip","warn"])
    if rnd.random() < .12 and header and len(set(names)) == cols and "" not in names:
        cfg["columns"] = rnd.sample(names, rnd.randrange(1, cols+1))
    enc = "utf-8"
    data = None
    r = rnd.random()
    if r < .05: enc = "utf-16"
    elif r < .1: enc = rnd.choice(["latin-1","iso-8859-1"])
    elif r < .12: enc = "ascii"
    try: data = text.encode(enc)
    except UnicodeEncodeError: enc = "utf-8"; data = text.encode(enc)
    if enc != "utf-8": cfg["encoding"] = enc
    elif rnd.random() < .05: data = b"\xef\xbb\xbf" + data
    out = {}
    if rnd.random() < .1: out["delimiter"] = rnd.choice([";","\t","|"])
    if rnd.random() < .1: out["newline"] = "crlf"
    if rnd.random() < .08: out["header"] = False
    if rnd.random() < .05: out["quoting"] = rnd.choice(["all","nonnumeric"])
    return data, cfg, out

def read(data, cfg, **more):
    kw = dict(sep=cfg.get("delimiter", ","), encoding=cfg.get("encoding","utf-8"), skip_blank_lines=cfg.get("skip_blank_lines", True))
    h = cfg.get("header", True)
    kw["header"] = 0 if h is True else None if h is False else h
    if "skip_rows" in cfg: kw["skiprows"] = cfg["skip_rows"]
    if "limit" in cfg: kw["nrows"] = cfg["limit"]
    if "na_values" in cfg: kw["na_values"] = cfg["na_values"]
    if "comment" in cfg: kw["comment"] = cfg["comment"]
    for key in ("quotechar", "escapechar", "decimal", "keep_default_na"):
        if key in cfg: kw[key] = cfg[key]
    kw["on_bad_lines"] = cfg.get("on_bad_lines", "error")
    if "parse_dates" in cfg: kw["parse_dates"] = cfg["parse_dates"]
    if "dtype" in cfg: kw["dtype"] = cfg["dtype"]
    kw.update(more)
    df = pd.read_csv(io.BytesIO(data), **kw)
    if "columns" in cfg: df = df[cfg["columns"]]
    return df

def trailing(data, cfg):
    """pandas refuses, or takes for an index, what is forgiven here: one null field too many"""
    import csv
    text = data.decode(cfg.get("encoding", "utf-8"), "replace")
    rows = [r for r in csv.reader(io.StringIO(text), delimiter=cfg.get("delimiter", ","), quotechar=QUOTE, escapechar=ESCAPE)]
    nulls = (set(NULLS) if cfg.get("keep_default_na", True) else {""}) | {str(x) for x in cfg.get("na_values", [])}
    return any(r and r[-1].split("#")[0].strip() in nulls for r in rows)

def has_empty_text(data, cfg, df):
    """or empty fields: to pandas one that is not there is empty text, here it is NULL"""
    return bool((read(data, cfg, dtype=str) == "").any(axis=None))

def apply_rules(df, raw):
    """rule 1 and 3 on columns read as float"""
    df = df.copy()
    for i, c in enumerate(df.columns):
        s = df.iloc[:, i]
        if s.dtype == object and any(isinstance(t, str) and INT.match(t) and abs(int(t)) >= 2**63 for t in s):
            df[c] = raw.iloc[:, i]; s = df[c]
            tokens = [t for t in s if isinstance(t, str)]
            if tokens and all(INT.match(t) for t in tokens) and all(0 <= int(t) < 2**64 for t in tokens):
                df[c] = pd.Series([None if not isinstance(t, str) else int(t) for t in s], dtype=object, index=df.index)
            continue
        if str(s.dtype) != "float64": continue
        tokens = [t for t in raw.iloc[:, i] if isinstance(t, str)]
        nulls = [not isinstance(t, str) for t in raw.iloc[:, i]]
        if tokens and all(INT.match(t) for t in tokens):
            vals = [int(t) for t in tokens]
            if all(-2**63 <= v < 2**63 for v in vals) or all(0 <= v < 2**64 for v in vals):
                df[c] = pd.Series([None if not isinstance(t,str) else int(t) for t in raw.iloc[:, i]], dtype=object, index=df.index)
                continue
        try: df[c] = pd.Series([float("nan") if not isinstance(t,str) else float(t.strip().replace("Infinity","inf").replace(DECIMAL, ".")) for t in raw.iloc[:, i]], dtype="float64", index=df.index)
        except (ValueError, OverflowError): pass
    return df

def expected(data, cfg, out):
    try: df = read(data, cfg)
    except pd.errors.EmptyDataError: return "EMPTY"
    except Exception as e:
        if "Buffer overflow" in str(e): return None
        if "Expected" in str(e) and trailing(data, cfg): return None
        return {"error": f"{type(e).__name__}: {e}"[:160]}
    if not isinstance(df.index, pd.RangeIndex): return None
    if not cfg.get("keep_default_na", True) and has_empty_text(data, cfg, df): return None
    df.columns = [str(c) for c in df.columns]
    low = [c.lower() for c in df.columns]
    if len(set(low)) != len(low): return None
    # the second reading for the rules must see the same cells
    raw = read(data, cfg, dtype=str)
    raw.columns = df.columns
    df = apply_rules(df, raw)
    df = df[sorted(df.columns)]
    import csv
    q = {"minimal": csv.QUOTE_MINIMAL, "all": csv.QUOTE_ALL, "nonnumeric": csv.QUOTE_NONNUMERIC}[out.get("quoting","minimal")]
    s = df.to_csv(index=False, sep=out.get("delimiter", ","), header=out.get("header", True), lineterminator="\r\n" if out.get("newline")=="crlf" else "\n", quoting=q)
    if any("\r" in str(v) for col in df.columns for v in df[col]) or any("\r" in c for c in df.columns): return None
    return {"csv": s}

made = 0
with open(OUT, "w") as f:
    while made < N:
        data, cfg, out = case()
        try: want = expected(data, cfg, out)
        except Exception as e:
            print("generator:", type(e).__name__, e, file=sys.stderr); continue
        if want is None: continue
        if want == "EMPTY": continue
        row = {}
        try: row["text"] = data.decode("utf-8"); assert "encoding" not in cfg
        except Exception: row = {"hex": data.hex()}
        row.update(extract=cfg, write=out, want=want["csv"] if "csv" in want else want)
        f.write(json.dumps(row, ensure_ascii=False) + "\n")
        made += 1
