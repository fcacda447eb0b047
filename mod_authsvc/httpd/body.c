/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"

#include <apr_buckets.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#define FIRST_OCTETS 2048

typedef struct {
    request_rec *r;
    apr_size_t limit;
    char *octets;
    apr_size_t len;
    apr_size_t room;
    int complete;
    authsvc_error_t *err;
} reader_t;

static authsvc_error_t *too_large(request_rec *r, apr_size_t limit)
{
    return AUTHSVC_ERROR(r->pool, AUTHSVC_E_TOO_LARGE, NULL, NULL,
                         "request body of more than %" APR_SIZE_T_FMT " octets", limit);
}

/* @return 0 if there is no usable one; what is wrong with it httpd finds while reading */
static int content_length(const request_rec *r, apr_off_t *length)
{
    const char *text = apr_table_get(r->headers_in, "Content-Length");
    char *end;

    if (!text || apr_table_get(r->headers_in, "Transfer-Encoding")) {
        return 0;
    }
    return apr_strtoff(length, text, &end, 10) == APR_SUCCESS && end > text && !*end &&
           *length >= 0;
}

/* Double the room, so that a large body is not copied once for each small piece. */
static void make_room(reader_t *reader, apr_size_t more)
{
    apr_size_t room = reader->room ? reader->room : FIRST_OCTETS;
    char *octets;

    while (room < reader->len + more) {
        room *= 2;
    }
    if (room > reader->limit) {
        room = reader->limit;
    }
    if (reader->octets && room == reader->room) {
        return;
    }
    octets = apr_palloc(reader->r->pool, room + 1);
    if (reader->len) {
        memcpy(octets, reader->octets, reader->len);
    }
    reader->octets = octets;
    reader->room = room;
}

static apr_status_t take_bucket(reader_t *reader, apr_bucket *bucket)
{
    const char *data;
    apr_size_t len;
    apr_status_t rv;

    if (APR_BUCKET_IS_EOS(bucket)) {
        reader->complete = 1;
        return APR_SUCCESS;
    }
    if (AP_BUCKET_IS_ERROR(bucket)) {
        return APR_EGENERAL;
    }
    if (APR_BUCKET_IS_METADATA(bucket)) {
        return APR_SUCCESS;
    }
    rv = apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ);
    if (rv != APR_SUCCESS || len == 0) {
        return rv;
    }
    if (len > reader->limit - reader->len) {
        return APR_ENOSPC;
    }
    make_room(reader, len);
    memcpy(reader->octets + reader->len, data, len);
    reader->len += len;
    return APR_SUCCESS;
}

static apr_status_t read_all(reader_t *reader)
{
    request_rec *r = reader->r;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_status_t rv = APR_SUCCESS;
    apr_bucket *bucket;

    while (rv == APR_SUCCESS && !reader->complete) {
        rv = ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES, APR_BLOCK_READ,
                            HUGE_STRING_LEN);
        for (bucket = APR_BRIGADE_FIRST(bb);
             rv == APR_SUCCESS && !reader->complete && bucket != APR_BRIGADE_SENTINEL(bb);
             bucket = APR_BUCKET_NEXT(bucket)) {
            rv = take_bucket(reader, bucket);
        }
        apr_brigade_cleanup(bb);
    }
    apr_brigade_destroy(bb);
    return rv;
}

static authsvc_body_outcome_t explain(reader_t *reader, apr_status_t rv)
{
    request_rec *r = reader->r;

    r->connection->keepalive = AP_CONN_CLOSE;
    if (rv == AP_FILTER_ERROR) {
        return AUTHSVC_BODY_ANSWERED;
    }
    if (r->connection->aborted || APR_STATUS_IS_EOF(rv) || APR_STATUS_IS_INCOMPLETE(rv) ||
        APR_STATUS_IS_ECONNRESET(rv) || APR_STATUS_IS_ECONNABORTED(rv) ||
        APR_STATUS_IS_EPIPE(rv)) {
        return AUTHSVC_BODY_GONE;
    }
    switch (ap_map_http_request_error(rv, HTTP_BAD_REQUEST)) {
    case HTTP_REQUEST_ENTITY_TOO_LARGE:
        reader->err = too_large(r, reader->limit);
        break;
    case HTTP_REQUEST_TIME_OUT:
        reader->err = AUTHSVC_ERROR(r->pool, AUTHSVC_E_INVALID, NULL,
                                    "The request body did not arrive in time.",
                                    "body: %" APR_SIZE_T_FMT " octets, then a time-out",
                                    reader->len);
        break;
    default:
        reader->err = AUTHSVC_ERROR(r->pool, AUTHSVC_E_INVALID, NULL,
                                    "The request body could not be read.",
                                    "body: %" APR_SIZE_T_FMT " octets, then status %d",
                                    reader->len, rv);
        break;
    }
    return AUTHSVC_BODY_REFUSED;
}

authsvc_body_outcome_t authsvc_body_read(request_rec *r, apr_size_t limit, const char **body,
                                         apr_size_t *len, authsvc_error_t **err)
{
    reader_t reader = {r, limit, NULL, 0, 0, 0, NULL};
    apr_off_t declared;
    apr_status_t rv;

    *body = NULL;
    *len = 0;
    if (content_length(r, &declared)) {
        if ((apr_uint64_t)declared > limit) {
            r->connection->keepalive = AP_CONN_CLOSE;
            *err = too_large(r, limit);
            return AUTHSVC_BODY_REFUSED;
        }
        make_room(&reader, (apr_size_t)declared);
    }
    rv = read_all(&reader);
    if (rv != APR_SUCCESS) {
        authsvc_body_outcome_t outcome = explain(&reader, rv);

        *err = reader.err;
        return outcome;
    }
    if (reader.len) {
        reader.octets[reader.len] = '\0';
        *body = reader.octets;
        *len = reader.len;
    }
    return AUTHSVC_BODY_READ;
}

void authsvc_body_skip(request_rec *r, apr_size_t limit)
{
    apr_off_t declared;

    if (apr_table_get(r->headers_in, "Transfer-Encoding") ||
        (content_length(r, &declared) && (apr_uint64_t)declared > limit)) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
}
