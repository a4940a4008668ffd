"""Style sheets and script of reports."""

BASE = """
:root{color-scheme:light dark;--paper:#fff;--card:#f6f7f9;--ink:#1d2126;--soft:#5b636e;
--line:#dfe3e8;
--earn:47 111 222;--cost:217 115 13;--mark:#b45f00}
@media (prefers-color-scheme:dark){:root{--paper:#101317;--card:#171b20;--ink:#e4e7eb;
--soft:#9aa3ae;
--line:#2b3138;--earn:96 150 255;--cost:245 152 66;--mark:#ffb03b}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main,footer{max-width:1160px;margin:0 auto;padding:0 20px}
header{padding:36px 0 4px}
h1{font-size:clamp(1.6rem,1.2rem + 2vw,2.3rem);line-height:1.15;margin:0 0 .4em;
letter-spacing:-.015em;
overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.4em 0 .6em;letter-spacing:-.005em}
.lead{font-size:1.08rem;max-width:46em;margin:0 0 1.2em}
p{max-width:46em}
.soft,figcaption,caption{color:var(--soft);font-size:.875rem}
caption{text-align:left;padding-bottom:.6em;max-width:60em}
figure{margin:0}
img{max-width:100%;height:auto;display:block}
a{color:inherit}
audio{display:block;width:100%}
dl{margin:0;align-self:start;display:grid;grid-template-columns:minmax(6.5em,auto) minmax(0,1fr);
align-content:start;background:var(--card);border-radius:8px;padding:10px 16px;font-size:.92rem}
dt,dd{padding:5px 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
dl div{display:contents}
dl div:first-child>*{border-top:0}
dt{color:var(--soft);padding-right:16px}
dd{margin:0;font-variant-numeric:tabular-nums}
.curves{display:grid;gap:28px;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}
.curves figure{max-width:600px}
.curves img{width:100%}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.92rem}
th,td{text-align:left;padding:8px 12px 8px 0;border-top:1px solid var(--line);vertical-align:middle}
thead th{border-top:0;color:var(--soft);font-weight:500;font-size:.84rem;vertical-align:bottom}
tbody th{font-weight:600}
.tag{display:inline-block;font-size:.76rem;line-height:1.5;border:1px solid var(--line);
border-radius:4px;
padding:0 6px;margin:2px 4px 0 0;white-space:nowrap}
.sources{padding-left:0;list-style:none}
.sources li{padding:8px 0;border-top:1px solid var(--line);overflow-wrap:anywhere}
.sources li:first-child{border-top:0}
code{font:.84rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{background:var(--card);border-radius:8px;padding:12px 14px;overflow-x:auto;margin:0}
footer{padding-top:36px;padding-bottom:40px}
@media (max-width:900px){
main,footer{padding:0 16px}
header{padding-top:24px}
footer{padding-bottom:32px}
}
"""
"""What all pages share: colours, text, lists, tables, charts."""

