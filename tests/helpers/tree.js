// The trees of the elements that a selector finds, as JSON: for each element its name, its attributes, and what it holds itself:
// texts, "<>" for an element and "<!>" for a comment. A drawing has no room for a long name: its beginning and its end around an
// ellipsis stand for the whole of it where a title says it.
(selector) => {
  const cuts = (text, whole) =>
    text.split("").some((_, i) => text[i] === "…" && whole.startsWith(text.slice(0, i)) && whole.endsWith(text.slice(i + 1)));
  const title = (element) => {
    const [first, text] = element.childNodes;
    const cut = element.localName === "text" && first?.localName === "title" && element.childNodes.length === 2;
    return cut && text.nodeType === Node.TEXT_NODE && cuts(text.data, first.textContent) ? first : null;
  };
  const held = (node) => (node.nodeType === Node.TEXT_NODE ? node.data : node.nodeType === Node.ELEMENT_NODE ? "<>" : "<!>");
  const tree = (root) =>
    [root, ...root.querySelectorAll("*")]
      .filter((element) => title(element.parentElement ?? element) !== element)
      .map((element) => [
        `${element.namespaceURI.split("/").pop()} ${element.localName}`,
        Object.fromEntries([...element.attributes].map((attribute) => [attribute.name, attribute.value])),
        title(element) ? [title(element).textContent] : [...element.childNodes].map(held),
      ]);
  return JSON.stringify([...document.querySelectorAll(selector)].map(tree));
}
