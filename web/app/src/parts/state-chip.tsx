// The state of a video in a word or two, never by colour alone.
import type { Video, VideoState } from "#api";
import { Icon, type IconName } from "./icon";

const WORDS: Record<VideoState, [string, string, IconName]> = {
    waiting: ["Waiting for its file", "", "wait"],
    uploading: ["Uploading", "wait", "upload"],
    processing: ["Being prepared", "wait", "wait"],
    playable: ["Playable, still being prepared", "wait", "play"],
    ready: ["Ready", "good", "good"],
    failed: ["Failed", "bad", "warn"],
    expired: ["Upload given up", "bad", "warn"],
    trashed: ["In the trash", "", "trash"],
};

export function StateChip({ video }: { video: Video }) {
    const [words, kind, icon] = WORDS[video.state ?? "waiting"];
    return <span class={`chip ${kind}`}><Icon name={icon} size={15} />{words}</span>;
}

export const VISIBILITY: [string, string][] = [
    ["private", "Private: only you"], ["unlisted", "Unlisted: whoever has the link"], ["public", "Public: everybody"],
];
