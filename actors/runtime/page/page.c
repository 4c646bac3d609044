#include "actors/runtime/page/page.h"

#include <sodium.h>

#include "gen/errors.h"

#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

const char *page_cursor_text(struct arena *arena, struct bytes at)
{
    size_t size = sodium_base64_encoded_len(at.len, BASE64);
    char *text = arena_alloc(arena, size);
    if (at.len > PAGE_CURSOR_MOST)
        return "";
    return sodium_bin2base64(text, size, at.data, at.len, BASE64);
}

int page_cursor_read(struct arena *arena, const char *text, struct bytes *ret_at)
{
    *ret_at = (struct bytes) { 0 };
    if (!text || !*text)
        return 0;
    unsigned char *bytes = arena_alloc(arena, PAGE_CURSOR_MOST);
    size_t len;
    if (sodium_base642bin(bytes, PAGE_CURSOR_MOST, text, strlen(text), NULL, &len, NULL, BASE64) != 0)
        return ERR_INVALID;
    *ret_at = bytes_of(bytes, len);
    return 0;
}
