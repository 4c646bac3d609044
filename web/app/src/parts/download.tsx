// The files of a video that the visitor may keep: a size of its pictures, and one of its sounds where there are several.
import type { Download as File, Video } from "#api";
import { call } from "../api/http";
import { useLoad } from "../lib/use-load";
import { Icon } from "./icon";
import { Failure, Waiting } from "./notice";
import { Sheet } from "./sheet";

export function Download({ video, onClose }: { video: Video; onClose: () => void }) {
    const { data, error, reload } = useLoad((signal) => call("GET /api/v1/videos/{id}/downloads", { id: video.id }, { signal }), [video.id]);
    const files = data?.items ?? [];
    const sounds = [...new Set(files.map((file) => file.sound ?? ""))];
    return (
        <Sheet title="Download" onClose={onClose}>
            <div class="stack">
                {error !== undefined ? <Failure error={error} retry={reload} /> : !data && <Waiting what="Loading what there is" />}
                {sounds.map((sound) => (
                    <section key={sound} class="stack tight" aria-label={sound || "Without sound"}>
                        {sounds.length > 1 && <h3>{sound}</h3>}
                        <div class="row">{files.filter((file) => (file.sound ?? "") === sound).map((file) => <Link key={file.url} file={file} />)}</div>
                    </section>
                ))}
            </div>
        </Sheet>
    );
}

function Link({ file }: { file: File }) {
    const { width = 0, height = 0, filename = "" } = file;
    return <a class="button" href={file.url} download={filename}><Icon name="download" size={18} />{width ? `${Math.min(width, height)}p` : "Sound"}</a>;
}
