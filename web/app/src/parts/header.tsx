// The top of every page: the name, search, and what the visitor may do.
import { useLocation } from "preact-iso/router";
import { saying } from "../api/http";
import { atLeast, me, signOut } from "../api/session";
import { Bell } from "./bell";
import { Drop } from "./drop";
import { Icon } from "./icon";
import { SearchBox } from "./search-box";
import { toast } from "./toasts";

export function Header() {
    return (
        <header class="top">
            <div class="top-in">
                <a class="wordmark" href="/" aria-label="Kinobus, home">KINOBUS</a>
                <SearchBox />
                <nav class="tools" aria-label="Your things">
                    {me.value ? <SignedIn /> : me.value === null && <SignedOut />}
                </nav>
            </div>
        </header>
    );
}

function SignedOut() {
    const { url, path } = useLocation();
    const back = path === "/signin" || path === "/register" ? "" : `?next=${encodeURIComponent(url)}`;
    return <a class="button" href={`/signin${back}`}>Sign in</a>;
}

function SignedIn() {
    const { route } = useLocation();
    const user = me.value!;
    const name = user.name || user.email || "You";
    const leave = async () => {
        try {
            await signOut();
            route("/");
        } catch (error) {
            toast(`You are still signed in: ${saying(error)}`);
        }
    };
    return (
        <>
            {atLeast("creator") && <a class="button main" href="/upload" aria-label="Upload"><Icon name="upload" /><span class="label">Upload</span></a>}
            <Bell key={user.id} />
            <Drop label={`Account of ${name}`} face={<span class="avatar" aria-hidden="true">{[...name][0]?.toUpperCase()}</span>}>
                {() => <>
                    <p class="who"><strong>{name}</strong><br /><span class="small quiet">{user.email}</span></p>
                    <hr />
                    <a href="/mine"><Icon name="film" />My videos</a>
                    <a href="/later"><Icon name="later" />Watch later</a>
                    <a href="/history"><Icon name="back10" />History</a>
                    <a href="/account"><Icon name="person" />Account</a>
                    {atLeast("admin") && <a href="/people"><Icon name="setup" />People</a>}
                    <button type="button" onClick={() => void leave()}><Icon name="out" />Sign out</button>
                </>}
            </Drop>
        </>
    );
}