STYLE = (
    BASE
    + """
.stage{display:grid;gap:20px}
.stage>*{min-width:0}
@media (min-width:960px){.stage.two{grid-template-columns:minmax(0,1fr) 320px}}
video{display:block;width:100%;max-height:70vh;background:#000;border-radius:8px}
.strip+.media{margin-top:14px}
.media figcaption{margin-top:4px}
.strip{position:relative;display:flex;height:76px;list-style:none;margin:14px 0 0;padding:0;
background:var(--line);border-radius:6px;overflow:hidden}
.strip li{position:relative;min-width:2px;border-left:1px solid var(--paper)}
.strip li:first-child{border-left:0}
.strip a{position:absolute;inset:0;background-size:cover;background-position:center}
.strip a:focus-visible{outline:3px solid var(--mark);outline-offset:-3px}
.strip .effect{position:absolute;left:0;right:0;bottom:0;padding:0 4px;background:rgb(0 0 0/.62);
color:#fff;
font-size:10px;line-height:15px;height:15px;white-space:nowrap;overflow:hidden}
.strip .blend::before{content:"";position:absolute;z-index:1;left:-8px;top:0;width:16px;height:100%;
background:var(--mark);clip-path:polygon(0 0,50% 50%,100% 0,100% 12%,50% 62%,0 12%);
pointer-events:none}
.strip [aria-current] a{box-shadow:inset 0 0 0 3px var(--mark)}
.head{position:absolute;top:0;bottom:0;width:2px;background:#fff;box-shadow:0 0 0 1px rgb(0 0 0/.6);
pointer-events:none}
.pictures figure+figure{margin-top:20px}
.pictures img{border-radius:6px;min-width:min(100%,720px)}
.scores td.figure{white-space:nowrap}
.scores .plot{width:34%}
.track{position:relative;height:18px;background:var(--card);border-radius:3px;min-width:120px}
.range{position:absolute;top:6px;height:6px;border-radius:3px;background:rgb(var(--earn)/.4)}
.dot{position:absolute;top:3px;width:12px;height:12px;margin-left:-6px;border-radius:50%;
background:rgb(var(--earn));border:2px solid var(--paper)}
.cuts td,.cuts th{padding:6px 10px 6px 0}
.cuts .thumb{width:116px}
.thumb span{display:block;width:112px;aspect-ratio:16/9;border-radius:4px;background-size:cover;
background-position:center}
.cuts .when{font-weight:400;white-space:nowrap}
.cuts .when b{font-size:1rem;font-weight:600;margin-right:.35em}
.cuts .when>*{display:inline-block;vertical-align:top;line-height:1.4}
.cuts .what{min-width:8.5em}
.cuts thead .term,.cuts thead .sum{height:7.2em;padding:0 0 6px;text-align:center}
.cuts thead .term span,.cuts thead .sum span{writing-mode:vertical-rl;transform:rotate(180deg);
white-space:nowrap;line-height:1}
.cuts .term,.cuts .sum{position:relative;text-align:center;padding:6px 2px;font-size:.78rem;
min-width:46px}
.cuts .sum{font-weight:600}
.cuts tbody .term,.cuts tfoot .term{background-color:rgb(var(--hue)/var(--heat,0))}
.earn{--hue:var(--earn)}.cost{--hue:var(--cost)}
.bar{position:absolute;bottom:4px;left:4px;right:4px;height:4px;
background:linear-gradient(var(--soft),var(--soft)) center/1px 100% no-repeat}
.bar::after{content:"";position:absolute;top:0;bottom:0;width:calc(var(--size)*50%);
border-radius:1px;
background:rgb(var(--hue))}
.earn .bar::after{left:50%}.cost .bar::after{right:50%}
.tag.blend{border-color:var(--mark);color:var(--mark)}
.cuts tr[aria-current]{outline:2px solid var(--mark);outline-offset:-1px}
tfoot th,tfoot td{border-top:2px solid var(--line);font-weight:600}
@media (max-width:900px){
.strip{height:56px}
.strip .effect{display:none}
.scores thead,.cuts thead{position:absolute;width:1px;height:1px;overflow:hidden;
clip-path:inset(50%)}
.scores table,.scores tbody,.cuts table,.cuts tbody,.cuts tfoot,caption{display:block}
.scores tr{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:0 12px;padding:10px 0;
border-top:1px solid var(--line)}
.scores th,.scores td,.cuts th,.cuts td{border:0;padding:0}
.scores .plot,.scores .note{grid-column:1/-1;width:auto}
.scores .plot{margin-top:6px}
.scores .part{grid-column:1/-1}
.scores .part::after{content:" of the bound";color:var(--soft)}
.scores .part:empty,.scores .note:empty{display:none}
.cuts tr{display:grid;grid-template-columns:repeat(6,minmax(0,1fr));gap:2px 10px;padding:12px 0;
border-top:1px solid var(--line)}
.cuts tfoot tr{border-top:2px solid var(--line)}
.cuts .thumb{grid-column:1/3;grid-row:1/3;width:auto;padding-bottom:4px}
.thumb span{width:100%}
.cuts .when,.cuts .what{grid-column:3/6;min-width:0}
.cuts .when{align-self:end}
.cuts .sum{grid-column:6;grid-row:1/3;text-align:right;font-size:.95rem}
.cuts tfoot .all{grid-column:1/6}
.cuts .term{grid-column:span 3;padding:2px 6px 9px;text-align:right;border-radius:3px}
.cuts .term::before{content:attr(data-term);float:left;color:var(--soft)}
}
@media print{.strip a,.thumb span,.term,.track *{print-color-adjust:exact}
video,audio{display:none}tr,figure{break-inside:avoid}}
"""
)
"""Of the page about a film."""

SCRIPT = """
const film=document.querySelector("video"),strip=document.querySelector(".strip");
if(film&&strip){
const parts=[...document.querySelectorAll("[data-start]")];
const total=Number(strip.dataset.total),head=document.createElement("li");
head.className="head";head.setAttribute("aria-hidden","true");strip.append(head);
const show=()=>{
const now=film.currentTime;
head.style.left=`calc(${100*Math.min(now/total,1)}% - 1px)`;
for(const part of parts){
const inside=now>=Number(part.dataset.start)&&now<Number(part.dataset.end);
if(inside)part.setAttribute("aria-current","true");else part.removeAttribute("aria-current");
}};
const run=()=>{show();if(!film.paused)requestAnimationFrame(run);};
film.addEventListener("play",run);film.addEventListener("seeked",show);show();
strip.addEventListener("click",event=>{
const part=event.target.closest("[data-start]");
if(part){event.preventDefault();film.currentTime=Number(part.dataset.start)+0.001;}
});}
"""
