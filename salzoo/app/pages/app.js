"use strict";
// What the visitor looks at: maps come from the server as 16-bit levels, and are averaged, coloured and measured here.
const $ = (selector) => document.querySelector(selector);
const COLOURS = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#cc79a7", "#d55e00"];
const DASHES = [[], [6, 4], [2, 3]];
const video = $("#video");
let about, visit = null, look = null, polling = null, stills = [], preview = null, index = 0, drag = null;
let maps = [], averaged = [], regions = [];

const say = (text, failed = false) => { $("#says").textContent = text; $("#says").classList.toggle("failed", failed); };
const post = (path, body) => ask(path, { method: "POST", body: body ?? "{}" });

async function ask(path, options) {
  let reply;
  try { reply = await fetch(path, options); } catch { throw new Error("the server does not answer: has it been ended?"); }
  if (!reply.ok) throw new Error((await reply.text()).trim() || `status ${reply.status}`);
  return reply;
}

function guarded(work) {
  return async (...values) => { try { await work(...values); } catch (error) { say(error.message, true); } };
}

// ---- what is looked at

async function begin() {
  leave();
  visit = (await (await post("visits")).json()).visit;
}

function leave() {
  if (visit) fetch(`visits/${visit}/end`, { method: "POST", body: "{}", keepalive: true }).catch(() => {});
  clearTimeout(polling);
  visit = look = preview = null;
  [maps, averaged, regions, stills, index] = [[], [], [], [], 0];
  video.removeAttribute("src");
}

async function bring(files) {
  if (!files.length) return;
  const bytes = [...files].reduce((sum, file) => sum + file.size, 0);
  if (files.length > about.files) throw new Error(`drop at most ${about.files} files`);
  if (bytes > about.megabytes * 2 ** 20) throw new Error(`files have at most ${about.megabytes} MB together`);
  $("#videos").value = "";
  await begin();
  showFirst(files[0]);
  for (const [number, file] of [...files].entries()) {
    say(files.length > 1 ? `sending ${number + 1} of ${files.length} …` : "sending …");
    await post(`visits/${visit}/files?name=${encodeURIComponent(file.name)}`, file);
  }
  await show();
}

function showFirst(file) {  // the browser's own picture of it stands until the first map is there
  const found = document.createElement(file.type.startsWith("video/") ? "video" : "img");
  const ready = () => {
    if (look) return;
    preview = found;
    makeFigures([""]);
    draw();
  };
  found.muted = true;
  found.addEventListener(found.tagName === "IMG" ? "load" : "loadeddata", ready);
  found.src = URL.createObjectURL(file);
}

const chosen = () => [...document.querySelectorAll("#models input:checked")].map((box) => box.value);

async function show() {
  if (!visit) return;
  if (!chosen().length) throw new Error("choose a model");
  for (let tries = 0; tries < 50; tries++) {  // what still runs is stopped first
    const state = await (await ask(`visits/${visit}/state`)).json();
    if (state.before === null) break;
    await post(`visits/${visit}/stop`);
    await new Promise((done) => setTimeout(done, 200));
  }
  const id = $("#videos").value;
  await post(`visits/${visit}/look`, JSON.stringify({ models: chosen(), ...(id && { video: id }) }));
  [look, maps, averaged, stills, index] = [null, [], [], [], 0];
  video.removeAttribute("src");
  await poll();
}

async function poll() {
  clearTimeout(polling);
  const mine = visit;
  const state = await (await ask(`visits/${visit}/state`)).json();
  if (mine !== visit) return;
  say(state.before > 0 ? `${state.before} before you …` : state.says, state.look.failed);
  $("#stop").hidden = state.before === null;
  if (state.look.models) await follow(state.look);
  if (mine !== visit) return;
  polling = setTimeout(guarded(poll), state.before === null ? 20000 : 300);
}

