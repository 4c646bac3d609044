import { useLocation } from "preact-iso/router";
import { call } from "../api/http";
import { signIn } from "../api/session";
import { Field, Form, SubmitButton, useForm } from "../parts/field";
import { Heading, usePage } from "../parts/page";
import { toast } from "../parts/toasts";
import { safeNext } from "./sign-in";

export function Register() {
    usePage("Create an account");
    const { query, route } = useLocation();
    const next = safeNext(query["next"]);
    const form = useForm(async (data) => {
        const email = String(data.get("email")).trim();
        const password = String(data.get("password"));
        const user = await call("POST /api/v1/auth/register", { email, password, name: String(data.get("name")).trim() });
        try {
            await signIn(email, password);
            toast(user.verified ? "Your account is open." : "Your account is open. If a mail comes, follow its link to verify your address.");
            route(next, true);
        } catch {
            toast("Your account is open. Sign in to use it.");
            route("/signin", true);
        }
    });
    return (
        <div class="column panel stack">
            <Heading>Create an account</Heading>
            <Form form={form} label="Create an account">
                <Field form={form} name="name" label="Name" hint="Shown to others beside what you upload." autoComplete="name" required maxLength={120} />
                <Field form={form} name="email" label="E-mail address" hint="Not shown to others." type="email" autoComplete="username" required maxLength={254} />
                <Field form={form} name="password" label="Password" hint="At least 8 characters; a few words are better than one with signs."
                    type="password" autoComplete="new-password" required minLength={8} maxLength={1024} />
                <SubmitButton form={form} wide>Create account</SubmitButton>
            </Form>
            <p>Have one already? <a href={`/signin?next=${encodeURIComponent(next)}`}>Sign in</a></p>
        </div>
    );
}
