import { render } from "preact";
import { followEvents } from "./api/events";
import { loadSession } from "./api/session";
import { App } from "./app";

followEvents();
void loadSession();
render(<App />, document.getElementById("app")!);