async function follow(found) {
  const first = look === null;
  look = found;
  if (first) {
    document.body.classList.add("looking");
    makeFigures(look.models);
    describeAverage();
    for (const each of ["#time", "#areas", "#legend"]) $(each).hidden = false;
    $("#downloads").hidden = true;
    $("#averaging").hidden = !look.video;
    maps = look.models.map(() => new Uint16Array(0));
  }
  const cells = look.grid[0] * look.grid[1];
  const there = maps[0].length / cells;
  const done = look.times !== undefined && $("#downloads").hidden;
  if ((look.count ?? 0) > there) {
    for (const model of maps.keys()) {
      const bytes = await (await ask(`visits/${visit}/maps/${model}?from=${there}`)).arrayBuffer();
      const joined = new Uint16Array(maps[model].length + bytes.byteLength / 2);
      joined.set(maps[model]);
      joined.set(new Uint16Array(bytes), maps[model].length);
      maps[model] = joined;
    }
    averaged = [];
    index = Math.min(...maps.map((each) => each.length / cells)) - 1;
    $("#place").max = Math.max((look.total || index + 1) - 1, 1);  // the slider ends where the curve does
    stills[index] = await picture(look.video ? `frame-${index + 1}.jpg` : `${index}.jpg`);
    if (!look.video && done) for (let n = 0; n < index; n++) stills[n] ??= await picture(`${n}.jpg`);
  }
  if (done) finish();
  if (there === 0 || done || !look.times) draw();
}

const picture = (name) => new Promise((done) => {
  const image = new Image();
  image.onload = () => done(image);
  image.onerror = () => done(stills[stills.length - 1]);  // the next one has taken its place
  image.src = `visits/${visit}/${name}`;
});

function finish() {
  $("#place").max = look.count - 1;
  $("#with-people").hidden = !look.people.some((each) => each.length);
  $("#downloads").hidden = false;
  $("[data-kind=mp4]").hidden = !look.video;
  $("[data-kind=json]").hidden = !regions.length;
  $("#of").hidden = look.models.length < 2;
  $("#which").replaceChildren(...look.models.map((name, n) => new Option(name, n)));
  if (!look.video) return goTo(0);
  video.src = `visits/${visit}/play.mp4`;
  video.muted = false;
  $("#play").hidden = false;
  goTo(0);
}

// ---- time

function goTo(number) {
  index = Math.max(0, Math.min(number, shownCount() - 1));
  if (look.times && look.video) video.currentTime = look.times[index] + 0.4 * frameSeconds(index);
  else draw();
}

const shownCount = () => (maps.length && look ? maps[0].length / (look.grid[0] * look.grid[1]) : 0);
const timeOf = (n) => (look.video ? look.times?.[n] ?? n / look.rate : 0);
const frameSeconds = (n) => (n + 1 < look.times.length ? look.times[n + 1] - look.times[n] : 1 / look.rate);

function atTime(seconds) {
  let [low, high] = [0, look.times.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (look.times[middle] <= seconds + 1e-4) low = middle; else high = middle - 1;
  }
  return low;
}

function onFrame(now, info) {
  if (look?.times && look.video) {
    const seconds = info?.mediaTime ?? video.currentTime;
    index = atTime(seconds);
    if (index === look.count - 1 && !video.paused && seconds > look.times[index] + 2 * frameSeconds(index)) video.pause();
    draw();
  }
  waitForFrame();
}

function waitForFrame() {
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(onFrame);
  else requestAnimationFrame(onFrame);
}

function playOrPause() {
  if (video.paused) {
    if (index >= look.count - 1) video.currentTime = 0;
    video.play().catch((error) => say(error.message, true));
  } else video.pause();
}

function tellPlaying() {
  $("#play").textContent = video.paused ? "▶" : "❚❚";
  $("#play").setAttribute("aria-label", video.paused ? "Play" : "Pause");
}

// ---- maps

function averageOf(model) {
  const mode = $("#average").value, value = Number($("#value").value);
  return mode === "own" ? look.own[model] : mode === "none" || !look.video ? {} : { [mode]: value };
}

function weightOf({ alpha, tau }) {
  return alpha ?? (tau ? 1 - Math.exp(-1 / (look.rate * tau)) : 1);
}

function mapsOf(model) {
  if (averaged[model]) return averaged[model];
  const levels = maps[model], cells = look.grid[0] * look.grid[1], found = new Float32Array(levels.length);
  const weight = look.video ? weightOf(averageOf(model)) : 1;
  for (let n = 0; n < levels.length; n++) {
    found[n] = n < cells ? levels[n] : found[n - cells] + weight * (levels[n] - found[n - cells]);
    if (weight === 1) found[n] = levels[n];
  }
  return (averaged[model] = found);
}

