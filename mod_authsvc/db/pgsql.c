/* SPDX-License-Identifier: Apache-2.0 */
#include "pgsql.h"

#include <apr_strings.h>
#include <errno.h>
#include <libpq-events.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/*
 * libpq, never blocking for longer than a deadline. Nothing is sent beside the statements:
 * time-outs on the server's side (statement_timeout, idle_in_transaction_session_timeout,
 * client_connection_check_interval) belong to the role, by ALTER ROLE.
 */

/* A statement that was prepared on this connection, in the generation that knows it. */
typedef struct {
    unsigned number;
    unsigned generation;
} prepared_t;

typedef enum { COLLECT_DONE, COLLECT_DEADLINE, COLLECT_LOST } collect_t;

/* Parameters in the wire's form. */
typedef struct {
    Oid oids[AUTHSVC_DB_MAX_PARAMS];
    const char *values[AUTHSVC_DB_MAX_PARAMS];
    int lengths[AUTHSVC_DB_MAX_PARAMS];
    int formats[AUTHSVC_DB_MAX_PARAMS];
    char octets[AUTHSVC_DB_MAX_PARAMS][16];
} wire_t;

static pgsql_session_t *session_of(const authsvc_db_conn_t *conn)
{
    return conn->session;
}

/*
 * The connection is of no use any more. shutdown() and a read are all that may be done to it:
 * PQcancel blocks on a server that does not answer, and PQreset and PQfinish are not ours to call.
 */
static void give_up(pgsql_session_t *session)
{
    int fd = PQsocket(session->pg);

    session->bad = 1;
    if (fd < 0) {
        return;
    }
    shutdown(fd, SHUT_RDWR);
    for (int i = 0; i < 64 && PQstatus(session->pg) == CONNECTION_OK; i++) {
        if (!PQconsumeInput(session->pg)) {
            break;
        }
    }
}

/* @return what is possible now; 0 after the deadline */
static int wait_socket(const PGconn *pg, short events, apr_time_t deadline)
{
    for (;;) {
        struct pollfd entry = {.fd = PQsocket(pg), .events = events};
        int left = authsvc_db_milliseconds_left(deadline);
        int n;

        if (entry.fd < 0) {
            return POLLERR;
        }
        if (left == 0) {
            return 0;
        }
        n = poll(&entry, 1, left);
        if (n > 0) {
            return entry.revents;
        }
        if (n < 0 && errno != EINTR) {
            return 0;
        }
    }
}

static int is_error(const PGresult *pg_result)
{
    ExecStatusType status = PQresultStatus(pg_result);
    return status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY;
}

static int flush(PGconn *pg, apr_time_t deadline, collect_t *outcome)
{
    int rest;

    while ((rest = PQflush(pg)) != 0) {
        int ready;

        if (rest < 0) {
            /* What the server said before it went may still be there to read. */
            return 1;
        }
        ready = wait_socket(pg, POLLIN | POLLOUT, deadline);
        if (ready == 0) {
            *outcome = COLLECT_DEADLINE;
            return 0;
        }
        if ((ready & POLLIN) && !PQconsumeInput(pg)) {
            return 1;
        }
    }
    return 1;
}

/*
 * Read all results of what was sent, until the server is ready for more: an implicit transaction
 * commits only after its last row, so an error may follow a result. Keeps the first error, else
 * the last result.
 */
static collect_t collect(pgsql_session_t *session, apr_time_t deadline, PGresult **kept)
{
    PGconn *pg = session->pg;
    collect_t outcome = COLLECT_LOST;
    int alive = 1;

    *kept = NULL;
    if (!flush(pg, deadline, &outcome)) {
        give_up(session);
        return outcome;
    }
    for (;;) {
        PGresult *next;

        while (alive && PQisBusy(pg)) {
            if (wait_socket(pg, POLLIN, deadline) == 0) {
                give_up(session);
                return COLLECT_DEADLINE;
            }
            alive = PQconsumeInput(pg);
        }
        next = PQgetResult(pg);
        if (!next) {
            break;
        }
        if (*kept && is_error(*kept)) {
            PQclear(next);
        } else {
            PQclear(*kept);
            *kept = next;
        }
        if (PQresultStatus(*kept) == PGRES_COPY_IN || PQresultStatus(*kept) == PGRES_COPY_OUT) {
            give_up(session);
            return COLLECT_DONE;
        }
    }
    if (PQstatus(pg) != CONNECTION_OK) {
        give_up(session);
        return COLLECT_LOST;
    }
    return COLLECT_DONE;
}

