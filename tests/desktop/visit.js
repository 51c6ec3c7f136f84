// Adds the agent of one answer, goes wherever its strings are shown, counts in how many places each can be read there, and
// takes the agent away again. `given` is the answer's number and strings; what is said in the end is in `window.done`, and
// `window.steps` counts on the way there: whoever waits can tell a slow computer from one that stands still.
window.done = null;
window.steps = 0;
/** Milliseconds without anything new after which something is missing. */
const SILENCE = 20000;
const call = (name, payload) => window.__TAURI_INTERNALS__.invoke("call", { name, payload });
const frame = () => new Promise((done) => requestAnimationFrame(done));
const main = () => document.querySelector("main");
// What a person can read of it: hidden characters are named in ⟨⟩ and spaces stand as they like.
const visible = (text) => text.replace(/⟨U\+[0-9A-F]+⟩/g, "").replace(/[^\x21-\x7e]/g, "");
const shown = () => visible(main().textContent);
const times = (text, part) => text.split(part).length - 1;
/** Screens on which every string stands somewhere. */
const whole = ["inbox", "board", "limits", "ownership", "dead-letters", "context", "agents"];
const missed = [];
const took = {};

/** Waits until every one of these stands at least so often in what is shown. */
async function reads(where, texts, least) {
  let moved = performance.now();
  let left = texts;
  for (let most = 0; performance.now() - moved < SILENCE; ) {
    const text = shown();
    if (text.length > most) {
      [most, moved] = [text.length, performance.now()];
      window.steps++;
    }
    left = left.filter((each) => times(text, visible(each)) < (visible(each) === "" ? 0 : least));
    if (left.length === 0) return;
    await frame();
  }
  for (const each of left.slice(0, 3)) if (missed.length < 12) missed.push(`${where}: ${times(shown(), visible(each))} of ${least}: ${each}`);
}

async function go(...rest) {
  location.hash = "#/" + rest.map(encodeURIComponent).join("/");
  await frame();
}

/** From the top to the end of all that scrolls; what could be read on the way. */
async function scroll() {
  let text = shown();
  for (const box of main().querySelectorAll("*")) {
    if (box.scrollHeight <= box.clientHeight + 4 || !/auto|scroll/.test(getComputedStyle(box).overflowY)) continue;
    for (let top = 0, steps = 0; top < box.scrollHeight && steps < 80; top += box.clientHeight, steps++) {
      box.scrollTop = top;
      await frame();
      window.steps++;
      text += `\n${shown()}`;
    }
  }
  return text;
}

async function timed(name, work) {
  const begun = performance.now();
  await work();
  took[name] = Math.round((took[name] ?? 0) + performance.now() - begun);
  window.steps++;
}

async function visit() {
  const { id } = await call("addEndpoint", { name: `agent ${given.number}`, url: given.url, kind: "native", token: null, basic: null });
  for (const [text, name] of given.groups) {
    const texts = given.texts.filter((each) => text.includes(each));
    const looks = [
      ["question", ["inbox", `e:${id}/${name}`], 8],
      ["task", ["board", id, name], 5],
      ["letter", ["dead-letters", id, "escalations", `letter ${name}`], 3],
      ["entry", ["context", name], 2],
    ];
    for (const [what, place, least] of looks) {
      await timed(what, async () => {
        await go(...place);
        await reads(what, texts, least);
        if (what !== "task") return;
        for (const button of main().querySelectorAll("button[aria-expanded=false]")) button.click();
        for (const part of main().querySelectorAll("summary")) part.click();
        await reads("artifact", texts, 8);
      });
    }
  }
  for (const place of ["inbox", "board", "timeline", "ownership", "limits", "dead-letters", "context", `agents/${id}`, "settings"]) {
    await timed(place, async () => {
      await go(...place.split("/"));
      const mustShow = whole.includes(place.split("/")[0]);
      let moved = performance.now();
      let left = given.texts.filter((text) => visible(text) !== "");
      // What is out of sight is not drawn, and some of it is fetched only then.
      do {
        await new Promise((done) => setTimeout(done, 150));
        main().querySelector(".limits > p button")?.click();
        const text = await scroll();
        const more = left.filter((each) => !text.includes(visible(each)));
        if (more.length < left.length) moved = performance.now();
        left = more;
        window.steps++;
      } while (left.length > 0 && mustShow && performance.now() - moved < SILENCE);
      if (left.length > 0 && mustShow) missed.push(`${place}: ${left.length}: ${left[0]}`);
    });
  }
  await go("inbox");
  await call("removeEndpoint", { endpoint: id });
}

visit()
  .catch((error) => missed.push(String(error?.message ?? error)))
  .finally(() => (window.done = { missed, took }));
