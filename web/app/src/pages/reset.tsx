// A forgotten password: the page that asks for a mail, and, with the token of its link, the one that sets a new password.
import { useLocation } from "preact-iso/router";
import { useState } from "preact/hooks";
import { call } from "../api/http";
import { Field, Form, SubmitButton, useForm } from "../parts/field";
import { Notice } from "../parts/notice";
import { Heading, usePage } from "../parts/page";

export function Reset() {
    const token = useLocation().query["token"];
    return <div class="column panel stack">{token ? <NewPassword token={token} /> : <AskForMail />}</div>;
}

function AskForMail() {
    usePage("Forgotten password");
    const [asked, setAsked] = useState(false);
    const form = useForm(async (data) => {
        await call("POST /api/v1/auth/reset", { email: String(data.get("email")).trim() });
        setAsked(true);
    });
    return (
        <>
            <Heading>Forgotten password</Heading>
            {asked
                ? <Notice kind="good" alert><p>If there is an account with this address, a mail is on its way. Its link is good for twenty minutes.</p></Notice>
                : <Form form={form}>
                    <Field form={form} name="email" label="E-mail address" type="email" autoComplete="username" required maxLength={254} />
                    <SubmitButton form={form}>Mail me a link</SubmitButton>
                </Form>}
        </>
    );
}

function NewPassword({ token }: { token: string }) {
    usePage("New password");
    const [done, setDone] = useState(false);
    const form = useForm(async (data) => {
        await call("POST /api/v1/auth/reset/finish", { token, password: String(data.get("password")) });
        setDone(true);
    });
    return (
        <>
            <Heading>New password</Heading>
            {done
                ? <><Notice kind="good" alert><p>Your password is changed, and every device is signed out.</p></Notice><p><a class="button main" href="/signin">Sign in</a></p></>
                : <Form form={form}>
                    <Field form={form} name="password" label="New password" hint="At least 8 characters; a few words are better than one with signs."
                        type="password" autoComplete="new-password" required minLength={8} maxLength={1024} />
                    <SubmitButton form={form}>Set password</SubmitButton>
                </Form>}
        </>
    );
}
