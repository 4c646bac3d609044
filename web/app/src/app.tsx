// The frame and the routes. The pages are small and come with the frame; the player is not, and comes when it is needed.
import lazy, { ErrorBoundary } from "preact-iso/lazy";
import { LocationProvider, Route, Router } from "preact-iso/router";
import { useState } from "preact/hooks";
import { Header } from "./parts/header";
import { ThemeSelect } from "./parts/theme-select";
import { Toasts } from "./parts/toasts";
import { Account } from "./pages/account";
import { Broken } from "./pages/broken";
import { Home } from "./pages/home";
import { History, Later } from "./pages/lists";
import { Mine } from "./pages/mine";
import { People } from "./pages/people";
import { NotFound } from "./pages/not-found";
import { Register } from "./pages/register";
import { Reset } from "./pages/reset";
import { Search } from "./pages/search";
import { SignIn } from "./pages/sign-in";
import { Upload } from "./pages/upload";
import { Verify } from "./pages/verify";
import { UploadStrip } from "./upload/strip";

const Watch = lazy(() => import("./pages/watch").then((m) => m.Watch));

export function App() {
    const [broken, setBroken] = useState<unknown>();
    const skip = (event: Event) => {
        event.preventDefault();
        document.getElementById("main")?.focus();
    };
    return (
        <LocationProvider>
            <a class="button main skip" href="#main" onClick={skip}>Skip to content</a>
            <Header />
            <main id="main" tabIndex={-1}>
                {broken !== undefined ? <Broken error={broken} /> : (
                    <ErrorBoundary onError={setBroken}>
                        <Router>
                            <Route path="/" component={Home} />
                            <Route path="/search" component={Search} />
                            <Route path="/watch/:id" component={Watch} />
                            <Route path="/signin" component={SignIn} />
                            <Route path="/register" component={Register} />
                            <Route path="/reset" component={Reset} />
                            <Route path="/verify" component={Verify} />
                            <Route path="/upload" component={Upload} />
                            <Route path="/mine" component={Mine} />
                            <Route path="/later" component={Later} />
                            <Route path="/history" component={History} />
                            <Route path="/account" component={Account} />
                            <Route path="/people" component={People} />
                            <Route default component={NotFound} />
                        </Router>
                    </ErrorBoundary>
                )}
            </main>
            <UploadStrip />
            <footer class="foot"><div><span>Kinobus, a video platform of your own · <a href="/licences.txt" target="_blank">Licences</a></span><ThemeSelect /></div></footer>
            <Toasts />
        </LocationProvider>
    );
}
