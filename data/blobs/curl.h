/* curl - libcurl, loaded when it is first needed: a process that has no use for it does not carry it. */
#pragma once

#include <curl/curl.h>

struct curl {
    CURL *(*init)(void);
    void (*cleanup)(CURL *easy);
    void (*reset)(CURL *easy);
    CURLcode (*setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*perform)(CURL *easy);
    CURLcode (*getinfo)(CURL *easy, CURLINFO info, ...);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free)(struct curl_slist *list);
    const char *(*strerror)(CURLcode code);
};

/* NULL: this host has none. Any thread; it stays loaded. */
const struct curl *curl_load(void);
