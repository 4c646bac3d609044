// Light or dark: what the visitor chose here, else what the system says.
export type Theme = "system" | "light" | "dark";

const KEY = "kinobus.theme";
export const systemDark = matchMedia("(prefers-color-scheme: dark)");

export function chosenTheme(): Theme {
    const kept = keep.get(KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
}

export function applyTheme(): void {
    const chosen = chosenTheme();
    document.documentElement.dataset["theme"] = chosen === "system" ? (systemDark.matches ? "dark" : "light") : chosen;
}

export function chooseTheme(theme: Theme): void {
    keep.set(KEY, theme === "system" ? null : theme);
    applyTheme();
}

/** localStorage, where it is allowed: a browser may refuse it, and nothing here is worth an error. */
export const keep = {
    get(key: string): string | null {
        try {
            return localStorage.getItem(key);
        } catch {
            return null;
        }
    },
    set(key: string, value: string | null): void {
        try {
            if (value === null)
                localStorage.removeItem(key);
            else
                localStorage.setItem(key, value);
        } catch {
            // not kept, then
        }
    },
};
