// Runs before the first paint, so that a page never flashes in the wrong theme; keeps following the system's choice.
import { applyTheme, systemDark } from "./lib/theme";

applyTheme();
systemDark.addEventListener("change", applyTheme);