/* The error of a statement that got no complete answer. */
static authsvc_error_t *cut_off(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *name,
                                collect_t outcome, const PGresult *last)
{
    const char *fate = conn->unsent ? "it was not sent" : "its outcome is unknown";
    authsvc_error_t *err;

    conn->lost = 1;
    if (outcome == COLLECT_DEADLINE) {
        err = AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                            "statement \"%s\" was not answered before the deadline: %s", name,
                            fate);
    } else {
        err = AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                            "the database connection was lost at statement \"%s\": %s: %s", name,
                            fate, authsvc_pgsql_message(ctx->pool, session_of(conn)->pg));
    }
    err->unknown_outcome = !conn->unsent;
    if (last && PQresultErrorField(last, PG_DIAG_SQLSTATE)) {
        authsvc_error_cause(err, authsvc_pgsql_error(ctx->pool, name, last));
    }
    return err;
}

/* Collect after a send that libpq took (or did not: sent is its return value). */
static authsvc_error_t *answer(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *name,
                               int sent, apr_time_t deadline, PGresult **pg_result)
{
    pgsql_session_t *session = session_of(conn);
    collect_t outcome = COLLECT_LOST;

    *pg_result = NULL;
    if (sent) {
        outcome = collect(session, deadline, pg_result);
    } else {
        give_up(session);
    }
    if (outcome != COLLECT_DONE) {
        authsvc_error_t *err = cut_off(conn, ctx, name, outcome, *pg_result);

        PQclear(*pg_result);
        *pg_result = NULL;
        return err;
    }
    if (!*pg_result) {
        give_up(session);
        return AUTHSVC_INTERNAL(ctx->pool, "statement \"%s\" had no result", name);
    }
    return NULL;
}

static void encode_number(apr_int64_t number, char *octets)
{
    apr_uint64_t rest = (apr_uint64_t)number;

    for (int i = 7; i >= 0; i--) {
        octets[i] = (char)(rest & 0xff);
        rest >>= 8;
    }
}

static int encode(const authsvc_db_value_t *value, wire_t *wire, int i)
{
    char *octets = wire->octets[i];

    wire->formats[i] = 1;
    wire->values[i] = octets;
    wire->lengths[i] = 8;
    switch (value->type) {
    case AUTHSVC_DB_TEXT:
        wire->oids[i] = 0;
        wire->formats[i] = 0;
        wire->values[i] = value->text;
        break;
    case AUTHSVC_DB_INT:
        wire->oids[i] = PG_INT8;
        encode_number(value->integer, octets);
        break;
    case AUTHSVC_DB_BOOL:
        wire->oids[i] = PG_BOOL;
        octets[0] = value->integer != 0 ? 1 : 0;
        wire->lengths[i] = 1;
        break;
    case AUTHSVC_DB_UUID:
        wire->oids[i] = PG_UUID;
        wire->lengths[i] = AUTHSVC_UUID_OCTETS;
        if (!value->null && !authsvc_uuid_parse(value->text, (unsigned char *)octets)) {
            return 0;
        }
        break;
    case AUTHSVC_DB_BYTES:
        wire->oids[i] = PG_BYTEA;
        if (value->size > 0x3fffffff) {
            return 0;
        }
        wire->values[i] = value->text;
        wire->lengths[i] = (int)value->size;
        break;
    case AUTHSVC_DB_TIME:
        wire->oids[i] = PG_TIMESTAMPTZ;
        if (value->integer < APR_INT64_MIN + PG_EPOCH) {
            return 0;
        }
        encode_number(value->integer - PG_EPOCH, octets);
        break;
    }
    if (value->null) {
        wire->values[i] = NULL;
    }
    return 1;
}