function mapAt(model, number) {
  const cells = look.grid[0] * look.grid[1];
  return mapsOf(model).subarray(number * cells, (number + 1) * cells);
}

function cached(name, model, make) {
  const found = mapsOf(model);
  found[name] ??= make();
  return found[name];
}

const gathered = (model) => cached("gathered", model, () => Array.from({ length: shownCount() }, (_, n) => {
  const sorted = mapAt(model, n).slice().sort().reverse(), top = sorted.length / 10;
  let [most, all] = [0, 0];
  sorted.forEach((value, place) => { all += value; if (place < top) most += value; });
  return all > 0 ? most / all : 0;
}));

function shareOf(region, model) {  // NaN while it is absent
  const { name, forecasts, ...place } = region;
  return cached(`share ${JSON.stringify(place)}`, model, () => {
    const still = region.places ? null : coverOf(region);
    return Array.from({ length: shownCount() }, (_, n) => {
      const shape = shapeAt(region, timeOf(n)), cover = still ?? (shape && coverOf(shape));
      if (!cover) return NaN;
      let [inside, all] = [0, 0];
      mapAt(model, n).forEach((value, at) => { all += value; inside += value * cover[at]; });
      return all > 0 ? inside / all : 0;
    });
  });
}

function coverOf(shape) {  // the part of each cell of the grid that a shape covers
  const [rows, columns] = look.grid, context = new OffscreenCanvas(columns, rows).getContext("2d", { willReadFrequently: true });
  context.fill(outlineOf(shape, columns, rows), "evenodd");
  const pixels = context.getImageData(0, 0, columns, rows).data;
  return Float32Array.from({ length: rows * columns }, (_, n) => pixels[4 * n + 3] / 255);
}

// ---- drawing

function makeFigures(names) {
  document.body.classList.add("looking");
  $("#looks").replaceChildren(...names.map((name, n) => {
    const figure = document.createElement("figure"), canvas = document.createElement("canvas");
    const caption = document.createElement("figcaption");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", name ? `Where ${name} sees people look` : "The picture");
    caption.textContent = name ? `${name} expects most people to look where it is brightest` : "";
    canvas.addEventListener("pointerdown", startRegion);
    canvas.addEventListener("pointermove", moveRegion);
    canvas.addEventListener("pointerup", endRegion);
    canvas.addEventListener("pointercancel", () => { drag = null; draw(); });
    figure.append(canvas, caption);
    return figure;
  }));
}

function draw() {
  const source = preview && !shownCount() ? preview
    : look?.times && look.video && video.readyState >= 2 ? video : stills[index] ?? preview;
  if (!source) return;
  const size = look && look.video ? [look.size[1], look.size[0]]
    : [source.naturalWidth || source.videoWidth, source.naturalHeight || source.videoHeight];
  document.querySelectorAll("#looks canvas").forEach((canvas, model) => {
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    const context = canvas.getContext("2d");
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    if (look && index < shownCount()) {
      context.imageSmoothingQuality = "high";
      context.drawImage(heatOf(mapAt(model, index)), 0, 0, canvas.width, canvas.height);
      drawMarks(context, canvas);
    }
  });
  if (look && shownCount()) drawTime();
}

function heatOf(map) {
  const canvas = new OffscreenCanvas(look.grid[1], look.grid[0]), context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const colours = about.heat[$("#colormap").value], opacity = Number($("#opacity").value);
  const most = Math.max(map.reduce((a, b) => Math.max(a, b), 0), 1);
  map.forEach((value, n) => {
    const level = Math.round((255 * value) / most);
    image.data.set(colours[level], 4 * n);
    image.data[4 * n + 3] = 255 * opacity * (level / 255) ** 0.6;  // as salzoo predict draws it
  });
  context.putImageData(image, 0, 0);
  return canvas;
}

