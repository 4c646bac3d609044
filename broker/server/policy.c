#include "broker/server/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gen/errors.h"

enum { POLICY_FILE_MAX = 4 * 1024 * 1024 };

#define DAY_MS (24 * 3600 * INT64_C(1000))

static const struct policy_queue queue_defaults = {
    .lease_ms = 30000,
    .attempts = 5,
    .backoff_from_ms = 2000,
    .backoff_to_ms = 300000,
    .max = 1000000,
};

static void *policy_grow(void *rows, size_t n, size_t size)
{
    void *grown = (n & (n - 1)) == 0 ? realloc(rows, (n ? 2 * n : 1) * size) : rows;

    if (!grown)
        abort();
    return grown;
}

static char *policy_copy(const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        abort();
    return copy;
}

static bool policy_number(const char *text, char end, uint64_t *ret, const char **rest)
{
    char *stop;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *ret = strtoull(text, &stop, 10);
    if (errno || *stop != end)
        return false;
    if (rest)
        *rest = stop + 1;
    return true;
}

static bool name_ok(const char *name)
{
    return frame_name_ok(bytes_of_text(name));
}

static bool pattern_ok(const char *pattern)
{
    char plain[BUS_NAME_MAX + 1];
    size_t len = strlen(pattern);

    if (len == 0 || len > BUS_NAME_MAX)
        return false;
    for (size_t i = 0; i <= len; i++) {
        bool alone = (i == 0 || pattern[i - 1] == '.') &&
                     (pattern[i] && (!pattern[i + 1] || pattern[i + 1] == '.'));

        if (pattern[i] == '>' && pattern[i + 1])
            return false;
        plain[i] = (pattern[i] == '*' || pattern[i] == '>') && alone ? 'x' : pattern[i];
    }
    return name_ok(plain);
}

static bool parse_rule(struct policy *policy, char **words, size_t n, bool deny)
{
    struct policy_rule rule = { .deny = deny };

    if (n != 4)
        return false;
    rule.verb = frame_verb_of(bytes_of_text(words[2]));
    if (!rule.verb || !pattern_ok(words[3]) || (strcmp(words[1], "*") != 0 && !name_ok(words[1])))
        return false;
    rule.role = strcmp(words[1], "*") == 0 ? NULL : policy_copy(words[1]);
    rule.pattern = policy_copy(words[3]);
    policy->rules = policy_grow(policy->rules, policy->rules_n, sizeof rule);
    policy->rules[policy->rules_n++] = rule;
    return true;
}

static bool parse_u32(const char *text, uint32_t *ret)
{
    uint64_t n;

    if (!policy_number(text, 0, &n, NULL) || n > UINT32_MAX)
        return false;
    *ret = (uint32_t)n;
    return true;
}

static bool parse_backoff(const char *text, struct policy_queue *queue)
{
    uint64_t from;
    const char *to;

    if (!policy_number(text, ',', &from, &to) || from > UINT32_MAX || !parse_u32(to, &queue->backoff_to_ms))
        return false;
    queue->backoff_from_ms = (uint32_t)from;
    return from <= queue->backoff_to_ms;
}

static bool parse_event(const char *text, char **ret)
{
    if (!name_ok(text) || !strchr(text, '.'))
        return false;
    free(*ret);
    *ret = policy_copy(text);
    return true;
}

static bool parse_queue_word(struct policy_queue *queue, const char *word)
{
    const char *value = strchr(word, '=');
    size_t len = value ? (size_t)(value - word) : 0;
    uint64_t n;

    if (!value)
        return false;
    value++;
#define IS(text) (len == strlen(text) && memcmp(word, text, len) == 0)
    if (IS("lease_ms"))
        return parse_u32(value, &queue->lease_ms) && queue->lease_ms > 0;
    if (IS("attempts"))
        return parse_u32(value, &queue->attempts) && queue->attempts > 0 && queue->attempts < UINT16_MAX;
    if (IS("backoff_ms"))
        return parse_backoff(value, queue);
    if (IS("done"))
        return parse_event(value, &queue->done);
    if (IS("dead"))
        return parse_event(value, &queue->dead);
    if (IS("max"))
        return policy_number(value, 0, &queue->max, NULL);
    return IS("priority") && policy_number(value, 0, &n, NULL);
#undef IS
}

