// When, where and by whom a video may be watched: fields of its form.
import type { RegionRule, Video, WatchRegions, WatchWindow } from "#api";
import { Field, type FormState } from "./field";

export function Rights({ form, video }: { form: FormState; video: Video }) {
    return (
        <fieldset>
            <legend>When, where and by whom</legend>
            <Field form={form} name="window.from" label="From" type="datetime-local" value={local(video.window?.from)} hint="Empty: from its publication on. In your own time." />
            <Field form={form} name="window.until" label="Until" type="datetime-local" value={local(video.window?.until)} hint="Empty: without an end." />
            <Field form={form} name="regions.rule" label="Where" value={video.regions?.rule ?? ""}
                options={[["", "Everywhere"], ["only", "Only in these countries"], ["except", "Everywhere but in these countries"]]} />
            <Field form={form} name="regions.countries" label="Countries" hint="Codes of two letters, with commas between them: DE, GB." value={(video.regions?.countries ?? []).join(", ")} />
            <Field form={form} name="minimum_age" label="From the age of" type="number" min={0} max={21} value={video.minimum_age ? String(video.minimum_age) : ""}
                hint="Years; viewers must then be signed in and have told their birthday. Empty: any age." />
        </fieldset>
    );
}

/** As a field of the browser's own time wants it. */
function local(time: string | undefined): string {
    if (!time)
        return "";
    const at = new Date(time);
    return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** What was not touched stays as it is, with the seconds that no field shows. */
export function rightsOf(data: FormData, video: Video): { window: WatchWindow; regions: WatchRegions; minimum_age: number } {
    const text = (name: string) => String(data.get(name) ?? "").trim();
    const window: WatchWindow = {};
    for (const end of ["from", "until"] as const)
        if (text(`window.${end}`)) {
            const before = video.window?.[end];
            window[end] = before && local(before) === text(`window.${end}`) ? before : new Date(text(`window.${end}`)).toISOString();
        }
    const countries = [...new Set(text("regions.countries").toUpperCase().split(/[\s,]+/).filter(Boolean))];
    const rule = text("regions.rule") as RegionRule | "";
    return { window, regions: rule ? { rule, countries } : {}, minimum_age: Number(text("minimum_age")) };
}
