// The link in the mail leads here. The token is spent by a press of a button, not by the visit: mail programs visit
// links by themselves.
import { useLocation } from "preact-iso/router";
import { useState } from "preact/hooks";
import { call } from "../api/http";
import { me } from "../api/session";
import { Form, SubmitButton, useForm } from "../parts/field";
import { Notice } from "../parts/notice";
import { Heading, usePage } from "../parts/page";

export function Verify() {
    usePage("Verify your address");
    const token = useLocation().query["token"] ?? "";
    const [done, setDone] = useState(false);
    const form = useForm(async () => {
        const user = await call("POST /api/v1/auth/verify", { token });
        if (me.value?.id === user.id)
            me.value = user;
        setDone(true);
    });
    return (
        <div class="column panel stack">
            <Heading>Verify your e-mail address</Heading>
            {done
                ? <><Notice kind="good" alert><p>Thank you, your address is verified.</p></Notice><p><a class="button main" href="/">All videos</a></p></>
                : token
                    ? <Form form={form}><p>Press the button to finish what the mail began.</p><SubmitButton form={form}>This is my address</SubmitButton></Form>
                    : <p>The link is not complete. Open it from the mail again, or copy all of it.</p>}
        </div>
    );
}
