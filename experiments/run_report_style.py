"""Style sheet of a report of runs."""

from segue.experiments.report_style import BASE

STYLE = (
    BASE
    + """
h2{font-size:1.45rem;margin:2.2em 0 .5em;padding-top:.5em;border-top:1px solid var(--line);
overflow-wrap:anywhere}
h3{font-size:1.15rem;margin:2em 0 .6em}
h4{font-size:1rem;margin:1.8em 0 .5em;overflow-wrap:anywhere}
h5{font-size:.95rem;margin:0 0 .5em}
h2 code,h4 code{font-size:.92em}
p,li{overflow-wrap:anywhere}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:4px 20px;padding:0;margin:0 0 1.2em}
nav a{display:inline-block;padding:4px 0}
.wide{overflow-x:auto;max-width:100%;margin:0 0 1em}
.wide:focus-visible{outline:2px solid var(--mark);outline-offset:2px}
.wide table{width:auto;min-width:min(100%,640px)}
.wide caption span{display:block;position:sticky;left:0;max-width:min(46em,calc(100vw - 40px))}
.wide td,.wide th{padding:7px 18px 7px 0;vertical-align:baseline}
.wide .number{text-align:right;white-space:nowrap}
.wide .name{min-width:8.5em;max-width:26em}
.wide .base th,.wide .base td{color:var(--soft);font-weight:400}
.wide .differs td{background:rgb(var(--earn)/.1)}
.wide .differs th::after{content:" \\2190";color:var(--mark)}
.swatch{display:inline-block;width:.7em;height:.7em;border-radius:2px;margin-right:.5em}
.alert{border:1px solid var(--mark);border-left-width:5px;border-radius:6px;padding:2px 16px;
margin:1.4em 0}
.alert ul{padding-left:1.1em}
.alert h2,.alert h3{border:0;margin:.5em 0 .2em;padding:0;font-size:1.05rem}
.kind{display:inline-block;font-size:.76rem;line-height:1.5;border:1px solid var(--mark);
color:var(--mark);border-radius:4px;padding:0 6px;margin-right:6px}
h5 .kind,h5 .tag{font-weight:400;margin:0 0 0 8px;vertical-align:.1em}
.card{display:grid;gap:10px 22px;padding:16px 0 20px;border-top:1px solid var(--line)}
.card>*{min-width:0}
@media (min-width:960px){.card{grid-template-columns:minmax(0,1fr) 330px}
.card.bare{grid-template-columns:minmax(0,1fr)}}
.card img{border-radius:6px}
.card .score img{background:#fff;padding:4px}
.made audio{margin-top:10px}
@media (max-width:700px){.wide td,.wide th{padding-right:12px}
.scroll{overflow-x:auto}.scroll img{max-width:none;width:620px}}
details{margin:.6em 0}
summary{cursor:pointer;padding:3px 0;color:var(--ink)}
summary:focus-visible{outline:2px solid var(--mark)}
.works figure{margin:0 0 14px}
.works img{border-radius:6px}
@media print{audio{display:none}.wide{overflow:visible}}
"""
)
