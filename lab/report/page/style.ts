/** The page's style sheet: one column, light, for a desktop, a phone and paper. */
export const STYLE = `
:root{--ink:#1f2429;--faint:#5c656e;--rule:#dfe3e7;--accent:#0072b2;--paper:#fff}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--paper);color:var(--ink);
 font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
header,main,footer{max-width:980px;margin:0 auto;padding:0 20px}
header{padding-top:40px}
.kind{margin:0;color:var(--accent);font-size:13px;font-weight:600;letter-spacing:.04em}
h1{margin:4px 0 0;font-size:32px;line-height:1.15;letter-spacing:-.015em;overflow-wrap:anywhere}
.subtitle{margin:8px 0 0;color:var(--faint);font-size:17px;overflow-wrap:anywhere}
h2{margin:0 0 4px;font-size:22px;letter-spacing:-.01em;line-height:1.25}
h3{margin:0 0 10px;font-size:15px;line-height:1.35}
section{margin-top:44px;padding-top:22px;border-top:1px solid var(--rule)}
.lead{margin:0 0 18px;max-width:70ch;color:#343b42}
p{max-width:76ch}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin-top:18px;font-size:14px}
a{color:var(--accent);text-decoration:none}
a:hover{text-decoration:underline}
.simulated{margin-top:18px;padding:10px 14px;border:1px solid #b98900;border-left-width:5px;border-radius:4px;
 background:#fff8e6;font-size:14px;color:#4a3800}
.simulated ul{margin:2px 0 0;padding-left:18px}
.tag{display:inline-block;padding:0 6px;border:1px solid #b98900;border-radius:3px;background:#fff3d1;color:#5e4500;
 font-size:11.5px;font-weight:600;white-space:nowrap}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px;margin-top:28px}
.tile{padding:14px 16px;border:1px solid var(--rule);border-radius:6px}
.tile p{margin:0}
.tile .label{font-size:13px;color:var(--faint)}
.tile .value{font-size:30px;font-weight:600;line-height:1.25;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.tile .unit{margin-left:5px;font-size:15px;font-weight:400;letter-spacing:0;color:var(--faint)}
.tile .note{font-size:13px;line-height:1.4;color:var(--faint)}
figure{margin:26px 0 0}
figcaption,.note{margin:8px 0 0;max-width:82ch;font-size:13.5px;line-height:1.45;color:var(--faint)}
svg{display:block;max-width:100%;height:auto}
svg.phone{display:none}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:0 28px}
.pair figure{min-width:0}
.table{margin-top:26px}
.scroll{overflow-x:auto}
.scroll:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
table{width:100%;border-collapse:collapse;font-size:14.5px;font-variant-numeric:tabular-nums}
th,td{padding:7px 14px 7px 0;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top;white-space:nowrap}
th:last-child,td:last-child{padding-right:2px}
thead th{border-bottom:1.5px solid #9aa3ab;color:var(--faint);font-size:13px;font-weight:600;vertical-align:bottom}
tbody th{font-weight:600}
.number{text-align:right}
small{display:block;font-size:12px;font-weight:400;color:var(--faint)}
dl{display:grid;grid-template-columns:minmax(150px,max-content) 1fr;gap:6px 22px;margin:12px 0 0;font-size:14.5px}
dt{font-weight:600;max-width:260px}
dd{margin:0;color:#343b42;overflow-wrap:anywhere}
footer{margin-top:48px;padding-top:14px;padding-bottom:40px;color:var(--faint);font-size:13px}
@media (max-width:760px){
 .pair{grid-template-columns:1fr}
}
@media (max-width:600px){
 header{padding-top:24px}
 h1{font-size:26px}
 section{margin-top:32px}
 .tiles{grid-template-columns:1fr 1fr;gap:10px}
 .tile{padding:10px 12px}
 .tile .value{font-size:23px}
 svg.wide{display:none}
 svg.phone{display:block;margin:0 auto}
 dl{grid-template-columns:1fr;gap:0}
 dt{max-width:none}
 dd{margin-bottom:10px}
}
@media print{
 @page{size:A4;margin:14mm}
 body{font-size:10.5pt}
 header,main,footer{max-width:none;padding:0}
 header{padding-top:0}
 nav{display:none}
 a{color:inherit}
 section{margin-top:20px;padding-top:12px}
 h2,h3,.lead{break-after:avoid}
 figure,.table,.tile,.simulated,dt{break-inside:avoid}
 .scroll{overflow:visible}
 table{font-size:8.5pt}
 th,td{padding:4px 8px 4px 0}
 .tiles{grid-template-columns:repeat(4,1fr)}
 .tile .value{font-size:19px}
 svg.wide{display:block}
 svg.phone{display:none}
 *{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}`;