function drawMarks(context, canvas) {
  const unit = Math.max(canvas.width / (canvas.clientWidth || canvas.width), 1);
  if ($("#people").checked) for (const [x, y] of look.people?.[index] ?? []) {
    context.beginPath();
    context.arc(x * canvas.width, y * canvas.height, 4 * unit, 0, 7);
    [context.fillStyle, context.strokeStyle, context.lineWidth] = ["#fff", "#000", 1.5 * unit];
    context.fill();
    context.stroke();
  }
  [...regions, ...(drag ? [boxOf(drag)] : [])].forEach((region, n) => {
    const shape = shapeAt(region, timeOf(index));
    if (!shape) return;
    context.strokeStyle = context.fillStyle = COLOURS[n % COLOURS.length];
    context.lineWidth = 2.5 * unit;
    context.stroke(outlineOf(shape, canvas.width, canvas.height));
    const corners = shape.polygon ? partsOf(shape.polygon).flat() : [shape.rectangle ?? shape.ellipse];
    const [x, y] = [0, 1].map((axis) => Math.min(...corners.map((at) => at[axis])) * [canvas.width, canvas.height][axis]);
    if (!region.name) return;
    context.font = `${14 * unit}px system-ui`;
    const wide = context.measureText(region.name).width + 8 * unit;
    const above = y > 20 * unit ? y - 20 * unit : y;
    context.fillRect(x, above, wide, 20 * unit);
    context.fillStyle = "#000";
    context.fillText(region.name, x + 4 * unit, above + 15 * unit);
  });
}

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

function chart(canvas, curves, most) {
  const ratio = devicePixelRatio || 1, wide = canvas.clientWidth, high = canvas.clientHeight, count = shownCount();
  [canvas.width, canvas.height] = [wide * ratio, high * ratio];
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const end = look.times ? look.count : look.total || count;
  const across = (n) => 8 + (n / Math.max(end - 1, 1)) * (wide - 16);  // as the slider's thumb moves
  [context.fillStyle, context.font, context.textAlign] = [ink("--soft"), "11px system-ui", "left"];
  const up = (share) => high - 17 - (share / most) * (high - 34);  // between the numbers above and below
  context.fillText(`${Math.round(100 * most)} %`, 8, 12);
  context.fillText(look.video ? "0 %, 0 s" : "0 %", 8, high - 4);
  context.textAlign = "right";
  context.fillText(look.video ? `${((look.times?.[end - 1] ?? (end - 1) / look.rate)).toFixed(1)} s` : `${end}`, wide - 8, high - 4);
  context.fillStyle = ink("--line");
  for (const share of [0, most]) context.fillRect(8, up(share), wide - 16, 1);
  for (const cut of look.cuts ?? []) {
    context.fillStyle = ink("--soft");
    context.fillRect(across(cut), 0, 1, high);
    context.beginPath();
    context.moveTo(across(cut) - 4, 0);
    context.lineTo(across(cut) + 5, 0);
    context.lineTo(across(cut) + 0.5, 6);
    context.fill();
  }
  for (const { values, colour, dash } of curves) {
    context.setLineDash(dash);
    context.beginPath();
    [context.strokeStyle, context.lineWidth] = [colour, 2];
    values.forEach((value, n) => {
      if (Number.isNaN(value)) return;
      if (Number.isNaN(values[n - 1])) context.moveTo(across(n), up(value));
      else context.lineTo(across(n), up(value));
    });
    if (values.length === 1) context.lineTo(across(0) + 4, up(values[0]));
    context.stroke();
  }
  context.setLineDash([]);
  context.fillStyle = ink("--ink");
  context.fillRect(across(index) - 1, 0, 2, high);
}

function drawTime() {
  $("#place").value = index;
  const seconds = look.times && look.video ? `${look.times[index].toFixed(2)} s · ` : "";
  const what = look.video ? "frame" : "picture";
  $("#clock").textContent = `${seconds}${what} ${index + 1} of ${look.times ? look.count : look.total}`;
  const models = look.models.map((name, n) => n);
  chart($("#curve"), models.map((n) => ({ values: gathered(n), colour: ink("--mark"), dash: DASHES[n] })), 1);
  const parts = models.map((n) => `${Math.round(100 * gathered(n)[index])} %${models.length > 1 ? ` (${look.models[n]})` : ""}`);
  const cuts = look.cuts?.length ? `; ▾ ${look.cuts.length === 1 ? "a cut" : `${look.cuts.length} cuts`}` : "";
  const alone = !look.video && look.total === 1;
  $("#curve").hidden = $("#place").hidden = alone;
  $("#gathered").textContent = `${alone ? "" : "Line: how gathered attention is. "}The tenth of the ${what} that draws most has ${parts.join(", ")} of all attention${cuts}`;
  $("#shared").hidden = !regions.length || shownCount() < 2;
  if (!$("#shared").hidden) {
    const curves = regions.flatMap((region, r) =>
      models.map((n) => ({ values: shareOf(region, n), colour: COLOURS[r % COLOURS.length], dash: DASHES[n] })));
    const most = Math.max(0.05, ...curves.map(({ values }) => Math.max(...values.filter((value) => value >= 0))));
    chart($("#shares"), curves, most);
  }
  tellShares();
}

