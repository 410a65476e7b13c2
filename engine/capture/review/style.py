# SPDX-License-Identifier: GPL-3.0-or-later
"""How a report looks: one style sheet, light and dark, without a font or picture from elsewhere."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #f6f6f4; --card: #ffffff; --ink: #1d1f23; --soft: #666b75; --line: #e4e4e0; --bed: #ececea;
  --accent: #2f6f8f; --accent-soft: #9cc4d6; --warm: #c9772b;
  --good: #2e7d4f; --usable: #a86a00; --poor: #b3362b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --card: #1f2226; --ink: #e9eaec; --soft: #9aa0ab; --line: #31353b; --bed: #2b2f35;
    --accent: #6db6d8; --accent-soft: #34607a; --warm: #e39a55;
    --good: #5fc08a; --usable: #e0a94a; --poor: #ef7a6d;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1040px; margin: 0 auto; padding: 40px 24px 72px; }
h1 { font-size: 34px; line-height: 1.2; margin: 2px 0 4px; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { font-size: 21px; margin: 0 0 4px; letter-spacing: -0.01em; }
h3 { font-size: 14px; margin: 22px 0 8px; color: var(--soft); font-weight: 600; }
p { margin: 0 0 12px; max-width: 72ch; }
.kind, .soft, figcaption, .legend { color: var(--soft); font-size: 14px; }
.kind { margin: 0; }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 24px 26px; margin-top: 20px;
}
.verdict { border-left: 6px solid var(--tone); }
.verdict h2 { color: var(--tone); font-size: 24px; }
.verdict ul { margin: 14px 0 0; padding: 0; list-style: none; }
.verdict li { padding: 9px 0; border-top: 1px solid var(--line); display: flex; gap: 16px; align-items: baseline; }
.verdict li span { flex: 1; max-width: 78ch; }
.verdict a { color: var(--accent); font-size: 14px; text-decoration: none; white-space: nowrap; min-width: 9.5em; }
.verdict a:hover { text-decoration: underline; }
.good { --tone: var(--good); } .usable { --tone: var(--usable); } .poor { --tone: var(--poor); }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); gap: 16px 24px; margin: 14px 0 0; }
dt { color: var(--soft); font-size: 13px; }
ul.plain { margin: 0; padding-left: 18px; }
dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.grid {
  display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(var(--tile), 1fr)); margin-top: 14px;
}
.contacts { --tile: 108px; gap: 8px; } .extremes { --tile: 200px; }
.masks { --tile: 280px; } .jumps { --tile: 210px; }
figure { margin: 0; }
figure img { display: block; width: 100%; border-radius: 6px; background: var(--bed); }
figcaption { margin-top: 4px; font-size: 13px; font-variant-numeric: tabular-nums; }
.contacts figcaption { font-size: 12px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0 0; }
.legend i {
  display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px;
}
.two { display: grid; grid-template-columns: minmax(0, 440px) 1fr; gap: 40px; align-items: center; }
svg { display: block; } .plot, .square { width: 100%; height: auto; }
.rule { stroke: var(--line); } .limit { stroke: var(--warm); stroke-dasharray: 5 4; }
.tick, .side, .name { fill: var(--soft); font-size: 12px; font-family: inherit; } .name { font-size: 13px; }
.wanted { fill: var(--good); fill-opacity: 0.09; stroke: var(--good); stroke-dasharray: 4 4; }
.dot { fill: var(--accent); fill-opacity: 0.55; }
.line { fill: none; stroke: var(--accent); stroke-width: 1.6; stroke-linejoin: round; } .mark { fill: var(--accent); }
.bed { fill: var(--bed); } .cell, .often { fill: var(--accent); } .reach { fill: var(--accent-soft); }
.usual { fill: var(--ink); }
.shapes { columns: 2 380px; column-gap: 56px; }
.group { break-inside: avoid; margin-bottom: 18px; } .group h3 { margin-top: 0; }
.shape {
  display: grid; grid-template-columns: minmax(0, 1fr) 160px 76px; gap: 10px; align-items: center; font-size: 13px;
}
.shape span { overflow: hidden; text-overflow: ellipsis; } .shape b { font-weight: 400; color: var(--soft); }
.shape .never { color: var(--usable); } .bar { width: 100%; height: 8px; }
footer { color: var(--soft); font-size: 13px; margin-top: 28px; }
@media (max-width: 720px) {
  main { padding: 24px 14px; } section { padding: 18px; } .two { grid-template-columns: 1fr; }
  .verdict li { display: block; } dl { grid-template-columns: 1fr 1fr; }
}
@media print { body { background: none; } section { break-inside: avoid; } }
"""
