/*
 * xml: answers of the query and ec2 protocols, led by the operation's shape. Pure.
 *
 *     <CreateRuleResponse xmlns="…"><CreateRuleResult>…</CreateRuleResult>
 *     <ResponseMetadata><RequestId>…</RequestId></ResponseMetadata></CreateRuleResponse>
 *
 * EC2 has no result wrapper, calls its items <item> and lets names begin small.
 */
#ifndef API_XML_H
#define API_XML_H

#include "api/wire.h"

/* ERR_INVALID when the output does not fit the shape: a handler's mistake, named in the log. */
err_t xml_encode(const struct api_service *service, const struct api_operation *operation,
		 json_t *output, const char *request_id, struct text *out);

/*
 * REST-XML: `shape` as one element, its members that travel elsewhere left out. A member whose
 * location is "attr:NAME" is an attribute of its parent. ERR_INVALID as above.
 */
err_t xml_encode_rest(const char *operation, const char *root, const char *xml_namespace,
		      const struct api_shape *shape, json_t *value, struct text *out);

/* <Error>, as S3 writes it. `resource`: the path that was asked for. */
void xml_encode_rest_fault(const struct api_fault *fault, struct bytes resource,
			   const char *request_id, struct text *out);

void xml_encode_fault(enum api_protocol protocol, const char *xml_namespace,
		      const struct api_fault *fault, const char *request_id, struct text *out);

#endif
