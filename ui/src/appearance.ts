// Theme and density as attributes of the document. Follows the system while the person has not chosen.
import type { SettingsView } from "./api/generated/SettingsView";

/** Applies the settings; answers the function that stops following the system. */
export function applyAppearance(settings: SettingsView | undefined): () => void {
  const root = document.documentElement;
  const light = matchMedia("(prefers-color-scheme: light)");
  const chosen = settings?.theme ?? "system";
  const apply = () => {
    root.dataset.theme = chosen === "light" || (chosen !== "dark" && light.matches) ? "light" : "dark";
  };
  apply();
  if (settings) root.dataset.density = settings.density;
  light.addEventListener("change", apply);
  return () => light.removeEventListener("change", apply);
}