// ---- regions

function pointOf(event) {
  const box = event.target.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((at) => Math.min(Math.max(at, 0), 1));
}

// A region is as salzoo's own files have it, in parts of the frame's width and height: a name, and a place, or places in
// time, which are a rectangle or an ellipse [x, y, width, height], a polygon of corners [x, y], or of several parts of such,
// or absent.

function boxOf({ from, to }) {
  const [x, y] = [0, 1].map((n) => Math.min(from[n], to[n]));
  return { rectangle: [x, y, Math.abs(from[0] - to[0]), Math.abs(from[1] - to[1])] };
}

const KINDS = ["rectangle", "ellipse", "polygon"];
const mapped = (value, change, axis = 0) => (Array.isArray(value) ? value.map((each, n) => mapped(each, change, n)) : change(value, axis));

function scaled(region, wide, high) {
  const change = (value, axis) => value * (axis % 2 ? high : wide), found = { ...region };
  for (const kind of KINDS) if (kind in region) found[kind] = mapped(region[kind], change);
  if (region.places) found.places = region.places.map((place) => scaled(place, wide, high));
  return found;
}

function shapeAt(region, time) {
  const places = region.places;
  if (!places) return region;
  const n = places.findLastIndex((place) => place.time <= time + 1e-6), [place, next] = [places[n], places[n + 1]];
  if (n < 0 || place.absent || time > places[places.length - 1].time + 1e-6) return null;
  if (!next || next.absent || time <= place.time) return place;
  const kind = KINDS.find((each) => each in place), part = (time - place.time) / (next.time - place.time);
  const between = (one, other) => (Array.isArray(one) ? one.map((each, at) => between(each, other[at])) : one + part * (other - one));
  return { [kind]: between(place[kind], next[kind]) };
}

function outlineOf(shape, wide, high) {
  const path = new Path2D(), { rectangle, ellipse, polygon } = scaled(shape, wide, high);
  if (rectangle) path.rect(...rectangle);
  if (ellipse) path.ellipse(ellipse[0] + ellipse[2] / 2, ellipse[1] + ellipse[3] / 2, ellipse[2] / 2, ellipse[3] / 2, 0, 0, 7);
  for (const part of polygon ? partsOf(polygon) : []) {
    part.forEach(([x, y], n) => (n ? path.lineTo(x, y) : path.moveTo(x, y)));
    path.closePath();
  }
  return path;
}

function partsOf(polygon) {
  return Array.isArray(polygon[0][0]) ? polygon : [polygon];
}

async function bringRegions(files) {
  if (!files.length || !look?.times) throw new Error("show a picture or video first");
  const source = look.video ? 0 : index, [high, wide] = look.frames ? look.frames[index] : look.frame;
  await post(`visits/${visit}/regions?source=${source}&name=${encodeURIComponent(files[0].name)}`, files[0]);
  const state = await settled();
  if (!state) return;
  regions = state.look.regions.map((each) => scaled(each, 1 / wide, 1 / high));
  listRegions();
  draw();
}

function startRegion(event) {
  if (!document.body.classList.contains("drawing") || !shownCount()) return;
  event.target.setPointerCapture(event.pointerId);
  drag = { from: pointOf(event), to: pointOf(event) };
}

function moveRegion(event) {
  if (!drag) return;
  drag.to = pointOf(event);
  draw();
}

function endRegion() {
  if (!drag) return;
  const box = boxOf(drag);
  drag = null;
  if (Math.min(box.rectangle[2], box.rectangle[3]) > 0.01) {
    const taken = new Set(regions.map(({ name }) => name));
    let number = 1;
    while (taken.has(`region ${number}`)) number++;
    regions.push({ name: `region ${number}`, ...box });
    setDrawing(false);
    listRegions();
  }
  draw();
}

