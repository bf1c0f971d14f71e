// The list of a report: searched, filtered and sorted, and each explanation drawn when it is opened. It fills in copies of what the
// page has in its <template> elements; what comes from the data becomes text, a length or the address of a picture.
{
  const STEP = 50, HEAVIEST = 3, LONGEST = 160; // rows shown at once, weights and letters of a message that a row has room for
  const { words, entries } = JSON.parse(document.querySelector(".data").textContent);
  const list = document.querySelector(".list");
  const find = (selector, from = list) => from.querySelector(selector);
  const copy = (template) => template.content.firstElementChild.cloneNode(true);
  const write = (from, texts) => {
    for (const [selector, text] of Object.entries(texts)) find(selector, from).textContent = text;
  };
  // In the place of the first element that a selector finds, a copy of it for each item, filled in; of no items, none.
  const repeat = (from, selector, items, fill) => {
    const pattern = find(selector, from);
    pattern?.replaceWith(...items.map((item) => {
      const own = pattern.cloneNode(true);
      fill(own, item);
      return own;
    }));
  };

  // --- an opened explanation

  const barsOf = (label) => label.bars.map(([component, name, value, side, strength, start, width, left, whisker, text, interval]) => (
    { component, name: words[name], value, side, strength, start, width, left, whisker, text, interval }));

  const fillBar = (row, bar) => {
    Object.assign(row.dataset, { c: bar.component, on: bar.strength });
    write(row, { "th bdi": bar.name });
    if (find("td bdi", row)) write(row, { "td bdi": bar.value });
    const [strip, whisker] = row.querySelectorAll(".chart i");
    strip.className = bar.side;
    // The look and the blocks that pages keep for hosts without their style sheet are not needed here.
    Object.assign(strip.style, { marginLeft: bar.start, width: bar.width, backgroundColor: "" });
    find(".chart span", row).remove();
    Object.assign(whisker.style, { left: bar.left, width: bar.whisker });
    find(".num", row).firstChild.data = bar.interval ? `${bar.text} ` : bar.text;
    write(row, { small: bar.interval });
    if (!bar.interval) for (const none of [whisker, find("small", row)]) none.remove();
  };

  const fillPassage = (part, [column, pieces], bars) => {
    if (find("h3 bdi", part)) write(part, { "h3 bdi": words[column] });
    const passage = find(".passage", part), pattern = find("mark", passage);
    passage.replaceChildren(...pieces.map((piece) => {
      const [component, text] = typeof piece === "string" ? [null, piece] : piece;
      const bar = bars.find((own) => own.component === component && own.strength !== "0.00");
      if (!bar) return text;
      const mark = pattern.cloneNode(true);
      mark.className = bar.side;
      mark.dataset.c = component;
      mark.style.cssText = `--on:${bar.strength}`;
      mark.title = mark.title.replace(/\S+$/, () => bar.text);
      mark.textContent = text;
      return mark;
    }));
    passage.normalize();
  };

  const fillPicture = (place, address) => {
    if (address) find("img", place).src = address;
    else place.remove();
  };

  const fillLabel = (section, label, entry, picture) => {
    const bars = barsOf(label);
    for (const name of section.querySelectorAll(":scope > h3 bdi, .legend bdi")) name.textContent = words[label.name];
    write(section, { ".remark": label.remark });
    if (bars.length) {
      const whisker = find(".legend .ci", section);
      whisker.nextSibling.data = whisker.nextSibling.data.replace(/\S+ %/, () => words[entry.level]);
      if (!bars.some((bar) => bar.interval)) whisker.parentElement.remove();
      find(".weights", section).style.setProperty("--zero", label.zero);
    }
    repeat(section, ".weights tbody tr", bars, fillBar);
    repeat(section, ".within", entry.passages, (part, passage) => fillPassage(part, passage, bars));
    fillPicture(find(".label-picture", section), picture);
  };

  const drawExplanation = (entry) => {
    const drawn = copy(document.querySelectorAll(".blank")[entry.blank]);
    const pictures = entry.pictures ?? [];
    repeat(drawn, ".outputs-said span", entry.outputs, (part, [name, value]) => write(part, { bdi: words[name], b: value }));
    write(drawn, { ".more": entry.more ? `and ${entry.more} more` : "" });
    for (const level of ["alerts", "cautions", "notes"]) {
      repeat(drawn, `.${level} li`, entry[level] ?? [], (item, message) => { item.textContent = words[message]; });
      if (!entry[level]) find(`.${level}`, drawn).remove();
    }
    fillPicture(find(".whole-picture", drawn), pictures[0]);
    if (!entry.pictures || pictures.length) find(".without-picture", drawn).remove();
    const [reported, nothing] = drawn.querySelectorAll(".explained-label");
    find(".labels", drawn).replaceChildren(...entry.labels.map((label, i) => {
      const section = (label.bars.length ? reported : nothing).cloneNode(true);
      fillLabel(section, label, entry, pictures[i + 1]);
      return section;
    }));
    if (!entry.cells.length) find("details:has(.whole-row)", drawn)?.remove(); // as of texts in several fields
    repeat(drawn, ".whole-row tbody tr", entry.cells, (row, [column, value]) => write(row, { th: words[column], td: value }));
    drawn.querySelectorAll("dd").forEach((fact, i) => {
      if (!entry.facts[i]) { // of explanations that were stored before it was recorded
        fact.parentElement.remove();
        return;
      }
      write(fact, { b: entry.facts[i][0] });
      fact.lastChild.data = ` ${words[entry.facts[i][1]]}`;
    });
    return drawn;
  };

  const drawFailure = (entry) => {
    const drawn = copy(find(".failed"));
    write(drawn, { ".error": words[entry.error], ".message": words[entry.message] });
    return drawn;
  };

  // --- its row

  const hasFailed = (entry) => entry.error !== undefined;
  const shortened = (text) => ([...text].length > LONGEST ? `${[...text].slice(0, LONGEST).join("")}\u2026` : text);

  const drawRow = (entry) => {
    const row = copy(find(hasFailed(entry) ? ".failed-row" : ".row"));
    write(row, { ".number": `#${entry.item}`, ".id": shortened(words[entry.id] ?? "") });
    if (entry.true === undefined) find(".truth", row).remove();
    else write(row, { ".truth bdi": words[entry.true] });
    if (hasFailed(entry)) {
      write(row, { ".error": words[entry.error], ".message": shortened(words[entry.message]) });
    } else {
      const main = entry.labels[entry.main];
      write(row, { ".said bdi": words[entry.output], ".said b": entry.said, ".verdict": entry.verdict, ".fidelity b": entry.trust, ".heaviest small bdi": words[main.name] });
      if (main.name === entry.output) find(".heaviest small", row).remove();
      if (!entry.wrong) find(".wrong", row)?.remove();
      repeat(row, ".named", barsOf(main).slice(0, HEAVIEST), (named, bar) => {
        named.classList.replace("pos", bar.side);
        write(named, { b: bar.side === "neg" ? "\u2212" : "+", bdi: bar.name });
      });
    }
    find("details", row).addEventListener("toggle", (event) => {
      event.target.append((hasFailed(entry) ? drawFailure : drawExplanation)(entry));
    }, { once: true });
    return row;
  };

  // --- the list

  const texts = entries.map((entry) => [
    ...[entry.id, entry.true, entry.output, entry.error, entry.message].filter((word) => word !== undefined).map((word) => words[word]),
    ...(entry.labels ?? []).flatMap((label) => [label.name, ...label.bars.map((bar) => bar[1])].map((word) => words[word])),
    ...(entry.cells ?? []).map(([column, value]) => `${words[column]} ${value}`),
    ...(entry.passages ?? []).map(([, pieces]) => pieces.map((piece) => (typeof piece === "string" ? piece : piece[1])).join("")),
  ].join("\n").toLowerCase());

  const [query, which, output, order, further] = [".query", ".which", ".output", ".order", ".further"].map((selector) => find(selector));
  const rows = new Map();
  let found = [], shown = 0;

  // What has no number comes last.
  const by = (key, sign) => (a, b) => {
    const [left, right] = [a, b].map((i) => entries[i][key] ?? null);
    return (left === null) - (right === null) || sign * (left - right);
  };
  const orders = { item: () => 0, highest: by("value", -1), lowest: by("value", 1), worst: by("fidelity", 1), best: by("fidelity", -1) };
  const isJudged = (level) => (entry) => entry.verdict === level;
  const kinds = { all: () => true, wrong: (entry) => entry.wrong, failed: hasFailed, poor: isJudged("poor"), fair: isJudged("fair"), good: isJudged("good") };

  const showMore = () => {
    const next = found.slice(shown, shown + STEP).map((i) => {
      if (!rows.has(i)) rows.set(i, drawRow(entries[i]));
      return rows.get(i);
    });
    find(".entries").append(...next);
    shown += next.length;
    further.hidden = shown === found.length;
    return next;
  };

  const showFound = () => {
    const asked = query.value.trim().toLowerCase(), number = /^#(\d+)$/.exec(asked)?.[1];
    const parts = asked.split(/\s+/);
    found = [...entries.keys()].filter((i) => kinds[which.value](entries[i])
      && (output.value === "" || entries[i].output === Number(output.value))
      && (number ? entries[i].item === Number(number) : parts.every((part) => texts[i].includes(part))));
    found.sort(orders[order.value]);
    shown = 0;
    find(".entries").replaceChildren();
    write(list, { ".found": `${found.length} of ${entries.length}` });
    showMore();
  };

  for (const option of [...which.options].slice(1)) {
    const count = entries.filter(kinds[option.value]).length;
    if (count === 0 || count === entries.length) option.remove();
  }
  which.parentElement.hidden = which.options.length < 2;
  const outputs = [...new Set(entries.filter((entry) => !hasFailed(entry)).map((entry) => entry.output))];
  output.append(...outputs.map((word) => new Option(words[word], word)));
  output.parentElement.hidden = outputs.length < 2;
  for (const control of [query, which, output, order]) control.addEventListener("input", showFound);
  further.addEventListener("click", () => { find("summary", showMore()[0]).focus(); });
  find(".needs-script").hidden = true;
  find(".live").hidden = false;
  showFound();
}
