/* Which route an address belongs to, and which methods it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "web/front/router.h"

static struct arena *arena;
static struct buf methods;

static const char *find(const char *method, const char *text)
{
    struct router_path path;
    const struct route *route;

    buf_reset(&methods);
    if (!router_split(arena, text, &path))
        return "too long";
    route = router_find(method, &path, &methods);
    return route ? route->call : NULL;
}

static void every_route_is_found_by_its_own_pattern(void **state)
{
    for (size_t i = 0; i < routes_n; i++) {
        const char *call = find(routes[i].method, routes[i].pattern);

        assert_non_null(call);
        assert_string_equal(call, routes[i].call);
    }
}

static void literal_words_come_before_parameters(void **state)
{
    assert_string_equal(find("GET", "/api/v1/users/me"), "auth.get_me");
    assert_string_equal(find("GET", "/api/v1/users/you"), "auth.get_user");
    assert_string_equal(find("HEAD", "/api/v1/videos"), "catalog.list_videos");
}

static void what_is_nobodys_is_not_found(void **state)
{
    static const char *const paths[] = { "/",
                                         "/api",
                                         "/api/v1/video",
                                         "/api/v1/videos/",
                                         "/api/v1/videos/a/b/c",
                                         "/api/v1/videosx",
                                         "/api/v1/users/",
                                         "/API/v1/videos",
                                         "/xapi/v1/videos" };

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        assert_null(find("GET", paths[i]));
        assert_int_equal(methods.len, 0);
    }
    assert_string_equal(find("GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"), "too long");
}

static void other_methods_are_named(void **state)
{
    assert_null(find("PUT", "/api/v1/videos"));
    assert_string_equal(buf_text(&methods), "GET, HEAD, POST");
    assert_null(find("PUT", "/api/v1/users/me"));
    assert_string_equal(buf_text(&methods), "GET, HEAD, PATCH");
    assert_null(find("POST", "/api/v1/videos/video_x"));
    assert_non_null(strstr(buf_text(&methods), "PATCH"));
    assert_non_null(strstr(buf_text(&methods), "DELETE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_found_by_its_own_pattern),
        cmocka_unit_test(literal_words_come_before_parameters),
        cmocka_unit_test(what_is_nobodys_is_not_found),
        cmocka_unit_test(other_methods_are_named),
    };
    int r;

    arena = arena_new();
    r = cmocka_run_group_tests(tests, NULL, NULL);
    buf_free(&methods);
    arena_free(&arena);
    return r;
}
