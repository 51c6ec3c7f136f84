// Notes whatever is drawn that none of our screens makes: an element, an attribute that could run or ask for something, a
// character that hides or turns the order round.
const ours = new Set(
  ("html head body meta title link script a article aside b blockquote br button circle code datalist dd defs details dialog div dl " +
    "dt em fieldset figcaption figure footer form h1 h2 h3 h4 header hr i input kbd label legend li line main mark nav ol option p path " +
    "pattern polyline pre rect s section select span strong summary svg table tbody td text textarea th thead time title tr ul wbr").split(" "),
);
const asks = /^(on|src|srcset|srcdoc|data$|action|formaction|poster|background|ping|xlink|cite|content$|http-equiv)/;
const hides = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
const found = (window.found = []);
const known = new Set();
// Each kind of place once: there may be hundreds of them.
const note = (what, element) => {
  const kind = `${what} at ${location.hash.split("/")[1]}: ${element.localName}.${element.getAttribute?.("class")}`;
  if (!known.has(kind)) found.push(`${kind}: ${(element.outerHTML ?? element.textContent).slice(0, 200)}`);
  known.add(kind);
};
const own = (address) => address.startsWith("#") || new URL(address, location.href).href.startsWith(`${location.origin}/assets/`);

function attribute(element, name) {
  const value = element.getAttribute(name) ?? "";
  if (name === "src" && element.localName === "script" && own(value)) return;
  if (asks.test(name)) note(`attribute ${name}`, element);
  if (name === "href" && !own(value)) note("address", element);
  if (name === "style" && /url|@|expression/i.test(value)) note("style", element);
  if (hides.test(value) && /^(title|aria-|placeholder|alt)/.test(name)) note(`hidden in ${name}`, element);
}

function look(node) {
  if (node.nodeType === Node.TEXT_NODE && hides.test(node.data)) note("hidden", node.parentElement ?? node);
  if (node.nodeType !== Node.ELEMENT_NODE) return;
  if (!ours.has(node.localName)) note("element", node);
  if (["script", "link", "meta"].includes(node.localName) && !document.head.contains(node)) note("element in the page", node);
  for (const name of node.getAttributeNames()) attribute(node, name);
  for (const child of node.childNodes) look(child);
}

new MutationObserver((records) => {
  for (const { type, target, addedNodes, attributeName } of records) {
    if (type === "attributes") attribute(target, attributeName);
    else if (type === "characterData") look(target);
    else addedNodes.forEach(look);
  }
}).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
