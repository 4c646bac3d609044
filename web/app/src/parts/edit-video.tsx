// What people read of a video, and who may see it.
import type { Person, Video, Visibility } from "#api";
import { useState } from "preact/hooks";
import { call } from "../api/http";
import { Field, Form, SubmitButton, useForm } from "./field";
import { Icon } from "./icon";
import { PosterChoice } from "./poster-choice";
import { Rights, rightsOf } from "./rights";
import { Sheet } from "./sheet";
import { VISIBILITY } from "./state-chip";
import { toast } from "./toasts";

export function EditVideo({ video, onSaved, onClose }: { video: Video; onSaved: (video: Video) => void; onClose: () => void }) {
    const form = useForm(async (data) => {
        const text = (name: string) => String(data.get(name) ?? "").trim();
        const tags = [...new Set(text("tags").split(",").map((t) => t.trim().toLowerCase()).filter(Boolean))];
        const names = data.getAll("person").map(String);
        const roles = data.getAll("role").map(String);
        const people = names.map((name, i): Person => ({ name: name.trim(), role: roles[i]?.trim() ?? "" })).filter((p) => p.name);
        const saved = await call("PATCH /api/v1/videos/{id}", {
            id: video.id, title: text("title"), description: text("description"), visibility: text("visibility") as Visibility,
            allow_download: text("download") === "all", language: text("language"), people, tags, ...rightsOf(data, video), if_rev: video.rev ?? 0,
        });
        onSaved(saved);
        toast("Saved.");
        onClose();
    });
    return (
        <Sheet title="Edit video" onClose={onClose}>
            <Form form={form} label="Edit video">
                <Field form={form} name="title" label="Title" value={video.title ?? ""} required maxLength={200} />
                <Field form={form} name="description" label="Description" value={video.description ?? ""} rows={5} maxLength={10000} />
                <Field form={form} name="visibility" label="Who may watch" value={video.visibility ?? "private"} options={VISIBILITY} />
                <Field form={form} name="download" label="Who may download it" value={video.allow_download ? "all" : "me"}
                    options={[["me", "Only its owner"], ["all", "Whoever may watch it"]]} />
                <Field form={form} name="tags" label="Tags" hint="With commas between them." value={(video.tags ?? []).join(", ")} />
                <People people={video.people ?? []} />
                <PosterChoice video={video} onChosen={onSaved} />
                <Field form={form} name="language" label="Language" hint="Of what is spoken, as a tag: en, de, pt-BR." value={video.language ?? ""} maxLength={20} />
                <Rights form={form} video={video} />
                <div class="row">
                    <SubmitButton form={form}>Save</SubmitButton>
                    <button type="button" class="button" onClick={onClose}>Cancel</button>
                </div>
            </Form>
        </Sheet>
    );
}

let lastKey = 0;

function People({ people }: { people: Person[] }) {
    const [rows, setRows] = useState(() => people.map((person) => ({ key: ++lastKey, person })));
    const add = () => setRows([...rows, { key: ++lastKey, person: { name: "", role: "" } }]);
    return (
        <fieldset>
            <legend>People</legend>
            {rows.map(({ key, person }, i) => (
                <div class="row people-row" key={key}>
                    <input class="input" name="person" aria-label={`Name of person ${i + 1}`} placeholder="Name" defaultValue={person.name} maxLength={120} />
                    <input class="input" name="role" aria-label={`Role of person ${i + 1}`} placeholder="Role" defaultValue={person.role ?? ""} maxLength={60} />
                    <button type="button" class="button plain icon" aria-label={`Remove person ${i + 1}`} onClick={() => setRows(rows.filter((r) => r.key !== key))}><Icon name="close" /></button>
                </div>
            ))}
            <div><button type="button" class="button slim" onClick={add}>Add a person</button></div>
        </fieldset>
    );
}
