"""What every emitter needs: C names, C strings, files that are only rewritten when they change."""
import os

BANNER = "/* Generated from {source} by schemas/compile. Change the schema, not this file. */\n"

KEYWORDS = set("""auto break case char const continue default do double else enum extern float for goto if inline int long
register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true false
NULL errno stdin stdout stderr asm typeof main""".split())


class SchemaError(Exception):
    """A sentence for whoever wrote the schema, that begins with the file and the place."""


def quote(text):
    """A C string literal; NULL for None."""
    if text is None:
        return "NULL"
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return '"' + "".join(out) + '"'


def long_quote(text, indent="    "):
    """A C string of many lines, one literal a line."""
    lines = text.splitlines(keepends=True) or [""]
    return "\n".join(indent + quote(line).replace("\\012", "\\n") for line in lines)


def comment(text, indent=""):
    """A C comment of at most 110 columns."""
    words, lines, line = text.replace("*/", "* /").split(), [], indent + "/*"
    for word in words:
        if len(line) + 1 + len(word) > 107:
            lines.append(line)
            line = indent + " *"
        line += " " + word
    return "\n".join(lines + [line + " */"]) + "\n"


def fill(first, parts, last, indent="      "):
    """Parts of an initializer, as many to a line as 112 columns hold."""
    lines, line = [], first
    for i, part in enumerate(parts):
        piece = part + (", " if i < len(parts) - 1 else "")
        if len(line) + len(piece.rstrip()) > 112 and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += piece
    return "\n".join(lines + [line + last])


def macro(name):
    return name.upper().replace(".", "_").replace("-", "_")


def write(folder, name, text):
    """Writes a file unless it holds exactly that already, so that nothing is rebuilt in vain."""
    path = os.path.join(folder, name)
    try:
        with open(path, encoding="utf-8") as f:
            if f.read() == text:
                return
    except FileNotFoundError:
        pass
    os.makedirs(folder, exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