static authsvc_error_t *prepare(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                const authsvc_statement_t *statement, const char *sql,
                                const wire_t *wire, apr_time_t deadline, char name[48])
{
    pgsql_session_t *session = session_of(conn);
    prepared_t *entry = apr_hash_get(session->prepared, &statement, STATEMENT_KEY);
    PGresult *pg_result;
    authsvc_error_t *err;

    if (!entry) {
        const authsvc_statement_t **key = apr_palloc(conn->pool, STATEMENT_KEY);

        *key = statement;
        entry = apr_pcalloc(conn->pool, sizeof(*entry));
        entry->number = apr_hash_count(session->prepared);
        entry->generation = session->generation - 1;
        apr_hash_set(session->prepared, key, STATEMENT_KEY, entry);
    }
    /* The generation is part of the name: one that a DISCARD left behind is not in the way. */
    snprintf(name, 48, "authsvc_%u_%u", entry->number, session->generation);
    if (entry->generation == session->generation) {
        return NULL;
    }
    err = answer(conn, ctx, statement->name,
                 PQsendPrepare(session->pg, name, sql, statement->n_params, wire->oids), deadline,
                 &pg_result);
    if (err) {
        return err;
    }
    if (is_error(pg_result)) {
        err = authsvc_pgsql_error(ctx->pool, statement->name, pg_result);
    } else {
        entry->generation = session->generation;
    }
    PQclear(pg_result);
    return err;
}

static authsvc_error_t *run_once(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                 const authsvc_statement_t *statement, const char *sql,
                                 const wire_t *wire, int named, apr_time_t deadline,
                                 PGresult **pg_result)
{
    pgsql_session_t *session = session_of(conn);
    int n = statement->n_params;
    char name[48];
    int sent;

    *pg_result = NULL;
    conn->unsent = 1;
    if (named) {
        AUTHSVC_TRY(prepare(conn, ctx, statement, sql, wire, deadline, name));
    }
    if (PQstatus(session->pg) == CONNECTION_OK) {
        conn->unsent = 0;
    }
    if (named) {
        sent = PQsendQueryPrepared(session->pg, name, n, wire->values, wire->lengths,
                                   wire->formats, 1);
    } else {
        sent = PQsendQueryParams(session->pg, sql, n, wire->oids, wire->values, wire->lengths,
                                 wire->formats, 1);
    }
    return answer(conn, ctx, statement->name, sent, deadline, pg_result);
}

/* Whether the server has forgotten (DISCARD ALL), or must plan anew, what was prepared. */
static int is_stale(const PGresult *pg_result)
{
    return authsvc_pgsql_has_sqlstate(pg_result, PG_SQLSTATE_NO_STATEMENT) ||
           authsvc_pgsql_has_sqlstate(pg_result, PG_SQLSTATE_PLAN_CHANGED);
}

static authsvc_error_t *pgsql_run(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                  const authsvc_statement_t *statement,
                                  const authsvc_db_value_t *params, apr_time_t deadline,
                                  authsvc_db_result_t **result)
{
    pgsql_session_t *session = session_of(conn);
    const char *sql = authsvc_db_statement_sql(statement, conn->driver);
    /* In a transaction a name that was forgotten would cost all of it, so none is used there. */
    int named = conn->db->prepared_statements && PQtransactionStatus(session->pg) == PQTRANS_IDLE;
    authsvc_error_t *err;
    PGresult *pg_result;
    wire_t wire;

    if (!sql) {
        return AUTHSVC_INTERNAL(ctx->pool, "statement \"%s\" has no text for PostgreSQL",
                                statement->name);
    }
    for (int i = 0; i < statement->n_params; i++) {
        if (!encode(&params[i], &wire, i)) {
            return AUTHSVC_INTERNAL(ctx->pool, "statement \"%s\": parameter $%d is out of range",
                                    statement->name, i + 1);
        }
    }
    AUTHSVC_TRY(run_once(conn, ctx, statement, sql, &wire, named, deadline, &pg_result));
    if (named && is_stale(pg_result)) {
        session->generation++;
        PQclear(pg_result);
        /* Without a name: who pools the connection may make it forget one again at any moment. */
        AUTHSVC_TRY(run_once(conn, ctx, statement, sql, &wire, 0, deadline, &pg_result));
    }
    err = is_error(pg_result) ? authsvc_pgsql_error(ctx->pool, statement->name, pg_result)
                              : authsvc_pgsql_result(ctx->pool, statement, pg_result, result);
    PQclear(pg_result);
    return err;
}

