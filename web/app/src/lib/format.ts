// Numbers and times as people read them.
/** Whole seconds that have passed; a sum of segments that is a hair short of 24 s is 24 s. */
const seconds = (ms: number) => Math.max(0, Math.floor(Math.round(ms) / 1000));

export function clock(ms: number): string {
    const s = seconds(ms);
    const two = (n: number) => String(n).padStart(2, "0");
    const minutes = Math.floor(s / 60);
    return minutes < 60 ? `${minutes}:${two(s % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`;
}

/** For screen readers: "1 hour 2 minutes 5 seconds". */
export function spokenClock(ms: number): string {
    const s = seconds(ms);
    const parts = [[Math.floor(s / 3600), "hour"], [Math.floor(s / 60) % 60, "minute"], [s % 60, "second"]] as const;
    const told = parts.filter(([n], i) => n || (i === 2 && s < 60));
    return told.map(([n, word]) => `${n} ${word}${n === 1 ? "" : "s"}`).join(" ");
}

/** How long something takes that nobody knows exactly: "about 3 minutes left"; empty where nobody can tell. */
function left(ms: number | undefined): string {
    if (!ms)
        return "";
    const [n, word] = ms < 90_000 ? [Math.max(1, Math.round(ms / 1000)), "second"]
        : ms < 5_400_000 ? [Math.round(ms / 60_000), "minute"] : [Math.round(ms / 3_600_000), "hour"];
    return `about ${n} ${word}${n === 1 ? "" : "s"} left`;
}

/** How far the making of a video is, for its meter. */
export function partsDone(done: number, total: number, leftMs: number | undefined): string {
    return [`${done} of ${total} parts`, left(leftMs)].filter(Boolean).join(", ");
}

export function bytes(n: number): string {
    const units = ["B", "KB", "MB", "GB", "TB"];
    let i = 0;
    while (n >= 1000 && i < units.length - 1) {
        n /= 1000;
        i++;
    }
    return `${n >= 100 || i === 0 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
    ["year", 31_557_600], ["month", 2_629_800], ["week", 604_800], ["day", 86_400], ["hour", 3600], ["minute", 60],
];

export function ago(time: string | undefined): string {
    const at = time ? Date.parse(time) : NaN;
    if (Number.isNaN(at))
        return "";
    const seconds = (at - Date.now()) / 1000;
    for (const [unit, size] of STEPS)
        if (Math.abs(seconds) >= size)
            return relative.format(Math.round(seconds / size), unit);
    return "just now";
}

export function moment(time: string | undefined): string {
    return time ? new Date(time).toLocaleString("en", { dateStyle: "long", timeStyle: "short" }) : "";
}

export function percent(part: number | undefined, whole: number | undefined): number {
    return whole ? Math.min(100, Math.floor((100 * (part ?? 0)) / whole)) : 0;
}

export function plural(n: number, one: string, many = one + "s"): string {
    return `${n} ${n === 1 ? one : many}`;
}

/** "3 May 2026". */
export function day(time: string | undefined): string {
    const at = time ? new Date(time) : undefined;
    return at && !Number.isNaN(at.getTime()) ? at.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" }) : "";
}

/** What a browser calls itself, as people would: "Firefox on Linux". */
export function browserName(agent: string): string {
    const pick = (names: [RegExp, string][]) => names.find(([what]) => what.test(agent))?.[1];
    const browser = pick([[/Firefox\//, "Firefox"], [/Edg\//, "Edge"], [/Chrom(e|ium)\//, "Chrome"], [/Safari\//, "Safari"]]) ?? "A browser";
    const system = pick([[/iPhone|iPad/, "iOS"], [/Android/, "Android"], [/Windows/, "Windows"], [/Mac OS/, "macOS"], [/Linux/, "Linux"]]);
    return system ? `${browser} on ${system}` : browser;
}
