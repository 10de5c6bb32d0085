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

void xml_encode_fault(enum api_protocol protocol, const char *xml_namespace,
		      const struct api_fault *fault, const char *request_id, struct text *out);

#endif
