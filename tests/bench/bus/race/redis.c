/* Redis Streams: XADD in a pipeline; XREADGROUP, then XACK and XDEL of what was read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis.h>

#include "tests/bench/bus/race/driver.h"

static void *redis_open(const struct race *race)
{
    char host[64];
    int port = race_host(race->where, host);
    redisContext *redis = redisConnect(host, port);

    if (!redis || redis->err)
        race_fail("redis: %s", redis ? redis->errstr : "no memory");
    freeReplyObject(redisCommand(redis, "XGROUP CREATE jobs workers 0 MKSTREAM")); /* refused when it is there */
    return redis;
}

static redisReply *redis_reply(redisContext *redis)
{
    redisReply *reply;

    if (redisGetReply(redis, (void **)&reply) != REDIS_OK)
        race_fail("redis: %s", redis->errstr);
    if (reply->type == REDIS_REPLY_ERROR)
        race_fail("redis: %s", reply->str);
    return reply;
}

static void redis_publish(void *ctx, const struct race *race, uint64_t n)
{
    const char *words[] = { "XADD", "jobs", "*", "body", race->body };
    size_t lengths[] = { 4, 4, 1, 4, race->size };
    uint64_t sent = 0, confirmed = 0;

    while (confirmed < n) {
        while (sent < n && sent - confirmed < race->window) {
            redisAppendCommandArgv(ctx, 5, words, lengths);
            sent++;
        }
        for (void *more = NULL;;) { /* one from the server, then what came with it */
            if (more)
                freeReplyObject(more);
            else
                freeReplyObject(redis_reply(ctx));
            confirmed++;
            if (redisReaderGetReply(((redisContext *)ctx)->reader, &more) != REDIS_OK || !more)
                break;
        }
    }
}

static void redis_take(void *ctx, const struct race *race, uint64_t n)
{
    for (uint64_t done = 0; done < n;) {
        redisReply *reply = redisCommand(ctx, "XREADGROUP GROUP workers one COUNT %u STREAMS jobs >",
                                         race->window);
        redisReply *rows;
        const char **words;
        size_t count;

        if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements < 1)
            race_fail("redis: nothing to take");
        rows = reply->element[0]->element[1];
        count = rows->elements;
        words = calloc(count + 3, sizeof *words);
        if (!words)
            race_fail("no memory");
        for (size_t i = 0; i < count; i++)
            words[i + 3] = rows->element[i]->element[0]->str;
        words[0] = "XACK", words[1] = "jobs", words[2] = "workers";
        redisAppendCommandArgv(ctx, (int)count + 3, words, NULL);
        words[1] = "XDEL", words[2] = "jobs";
        redisAppendCommandArgv(ctx, (int)count + 2, words + 1, NULL);
        freeReplyObject(redis_reply(ctx));
        freeReplyObject(redis_reply(ctx));
        free(words);
        freeReplyObject(reply);
        done += count;
    }
}

static void redis_close(void *ctx)
{
    redisFree(ctx);
}

const struct driver driver_redis = {
    .name = "redis",
    .open = redis_open,
    .publish = redis_publish,
    .take = redis_take,
    .close = redis_close,
};