function setDrawing(on) {
  document.body.classList.toggle("drawing", on);
  $("#draw").setAttribute("aria-pressed", on);
}

function cell(content, kind = "td") {
  const found = document.createElement(kind);
  found.append(content);
  return found;
}

function listRegions() {
  const table = $("#areas table");
  table.hidden = !regions.length;
  $("#how").hidden = regions.length > 0;
  $("[data-kind=json]").hidden = !regions.length;
  $("#forecast").hidden = !regions.length || look.video;
  $("#notes").hidden = true;
  const heads = look.models.map((name) => cell(look.models.length > 1 ? name : "share of attention", "th"));
  table.querySelector("thead tr").replaceChildren(cell("", "td"), cell("name", "th"), ...heads, cell("", "td"));
  table.querySelector("tbody").replaceChildren(...regions.map((region, n) => {
    const row = document.createElement("tr"), swatch = document.createElement("span");
    const name = document.createElement("input"), away = document.createElement("button");
    swatch.className = "swatch";
    swatch.style.background = COLOURS[n % COLOURS.length];
    [name.value, name.maxLength] = [region.name, 60];
    name.setAttribute("aria-label", `Name of region ${n + 1}`);
    name.addEventListener("change", () => { region.name = name.value || region.name; draw(); });
    away.textContent = "✕";
    away.setAttribute("aria-label", `Remove ${region.name}`);
    away.addEventListener("click", () => { regions.splice(n, 1); listRegions(); draw(); });
    row.append(cell(swatch), cell(name), ...look.models.map(() => cell("", "td")), cell(away));
    return row;
  }));
}

function tellShares() {
  const percent = (value) => `${(100 * value).toFixed(1)} %`;
  document.querySelectorAll("#areas tbody tr").forEach((row, r) => look.models.forEach((_, model) => {
    const shares = shareOf(regions[r], model), there = shares.filter((share) => share >= 0);
    const mean = there.reduce((a, b) => a + b, 0) / there.length;
    const now = shares[index] >= 0 ? percent(shares[index]) : "not there";
    const text = now + (look.video ? ` now, ${percent(mean)} on average` : "");
    const found = regions[r].forecasts?.[`${model} ${index}`];
    row.children[2 + model].textContent = text + (found ? ` of the map. ${expected(found)}` : "");
  }));
}

// ---- settings and downloads

function describeAverage() {
  const [own] = look.own.filter((each) => Object.keys(each).length);
  const text = own ? (own.tau ? `tau = ${own.tau} s` : `alpha = ${own.alpha}`) : "none on its maps";
  $("#average").options[0].textContent = `the model's own (${text})`;
}

function changeAverage() {
  const mode = $("#average").value, range = $("#value");
  $("#weight").hidden = mode === "own" || mode === "none";
  if (mode === "tau" && range.dataset.mode !== "tau") Object.assign(range, { min: 0.04, max: 2, step: 0.02, value: 0.2 });
  if (mode === "alpha" && range.dataset.mode !== "alpha") Object.assign(range, { min: 0.02, max: 1, step: 0.02, value: 0.2 });
  range.dataset.mode = mode;
  $("#weight span").textContent = mode === "tau" ? `time constant: ${range.value} s` : `weight of the new frame: ${range.value}`;
  averaged = [];
  draw();
}

function expected(found) {  // with the interval that holds what people did four times in five
  const range = (name) => `${Math.round(100 * found[name])} % (${Math.round(100 * found[`${name}_low`])} to ${Math.round(100 * found[`${name}_high`])} %)`;
  return `People: ${range("share")} of fixations; ${range("seen_2s")} of viewers look within 2 s`;
}

function placed() {
  const [high, wide] = look.frames ? look.frames[index] : look.frame;
  return regions.map(({ forecasts, ...region }) => scaled(region, wide, high));
}

async function settled() {
  for (;;) {
    await new Promise((done) => setTimeout(done, 300));
    const state = await (await ask(`visits/${visit}/state`)).json();
    if (state.before !== null) continue;
    say(state.says, state.look.failed);
    return state.look.failed ? null : state;
  }
}

