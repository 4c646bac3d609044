/* Which addresses are refused: every row of the table at its first and last address, and beside it; what is mapped; what an
 * operator allows; and that no list of networks is read halfway. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "actors/fetcher/guard.h"
#include "gen/errors.h"

static const char *refuses_with(const char *allow, const char *text, uint32_t zone)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(80) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(80), .sin6_scope_id = zone };
    struct guard guard;

    assert_int_equal(guard_read(allow, &guard), 0);
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return guard_refuses(&guard, (const struct sockaddr *)&v4, sizeof(v4));
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return guard_refuses(&guard, (const struct sockaddr *)&v6, sizeof(v6));
}

static bool refused(const char *text)
{
    return refuses_with("", text, 0) != NULL;
}

static void every_network_is_refused_from_its_first_to_its_last_address(void **state)
{
    static const struct {
        const char *first, *last, *before, *behind; /* NULL: what lies there is refused by another row */
    } rows[] = {
        { "0.0.0.0", "0.255.255.255", NULL, "1.0.0.0" },
        { "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0" },
        { "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0" },
        { "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0" },
        { "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0" },
        { "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0" },
        { "192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0" },
        { "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0" },
        { "192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0" },
        { "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0" },
        { "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0" },
        { "198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0" },
        { "203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0" },
        { "224.0.0.0", "255.255.255.255", "223.255.255.255", NULL },
        { "::", "::ffff:ffff", NULL, "::1:0:0" },
        { "::1", "::1", NULL, NULL },
        { "::ffff:0:0:0", "::ffff:0:255.255.255.255", "::fffe:ffff:ffff:ffff", "::ffff:1:0:0" },
        { "64:ff9b::", "64:ff9b::ffff:ffff", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", "64:ff9b::1:0:0" },
        { "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "64:ff9b:0:ffff:ffff:ffff:ffff:ffff",
          "64:ff9b:2::" },
        { "100::", "100::ffff:ffff:ffff:ffff", "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "100:0:0:1::" },
        { "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
          "2001:1::" },
        { "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db7:ffff::", "2001:db9::" },
        { "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:ffff::", "2003::" },
        { "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
          "fe00::" },
        { "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
        { "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL },
        { "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!refused(rows[i].first) || !refused(rows[i].last))
            fail_msg("%s to %s is not refused", rows[i].first, rows[i].last);
        if ((rows[i].before && refused(rows[i].before)) || (rows[i].behind && refused(rows[i].behind)))
            fail_msg("what lies beside %s to %s is refused", rows[i].first, rows[i].last);
    }
    assert_false(refused("93.184.216.34"));
    assert_false(refused("2606:4700::1111"));
}

static void what_is_mapped_is_what_it_is_mapped_to(void **state)
{
    assert_true(refused("::ffff:127.0.0.1"));
    assert_true(refused("::ffff:10.1.2.3"));
    assert_true(refused("::ffff:169.254.169.254"));
    assert_false(refused("::ffff:93.184.216.34"));
}

static void a_zone_is_refused_whatever_the_address(void **state)
{
    assert_non_null(refuses_with("", "2606:4700::1111", 2));
    assert_non_null(refuses_with("fe80::/10", "fe80::1", 2));
}

static void our_own_addresses_are_refused(void **state)
{
    struct ifaddrs *all, *one;
    struct guard guard;
    unsigned n = 0;

    assert_int_equal(guard_read("", &guard), 0);
    assert_int_equal(getifaddrs(&all), 0);
    for (one = all; one; one = one->ifa_next)
        if (one->ifa_addr && (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6)) {
            assert_non_null(guard_refuses(&guard, one->ifa_addr,
                                          one->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                                              : sizeof(struct sockaddr_in6)));
            n++;
        }
    freeifaddrs(all);
    assert_true(n > 0);
}

static void what_is_no_internet_address_is_refused(void **state)
{
    struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "/run/x.sock" };
    struct sockaddr_in cut = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x5db8d822) };
    struct guard guard;

    assert_int_equal(guard_read("0.0.0.0/0, ::/0", &guard), 0);
    assert_non_null(guard_refuses(&guard, (const struct sockaddr *)&path, sizeof(path)));
    assert_null(guard_refuses(&guard, (const struct sockaddr *)&cut, sizeof(cut)));
    assert_non_null(guard_refuses(&guard, (const struct sockaddr *)&cut, 4));
}

static void an_operator_allows_networks_and_nothing_beside_them(void **state)
{
    const char *allow = "10.1.0.0/16, 192.168.7.7,fd12:3456::/33 ::1";

    assert_null(refuses_with(allow, "10.1.0.0", 0));
    assert_null(refuses_with(allow, "10.1.255.255", 0));
    assert_null(refuses_with(allow, "::ffff:10.1.2.3", 0));
    assert_non_null(refuses_with(allow, "10.2.0.0", 0));
    assert_non_null(refuses_with(allow, "10.0.255.255", 0));
    assert_null(refuses_with(allow, "192.168.7.7", 0));
    assert_non_null(refuses_with(allow, "192.168.7.8", 0));
    assert_null(refuses_with(allow, "fd12:3456:7fff::1", 0));
    assert_non_null(refuses_with(allow, "fd12:3456:8000::1", 0));
    assert_null(refuses_with(allow, "::1", 0));
    assert_non_null(refuses_with(allow, "127.0.0.1", 0));
}

static void a_list_that_is_wrong_counts_as_far_as_it_is_right(void **state)
{
    static const char *const wrong[] = { "10.0.0.0/8 10.0.0.0/33", "10.0.0.0/8,fd00::/129",
                                         "10.0.0.0/8 all",         "10.0.0.0/8 10.0.0.0/",
                                         "10.0.0.0/8 10.0.0.0/8x", "10.0.0.0/8 10.0.0",
                                         "10.0.0.0/8 example.org", "10.0.0.0/8 10.0.0.0/-1",
                                         "10.0.0.0/8 fe80::%eth0" };
    struct guard guard;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (guard_read(wrong[i], &guard) != ERR_INVALID)
            fail_msg("%s is taken", wrong[i]);
        assert_int_equal(guard.allowed_n, 1);
    }
    assert_int_equal(guard_read(" , ", &guard), 0);
    assert_int_equal(guard.allowed_n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_network_is_refused_from_its_first_to_its_last_address),
        cmocka_unit_test(what_is_mapped_is_what_it_is_mapped_to),
        cmocka_unit_test(a_zone_is_refused_whatever_the_address),
        cmocka_unit_test(our_own_addresses_are_refused),
        cmocka_unit_test(what_is_no_internet_address_is_refused),
        cmocka_unit_test(an_operator_allows_networks_and_nothing_beside_them),
        cmocka_unit_test(a_list_that_is_wrong_counts_as_far_as_it_is_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
