import "./locale";
// Entry of the window. The first import repairs the locale before any other module can read it: with LANG=C the
// engine reports "C", and one `Intl` call at import time would leave the window empty.
import { mount } from "svelte";
import "./styles/fonts.css";
import "./styles/tokens.css";
import "./styles/base.css";
import App from "./App.svelte";
import { backend } from "./api/backend";

const target = document.getElementById("app");
if (target) {
  mount(App, { target });
  // After the first paint, so that the host's watchdog learns that something was really drawn.
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      backend.call("uiReady", {}).catch(() => undefined);
    }),
  );
}
