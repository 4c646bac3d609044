import type { SessionInfo } from "#api";
import { useLocation } from "preact-iso/router";
import { useState } from "preact/hooks";
import { Problem, call, saying } from "../api/http";
import { me, signOut } from "../api/session";
import { day } from "../lib/format";
import { usePages } from "../lib/use-load";
import { Field, Form, SubmitButton, useForm } from "../parts/field";
import { MoreButton } from "../parts/more-button";
import { NeedsAccount } from "../parts/needs-account";
import { Failure, Waiting } from "../parts/notice";
import { Heading, usePage } from "../parts/page";
import { toast } from "../parts/toasts";

export function Account() {
    usePage("Account");
    return <NeedsAccount title="Your account"><Settings /></NeedsAccount>;
}

function Settings() {
    const user = me.value!;
    return (
        <div class="column stack">
            <Heading>Your account</Heading>
            <section class="panel stack" aria-labelledby="about-you">
                <h2 id="about-you">About you</h2>
                <p>{user.email} <span class={`chip ${user.verified ? "good" : ""}`}>{user.verified ? "Verified" : "Not verified"}</span> <span class="chip">{user.role}</span></p>
                <NameForm />
                <BirthdayForm />
            </section>
            <section class="panel stack" aria-labelledby="password"><h2 id="password">Password</h2><PasswordForm /></section>
            <Sessions />
        </div>
    );
}

function NameForm() {
    const form = useForm(async (data) => {
        me.value = await call("PATCH /api/v1/users/{id}", { id: me.value!.id, name: String(data.get("name")).trim() });
        toast("Your name is saved.");
    });
    return (
        <Form form={form} label="Name">
            <Field form={form} name="name" label="Name" hint="Shown to others beside what you upload." value={me.value?.name ?? ""} required maxLength={120} autoComplete="name" />
            <div><SubmitButton form={form}>Save name</SubmitButton></div>
        </Form>
    );
}

/** Told once; an administrator can correct it. */
function BirthdayForm() {
    const form = useForm(async (data) => {
        me.value = await call("PATCH /api/v1/users/{id}", { id: me.value!.id, birthday: String(data.get("birthday")) });
        toast("Your birthday is saved.");
    });
    if (me.value?.birthday)
        return <p>Birthday: {day(me.value.birthday)} <span class="quiet">(only an administrator can correct it)</span></p>;
    return (
        <Form form={form} label="Birthday">
            <Field form={form} name="birthday" label="Birthday" type="date" max={new Date().toISOString().slice(0, 10)} required autoComplete="bday"
                hint="Videos that are not for children ask for it. Nobody else sees it, and you can tell it only once." />
            <div><SubmitButton form={form}>Save birthday</SubmitButton></div>
        </Form>
    );
}

function PasswordForm() {
    const [round, setRound] = useState(0);
    const form = useForm(async (data) => {
        const ask = { old_password: String(data.get("old_password")), password: String(data.get("password")) };
        try {
            me.value = (await call("POST /api/v1/auth/password", ask)).user;
        } catch (error) {
            throw error instanceof Problem && (error.status === 401 || error.status === 403)
                ? new Problem(error.status, { errors: [{ field: "old_password", message: "This is not your password." }] }) : error;
        }
        setRound(round + 1);
        toast("Your password is changed, and every other device is signed out.");
    });
    return (
        <Form form={form} label="Password" key={round}>
            <input type="hidden" autocomplete="username" value={me.value?.email} />
            <Field form={form} name="old_password" label="Present password" type="password" autoComplete="current-password" required />
            <Field form={form} name="password" label="New password" hint="At least 8 characters." type="password" autoComplete="new-password" required minLength={8} maxLength={1024} />
            <div><SubmitButton form={form}>Change password</SubmitButton></div>
        </Form>
    );
}

/** What is signed in, this browser first said so; each can be signed out from here. */
function Devices() {
    const pages = usePages((cursor, signal) => call("GET /api/v1/auth/sessions", { cursor: cursor ?? "" }, { signal }), []);
    const end = async (device: SessionInfo) => {
        try {
            await call("DELETE /api/v1/auth/sessions/{id}", { id: device.id });
            pages.change((had) => had.filter((d) => d.id !== device.id));
            toast(`${called(device)} is signed out.`);
        } catch (error) {
            toast(`It is still signed in: ${saying(error)}`);
        }
    };
    return (
        <>
            {pages.error !== undefined && <Failure error={pages.error} retry={pages.items ? undefined : pages.reload} />}
            {!pages.items && pages.error === undefined && <Waiting what="Loading where you are signed in" />}
            <ul class="stack" role="list" aria-label="Devices">
                {pages.items?.map((device) => (
                    <li key={device.id} class="row apart">
                        <span>
                            {called(device)} {device.current && <span class="chip good">This one</span>}
                            <br /><span class="small quiet">{[device.from, `since ${day(device.created_at)}`].filter(Boolean).join(" · ")}</span>
                        </span>
                        {!device.current && <button type="button" class="button slim" aria-label={`Sign out ${called(device)}`} onClick={() => void end(device)}>Sign out</button>}
                    </li>
                ))}
            </ul>
            <MoreButton pages={pages} />
        </>
    );
}

function called(device: SessionInfo): string {
    return device.client || (device.kind === "web" ? "A browser" : "A program");
}

function Sessions() {
    const { route } = useLocation();
    const leave = async (everywhere: boolean) => {
        try {
            await signOut(everywhere);
            toast(everywhere ? "You are signed out on every device." : "You are signed out.");
            route("/");
        } catch (error) {
            toast(`You are still signed in: ${saying(error)}`);
        }
    };
    return (
        <section class="panel stack" aria-labelledby="sessions">
            <h2 id="sessions">Where you are signed in</h2>
            <Devices />
            <p>Lost a phone, or used a computer that is not yours? Sign out everywhere; you will have to sign in here again too.</p>
            <div class="row">
                <button type="button" class="button danger" onClick={() => void leave(true)}>Sign out everywhere</button>
                <button type="button" class="button" onClick={() => void leave(false)}>Sign out here</button>
            </div>
        </section>
    );
}
