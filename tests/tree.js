// The trees of the elements that a selector finds, as JSON: for each element its name, its attributes, and what it holds itself:
// texts, "<>" for an element and "<!>" for a comment.
(selector) => {
  const held = (node) => (node.nodeType === Node.TEXT_NODE ? node.data : node.nodeType === Node.ELEMENT_NODE ? "<>" : "<!>");
  const tree = (root) =>
    [root, ...root.querySelectorAll("*")].map((element) => [
      `${element.namespaceURI.split("/").pop()} ${element.localName}`,
      Object.fromEntries([...element.attributes].map((attribute) => [attribute.name, attribute.value])),
      [...element.childNodes].map(held),
    ]);
  return JSON.stringify([...document.querySelectorAll(selector)].map(tree));
}
