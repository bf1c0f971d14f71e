// What a reader may do with a page: choose labels, hide light weights, sort, and follow a component from place to place.
// It makes the controls, and then only shows, hides, marks and moves what is there; without it everything is shown.
for (const root of document.querySelectorAll(".limelight:has(> .labels .weights):not([data-live])")) {
  root.dataset.live = "";
  const all = (selector, from = root) => [...from.querySelectorAll(selector)];
  const panels = all(".explained-label");

  const make = (tag, attributes, ...inside) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...inside);
    return element;
  };
  const input = (attributes) => make("input", { autocomplete: "off", ...attributes });
  const slider = (attributes) => input({ type: "range", min: 0, max: 100, ...attributes });

  const switches = panels.map((panel) => {
    const box = input({ type: "checkbox", class: "switch", checked: "" });
    box.addEventListener("change", () => { panel.hidden = !box.checked; });
    return make("label", {}, box, " ", make("bdi", {}, panel.querySelector("h2 bdi").textContent));
  });

  const threshold = slider({ class: "threshold", value: 0 }), share = make("output", {}, "0 %");
  threshold.addEventListener("input", () => {
    share.textContent = threshold.value + " %";
    for (const panel of panels) {
      const light = new Set(all("tr[data-on]", panel).filter((row) => row.dataset.on < threshold.value / 100).map((row) => row.dataset.c));
      for (const part of all("[data-c]", panel)) part.classList.toggle("too-light", light.has(part.dataset.c));
    }
  });

  const signed = (row) => row.dataset.on * (row.querySelector(".neg") ? -1 : 1);
  const listed = new Map(all(".weights tbody tr").map((row, number) => [row, number])); // by size, to the last digit
  const orders = {
    size: (a, b) => listed.get(a) - listed.get(b),
    weight: (a, b) => signed(b) - signed(a),
    name: (a, b) => a.cells[0].textContent.localeCompare(b.cells[0].textContent, undefined, { numeric: true }),
    place: (a, b) => a.dataset.c - b.dataset.c,
  };
  const words = { size: "size of the weight", weight: "weight, highest first", name: "name", place: "place in the instance" };
  const options = Object.entries(words).map(([value, text]) => make("option", { value }, text));
  const sort = make("select", { class: "sort", autocomplete: "off" }, ...options);
  sort.addEventListener("change", () => {
    for (const body of all(".weights tbody")) body.append(...[...body.rows].sort(orders[sort.value]));
  });

  root.querySelector(":scope > .labels").before(make("div", { class: "choices", role: "group", "aria-label": "What is shown" },
    ...(panels.length > 1 ? [make("span", { role: "group", "aria-label": "Labels" }, ...switches)] : []),
    make("label", {}, "Hide weights below ", threshold, " ", share, " of the heaviest"),
    make("label", {}, "Sort by ", sort)));

  for (const picture of all(".explained-label .picture:not(.slice *)")) {
    const tint = slider({ value: 100 });
    tint.addEventListener("input", () => { picture.style.setProperty("--tint-share", tint.value / 100); });
    picture.after(make("label", { class: "tinting" }, "Tint ", tint));
  }

  // A box for each weight: with some of them off, the surrogate predicts the sum of the others.
  const written = (value) => (value === 0 ? "0" : `${value < 0 ? "\u2212" : ""}${Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4
    ? Math.abs(value).toExponential(2) : Number(Math.abs(value).toPrecision(3))}`);
  for (const panel of panels.filter((panel) => panel.dataset.terms)) {
    const [intercept, ...terms] = panel.dataset.terms.split(" "), list = panel.querySelector(".weights");
    if (!list) continue;
    const weights = new Map(terms.map((term) => [term.split(":")[0], Number(term.split(":")[1])]));
    const hasStates = "states" in panel.dataset;
    const said = make("p", { class: "promise", role: "status" }), boxes = new Map();
    const write = () => {
      let prediction = Number(intercept), change = 0;
      for (const [component, weight] of weights) {
        if (boxes.get(component).checked) prediction += weight;
        else change -= weight;
      }
      const off = all("tr[data-c]", list).filter((row) => !boxes.get(row.dataset.c).checked);
      const value = "logOdds" in panel.dataset ? `${written(prediction)} (probability ${written(1 / (1 + Math.exp(-prediction)))})` : written(prediction);
      said.replaceChildren(...(off.length ? [
        hasStates ? "With other values than " : "Without ", ...off.flatMap((row, i) => [i ? ", " : "", make("bdi", {}, row.querySelector("th bdi").textContent)]),
        ` the surrogate predicts ${value}, a change of ${written(change)}.`,
      ] : [`Untick a component to see what the surrogate predicts ${hasStates ? "with another value there" : "without it"}.`]));
    };
    for (const row of all("tr[data-c]", list)) {
      const name = row.querySelector("th bdi").textContent;
      const box = input({ type: "checkbox", class: "on", checked: "", "aria-label": `Count in: ${name}` });
      box.addEventListener("change", write);
      boxes.set(row.dataset.c, box);
      row.querySelector("th").prepend(box);
    }
    list.after(said);
    write();
  }

  // A slider for each reel of slices.
  for (const reel of all(".reel")) {
    const slices = all(".slice", reel);
    if (slices.length < 2) continue;
    const step = slider({ max: slices.length - 1, value: 0 }), place = make("output", {});
    reel.before(make("label", { class: "stepper" }, "Slice ", step, place));
    // The slider's share of its way is the reel's: so the first and the last slice can be reached, and the chosen one is in view.
    const last = slices.length - 1, way = () => reel.scrollWidth - reel.clientWidth;
    const write = () => {
      place.textContent = slices[step.value].dataset.slice;
      slices.forEach((slice, i) => slice.classList.toggle("current", i == step.value));
    };
    step.addEventListener("input", () => {
      reel.scrollLeft = way() * step.value / last;
      write();
    });
    reel.addEventListener("scroll", () => {
      if (document.activeElement === step || way() <= 0) return;
      step.value = Math.round(last * reel.scrollLeft / way());
      write();
    });
    write();
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
