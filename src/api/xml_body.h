/*
 * xml_body: XML documents that come in, led by a shape, to the JSON that check.c expects. Pure.
 *
 * libxml2 reads, with no network, no entities and no document type: what has one is refused.
 */
#ifndef API_XML_BODY_H
#define API_XML_BODY_H

#include "api/wire.h"

/*
 * The members of the root element, whatever its name; an empty body is an empty object. Unknown
 * elements are left out. ERR_SYNTAX with *fault "MalformedXML" filled; ERR_NOMEM.
 */
err_t xml_decode(const struct api_shape *shape, struct bytes body, json_t **ret_value,
		 struct api_fault *fault);

#endif
