// Where the index of a film lies. Cameras and phones write it last, and nothing of a film can be decoded before its index is
// there: who sends it first can watch while the rest is on its way.

const HEAD = 16;                // of a box: its length, its kind, and its length again where 32 bits do not hold it
const BOXES = 64;
const MOST = 256 * 1024 * 1024;     // a longer index is none

/** The place from which on a file should be sent first: its index, where that lies behind its pictures. 0: as it is. */
export async function tailOf(file: Blob): Promise<number> {
    let at = 0;
    let media = false;
    try {
        for (let n = 0; n < BOXES && at + HEAD <= file.size; n++) {
            const head = new DataView(await file.slice(at, at + HEAD).arrayBuffer());
            const kind = String.fromCharCode(...[4, 5, 6, 7].map((i) => head.getUint8(i)));
            const short = head.getUint32(0);
            const length = short === 1 ? Number(head.getBigUint64(8)) : short;
            if (n === 0 && kind !== "ftyp")
                return 0;
            if (kind === "moov")
                return media && file.size - at <= MOST ? at : 0;
            media ||= kind === "mdat";
            if (length < 8)
                return 0;
            at += length;
        }
    } catch {
        // a file that cannot be read will tell when it is sent
    }
    return 0;
}
