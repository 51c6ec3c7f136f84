// Reports the first picture as the app's screens do: after the frame that drew it.
requestAnimationFrame(() =>
  requestAnimationFrame(() => window.__TAURI_INTERNALS__.invoke("call", { name: "uiReady", payload: {} })),
);
