// The style of all pages: one column on a phone, light and dark as the reader's system is. Every colour of text has a
// contrast of 4.5 to its background at least; a status is told by a word and a sign too.
#pragma once

namespace osiris {

inline constexpr const char* kPageStyle = R"css(
:root{color-scheme:light dark;--bg:#fff;--soft:#f6f8fa;--fg:#1b1f24;--muted:#57606a;--edge:#d0d7de;--link:#0550ae;
--good:#116329;--bad:#a40e26;--warn:#7d4e00;--live:#0550ae;--idle:#57606a}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--soft:#161b22;--fg:#e6edf3;--muted:#9198a1;--edge:#30363d;
--link:#79c0ff;--good:#56d364;--bad:#ff7b72;--warn:#e3b341;--live:#79c0ff;--idle:#9198a1}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:75rem;padding:1rem;background:var(--bg);color:var(--fg);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI","DejaVu Sans",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.2rem 0 .5rem}h2{font-size:1.2rem;margin:0 0 .6rem}h3{font-size:1rem;margin:1rem 0 .4rem}
a{color:var(--link)}a:focus-visible,.scroll:focus-visible,summary:focus-visible{outline:2px solid var(--link);outline-offset:2px}
p{margin:.4rem 0}.muted,caption,footer{color:var(--muted)}footer{font-size:.85rem;margin-top:2rem}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1rem;list-style:none;margin:1rem 0;padding:.5rem 0;
border-block:1px solid var(--edge)}
section{margin:1.6rem 0}
code,pre,.code{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.9em}
pre{white-space:pre-wrap;margin:.3rem 0;padding:.5rem;background:var(--soft);border:1px solid var(--edge);border-radius:6px}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(9.5rem,45%),1fr));gap:.6rem;margin:.6rem 0}
.facts div{background:var(--soft);border:1px solid var(--edge);border-radius:6px;padding:.4rem .6rem}
dt{color:var(--muted);font-size:.85rem}dd{margin:0;font-weight:600}
.status{font-weight:600;white-space:nowrap}
.status.good{color:var(--good)}.status.bad{color:var(--bad)}.status.warn{color:var(--warn)}
.status.live{color:var(--live)}.status.idle{color:var(--idle)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
caption{text-align:left;font-size:.85rem;padding-bottom:.3rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--edge)}
th{overflow-wrap:normal}td{min-width:6rem;max-width:24rem;overflow-wrap:break-word}thead th{color:var(--muted);font-weight:600;white-space:nowrap}
tbody th{font-weight:600;min-width:7rem;max-width:20rem;overflow-wrap:break-word}
td.n{min-width:3rem}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.track{display:block;position:relative;min-width:9rem;height:.9rem;margin-top:.3rem;background:var(--soft);border-radius:3px}
.bar{position:absolute;top:0;bottom:0;border-radius:3px;background:var(--idle)}
.bar.good{background:var(--good)}.bar.bad{background:var(--bad)}.bar.warn{background:var(--warn)}.bar.live{background:var(--live)}
.notice{border:1px solid var(--edge);border-left:4px solid var(--warn);border-radius:6px;padding:.5rem .7rem;margin:.6rem 0;background:var(--soft)}
.notice.bad{border-left-color:var(--bad)}.notice p{margin:.2rem 0}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));gap:1rem}
.chart{margin:0}.chart svg{display:block;width:100%;height:7rem;background:var(--soft);border:1px solid var(--edge)}
.chart figcaption,.ends{display:flex;justify-content:space-between;font-size:.85rem;gap:1rem}
.ends{color:var(--muted)}.line{fill:none;stroke:var(--link);stroke-width:2;vector-effect:non-scaling-stroke}
.area{fill:var(--link);opacity:.18}
.bars rect.good{fill:var(--good)}.bars rect.bad{fill:var(--bad)}.bars rect.live{fill:var(--live)}
summary{cursor:pointer;color:var(--link)}
@media print{nav{display:none}.scroll{overflow:visible}}
)css";

}  // namespace osiris
