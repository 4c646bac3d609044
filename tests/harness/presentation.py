"""A small presentation that keeps every rule, as a dictionary of names and bytes: two rungs of pictures, a sound, two text
tracks, I-frames, an MPD. Nothing in it can be decoded: headers and times are right, pictures are noise.

    files = Presentation(tfdt_gap=100).files()     # with one thing wrong in the media
    sub(files, "master.m3u8", "LANGUAGE", "LANG")  # or in a text
"""
import struct

FPS, GOP, SCALE = 25, 50, 25
SEGMENTS = (150, 150, 50)                       # pictures: 6, 6 and 2 seconds
RATE, AAC = 48000, 1024
SOUND = (282, 281, 94)                          # AAC frames, cut where the pictures are


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind.encode()) + body


def full(kind, version, flags, *parts):
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


class Bits:
    def __init__(self):
        self.text = ""

    def u(self, n, value):
        self.text += format(value, f"0{n}b")
        return self

    def ue(self, value):
        code = format(value + 1, "b")
        self.text += "0" * (len(code) - 1) + code
        return self

    def bytes(self):
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        raw = bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8))
        out, zeros = bytearray(), 0
        for b in raw:                           # emulation prevention
            if zeros >= 2 and b <= 3:
                out.append(3)
                zeros = 0
            out.append(b)
            zeros = zeros + 1 if b == 0 else 0
        return bytes(out)


def sps(width, height, profile=100, level=13, progressive=1, transfer=1):
    b = Bits().u(8, profile).u(8, 0).u(8, level).ue(0)
    if profile == 100:
        b.ue(1).ue(0).ue(0).u(1, 0).u(1, 0)
    b.ue(0).ue(2).ue(1).u(1, 0).ue(width // 16 - 1).ue(height // 16 // (1 if progressive else 2) - 1).u(1, progressive)
    if not progressive:
        b.u(1, 0)
    b.u(1, 1).u(1, 0).u(1, 1)                    # direct 8x8, no cropping, VUI
    b.u(1, 0).u(1, 0).u(1, 1).u(3, 5).u(1, 0).u(1, 1).u(8, 1).u(8, transfer).u(8, 1)
    b.u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0).u(1, 0)
    return b"\x67" + b.bytes()