static void queue_free(struct policy_queue *queue)
{
    free(queue->name);
    free(queue->done);
    free(queue->dead);
}

static bool parse_queue(struct policy *policy, char **words, size_t n)
{
    struct policy_queue queue = queue_defaults;
    const struct policy_queue *known;

    if (n < 2 || !name_ok(words[1]))
        return false;
    for (size_t i = 2; i < n; i++) {
        if (!parse_queue_word(&queue, words[i])) {
            queue_free(&queue);
            return false;
        }
    }
    queue.name = policy_copy(words[1]);
    known = policy_queue(policy, bytes_of_text(words[1]));
    if (known) {
        queue_free(&policy->queues[known - policy->queues]);
        policy->queues[known - policy->queues] = queue;
        return true;
    }
    policy->queues = policy_grow(policy->queues, policy->queues_n, sizeof queue);
    policy->queues[policy->queues_n++] = queue;
    return true;
}

static bool parse_stream_word(struct policy_stream *stream, const char *word)
{
    uint64_t n;

    if (strncmp(word, "keep_bytes=", 11) == 0)
        return policy_number(word + 11, 0, &stream->keep_bytes, NULL) && stream->keep_bytes > 0;
    if (strncmp(word, "keep_s=", 7) != 0 || !policy_number(word + 7, 0, &n, NULL) || n > INT64_MAX / 1000)
        return false;
    stream->keep_ms = (int64_t)n * 1000;
    return true;
}

static bool parse_stream(struct policy *policy, char **words, size_t n)
{
    struct policy_stream stream = { .keep_ms = 7 * DAY_MS };

    if (n < 2 || n > 4 || !name_ok(words[1]) || strchr(words[1], '.'))
        return false;
    for (size_t i = 2; i < n; i++) {
        if (!parse_stream_word(&stream, words[i]))
            return false;
    }
    stream.name = policy_copy(words[1]);
    policy->streams = policy_grow(policy->streams, policy->streams_n, sizeof stream);
    policy->streams[policy->streams_n++] = stream;
    return true;
}

static void policy_note(char ***names, size_t *n, const char *name)
{
    *names = policy_grow(*names, *n, sizeof **names);
    (*names)[(*n)++] = policy_copy(name);
}

static bool parse_service(struct policy *policy, char **words, size_t n)
{
    if (n < 2 || n > 3 || !name_ok(words[1]))
        return false;
    if (n == 2)
        return true;
    if (strcmp(words[2], "single") != 0)
        return false;
    policy_note(&policy->singles, &policy->singles_n, words[1]);
    return true;
}

static bool parse_call(struct policy *policy, char **words, size_t n)
{
    if (n != 3 || !name_ok(words[1]) || strcmp(words[2], "reads") != 0)
        return false;
    policy_note(&policy->reads, &policy->reads_n, words[1]);
    return true;
}

static bool parse_line(struct policy *policy, char *line)
{
    char *words[16], *rest = NULL;
    size_t n = 0;

    for (char *word = strtok_r(line, " \t\r", &rest); word; word = strtok_r(NULL, " \t\r", &rest)) {
        if (n == 16)
            return false;
        words[n++] = word;
    }
    if (n == 0 || words[0][0] == '#')
        return true;
    if (strcmp(words[0], "allow") == 0 || strcmp(words[0], "deny") == 0)
        return parse_rule(policy, words, n, words[0][0] == 'd');
    if (strcmp(words[0], "queue") == 0)
        return parse_queue(policy, words, n);
    if (strcmp(words[0], "stream") == 0)
        return parse_stream(policy, words, n);
    if (strcmp(words[0], "service") == 0)
        return parse_service(policy, words, n);
    if (strcmp(words[0], "call") == 0)
        return parse_call(policy, words, n);
    if (strcmp(words[0], "kinobus-policy") == 0)
        return n == 2 && strcmp(words[1], "1") == 0;
    return strcmp(words[0], "value") == 0;
}

int policy_parse(struct policy *policy, const char *text, const char *where, char error[static 256])
{
    char *copy = policy_copy(text), *line = copy;
    unsigned number = 0;
    int r = 0;

    while (line && r == 0) {
        char *end = strchr(line, '\n'), shown[120];

        if (end)
            *end = 0;
        number++;
        snprintf(shown, sizeof shown, "%s", line);
        if (!parse_line(policy, line)) {
            snprintf(error, 256, "%.80s:%u: not a row of a policy: %.100s", where, number, shown);
            r = ERR_INVALID;
        }
        line = end ? end + 1 : NULL;
    }
    free(copy);
    return r;
}

