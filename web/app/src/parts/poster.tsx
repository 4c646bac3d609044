// The picture of a video in a list. Its address is asked for when the card comes near the window, once per page.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Reply, call } from "../api/http";
import { Icon } from "./icon";

type Pictures = Reply<"GET /api/v1/videos/{id}/poster">;

const known = new Map<string, Promise<Pictures>>();

export function picturesOf(id: string): Promise<Pictures> {
    let asked = known.get(id);
    if (!asked) {
        asked = call("GET /api/v1/videos/{id}/poster", { id }).catch(() => {
            known.delete(id);       // perhaps there will be one later
            return {};
        });
        known.set(id, asked);
    }
    return asked;
}

/** Another poster was chosen. */
export const forgetPictures = (id: string): void => void known.delete(id);

interface PosterProps {
    id: string;
    poster?: number | undefined;    // which of its posters
    url?: string | undefined;       // where it is known already
    has?: boolean | undefined;      // false: there is none to ask for
    sound?: boolean;
    children?: preact.ComponentChildren;
}

export function Poster({ id, poster, url, has, sound = false, children }: PosterProps) {
    const box = useRef<HTMLDivElement>(null);
    const [src, setSrc] = useState(url ?? "");
    useEffect(() => {
        if (url || has === false || !box.current)
            return;
        let gone = false;
        const near = new IntersectionObserver(([seen]) => {
            if (!seen?.isIntersecting)
                return;
            near.disconnect();
            void picturesOf(id).then((found) => gone || setSrc(found.url ?? ""));
        }, { rootMargin: "300px" });
        near.observe(box.current);
        return () => {
            gone = true;
            near.disconnect();
        };
    }, [id, poster, url, has]);
    return (
        <div class="poster" ref={box} style={{ "--hue": hueOf(id) }}>
            <Icon name={sound ? "sound" : "film"} size={40} />
            {src && <img src={src} alt="" loading="lazy" decoding="async" onError={() => setSrc("")} />}
            {children}
        </div>
    );
}

function hueOf(id: string): number {
    let n = 0;
    for (const c of id.slice(-6))
        n = (n * 31 + c.charCodeAt(0)) % 360;
    return n;
}