async function forecast() {
  const [model, source, asked] = [look.models.length > 1 ? Number($("#which").value) : 0, index, [...regions]];
  await post(`visits/${visit}/forecast`, JSON.stringify({ model, source, regions: placed() }));
  const state = await settled();
  if (!state) return;
  asked.forEach((region, n) => { (region.forecasts ??= {})[`${model} ${source}`] = state.look.forecasts[n]; });
  $("#notes").textContent = state.look.notes.join("; ");
  $("#notes").hidden = !state.look.notes.length;
  draw();
}

async function download(kind) {
  const model = look.models.length > 1 ? Number($("#which").value) : 0;
  if (kind === "png") {
    document.querySelectorAll("#looks canvas")[model].toBlob((blob) => save(URL.createObjectURL(blob), `${look.models[model]}-${index + 1}.png`));
    return;
  }
  await post(`visits/${visit}/make`, JSON.stringify({
    kind, model, source: look.video ? 0 : index, average: averageOf(model), regions: placed(),
    opacity: Number($("#opacity").value), colormap: $("#colormap").value,
  }));
  say("making it …");
  const state = await settled();
  if (state) save(`visits/${visit}/made/${state.made}`, state.made);
}

function save(url, name) {
  const link = document.createElement("a");
  [link.href, link.download] = [url, name];
  link.click();
}

function drawColours() {
  const context = $("#colours").getContext("2d");
  about.heat[$("#colormap").value].forEach(([r, g, b], n) => {
    context.fillStyle = `rgb(${r} ${g} ${b})`;
    context.fillRect(n, 0, 1, 1);
  });
  draw();
}

async function start() {
  about = await (await ask("about")).json();
  $("#limits").textContent = `Up to ${about.megabytes} MB: a video, of which the first ${about.frames} frames are taken, or ${about.files} pictures.`;
  $("#models").append(...about.models.map(({ name, line }, n) => {
    const label = document.createElement("label"), box = document.createElement("input"), text = document.createElement("small");
    [box.type, box.value, box.checked] = ["checkbox", name, n === 0];
    box.addEventListener("change", guarded(async () => {
      if (chosen().length > 3) { box.checked = false; throw new Error("three models fit beside each other"); }
      await show();
    }));
    text.textContent = line;
    label.append(box, name, text);
    return label;
  }));
  $("#colormap").replaceChildren(...Object.keys(about.heat).map((name) => new Option(name)));
  $("#set").hidden = !about.videos.length;
  $("#videos").replaceChildren(new Option("…", ""), ...about.videos.map((id) => new Option(id)));
  drawColours();
  waitForFrame();
}

for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
document.addEventListener("dragover", () => $("#drop").classList.add("over"));
document.addEventListener("dragleave", () => $("#drop").classList.remove("over"));
document.addEventListener("drop", guarded((event) => {
  $("#drop").classList.remove("over");
  return bring(event.dataTransfer.files);
}));
$("#files").addEventListener("change", guarded(() => bring($("#files").files)));
$("#videos").addEventListener("change", guarded(async () => { if ($("#videos").value) { await begin(); await show(); } }));
$("#stop").addEventListener("click", guarded(() => post(`visits/${visit}/stop`)));
$("#draw").addEventListener("click", () => setDrawing(!document.body.classList.contains("drawing")));
$("#open").addEventListener("click", () => $("#file").click());
$("#file").addEventListener("change", guarded(async () => { await bringRegions($("#file").files); $("#file").value = ""; }));
$("#forecast").addEventListener("click", guarded(forecast));
$("#place").addEventListener("input", () => goTo(Number($("#place").value)));
$("#curve").addEventListener("pointerdown", (event) => {
  const share = (event.offsetX - 8) / (event.target.clientWidth - 16);
  goTo(Math.round(share * (shownCount() - 1)));
});
$("#play").addEventListener("click", playOrPause);
for (const kind of ["play", "pause", "ended"]) video.addEventListener(kind, tellPlaying);
video.addEventListener("ended", () => { if (look?.times) { index = look.count - 1; draw(); } });  // a busy browser may not tell of the last frame
$("#opacity").addEventListener("input", draw);
$("#colormap").addEventListener("change", drawColours);
$("#people").addEventListener("change", draw);
$("#average").addEventListener("change", changeAverage);
$("#value").addEventListener("input", changeAverage);
for (const button of document.querySelectorAll("[data-kind]")) button.addEventListener("click", guarded(() => download(button.dataset.kind)));
addEventListener("resize", draw);
addEventListener("pagehide", leave);
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
guarded(start)();