int policy_load(struct policy *policy, const char *path, char error[static 256])
{
    FILE *file = fopen(path, "re");
    char *text;
    size_t len;
    int r;

    if (!file) {
        snprintf(error, 256, "%.160s: %s", path, strerror(errno));
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    text = malloc(POLICY_FILE_MAX);
    if (!text)
        abort();
    len = fread(text, 1, POLICY_FILE_MAX, file);
    if (ferror(file) || len == POLICY_FILE_MAX || memchr(text, 0, len)) {
        snprintf(error, 256, "%.160s: unreadable, larger than %d bytes, or not a text", path, POLICY_FILE_MAX);
        r = ERR_IO;
    } else {
        text[len] = 0;
        r = policy_parse(policy, text, path, error);
    }
    free(text);
    fclose(file);
    return r;
}

static void policy_forget(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

void policy_free(struct policy *policy)
{
    for (size_t i = 0; i < policy->rules_n; i++) {
        free(policy->rules[i].role);
        free(policy->rules[i].pattern);
    }
    for (size_t i = 0; i < policy->queues_n; i++)
        queue_free(&policy->queues[i]);
    for (size_t i = 0; i < policy->streams_n; i++)
        free(policy->streams[i].name);
    policy_forget(policy->singles, policy->singles_n);
    policy_forget(policy->reads, policy->reads_n);
    free(policy->rules);
    free(policy->queues);
    free(policy->streams);
    *policy = (struct policy) { 0 };
}

bool policy_match(const char *pattern, struct bytes name)
{
    const char *at = name.data, *end = at + name.len;

    while (*pattern) {
        if (pattern[0] == '>' && !pattern[1])
            return at < end;
        if (pattern[0] == '*' && (!pattern[1] || pattern[1] == '.')) {
            if (at == end || *at == '.')
                return false;
            while (at < end && *at != '.')
                at++;
            pattern++;
        } else if (at < end && *pattern == *at) {
            pattern++;
            at++;
        } else {
            return false;
        }
    }
    return at == end;
}

static bool rule_is_for(const struct policy_rule *rule, const char *role, enum frame_verb verb)
{
    return rule->verb == verb && (!rule->role || strcmp(rule->role, role) == 0);
}

const struct policy_rule *policy_decides(const struct policy *policy, const char *role, enum frame_verb verb,
                                         struct bytes name)
{
    const struct policy_rule *allows = NULL;

    for (size_t i = 0; i < policy->rules_n; i++) {
        const struct policy_rule *rule = &policy->rules[i];

        if (!rule_is_for(rule, role, verb) || !policy_match(rule->pattern, name))
            continue;
        if (rule->deny)
            return rule;
        allows = allows ? allows : rule;
    }
    return allows;
}

bool policy_allows(const struct policy *policy, const char *role, enum frame_verb verb, struct bytes name)
{
    const struct policy_rule *rule = policy_decides(policy, role, verb, name);

    return rule && !rule->deny;
}

bool policy_follows(const struct policy *policy, const char *role, struct bytes stream)
{
    for (size_t i = 0; i < policy->rules_n; i++) {
        const struct policy_rule *rule = &policy->rules[i];
        struct bytes first = frame_name_first(bytes_of_text(rule->pattern));

        if (!rule->deny && rule_is_for(rule, role, VERB_FOLLOW) &&
            (bytes_equal(first, stream) || strcmp(rule->pattern, ">") == 0))
            return true;
    }
    return false;
}

const struct policy_queue *policy_queue(const struct policy *policy, struct bytes name)
{
    for (size_t i = 0; i < policy->queues_n; i++) {
        if (bytes_equal(bytes_of_text(policy->queues[i].name), name))
            return &policy->queues[i];
    }
    return NULL;
}

static bool policy_noted(char *const *names, size_t n, struct bytes name)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes_equal(bytes_of_text(names[i]), name))
            return true;
    }
    return false;
}

bool policy_single(const struct policy *policy, struct bytes service)
{
    return policy_noted(policy->singles, policy->singles_n, service);
}

bool policy_reads(const struct policy *policy, struct bytes call)
{
    return policy_noted(policy->reads, policy->reads_n, call);
}
