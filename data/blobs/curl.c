/* curl - see curl.h */
#include "data/blobs/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>

static struct curl loaded;
static bool is_loaded;

static void curl_load_once(void)
{
    void *lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    CURLcode (*global_init)(long flags) = NULL;
    const struct {
        const char *name;
        void **to;
    } symbols[] = {
        { "curl_global_init", (void **)&global_init },
        { "curl_easy_init", (void **)&loaded.init },
        { "curl_easy_cleanup", (void **)&loaded.cleanup },
        { "curl_easy_reset", (void **)&loaded.reset },
        { "curl_easy_setopt", (void **)&loaded.setopt },
        { "curl_easy_perform", (void **)&loaded.perform },
        { "curl_easy_getinfo", (void **)&loaded.getinfo },
        { "curl_slist_append", (void **)&loaded.slist_append },
        { "curl_slist_free_all", (void **)&loaded.slist_free },
        { "curl_easy_strerror", (void **)&loaded.strerror },
    };

    is_loaded = lib != NULL;
    for (size_t i = 0; is_loaded && i < sizeof(symbols) / sizeof(*symbols); i++)
        is_loaded = (*symbols[i].to = dlsym(lib, symbols[i].name)) != NULL;
    is_loaded = is_loaded && global_init(CURL_GLOBAL_ALL) == CURLE_OK;
}

const struct curl *curl_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, curl_load_once);
    return is_loaded ? &loaded : NULL;
}
