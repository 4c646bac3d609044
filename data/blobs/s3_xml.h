/* s3_xml - the answers of an S3 store: small documents of elements and text.
 *
 * They come from a network: whatever is not such a document is refused, and nothing is read beyond it. Attributes are passed
 * over; a document type, processing instructions (but the one in front), CDATA and entities other than the five of XML and
 * numbers are refused: no store sends them. */
#pragma once

#include "schemas/wire/bytes.h"

enum {
    S3_XML_DEPTH = 8,
    S3_XML_NAME = 64,
    S3_XML_PATH = S3_XML_DEPTH * (S3_XML_NAME + 1),
    S3_XML_TEXT = 2048, /* of one element, at most */
};

/* At the end of each element: where it stands ("ListBucketResult/Contents/Key"), and its text ("" for one that has others within,
 * and nothing but space between them). Anything but 0 ends the walk with that. */
typedef int s3_xml_fn(void *ctx, const char *path, const char *text);

/* ERR_MALFORMED: it is none. */
int s3_xml_walk(struct bytes document, s3_xml_fn *fn, void *ctx);
