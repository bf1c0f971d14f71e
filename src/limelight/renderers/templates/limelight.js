// What a reader may do with a page: choose labels, hide light weights, sort, and follow a component from place to place.
// It only shows, hides, marks and moves what is there; without it everything is shown.
for (const root of document.querySelectorAll(".limelight:has(> .choices):not([data-live])")) {
  root.dataset.live = "";
  const all = (selector, from = root) => [...from.querySelectorAll(selector)];
  const panels = all(".explained-label");
  for (const control of all(".choices, .tinting")) control.hidden = !all(".weights").length;

  all(".switch").forEach((box, i) => box.addEventListener("change", () => { panels[i].hidden = !box.checked; }));

  const threshold = root.querySelector(".threshold");
  threshold.addEventListener("input", () => {
    threshold.parentElement.querySelector("output").textContent = threshold.value + " %";
    for (const panel of panels) {
      const light = new Set(all("tr[data-on]", panel).filter((row) => row.dataset.on < threshold.value / 100).map((row) => row.dataset.c));
      for (const part of all("[data-c]", panel)) part.classList.toggle("too-light", light.has(part.dataset.c));
    }
  });

  const signed = (row) => row.dataset.on * (row.querySelector(".neg") ? -1 : 1);
  const orders = {
    size: (a, b) => b.dataset.on - a.dataset.on,
    weight: (a, b) => signed(b) - signed(a),
    name: (a, b) => a.cells[0].textContent.localeCompare(b.cells[0].textContent, undefined, { numeric: true }),
    place: (a, b) => a.dataset.c - b.dataset.c,
  };
  const sort = root.querySelector(".sort");
  sort.addEventListener("change", () => {
    for (const body of all(".weights tbody")) body.append(...[...body.rows].sort(orders[sort.value]));
  });

  for (const tinting of all(".tinting input")) {
    tinting.addEventListener("input", () => {
      tinting.closest(".explained-label").querySelector(".picture").style.setProperty("--tint-share", tinting.value / 100);
    });
  }

  let lit = [];
  const follow = (event) => {
    const component = event.type === "pointerover" && event.target.closest("[data-c]")?.dataset.c;
    for (const part of lit) part.classList.remove("lit");
    lit = component ? all(`[data-c="${component}"]`) : [];
    for (const part of lit) part.classList.add("lit");
  };
  root.addEventListener("pointerover", follow);
  root.addEventListener("pointerleave", follow);
}
