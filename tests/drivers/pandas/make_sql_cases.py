"""Records what pandas writes for results of SQL: query -> df() -> columns sorted -> to_csv, with rules 1 and 2 of docs/compatibility.md
applied. Needs pandas 2.2.3, numpy 2.2.6, duckdb 1.4.4 from pip; not part of the build.
usage: make_sql_cases.py N SEED OUT.jsonl"""
import sys, json, random, datetime, warnings
import duckdb, pandas as pd
warnings.simplefilter("ignore")
N, SEED, OUT = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rnd = random.Random(SEED)
con = duckdb.connect(); con.execute("SET TimeZone='UTC'")
def ts(mid=False, frac=0):
    y = rnd.choice([1970,1969,2025,2024,1900,2200, rnd.randrange(1700,2200)])
    d = f"{y:04d}-{rnd.randrange(1,13):02d}-{rnd.randrange(1,29):02d}"
    if mid: return d
    t = f"{rnd.randrange(24):02d}:{rnd.randrange(60):02d}:{rnd.randrange(60):02d}"
    if frac and rnd.random() < .6: t += "." + f"{rnd.randrange(10**frac):0{frac}d}"
    return d + " " + t
def dbl():
    k = rnd.randrange(9)
    return [lambda: repr(rnd.uniform(-1e6,1e6)), lambda: f"{rnd.uniform(-1e3,1e3):.2f}", lambda: str(rnd.randrange(-10**6,10**6)), lambda: repr(rnd.uniform(-1,1)*10**rnd.randrange(-320,308)), lambda: "nan", lambda: rnd.choice(["inf","-inf"]), lambda: "-0.0", lambda: rnd.choice(["1e15","1e16","1e17","123456789012345678","0.0001","0.00001","1e22","1e21"]), lambda: repr(float(rnd.randrange(2**53)))][k]()
T = {
 "BOOLEAN": lambda: rnd.choice(["true","false"]),
 "TINYINT": lambda: str(rnd.randrange(-128,128)), "SMALLINT": lambda: str(rnd.randrange(-32768,32768)), "INTEGER": lambda: str(rnd.randrange(-2**31,2**31)), "BIGINT": lambda: str(rnd.choice([rnd.randrange(-2**63,2**63), 2**53+1, -2**63])),
 "UTINYINT": lambda: str(rnd.randrange(256)), "USMALLINT": lambda: str(rnd.randrange(65536)), "UINTEGER": lambda: str(rnd.randrange(2**32)), "UBIGINT": lambda: str(rnd.randrange(2**64)),
 "HUGEINT": lambda: str(rnd.randrange(-2**120,2**120)), "UHUGEINT": lambda: str(rnd.randrange(2**127)), "DECIMAL(12,2)": lambda: f"{rnd.randrange(-10**9,10**9)/100:.2f}", "DECIMAL(38,10)": lambda: f"{rnd.randrange(-10**9,10**9)}.{rnd.randrange(10**10):010d}", "DECIMAL(4,0)": lambda: str(rnd.randrange(10000)),
 "DOUBLE": dbl, "FLOAT": lambda: rnd.choice([dbl, lambda: f"{rnd.uniform(-1e3,1e3):.2f}", lambda: repr(rnd.uniform(0,1)*10**rnd.randrange(-44,38))])(),
 "VARCHAR": lambda: rnd.choice(["a","","x,y",'q"q',"l\nf"," s ","řeka","True","1","NULL",";","\t", "'", "\\", "\u0000z"[1:]]),
 "DATE": lambda: ts(True), "DATE ": lambda: rnd.choice([ts(True), "9999-12-31", "1000-01-01"]),
 "TIMESTAMP": lambda: ts(), "TIMESTAMP ": lambda: ts(True), "TIMESTAMP  ": lambda: ts(frac=6), "TIMESTAMP   ": lambda: ts(frac=3), "TIMESTAMP    ": lambda: ts(frac=1),
 "TIMESTAMP_S": lambda: ts(), "TIMESTAMP_S ": lambda: ts(True), "TIMESTAMP_MS": lambda: ts(frac=3), "TIMESTAMP_MS ": lambda: ts(True), "TIMESTAMP_NS": lambda: ts(frac=9), "TIMESTAMP_NS ": lambda: ts(frac=6), "TIMESTAMP_NS  ": lambda: ts(), "TIMESTAMP_NS   ": lambda: ts(True),
 "TIMESTAMPTZ": lambda: ts() + "+00", "TIMESTAMPTZ ": lambda: ts(True) + " 00:00:00+00", "TIMESTAMPTZ  ": lambda: ts(frac=6) + "+00",
 "TIME": lambda: ts().split()[1], "TIME ": lambda: ts(frac=6).split()[1],
 "UUID": lambda: "%032x" % rnd.randrange(2**128), "ENUM('a','b c','d,e')": lambda: rnd.choice(["a","b c","d,e"]),
}
made = 0
with open(OUT, "w") as f:
    while made < N:
        cols = rnd.randrange(1,5); rows = rnd.choice([0, 1, 2, 3, 5])
        types = [rnd.choice(list(T)) for _ in range(cols)]
        nullp = [rnd.choice([0,0,.3,1 if rnd.random()<.3 else .5]) for _ in types]
        names = rnd.sample(["b","a","Z","_x","é","A b","c,d","10","9"], cols)
        def lit(t, p):
            v = "NULL" if rnd.random() < p else "'" + T[t]().replace("'", "''") + "'"
            return f"CAST({v} AS {t.strip()})"
        body = " UNION ALL ".join("SELECT " + ", ".join([str(i) + " AS o"] + [lit(t,p) + f' AS "{n}"' for t,p,n in zip(types,nullp,names)]) for i in range(rows)) or "SELECT 0 AS o, " + ", ".join(lit(t,0) + f' AS "{n}"' for t,n in zip(types,names)) + " WHERE false"
        sql = "SELECT " + ", ".join(f'"{n}"' for n in names) + " FROM (" + body + ") ORDER BY o"
        out = {}
        # pandas quotes by what a value is in Python, which float32 and UUID are not
        if rnd.random() < .1 and not {t.strip() for t in types} & {"FLOAT", "UUID"}: out["quoting"] = rnd.choice(["all","nonnumeric"])
        if rnd.random() < .1: out["delimiter"] = rnd.choice([";",".",":","-"])
        try:
            df = con.execute(sql).df(); vals = con.execute(sql).fetchall()
        except Exception as e:
            print(type(e).__name__, str(e)[:100], file=sys.stderr); continue
        for i,(t,n) in enumerate(zip(types,names)):
            b = t.strip()
            if "INT" in b and "HUGE" not in b: df[n] = pd.Series([r[i] for r in vals], dtype=object)   # rule 1
            if "HUGE" in b or b.startswith("DECIMAL"): df[n] = pd.Series([r[i] if r[i] is not None else None for r in vals], dtype=object)  # rule 2
        df = df[sorted(df.columns)]
        import csv
        q = {"minimal": csv.QUOTE_MINIMAL, "all": csv.QUOTE_ALL, "nonnumeric": csv.QUOTE_NONNUMERIC}[out.get("quoting","minimal")]
        if out.get("quoting") == "nonnumeric" and any(t.startswith("DECIMAL") or "HUGE" in t for t in types): continue
        want = df.to_csv(index=False, sep=out.get("delimiter", ","), lineterminator="\n", quoting=q)
        f.write(json.dumps({"sql": sql, "write": out, "want": want}, ensure_ascii=False) + "\n"); made += 1
