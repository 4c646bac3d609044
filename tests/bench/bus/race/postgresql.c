/* PostgreSQL as a queue: rows of one table, copied in many at a time; deleted where no other worker holds them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "tests/bench/bus/race/driver.h"

static PGresult *postgresql_run(PGconn *c, const char *sql, int n, const char *const *values)
{
    PGresult *result = PQexecParams(c, sql, n, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        race_fail("postgresql: %s", PQerrorMessage(c));
    return result;
}

static void *postgresql_open(const struct race *race)
{
    PGconn *c = PQconnectdb(race->where);

    if (PQstatus(c) != CONNECTION_OK)
        race_fail("postgresql: %s", PQerrorMessage(c));
    PQclear(postgresql_run(c, "SET client_min_messages = warning", 0, NULL));
    PQclear(postgresql_run(c, "CREATE TABLE IF NOT EXISTS jobs (id bigserial PRIMARY KEY, body text NOT NULL)", 0,
                           NULL));
    return c;
}

/* One COPY, so one transaction, for a whole window of rows: the fastest that a producer with so many at hand can do. */
static void postgresql_publish(void *ctx, const struct race *race, uint64_t n)
{
    for (uint64_t done = 0; done < n;) {
        uint64_t now = n - done < race->window ? n - done : race->window;
        PGresult *result = PQexec(ctx, "COPY jobs (body) FROM STDIN");

        if (PQresultStatus(result) != PGRES_COPY_IN)
            race_fail("postgresql: %s", PQerrorMessage(ctx));
        PQclear(result);
        for (uint64_t i = 0; i < now; i++)
            if (PQputCopyData(ctx, race->body, (int)race->size) != 1 || PQputCopyData(ctx, "\n", 1) != 1)
                race_fail("postgresql: %s", PQerrorMessage(ctx));
        if (PQputCopyEnd(ctx, NULL) != 1)
            race_fail("postgresql: %s", PQerrorMessage(ctx));
        while ((result = PQgetResult(ctx)) != NULL) {
            if (PQresultStatus(result) != PGRES_COMMAND_OK)
                race_fail("postgresql: %s", PQerrorMessage(ctx));
            PQclear(result);
        }
        done += now;
    }
}

static void postgresql_take(void *ctx, const struct race *race, uint64_t n)
{
    char limit[24];
    const char *values[] = { limit };

    snprintf(limit, sizeof limit, "%u", race->window);
    for (uint64_t done = 0; done < n;) {
        PGresult *result = postgresql_run(
            ctx,
            "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs ORDER BY id LIMIT $1::int "
            "FOR UPDATE SKIP LOCKED) RETURNING body",
            1, values);

        if (PQntuples(result) == 0)
            race_fail("postgresql: nothing to take");
        done += (uint64_t)PQntuples(result);
        PQclear(result);
    }
}

static void postgresql_close(void *ctx)
{
    PQfinish(ctx);
}

const struct driver driver_postgresql = {
    .name = "postgresql",
    .open = postgresql_open,
    .publish = postgresql_publish,
    .take = postgresql_take,
    .close = postgresql_close,
};
