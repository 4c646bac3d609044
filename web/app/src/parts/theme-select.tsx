// Light, dark, or as the system says.
import { useState } from "preact/hooks";
import { type Theme, chooseTheme, chosenTheme } from "../lib/theme";
import { Icon } from "./icon";

export function ThemeSelect() {
    const [theme, setTheme] = useState(chosenTheme());
    const choose = (event: Event) => {
        const chosen = (event.currentTarget as HTMLSelectElement).value as Theme;
        chooseTheme(chosen);
        setTheme(chosen);
    };
    return (
        <label class="row">
            <Icon name={theme === "dark" ? "dark" : "light"} size={18} />Theme
            <select class="input slim" value={theme} onChange={choose}>
                <option value="system">As the system</option>
                <option value="light">Light</option>
                <option value="dark">Dark</option>
            </select>
        </label>
    );
}