/* Run text by the simple protocol. @param tag of the last command, in ctx->pool; may be NULL */
static authsvc_error_t *simple(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *name,
                               const char *sql, apr_time_t deadline, const char **tag)
{
    pgsql_session_t *session = session_of(conn);
    authsvc_error_t *err;
    PGresult *pg_result;

    conn->unsent = PQstatus(session->pg) != CONNECTION_OK;
    err = answer(conn, ctx, name, PQsendQuery(session->pg, sql), deadline, &pg_result);
    if (err) {
        return err;
    }
    if (is_error(pg_result)) {
        err = authsvc_error_made(authsvc_pgsql_error(ctx->pool, name, pg_result));
    } else if (tag) {
        *tag = apr_pstrdup(ctx->pool, PQcmdStatus(pg_result));
    }
    PQclear(pg_result);
    return err;
}

static authsvc_error_t *pgsql_script(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, const char *sql,
                                     apr_time_t deadline)
{
    return simple(conn, ctx, "script", sql, deadline, NULL);
}

static authsvc_error_t *pgsql_begin(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                    apr_time_t deadline)
{
    return simple(conn, ctx, "BEGIN", "BEGIN ISOLATION LEVEL READ COMMITTED", deadline, NULL);
}

static authsvc_error_t *pgsql_commit(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                     apr_time_t deadline)
{
    const char *tag;

    AUTHSVC_TRY(simple(conn, ctx, "COMMIT", "COMMIT", deadline, &tag));
    if (strcmp(tag, "COMMIT") != 0) {
        /* So the server answers the COMMIT of a transaction in which a statement failed. */
        return AUTHSVC_INTERNAL(ctx->pool, "COMMIT was answered with %s", tag);
    }
    return NULL;
}

static void pgsql_settle(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline)
{
    pgsql_session_t *session = session_of(conn);
    PGTransactionStatusType status = PQtransactionStatus(session->pg);

    if (session->bad || (status == PQTRANS_IDLE && PQstatus(session->pg) == CONNECTION_OK)) {
        return;
    }
    if ((status == PQTRANS_INTRANS || status == PQTRANS_INERROR) &&
        !authsvc_db_script(conn, ctx, "ROLLBACK", deadline) &&
        PQtransactionStatus(session->pg) == PQTRANS_IDLE) {
        return;
    }
    give_up(session);
}

static authsvc_db_state_t pgsql_state(const authsvc_db_conn_t *conn)
{
    const pgsql_session_t *session = session_of(conn);

    return session->bad || session->dying || PQstatus(session->pg) != CONNECTION_OK ||
                   PQtransactionStatus(session->pg) != PQTRANS_IDLE
               ? AUTHSVC_DB_BAD
               : AUTHSVC_DB_CLEAN;
}

/* Input on an idle connection is a notice, a notification, a changed setting, or its end. */
static void read_news(pgsql_session_t *session)
{
    for (int i = 0; i < 100 && PQstatus(session->pg) == CONNECTION_OK; i++) {
        struct pollfd entry = {.fd = PQsocket(session->pg), .events = POLLIN};
        PGnotify *news;

        if (poll(&entry, 1, 0) <= 0) {
            return;
        }
        if (!PQconsumeInput(session->pg)) {
            session->bad = 1;
            return;
        }
        (void)PQisBusy(session->pg); /* parses what was read */
        while ((news = PQnotifies(session->pg))) {
            PQfreemem(news);
        }
    }
}

static authsvc_error_t *heal(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx, apr_time_t deadline)
{
    pgsql_session_t *session = session_of(conn);
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;

    session->bad = 1;
    conn->checked = 0;
    if (!PQresetStart(session->pg)) {
        step = PGRES_POLLING_FAILED;
    }
    while (step != PGRES_POLLING_OK) {
        if (step == PGRES_POLLING_FAILED) {
            return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                                 "the database could not be connected: %s",
                                 authsvc_pgsql_message(ctx->pool, session->pg));
        }
        if (wait_socket(session->pg, step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline) ==
            0) {
            return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                                 "the database could not be connected before the deadline");
        }
        step = PQresetPoll(session->pg);
    }
    authsvc_log(ctx->log, AUTHSVC_LOG_INFO, "AS0104", "a lost database connection was opened anew");
    return NULL;
}

