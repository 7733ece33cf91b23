// Makes elements, and brings those that are there up to date without touching
// what stays the same, so that it stays selected, focused and in its place.

export function element(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

export function setText(node, text) {
  if (node.textContent === text) return;
  if (node.childNodes.length === 1 && node.firstChild.nodeType === Node.TEXT_NODE) node.firstChild.data = text;
  else node.textContent = text;
}

// morph lets an element become like another one.
export function morph(old, made) {
  for (const { name } of [...old.attributes]) if (!made.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of made.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  setChildren(old, [...made.childNodes]);
}

// setChildren lets an element have these nodes or texts as children. A child with
// a data-key stays itself for as long as there is one with that key, and one
// without for as long as nothing about it changes.
export function setChildren(parent, children) {
  const made = children.map((child) => (typeof child === "string" ? new Text(child) : child));
  const rest = new Set(parent.childNodes);
  const take = (fits) => {
    const found = [...rest].find(fits);
    rest.delete(found);
    return found;
  };
  const kept = made.map((node) => take((old) => (key(node) ? key(old) === key(node) : old.isEqualNode(node))));
  place(parent, made.map((node, i) => {
    const old = kept[i] ?? take((other) => other.nodeName === node.nodeName && !key(other) && !key(node));
    if (!old) return node;
    if (old.nodeType !== Node.TEXT_NODE) morph(old, node);
    else if (old.data !== node.data) old.data = node.data;
    return old;
  }));
}

const key = (node) => node.dataset?.key;

// place lets an element have these nodes in this order, and moves none that is in
// its place.
export function place(parent, nodes) {
  const focused = parent.contains(document.activeElement) ? document.activeElement : undefined;
  let at = parent.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
}