class Presentation:
    """Names of what may be wrong, with what is right."""
    DEFAULTS = {
        "brand": b"iso6", "mvex": True, "samples": False, "duration": 0, "edits": False, "outside": False, "turned": False,
        "aspect": (1, 1), "transfer": 1, "colour": 1, "profile": 100, "level": None, "progressive": 1, "entry": "avc1",
        "sets": True, "loudness": True, "object_type": 2, "channels": 2, "sounds": 1, "scheme": None, "pattern": 0x19,
        "tfdt_gap": 0, "start": 0, "no_tfdt": False, "flags_tfhd": 0x020000, "no_idr": False, "second_idr": True,
        "sets_in_sample": False, "two_runs": False, "fat_first": 0, "iframe_slices": 1, "iframe_extra": 0, "scale": SCALE,
        "sound": SOUND, "sound_size": 120, "late_audio": 0, "late_video": 0,
    }

    def __init__(self, **wrong):
        assert set(wrong) <= set(self.DEFAULTS), wrong
        self.__dict__.update(self.DEFAULTS)
        self.__dict__.update(wrong)

    # ---- inits

    def video_entry(self, width, height):
        unit = sps(width, height, self.profile, self.level or (13 if width == 320 else 30), self.progressive, self.transfer)
        pps = b"\x68\xee\x3c\x80"
        sets = (b"\xe1" + struct.pack(">H", len(unit)) + unit + b"\x01" + struct.pack(">H", len(pps)) + pps) if self.sets \
            else b"\xe0\x00"
        avcc = box("avcC", b"\x01", unit[1:4], b"\xff", sets)
        colour = box("colr", b"nclx", struct.pack(">HHHB", self.colour, self.transfer, 1, 0))
        parts = [b"\0" * 6, struct.pack(">H", 1), b"\0" * 16, struct.pack(">HH", width, height), b"\0" * 50, avcc,
                 box("pasp", struct.pack(">II", *self.aspect)), colour]
        if self.scheme:
            parts.append(box("sinf", box("frma", self.entry.encode()), full("schm", 0, 0, self.scheme, b"\0\1\0\0"),
                             box("schi", full("tenc", 1, 0, bytes([0, self.pattern, 1, 0]), b"\0" * 16))))
        return box("encv" if self.scheme else self.entry, *parts)

    def audio_entry(self):
        config = Bits().u(5, self.object_type).u(4, 3).u(4, self.channels).u(4, 3).u(5, 2)
        config.text += "0" * (-len(config.text) % 8)
        config = bytes(int(config.text[i:i + 8], 2) for i in range(0, len(config.text), 8))
        specific = b"\x05" + bytes([len(config)]) + config
        decoder = b"\x04" + bytes([13 + len(specific)]) + b"\x40\x15" + b"\0" * 11 + specific
        es = b"\x03" + bytes([3 + len(decoder)]) + b"\0\0\0" + decoder
        return box("mp4a", b"\0" * 6, struct.pack(">H", 1), b"\0" * 8, struct.pack(">HHHHI", self.channels, 16, 0, 0, RATE << 16),
                   full("esds", 0, 0, es))

    def init(self, kind, width=0, height=0):
        video = kind == "v"
        matrix = (0, 0x10000, 0, -0x10000 & 0xffffffff, 0, 0, 0, 0, 0x40000000) if self.turned \
            else (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
        count = 1 if self.samples else 0
        stbl = box("stbl", full("stsd", 0, 0, struct.pack(">I", 1), self.video_entry(width, height) if video else self.audio_entry()),
                   full("stts", 0, 0, struct.pack(">I", count), b"\0" * 8 * count), full("stsc", 0, 0, struct.pack(">I", 0)),
                   full("stsz", 0, 0, struct.pack(">II", 0, 0)), full("stco", 0, 0, struct.pack(">I", 0)))
        dref = full("dref", 0, 0, struct.pack(">I", 1), full("url ", 0, 0 if self.outside else 1, b"x\0" if self.outside else b""))
        mdia = box("mdia", full("mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, self.scale if video else RATE, 0, 0x55c4, 0)),
                   full("hdlr", 0, 0, b"\0" * 4, b"vide" if video else b"soun", b"\0" * 13), box("minf", box("dinf", dref), stbl))
        trak = [full("tkhd", 0, 7, struct.pack(">IIIII", 0, 0, 1, 0, self.duration), b"\0" * 16, struct.pack(">9I", *matrix),
                     struct.pack(">II", width << 16, height << 16))]
        if self.edits and video:
            trak.append(box("edts", full("elst", 0, 0, struct.pack(">IIIHH", 1, 0, 40, 1, 0))))
        trak.append(mdia)
        if not video and self.loudness:
            trak.append(box("udta", box("ludt", full("tlou", 0, 0, b"\0" * 8))))
        tracks = 1 if video else self.sounds
        moov = [full("mvhd", 0, 0, struct.pack(">IIII", 0, 0, 1000, self.duration), b"\0" * 80), *[box("trak", *trak)] * tracks]
        if self.mvex:
            moov.append(box("mvex", *[full("trex", 0, 0, struct.pack(">IIIII", 1, 1, 0, 0, 0))] * tracks))
        return box("ftyp", self.brand, b"\0" * 4, self.brand, b"mp41") + box("moov", *moov)

    # ---- segments

    def picture(self, idr, size, slices=1):
        unit = bytes([0x65 if idr else 0x41, 0x88]) + b"\xab" * (size - 2)
        prefix = struct.pack(">I", 6) + b"\x67\x64\x00\x0d\xac\xd9" if self.sets_in_sample else b""
        return prefix + (struct.pack(">I", len(unit)) + unit) * slices

    def fragment(self, number, time, samples, step, video):
        sizes = struct.pack(">%dI" % len(samples), *map(len, samples))
        runs = 2 if self.two_runs and len(samples) > 1 else 1

        def moof(offset):
            head = full("tfhd", 0, self.flags_tfhd | 0x28, struct.pack(">III", 1, step, 0x01010000 if video else 0x02000000))
            times = b"" if self.no_tfdt else full("tfdt", 1, 0, struct.pack(">Q", time))
            trun = [full("trun", 1, 0x205 if video else 0x201, struct.pack(">Ii", len(samples), offset),
                         struct.pack(">I", 0x02000000) if video else b"", sizes)]
            if runs == 2:
                trun = [full("trun", 1, 0x201, struct.pack(">Ii", 1, offset), sizes[:4]),
                        full("trun", 1, 0x200, struct.pack(">I", len(samples) - 1), sizes[4:])]
            return box("moof", full("mfhd", 0, 0, struct.pack(">I", number)), box("traf", head, times, *trun))
        whole = moof(len(moof(0)) + 8)
        return whole + box("mdat", *samples), len(whole) + 8 + len(samples[0])

    def video(self, name, size):
        """Segments of a rung, and of each GOP: segment, offset, bytes of its I-frame."""
        files, ranges, first, number = {}, [], 0, 0
        for index, pictures in enumerate(SEGMENTS, 1):
            data = b""
            for at in range(0, pictures, GOP):
                number += 1
                samples = [self.picture(i == 0 and not (self.no_idr and index == 2 and at == 0) and (self.second_idr or at == 0),
                                        size * 4 if i == 0 else size, self.iframe_slices if i == 0 else 1) for i in range(GOP)]
                if index == 1 and at == 0 and self.fat_first:
                    samples[0] = self.picture(True, self.fat_first)
                time = self.start + self.late_video * (name == "b") + first + (self.tfdt_gap if number > 3 else 0)
                step = self.scale // FPS
                part, cut = self.fragment(number, time * step, samples, step, True)
                ranges.append((index, len(data), cut + self.iframe_extra))
                data += part
                first += GOP
            files[f"v/{name}/{index:06}.m4s"] = data
        return files, ranges

    def audio(self, name, size):
        files, first = {}, self.late_audio
        for index, frames in enumerate(self.sound, 1):
            samples = [b"\x21" + b"\xcd" * (size - 1)] * frames
            files[f"a/{name}/{index:06}.m4s"] = self.fragment(index, first * AAC, samples, AAC, False)[0]
            first += frames
        return files

    # ---- texts

    def media_playlist(self, names, seconds):
        lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:6", "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-MEDIA-SEQUENCE:1",
                 '#EXT-X-MAP:URI="init.mp4"']
        for name, length in zip(names, seconds):
            lines += [f"#EXTINF:{length:.5f},", name]
        return "\n".join(lines + ["#EXT-X-ENDLIST"]) + "\n"

    def iframe_playlist(self, ranges):
        lines = ["#EXTM3U", "#EXT-X-VERSION:5", "#EXT-X-TARGETDURATION:2", "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-I-FRAMES-ONLY",
                 '#EXT-X-MAP:URI="init.mp4"']
        for segment, offset, size in ranges:
            lines += ["#EXTINF:2.00000,", f"#EXT-X-BYTERANGE:{size}@{offset}", f"{segment:06}.m4s"]
        return "\n".join(lines + ["#EXT-X-ENDLIST"]) + "\n"

    def text(self, files, name):
        head = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n"
        across = "00:00:05.000 --> 00:00:07.000\nacross\n\n"
        files[f"t/{name}/1.vtt"] = (head + "00:01.000 --> 00:02.000\nfirst\n\n" * (name == "full") + across).encode()
        files[f"t/{name}/2.vtt"] = (head + across).encode()
        files[f"t/{name}/index.m3u8"] = ("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:8\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                                         "#EXTINF:6.00000,\n1.vtt\n#EXTINF:8.00000,\n2.vtt\n#EXT-X-ENDLIST\n").encode()

    def files(self):
        files, rates = {}, {}
        names = [f"{i:06}.m4s" for i in range(1, 4)]
        seconds = [n / FPS for n in SEGMENTS]
        for name, width, height, size in (("a", 320, 192, 60), ("b", 640, 384, 300)):
            made, ranges = self.video(name, size)
            files.update(made)
            files[f"v/{name}/init.mp4"] = self.init("v", width, height)
            files[f"v/{name}/index.m3u8"] = self.media_playlist(names, seconds).encode()
            files[f"v/{name}/iframe.m3u8"] = self.iframe_playlist(ranges).encode()
            rates[name] = self.rate([len(made[f"v/{name}/{n}"]) for n in names], seconds)
            rates["i" + name] = self.rate([r[2] for r in ranges], [2.0] * len(ranges), 2)
        sound = self.audio("en", self.sound_size)
        files.update(sound)
        lengths = [n * AAC / RATE for n in self.sound]
        files["a/en/init.mp4"] = self.init("a")
        files["a/en/index.m3u8"] = self.media_playlist(names, lengths).encode()
        rates["en"] = self.rate([len(sound[f"a/en/{n}"]) for n, _ in zip(names, lengths)], lengths)
        for name in ("full", "forced"):
            self.text(files, name)
        texts = max(self.rate([len(files[f"t/{name}/{i}.vtt"]) for i in (1, 2)], [6, 8], 8) for name in ("full", "forced"))
        files["master.m3u8"] = self.master(rates, texts).encode()
        files["manifest.mpd"] = self.mpd(rates).encode()
        return files

    def rate(self, sizes, seconds, target=6):
        total = 8 * sum(sizes) / sum(seconds)
        peak = total
        for i in range(len(sizes)):
            for j in range(i + 1, len(sizes) + 1):
                length = sum(seconds[i:j])
                if 0.5 * target <= length <= 1.5 * target + 0.5:
                    peak = max(peak, 8 * sum(sizes[i:j]) / length)
        return round(peak), round(total)

    def codec(self, width):
        return f"avc1.{self.profile:02x}00{self.level or (13 if width == 320 else 30):02x}"

    def master(self, rates, text):
        lines = ["#EXTM3U", "#EXT-X-VERSION:4", "#EXT-X-INDEPENDENT-SEGMENTS",
                 '#EXT-X-SESSION-DATA:DATA-ID="org.example.title",VALUE="A film"',
                 '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,'
                 f'CHANNELS="{self.channels}",URI="a/en/index.m3u8"',
                 '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="sub",NAME="English",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,'
                 'CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog",URI="t/full/index.m3u8"',
                 '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="sub",NAME="Forced",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES,'
                 'URI="t/forced/index.m3u8"']
        for name, size in (("b", "640x384"), ("a", "320x192")):
            peak, average = (rates[name][k] + rates["en"][k] + text[k] for k in (0, 1))
            lines += [f'#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS="{self.codec(int(size[:3]))},'
                      f'mp4a.40.{self.object_type}",RESOLUTION={size},FRAME-RATE=25.000,AUDIO="aac",SUBTITLES="sub",'
                      "CLOSED-CAPTIONS=NONE", f"v/{name}/index.m3u8"]
        for name, size in (("a", "320x192"), ("b", "640x384")):
            lines.append(f'#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={rates["i" + name][0]},AVERAGE-BANDWIDTH={rates["i" + name][1]},'
                         f'CODECS="{self.codec(int(size[:3]))}",RESOLUTION={size},URI="v/{name}/iframe.m3u8"')
        return "\n".join(lines) + "\n"

    def mpd(self, rates):
        def template(folder, scale, lengths):
            rows = "".join(f'<S{" t=" + chr(34) + "0" + chr(34) if i == 0 else ""} d="{d}"/>' for i, d in enumerate(lengths))
            return (f'<SegmentTemplate timescale="{scale}" startNumber="1" initialization="{folder}/$RepresentationID$/init.mp4" '
                    f'media="{folder}/$RepresentationID$/$Number%06d$.m4s">\n<SegmentTimeline>{rows}</SegmentTimeline></SegmentTemplate>')
        video = "".join(f'<Representation id="{name}" codecs="{self.codec(width)}" bandwidth="{rates[name][0]}" width="{width}" '
                        f'height="{height}" frameRate="25/1">\n{template("v", 25, SEGMENTS)}</Representation>\n'
                        for name, width, height in (("a", 320, 192), ("b", 640, 384)))
        return ('<?xml version="1.0" encoding="UTF-8"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
                'profiles="urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019" type="static" '
                f'mediaPresentationDuration="PT{max(14, sum(self.sound) * AAC / RATE):.3f}S" minBufferTime="PT6S">\n<Period id="0">\n'
                '<AdaptationSet contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">\n' + video +
                '</AdaptationSet>\n<AdaptationSet contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1" '
                'lang="en">\n<Label>English</Label>\n<Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>\n'
                f'<Representation id="en" codecs="mp4a.40.{self.object_type}" bandwidth="{rates["en"][0]}" audioSamplingRate="48000">\n'
                + template("a", RATE, [n * AAC for n in self.sound]) + "</Representation></AdaptationSet>\n</Period></MPD>\n")


def sub(files, name, old, new, count=1):
    """One edit of a text; it must be there to be edited."""
    text = files[name].decode()
    assert old in text, (name, old, text)
    files[name] = text.replace(old, new, count).encode()