static authsvc_error_t *pgsql_ready(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                    apr_time_t deadline)
{
    pgsql_session_t *session = session_of(conn);

    if (!session->bad) {
        read_news(session);
    }
    if (pgsql_state(conn) == AUTHSVC_DB_BAD) {
        AUTHSVC_TRY(heal(conn, ctx, deadline));
    }
    if (!PQisnonblocking(session->pg) && PQsetnonblocking(session->pg, 1) != 0) {
        give_up(session);
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                             "the database connection cannot be made non-blocking");
    }
    return NULL;
}

static authsvc_error_t *pgsql_configure(authsvc_db_conn_t *conn, authsvc_ctx_t *ctx,
                                        apr_time_t deadline)
{
    const char *stored = PQparameterStatus(session_of(conn)->pg, "server_encoding");
    const char *encoding = PQparameterStatus(session_of(conn)->pg, "client_encoding");

    /* In another one a name's length is not what we counted, and not every name can be stored. */
    if (stored && strcmp(stored, "UTF8") != 0) {
        authsvc_log(ctx->log, AUTHSVC_LOG_ERROR, "AS0106",
                    "the database's encoding is %s: make it with createdb -E UTF8 -T template0",
                    stored);
        return AUTHSVC_ERROR(ctx->pool, AUTHSVC_E_UNAVAILABLE, NULL,
                             "The database's encoding is not UTF8: make it with createdb -E UTF8 "
                             "-T template0.",
                             "the database's encoding is %s", stored);
    }
    if (encoding && strcmp(encoding, "UTF8") == 0) {
        return NULL;
    }
    return authsvc_db_script(conn, ctx, "SET client_encoding TO 'UTF8'", deadline);
}

static int on_event(PGEventId id, void *info, void *baton)
{
    (void)baton;
    if (id == PGEVT_CONNRESET) {
        authsvc_db_conn_t *conn = PQinstanceData(((PGEventConnReset *)info)->conn, on_event);

        if (conn) {
            session_of(conn)->generation++;
            session_of(conn)->bad = 0;
            session_of(conn)->dying = 0;
            conn->checked = 0;
        }
    }
    return 1;
}

/* Nothing of the server's chatter is of use, but its last word is: the connection has ended. */
static void on_notice(void *baton, const PGresult *notice)
{
    authsvc_db_conn_t *conn = baton;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);

    if (conn && severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)) {
        session_of(conn)->dying = 1;
    }
}

static authsvc_error_t *pgsql_attach(authsvc_db_conn_t *conn)
{
    pgsql_session_t *session = apr_pcalloc(conn->pool, sizeof(*session));

    session->pg = conn->native;
    session->prepared = apr_hash_make(conn->pool);
    session->generation = 1;
    conn->session = session;
    PQsetNoticeReceiver(session->pg, on_notice, conn);
    /* Refused if it is registered already, since an earlier attach: then the next line works. */
    (void)PQregisterEventProc(session->pg, on_event, "mod_authsvc", NULL);
    if (!PQsetInstanceData(session->pg, on_event, conn)) {
        return AUTHSVC_ERROR(conn->pool, AUTHSVC_E_UNAVAILABLE, NULL, NULL,
                             "libpq refused to watch the database connection");
    }
    return NULL;
}

static void pgsql_detach(authsvc_db_conn_t *conn)
{
    PGconn *pg = session_of(conn)->pg;

    PQsetNoticeReceiver(pg, on_notice, NULL);
    PQsetInstanceData(pg, on_event, NULL);
}

const authsvc_db_driver_t authsvc_db_pgsql = {
    .name = "pgsql",
    .attach = pgsql_attach,
    .detach = pgsql_detach,
    .ready = pgsql_ready,
    .configure = pgsql_configure,
    .run = pgsql_run,
    .script = pgsql_script,
    .begin = pgsql_begin,
    .commit = pgsql_commit,
    .settle = pgsql_settle,
    .state = pgsql_state,
};
