"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const first = head.dataset.first || "ascending";
      const other = first === "ascending" ? "descending" : "ascending";
      const order = head.getAttribute("aria-sort") === first ? other : first;
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const body = table.tBodies[0];
      const value = (row) => row.cells[column].dataset.value;
      const rows = [...body.rows].sort((a, b) => {
        if (!head.dataset.first) {
          return sign * a.cells[column].textContent.localeCompare(b.cells[column].textContent, "en");
        }
        if (value(a) === "" || value(b) === "") { // what has no score stands last either way
          return (value(a) === "") - (value(b) === "");
        }
        return sign * (Number(value(a)) - Number(value(b)));
      });
      body.append(...rows);
    });
  });
}

for (const table of document.querySelectorAll(".more + .scroll")) { // what does not fit is named
  const tell = () => { table.previousElementSibling.hidden = table.scrollWidth <= table.clientWidth; };
  addEventListener("resize", tell);
  tell();
}

for (const part of document.querySelectorAll(".chosen")) { // one metric at a time
  const [choices, table] = [[...part.querySelectorAll(".choice")], part.querySelector("table.videos")];
  const scores = JSON.parse(table.dataset.scores);
  part.querySelector("select").addEventListener("change", (event) => {
    const chosen = event.target.selectedIndex;
    choices.forEach((choice, n) => { choice.hidden = n !== chosen; });
    for (const row of table.tBodies[0].rows) {
      scores[chosen][row.dataset.row].forEach((score, n) => {
        const cell = row.cells[n + 1];
        cell.dataset.value = score ?? "";
        cell.textContent = score === null ? "–" : score.toFixed(3);
      });
    }
    table.querySelector("[aria-sort]")?.removeAttribute("aria-sort");
  });
}

for (const clip of document.querySelectorAll(".clip")) {
  const [video, button, slider, output] = ["video", "button", "input", "output"].map((name) => clip.querySelector(name));
  const texts = JSON.parse(clip.dataset.texts);
  const fps = Number(clip.dataset.fps);
  const say = (frame) => {
    slider.value = frame;
    slider.setAttribute("aria-valuetext", texts[frame]);
    output.textContent = texts[frame];
  };
  button.addEventListener("click", () => (video.paused ? video.play() : video.pause()));
  video.addEventListener("play", () => { button.textContent = "Pause"; });
  video.addEventListener("pause", () => { button.textContent = "Play"; });
  slider.addEventListener("input", () => {
    video.pause();
    video.currentTime = (Number(slider.value) + 0.5) / fps; // the middle of the frame's time
    say(Number(slider.value));
  });
  const follow = (_, shown) => { // each picture as it is drawn: "timeupdate" comes four times a second
    if (!video.paused) {
      say(Math.min(Math.floor(shown.mediaTime * fps + 0.5), texts.length - 1));
    }
    video.requestVideoFrameCallback(follow);
  };
  video.requestVideoFrameCallback?.(follow);
}
