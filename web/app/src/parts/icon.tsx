// Our own icons, drawn on a grid of 24 with one pen. They never carry meaning alone: what they stand on has a name.
const PATHS = {
    search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.5 15.5 20 20",
    upload: "M12 16V5M7 9.5 12 4.500l5 5M5 16v2.500A1.5 1.5 0 0 0 6.5 20h11a1.5 1.5 0 0 0 1.5-1.500V16",
    download: "M12 5v11M7 11.500l5 4.500 5-4.500M5 17v1.500A1.5 1.5 0 0 0 6.5 20h11a1.5 1.5 0 0 0 1.5-1.500V17",
    bell: "M6 16.500c1-1.2 1.2-2.8 1.2-5.700a4.8 4.8 0 0 1 9.6 0c0 2.9.2 4.5 1.2 5.700ZM10 19.500a2.2 2.2 0 0 0 4 0",
    close: "M6 6l12 12M18 6 6 18",
    film: "M4 6.500A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.500v11a1.5 1.5 0 0 1-1.5 1.500h-13A1.5 1.5 0 0 1 4 17.500ZM8 5v14M16 5v14M4 9h4M4 15h4M16 9h4M16 15h4",
    sound: "M9 17.500V6l10-2v11.500M9 17.500a2.5 2.5 0 1 1-2.5-2.500A2.5 2.5 0 0 1 9 17.500ZM19 15.500a2.5 2.5 0 1 1-2.5-2.5 2.5 2.5 0 0 1 2.5 2.500Z",
    person: "M12 4.500a3.7 3.7 0 1 0 0 7.4 3.7 3.7 0 0 0 0-7.400ZM5 20c.6-3.6 3.3-5.5 7-5.500s6.4 1.9 7 5.5",
    out: "M14 5H6.500A1.5 1.5 0 0 0 5 6.500v11A1.5 1.5 0 0 0 6.5 19H14M10.5 12H20M16.5 8.5 20 12l-3.5 3.5",
    warn: "M12 4 21 19.500H3ZM12 10v4.500M12 17v.2",
    good: "M5 12.5 10 17.5 19.5 7",
    info: "M12 3.500a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 11v5.500M12 7.500v.2",
    figures: "M4.500 19.500h15M7 16.500v-4M12 16.500V5M17 16.500V9",
    later: "M12 3.500a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 7.500V12l3.5 2.5",
    wait: "M12 3.500A8.5 8.5 0 1 1 3.5 12",
    edit: "M5 19l.8-4L15.5 5.300a1.8 1.8 0 0 1 2.5 0l.7.7a1.8 1.8 0 0 1 0 2.500L9 18.200Z",
    trash: "M5 7h14M9.5 7V4.500h5V7M7 7l.8 12.500h8.400L17 7M10.2 10.500v5.500M13.8 10.500v5.5",
    retry: "M19 12a7 7 0 1 1-2.2-5.100L19 9M19 4.500V9h-4.5",
    lock: "M7 11V8.500a5 5 0 0 1 10 0V11M6 11h12v8.500H6Z",
    link: "M10 14a3.5 3.5 0 0 0 5 0l3.5-3.500a3.5 3.5 0 0 0-5-5L12.5 6.500M14 10a3.5 3.5 0 0 0-5 0l-3.5 3.500a3.5 3.5 0 0 0 5 5l1-1",
    play: "M7.5 5v14L19 12Z",
    pause: "M8 5v14M16 5v14",
    back10: "M8 7.500H5V4.500M5.2 7.300A8 8 0 1 1 4 12.5",
    on10: "M16 7.500h3V4.500M18.8 7.300A8 8 0 1 0 20 12.5",
    loud: "M4 9.500v5h3.500L12 18.500v-13L7.5 9.500ZM15.5 9a4 4 0 0 1 0 6M18 6.500a7.5 7.5 0 0 1 0 11",
    mute: "M4 9.500v5h3.500L12 18.500v-13L7.5 9.500ZM15.5 9.500l5 5M20.5 9.500l-5 5",
    setup: "M4 7h9M17 7h3M15 4.500v5M4 17h3M11 17h9M9 14.500v5M4 12h13M19 12h1",
    help: "M9 9.200A3 3 0 1 1 13 12c-.7.4-1 .9-1 2M12 17v.2M12 3.500a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z",
    pip: "M4 5.500h16v13H4ZM12.5 12H17v3.500h-4.500Z",
    full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
    small: "M9 4v5H4M15 4v5h5M9 20v-5H4M15 20v-5h5",
    light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.500v2M12 19.500v2M2.5 12h2M19.5 12h2M5.3 5.300l1.4 1.400M17.3 17.300l1.4 1.400M18.7 5.300l-1.4 1.400M6.7 17.300l-1.4 1.4",
    dark: "M19.5 14.500A8 8 0 0 1 9.5 4.500a8 8 0 1 0 10 10Z",
} as const;

export type IconName = keyof typeof PATHS;

const FILLED = new Set<IconName>(["play"]);

export function Icon({ name, size = 22, spin = false }: { name: IconName; size?: number; spin?: boolean }) {
    return (
        <svg class={spin ? "spin" : undefined} width={size} height={size} viewBox="0 0 24 24" aria-hidden="true"
            fill={FILLED.has(name) ? "currentColor" : "none"} stroke="currentColor" stroke-width="1.8"
            stroke-linecap="round" stroke-linejoin="round">
            <path d={PATHS[name]} />
        </svg>
    );
}
