"""Makes the film that ops/up --demo uploads: a wall of lamps, as on a bus, that says what Kinobus is; sound, chapters, and subtitles
that say what to look at.

    python3 ops/demo/film.py            writes ops/demo/Welcome_to_Kinobus.mp4, which is kept in the tree

FFmpeg's command line draws it all; nothing in it was ever filmed or recorded. It is CC0: see
LICENCE beside this file.
"""
import os
import subprocess
import tempfile

WIDE, HIGH, LAMP, FPS, SCENE_S = 160, 90, 8, 24, 6
DRIFT_FPS = 3       # of the colours: what stands still costs nothing
AMBER, FONT = "0xffc53d", "/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf"       # of Debian's fonts-dejavu-core
SCENES = [  # chapter, lines on the wall and how high its letters are, chord in Hz, what the subtitle says
    ("Kinobus", ["KINOBUS"], 34, (110, 220, 277.18, 329.63), "This film was uploaded a moment ago, and could be watched before all of it was encoded."),
    ("Many machines, one film", ["MANY MACHINES", "ONE FILM"], 19, (92.5, 185, 277.18, 369.99),
     "Every few seconds of it are a job of their own. Start a worker on another host, and it takes some."),
    ("Nothing in limbo", ["NOTHING", "IN LIMBO"], 24, (73.42, 220, 293.66, 369.99), "Signed in, My videos, Why: what each video waits for, since when, and who is at it."),
    ("All of it visible", ["ALL OF IT", "VISIBLE"], 24, (82.41, 207.65, 246.94, 329.63), "kinobus tail shows each message that made this film, back to its upload."),
]
SECONDS = SCENE_S * len(SCENES)


def lines(n):
    """The scene's words, in the middle of the wall; they glow up and go out."""
    _, texts, size, *_ = SCENES[n]
    begin, end = n * SCENE_S, (n + 1) * SCENE_S
    glow = f"clip(min(t-{begin}\\,{end}-t)*1.6\\,0\\,1)"
    pitch = size * 1.2
    for i, text in enumerate(texts):
        y = f"{HIGH / 2 + (i - len(texts) / 2) * pitch + pitch / 2:.0f}-{size * 0.36:.0f}"
        yield (f"drawtext=fontfile={FONT}:text='{text}':fontsize={size}:fontcolor={AMBER}:x=(w-tw)/2:y={y}:alpha='{glow}':"
               f"enable='between(t\\,{begin}\\,{end})'")


def picture():
    """Colours that drift, and words, a lamp a pixel; each lamp is a dot that is brightest in its middle."""
    words = ",".join(line for n in range(len(SCENES)) for line in lines(n))
    size = f"{WIDE * LAMP}x{HIGH * LAMP}"
    middle = (LAMP - 1) / 2
    dot = f"255*clip(1.5-hypot(mod(X\\,{LAMP})-{middle}\\,mod(Y\\,{LAMP})-{middle})/2.8\\,0.12\\,1)"
    return (f"gradients=s={WIDE}x{HIGH}:r={DRIFT_FPS}:d={SECONDS}:n=4:c0=0x0b1d3a:c1=0x12596b:c2=0x7a3b12:c3=0x1a1030:speed=0.02:seed=7:type=spiral,fps={FPS},"
            f"format=gbrp,{words},scale={size}:flags=neighbor,format=gbrp[lit];"
            f"nullsrc=s={size}:r={FPS}:d={SECONDS},format=gray,trim=end_frame=1,geq=lum='{dot}',loop=-1:1:0,setpts=N/{FPS}/TB,format=gbrp[lamps];"
            f"[lit][lamps]blend=all_mode=multiply:shortest=1,format=yuv420p[v]")


def sound():
    """A chord a scene, that swells and goes."""
    parts = []
    for n, (_, _, _, chord, _) in enumerate(SCENES):
        tones = "+".join(f"{0.055 if i else 0.08}*sin(2*PI*{hz}*t)*(1+0.3*sin(2*PI*{0.4 + 0.17 * i:.2f}*t))" for i, hz in enumerate(chord))
        parts.append(f"aevalsrc='{tones}':s=48000:d={SCENE_S},afade=t=in:d=1.2,afade=t=out:st={SCENE_S - 1.5}:d=1.5,aformat=channel_layouts=stereo[a{n}]")
    return ";".join(parts) + ";" + "".join(f"[a{n}]" for n in range(len(SCENES))) + f"concat=n={len(SCENES)}:v=0:a=1[a]"


def stamp(s):
    return f"00:00:{s:02d},500"


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, name) for name in ("chapters.txt", "words.srt")]
        with open(names[0], "w", encoding="utf-8") as f:
            f.write(";FFMETADATA1\n" + "".join(f"[CHAPTER]\nTIMEBASE=1/1\nSTART={n * SCENE_S}\nEND={(n + 1) * SCENE_S}\ntitle={scene[0]}\n"
                                               for n, scene in enumerate(SCENES)))
        with open(names[1], "w", encoding="utf-8") as f:
            f.write("".join(f"{n + 1}\n{stamp(n * SCENE_S)} --> {stamp((n + 1) * SCENE_S - 1)}\n{scene[4]}\n\n" for n, scene in enumerate(SCENES)))
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", names[0], "-i", names[1], "-filter_complex", picture() + ";" + sound(),
                        "-map", "[v]", "-map", "[a]", "-map", "1:s", "-map_chapters", "0", "-t", str(SECONDS),
                        "-c:v", "libx264", "-preset", "veryslow", "-crf", "34", "-g", str(FPS * SCENE_S), "-colorspace", "bt709", "-color_primaries", "bt709",
                        "-color_trc", "bt709", "-c:a", "aac", "-b:a", "64k", "-c:s", "mov_text", "-metadata:s:a:0", "language=eng",
                        "-metadata:s:s:0", "language=eng", "-movflags", "+faststart", "-fflags", "+bitexact", "-flags", "+bitexact",
                        os.path.join(here, "Welcome_to_Kinobus.mp4")], check=True)


if __name__ == "__main__":
    main()
