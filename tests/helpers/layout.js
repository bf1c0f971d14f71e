// What is wrong with how a page is laid out, as a list of sentences; an empty list where all is well.
// Playwright calls it in the page. `paper` is true where nothing can be scrolled.
(paper) => {
  const SLACK = 1; // pixels: rounding is no fault
  const STROKE = 2.5; // pixels: nor is the width of a line that marks a bar's end
  const SMALLEST = 8; // pixels: letters below this cannot be read
  const SILENT = "script, style, title, desc, template, noscript, option, head";
  const faults = new Set();
  const round = (rect) => [rect.left, rect.top, rect.right, rect.bottom].map((edge) => Math.round(edge)).join(" ");
  const name = (element) => {
    const kind = element.getAttribute("class");
    const text = element.textContent.trim().replace(/\s+/g, " ").slice(0, 30);
    return `<${element.localName}${kind ? "." + kind.trim().replace(/\s+/g, ".") : ""}> "${text}"`;
  };
  const seen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true });
  // What is kept for screen readers alone takes a pixel and is cut there on purpose.
  const forEarsOnly = (element) => {
    for (let box = element; box; box = box.parentElement) {
      const style = getComputedStyle(box), rect = box.getBoundingClientRect();
      if (style.position === "absolute" && style.overflow !== "visible" && rect.width <= 1 && rect.height <= 1) return true;
    }
    return false;
  };
  const scroller = (element) => {
    for (let box = element; box && box !== document.body; box = box.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(box).overflowX)) return box;
    return null;
  };
  const overlap = (a, b) =>
    [Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];

  const root = document.scrollingElement;
  if (root.scrollWidth > root.clientWidth)
    faults.add(`the document is ${root.scrollWidth - root.clientWidth} px wider than its window of ${root.clientWidth}`);

  const elements = [...document.body.querySelectorAll("*")].filter(
    (element) => !element.closest(SILENT) && seen(element) && !forEarsOnly(element));

  // Every line of every text: it has a size, can be read, and no box around it cuts it or is left by it.
  const lines = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement;
    if (!node.data.replace(/[\p{Z}\p{C}\p{M}\s]/gu, "") || parent.closest(SILENT) || !seen(parent) || forEarsOnly(parent)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()].filter((rect) => rect.width > 0 && rect.height > 0);
    if (!rects.length) {
      faults.add(`${name(parent)} has text without a size`);
      continue;
    }
    const scale = parent.ownerSVGElement ? Math.abs(parent.getScreenCTM().d) : 1;
    const letters = parseFloat(getComputedStyle(parent).fontSize) * scale;
    if (letters < SMALLEST) faults.add(`${name(parent)} has letters of ${letters.toFixed(1)} px`);
    for (const rect of rects) {
      const height = rect.bottom - rect.top;
      // The letters themselves, as far as what scrolls shows them: a line's box is higher than what is drawn in it.
      const frame = scroller(parent)?.getBoundingClientRect();
      const left = Math.max(rect.left, frame?.left ?? -Infinity), right = Math.min(rect.right, frame?.right ?? Infinity);
      lines.push({ parent, left, right, top: rect.top + 0.3 * height, bottom: rect.bottom - 0.3 * height });
      // What lies in something that scrolls can be reached.
      if (!paper && scroller(parent)) continue;
      let inFlow = true;
      for (let box = parent; box && box !== document.body; box = box.parentElement) {
        const style = getComputedStyle(box), edge = box.getBoundingClientRect();
        const drawing = box.localName === "svg";
        if (box.ownerSVGElement || (!drawing && style.display === "inline") || style.display === "contents") continue;
        const cuts = style.overflowX !== "visible" || style.contain.includes("paint") || style.clipPath !== "none";
        if ((cuts || inFlow) && (rect.left < edge.left - SLACK || rect.right > edge.right + SLACK))
          faults.add(`${name(parent)} [${round(rect)}] sticks out at the side of ${name(box)} [${round(edge)}]`);
        if ((cuts || inFlow) && (rect.top + 0.3 * height < edge.top - SLACK || rect.bottom - 0.3 * height > edge.bottom + SLACK))
          faults.add(`${name(parent)} [${round(rect)}] sticks out above or below ${name(box)} [${round(edge)}]`);
        if (["absolute", "fixed"].includes(style.position)) inFlow = false;
      }
    }
  }

  // No text on another.
  lines.sort((a, b) => a.top - b.top);
  lines.forEach((line, i) => {
    for (let j = i + 1; j < lines.length && lines[j].top < line.bottom; j++) {
      const [width, height] = overlap(line, lines[j]);
      if (width > SLACK && height > SLACK) faults.add(`${name(line.parent)} and ${name(lines[j].parent)} are written over each other`);
    }
  });

  // Every box stays in the one around it, and boxes side by side stay apart.
  const inFlow = (element) => {
    const style = getComputedStyle(element);
    return !["absolute", "fixed"].includes(style.position) && !["inline", "contents", "none"].includes(style.display);
  };
  for (const element of [document.body, ...elements]) {
    if (element.ownerSVGElement) continue;
    const around = element.offsetParent && !inFlow(element) ? element.offsetParent : element.parentElement;
    const inline = [element, around].some((box) => getComputedStyle(box).display === "inline");
    if (!inline && element !== document.body && around !== document.body && (paper || !scroller(around))) {
      const rect = element.getBoundingClientRect(), edge = around.getBoundingClientRect();
      if (rect.left < edge.left - STROKE || rect.right > edge.right + STROKE)
        faults.add(`${name(element)} [${round(rect)}] is not within ${name(around)} [${round(edge)}]`);
    }
    if (element.localName === "svg") continue;
    const boxes = [...element.children].filter(
      (child) => !child.closest(SILENT) && seen(child) && inFlow(child) && child.textContent.trim() && !forEarsOnly(child));
    boxes.forEach((box, i) => {
      // A table's or a list's children are many; those that are next to each other are the ones that may meet.
      for (const other of boxes.slice(i + 1, i + 4)) {
        const [width, height] = overlap(box.getBoundingClientRect(), other.getBoundingClientRect());
        if (width > SLACK && height > SLACK) faults.add(`${name(box)} and ${name(other)} overlap by ${width.toFixed()} x ${height.toFixed()} px`);
      }
    });
  }
  return [...faults];
}
