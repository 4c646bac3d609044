/* Generated from schemas by schemas/compile. Change the schema, not this file. */
#pragma once

/* The OpenAPI 3.1 document of this build, as JSON. */
extern const char openapi_text[];
