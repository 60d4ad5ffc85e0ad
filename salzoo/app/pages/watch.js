"use strict";
const $ = (selector) => document.querySelector(selector);
const picture = $("#picture");
let paused = false;

function setPaused(on) {
  paused = on;
  picture.src = on ? `frame.jpg?${Date.now()}` : `stream?${Date.now()}`;
  $("#pause").textContent = on ? "Go on" : "Pause";
  $("#pause").setAttribute("aria-pressed", on);
}

async function tell() {
  let state;
  try { state = await (await fetch("state")).json(); } catch { state = null; }
  if (!state || state.ended) {
    $("#says").textContent = state ? "the camera has ended" : "the server does not answer: it has been ended";
  } else if (state.frames) {
    document.title = `${state.camera}, ${state.model} – salzoo watch`;
    $("#title").textContent = `Where people look: ${state.camera}`;
    $("#model").textContent = state.model;
    $("#says").textContent = paused ? "paused" : "live";
    $("#rate").textContent = state.rate.toFixed(1);
    const [median, most] = state.latency.map((seconds) => `${Math.round(1000 * seconds)} ms`);
    $("#median").textContent = median;
    $("#most").textContent = most;
    const all = state.frames + state.dropped;
    $("#dropped").textContent = `${state.dropped} of ${all} (${(100 * state.dropped / all).toFixed(1)}\u00a0%)`;
    if (!picture.src) setPaused(false);
  }
  setTimeout(tell, state ? 500 : 3000);
}

$("#pause").addEventListener("click", () => setPaused(!paused));
$("#full").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : $("#live").requestFullscreen()));
tell();
