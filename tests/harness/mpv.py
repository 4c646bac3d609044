"""mpv, as a player without eyes and ears that says what it did not like."""
import re
import subprocess

from patience import PATIENCE

# FFmpeg 5.1 reads no subtitles of HLS, and says so of each; those of DASH it does.
NO_TEXTS = re.compile(r"^\[[^]]+\] (?:hls: )?Can't support the subtitle\(uri: t/[a-z]+-\d+/index\.m3u8\)\n", re.M)
# Of how busy the machine is, not of the film: that sound and pictures are in step is measured from the bytes (c003).
ITS_PACE = re.compile(r"^(?:Audio device underrun detected\.|\nAudio/Video desynchronisation detected!.*\n.*\n.*A-V status field.*\n)\n", re.M)


def play(url, seconds, sound="auto"):
    """Plays that long, as fast as it can. Answers its exit code and its complaints."""
    done = subprocess.run(["mpv", "--no-config", "--vo=null", "--ao=null", "--ao-null-untimed", "--untimed", f"--length={seconds}",
                           "--msg-level=all=warn", f"--aid={sound}", url],
                          capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, ITS_PACE.sub("", NO_TEXTS.sub("", done.stdout + done.stderr))
