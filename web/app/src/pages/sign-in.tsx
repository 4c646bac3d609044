import { useLocation } from "preact-iso/router";
import { useEffect } from "preact/hooks";
import { Problem } from "../api/http";
import { me, signIn } from "../api/session";
import { Field, Form, SubmitButton, useForm } from "../parts/field";
import { Heading, usePage } from "../parts/page";

/** Only ever a page of this site. */
export function safeNext(next: string | undefined): string {
    return next && /^\/(?![/\\])/.test(next) ? next : "/";
}

export function SignIn() {
    usePage("Sign in");
    const { query, route } = useLocation();
    const next = safeNext(query["next"]);
    useEffect(() => {
        if (me.value)
            route(next, true);
    }, [me.value]);
    const form = useForm(async (data) => {
        try {
            await signIn(String(data.get("email")).trim(), String(data.get("password")));
        } catch (error) {
            throw error instanceof Problem && error.status === 401
                ? new Problem(0, { title: "This e-mail address and password do not belong together.",
                    errors: [{ field: "password", message: "This e-mail address and password do not belong together." }] })
                : error;
        }
    });
    return (
        <div class="column panel stack">
            <Heading>Sign in</Heading>
            <Form form={form} label="Sign in">
                <Field form={form} name="email" label="E-mail address" type="email" autoComplete="username" required maxLength={254} />
                <Field form={form} name="password" label="Password" type="password" autoComplete="current-password" required maxLength={1024} />
                <SubmitButton form={form} wide>Sign in</SubmitButton>
            </Form>
            <p><a href="/reset">Forgotten your password?</a></p>
            <p>No account yet? <a href={`/register?next=${encodeURIComponent(next)}`}>Create one</a></p>
        </div>
    );
}
